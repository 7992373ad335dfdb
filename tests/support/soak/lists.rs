//! The image lists that a session has received, as a caller with a sniffer would read them. Raw framing alone.

use ciborium::Value;
use smpfota::simulator::image;

use super::goal::Goal;

/// A frame longer than this is none of ours.
const LONGEST: usize = 4_096;

/// The last list that arrived whole.
#[derive(Debug, Default)]
pub struct Lists {
    partial: Vec<u8>,
    wanted: usize,
    last: Option<Vec<Value>>,
}

fn entry<'a>(map: &'a Value, key: &str) -> Option<&'a Value> {
    map.as_map()?.iter().find(|(k, _)| k.as_text() == Some(key)).map(|(_, value)| value)
}

impl Lists {
    pub fn received(&mut self, bytes: &[u8]) {
        if let [op, _, high, low, 0, 1, _, 0, ..] = bytes
            && matches!(op & 7, 1 | 3)
        {
            self.partial.clear();
            self.wanted = 8 + usize::from(u16::from_be_bytes([*high, *low]));
        } else if self.partial.is_empty() {
            return;
        }
        self.partial.extend_from_slice(bytes);
        if self.wanted > LONGEST || self.partial.len() > self.wanted {
            self.partial.clear();
        } else if self.partial.len() == self.wanted {
            let body: Option<Value> = ciborium::from_reader(&self.partial[8..]).ok();
            if let Some(slots) = body.as_ref().and_then(|b| entry(b, "images")).and_then(Value::as_array) {
                self.last = Some(slots.clone());
            }
            self.partial.clear();
        }
    }

    /// The connection ended; what had come of a frame is worth nothing.
    pub fn cut(&mut self) {
        self.partial.clear();
    }

    /// The last list shows every goal reached: the image active and, unless a trial is all that was wanted, confirmed.
    pub fn show(&self, goals: &[Goal], trial: bool, old: bool) -> bool {
        let Some(slots) = &self.last else { return false };
        goals.iter().all(|goal| {
            let Goal::Runs { number, bytes } = goal else { return false };
            let Some(hash) = [32, 48, 64].into_iter().find_map(|n| image::inspect(bytes, n).ok()) else {
                return false;
            };
            slots.iter().any(|slot| {
                let flag = |key| entry(slot, key).and_then(Value::as_bool) == Some(true);
                let place =
                    |key| entry(slot, key).and_then(Value::as_integer).and_then(|n| usize::try_from(n).ok());
                let runs = flag("active") || (old && *number > 0 && place("slot") == Some(0));
                // Of other images old servers show as confirmed what they would go back to.
                let stays = trial || flag("confirmed") != (old && *number > 0);
                let same = entry(slot, "hash").and_then(Value::as_bytes) == Some(&hash.hash);
                place("image").unwrap_or(0) == *number && runs && stays && same
            })
        })
    }
}
