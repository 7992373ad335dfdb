//! Whole sessions: bytes are a script of answers, times and link events (see `script`).

use super::super::script::{Clock, play};

pub fn run(data: &[u8]) {
    play(data, Clock::AsTold, false);
}
