//! Frames one after the other, without anything between them.

use super::assembly::starts_frame;
use crate::diagnose::glance;

/// How far a body may reach beyond the length that its header tells.
const BEYOND: usize = 1024;

/// Cuts a stream into frames.
#[derive(Debug, Default)]
pub(super) struct Stream {
    waiting: Vec<u8>,
}

impl Stream {
    /// Takes bytes; what is whole goes to `frame`. `last` says that no more come.
    pub(super) fn feed(&mut self, bytes: &[u8], last: bool, frame: &mut impl FnMut(Vec<u8>)) {
        self.waiting.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(rest) = self.waiting.get(at..).filter(|rest| rest.len() >= 8) {
            // A header alone, whose body is empty, is one too.
            if !starts_frame(rest) && !starts_frame(&rest[..8]) {
                // A byte map may not be here yet.
                if rest.len() == 8 && !last {
                    break;
                }
                at += 1;
                continue;
            }
            let need = 8 + usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            if rest.len() < need && !last {
                break;
            }
            let told = &rest[..need.min(rest.len())];
            let mut length = told.len();
            if glance(told, false).is_some_and(|seen| !seen.whole) {
                // The length may be that of another frame.
                if rest.len() < need + BEYOND && !last {
                    break;
                }
                let more = &rest[..rest.len().min(need + BEYOND)];
                length = glance(more, false).map_or(length, |seen| seen.length.clamp(8, more.len()));
            }
            frame(rest[..length].to_vec());
            at += length;
        }
        if last && at < self.waiting.len() {
            frame(self.waiting[at..].to_vec());
            at = self.waiting.len();
        }
        self.waiting.drain(..at);
    }
}
