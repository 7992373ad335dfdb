//! GATT writes put together to frames, with Zephyr's exact rules (`smp_reassembly.c`, `smp_bt.c`): no time limit on
//! a half frame; too many bytes drop it, and the write that was too long with it; all of that in silence.

use super::server::{HEADER, Header};

/// What became of one write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Collected {
    /// More is to come.
    Partial,
    /// A whole frame.
    Frame(Vec<u8>),
    /// Thrown away.
    Dropped,
    /// It starts a frame, and there was no buffer to hold it.
    NoBuffer,
}

/// The frame being put together, if any. It holds one message buffer.
#[derive(Debug, Clone, Default)]
pub(super) struct Reassembly(Option<(Vec<u8>, usize)>);

impl Reassembly {
    pub(super) fn holds_buffer(&self) -> bool {
        self.0.is_some()
    }

    /// A disconnect ends the half frame.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    /// Takes one write. `spare` is an empty vector to collect into.
    pub(super) fn collect(
        &mut self,
        bytes: &[u8],
        buf_size: usize,
        buffer_free: bool,
        spare: impl FnOnce() -> Vec<u8>,
    ) -> Collected {
        if self.0.is_none() {
            let Some(header) = Header::parse(bytes) else { return Collected::Dropped };
            let expected = HEADER + header.length;
            if bytes.len() > buf_size || expected > buf_size || bytes.len() > expected {
                return Collected::Dropped;
            }
            if !buffer_free {
                return Collected::NoBuffer;
            }
            self.0 = Some((spare(), expected));
        }
        match self.0.as_mut() {
            Some((frame, left)) if bytes.len() <= *left => {
                frame.extend_from_slice(bytes);
                *left -= bytes.len();
                if *left > 0 {
                    return Collected::Partial;
                }
            }
            _ => {
                self.0 = None;
                return Collected::Dropped;
            }
        }
        self.0.take().map_or(Collected::Dropped, |(frame, _)| Collected::Frame(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(state: &mut Reassembly, bytes: &[u8]) -> Collected {
        state.collect(bytes, 384, true, Vec::new)
    }

    #[test]
    fn a_cut_write_blocks_the_next_one_too() {
        let mut state = Reassembly::default();
        let mut frame = vec![0, 0, 0, 12, 0, 0, 0, 0];
        frame.resize(20, 1);
        // One byte short: nothing answers; the next write overflows and is lost with it; then all is well.
        assert_eq!(collect(&mut state, &frame[..19]), Collected::Partial);
        assert_eq!(collect(&mut state, &frame), Collected::Dropped);
        assert_eq!(collect(&mut state, &frame), Collected::Frame(frame.clone()));
    }

    #[test]
    fn pieces_join_and_oversize_is_dropped() {
        let mut state = Reassembly::default();
        let mut frame = vec![0, 0, 1, 0, 0, 0, 0, 0];
        frame.resize(264, 1);
        assert_eq!(collect(&mut state, &frame[..244]), Collected::Partial);
        assert!(state.holds_buffer());
        assert_eq!(collect(&mut state, &frame[244..]), Collected::Frame(frame.clone()));
        assert_eq!(collect(&mut state, &frame[..7]), Collected::Dropped);
        frame.push(1);
        assert_eq!(collect(&mut state, &frame), Collected::Dropped);
        assert_eq!(state.collect(&frame[..264], 200, true, Vec::new), Collected::Dropped);
        assert_eq!(state.collect(&frame[..264], 384, false, Vec::new), Collected::NoBuffer);
        assert_eq!(collect(&mut state, &frame[..244]), Collected::Partial);
        state.clear();
        assert!(!state.holds_buffer());
    }
}
