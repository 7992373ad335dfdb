//! Which bytes of a file have arrived.

/// The bytes up to a mark, and pieces beyond it.
#[derive(Debug, Default)]
pub(crate) struct Ranges {
    /// Everything before it is there.
    mark: u32,
    /// Disjoint, in order, all behind the mark.
    beyond: Vec<(u32, u32)>,
}

impl Ranges {
    /// Everything before this offset has arrived.
    pub fn mark(&self) -> u32 {
        self.mark
    }

    /// Notes that the bytes from `start` to `end` arrived.
    pub fn insert(&mut self, start: u32, end: u32) {
        let (mut start, mut end) = (start, end);
        self.beyond.retain(|&(from, to)| {
            let apart = to < start || from > end;
            if !apart {
                start = start.min(from);
                end = end.max(to);
            }
            apart
        });
        if start <= self.mark {
            self.mark = self.mark.max(end);
        } else if start < end {
            let at = self.beyond.partition_point(|&(from, _)| from < start);
            self.beyond.insert(at, (start, end));
        }
    }

    /// The first offset from `offset` on that has not arrived.
    pub fn missing_from(&self, offset: u32) -> u32 {
        let offset = offset.max(self.mark);
        self.beyond.iter().find(|&&(from, to)| (from..to).contains(&offset)).map_or(offset, |&(_, to)| to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_grow_together_in_any_order() {
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]] {
            let mut ranges = Ranges::default();
            for piece in order {
                ranges.insert(piece * 10, piece * 10 + 10);
                ranges.insert(piece * 10, piece * 10 + 10);
            }
            assert_eq!((ranges.mark(), ranges.beyond.len()), (40, 0), "{order:?}");
        }
    }

    #[test]
    fn gaps_are_found() {
        let mut ranges = Ranges::default();
        ranges.insert(0, 10);
        ranges.insert(20, 30);
        assert_eq!(ranges.missing_from(0), 10);
        assert_eq!(ranges.missing_from(15), 15);
        assert_eq!(ranges.missing_from(20), 30);
        ranges.insert(5, 25);
        assert_eq!((ranges.mark(), ranges.missing_from(0)), (30, 30));
    }
}
