//! The writes of one SMP frame, which travel together as long as they were handed over together.

/// One frame in one or more writes, or notifications.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) first: Vec<u8>,
    pub(super) rest: Vec<Vec<u8>>,
}

impl Batch {
    pub(super) fn one(first: Vec<u8>) -> Batch {
        Batch { first, rest: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.first.len() + self.rest.iter().map(Vec::len).sum::<usize>()
    }

    pub(super) fn writes(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(self.first.as_slice()).chain(self.rest.iter().map(Vec::as_slice))
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut Vec<u8>) -> bool) -> bool {
        self.rest.retain_mut(&mut keep);
        if keep(&mut self.first) {
            return true;
        }
        if self.rest.is_empty() {
            return false;
        }
        self.first = self.rest.remove(0);
        true
    }

    /// It starts with an upload request (write, group 1, command 1).
    pub(super) fn is_upload(&self) -> bool {
        matches!(self.first.as_slice(), [op, _, _, _, 0, 1, _, 1, ..] if op & 7 == 2)
    }

    /// It starts with the answer to an upload request.
    pub(super) fn is_upload_answer(&self) -> bool {
        matches!(self.first.as_slice(), [op, _, _, _, 0, 1, _, 1, ..] if op & 7 == 3)
    }
}

/// Puts pieces that come at one instant back together to frames, by the length in the header.
#[derive(Debug, Clone, Default)]
pub(super) struct Gather {
    open: Option<(u64, usize, Batch)>,
}

impl Gather {
    /// When the open frame was begun.
    pub(super) fn since(&self) -> Option<u64> {
        self.open.as_ref().map(|(at, ..)| *at)
    }

    /// Ends the open frame as it is.
    pub(super) fn flush(&mut self) -> Option<(u64, Batch)> {
        self.open.take().map(|(at, _, batch)| (at, batch))
    }

    /// Takes one piece. Gives the frame that was cut short by it, and the frame that it completes.
    pub(super) fn push(&mut self, at: u64, piece: Vec<u8>, lines: bool) -> [Option<(u64, Batch)>; 2] {
        let starts_line = piece.starts_with(&[6, 9]);
        let mut cut = None;
        match &mut self.open {
            Some((since, left, batch)) if *since == at && piece.len() <= *left && !(lines && starts_line) => {
                *left -= piece.len();
                batch.rest.push(piece);
            }
            _ => {
                cut = self.flush();
                let left = match piece.first_chunk::<4>() {
                    _ if lines => usize::MAX / 2,
                    Some([_, _, high, low]) => {
                        let whole = 8 + usize::from(u16::from_be_bytes([*high, *low]));
                        whole.saturating_sub(piece.len())
                    }
                    None => 0,
                };
                self.open = Some((at, left, Batch::one(piece)));
            }
        }
        let done = matches!(self.open, Some((_, 0, _)));
        [cut, if done { self.flush() } else { None }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_one_instant_are_one_frame() {
        let mut gather = Gather::default();
        let head = |len: u16| {
            let mut piece = vec![2, 0, 0, 0, 0, 1, 0, 1];
            piece[2..4].copy_from_slice(&len.to_be_bytes());
            piece
        };
        assert_eq!(gather.push(5, head(0), false), [None, Some((5, Batch::one(head(0))))]);
        assert_eq!(gather.push(5, head(4), false), [None, None]);
        assert_eq!(gather.since(), Some(5));
        let whole = Batch { first: head(4), rest: vec![vec![1; 4]] };
        assert!(whole.is_upload());
        assert_eq!(gather.push(5, vec![1; 4], false), [None, Some((5, whole))]);
        // A frame that stays short is sent as it is when time or the next frame comes.
        gather.push(6, head(100), false);
        assert_eq!(gather.push(7, head(0), false)[0], Some((6, Batch::one(head(100)))));
    }
}
