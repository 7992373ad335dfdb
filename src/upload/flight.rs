//! The frames that were sent: which are in flight, which are given up, and where the device will stand after them.
//!
//! A carrier delivers in order, so an answer to one frame settles every frame sent before it: the device has taken them or
//! they are lost. What the device will ask for next therefore follows from its last answer and from the frames still
//! in flight, in the order they were sent. The next frame to send starts just there. This one rule goes back once per loss,
//! skips what a late answer covers, and never sends twice what is already on its way.

/// How many transmissions are remembered.
const REMEMBERED: usize = 24;

/// What became of a transmission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Flying,
    /// Given up: a later one was answered, or time is over.
    Lost,
    Answered,
}

/// One transmission of one chunk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub offset: u32,
    /// Low half of the time of sending, in milliseconds.
    at: u32,
    pub length: u16,
    pub sequence: u8,
    pub fate: Fate,
}

impl Sent {
    /// The time since it was sent, in milliseconds.
    pub fn age(&self, now: u64) -> u32 {
        (now as u32).wrapping_sub(self.at)
    }

    /// The offset after it.
    pub fn end(&self) -> u32 {
        self.offset + u32::from(self.length)
    }
}

/// The last transmissions, by their order.
#[derive(Debug)]
pub(crate) struct Flight {
    ring: [Sent; REMEMBERED],
    /// How many were sent so far; the order of the next one.
    next_order: u32,
    flying: u32,
}

impl Flight {
    pub fn new() -> Flight {
        let none = Sent { offset: 0, at: 0, length: 0, sequence: 0, fate: Fate::Answered };
        Flight { ring: [none; REMEMBERED], next_order: 0, flying: 0 }
    }

    /// How many are unanswered and not given up.
    pub fn flying(&self) -> u32 {
        self.flying
    }

    /// The order that the next transmission will have.
    pub fn next_order(&self) -> u32 {
        self.next_order
    }

    fn oldest(&self) -> u32 {
        self.next_order.saturating_sub(REMEMBERED as u32)
    }

    fn at(&self, order: u32) -> &Sent {
        &self.ring[order as usize % REMEMBERED]
    }

    pub fn push(&mut self, now: u64, sequence: u8, offset: u32, length: u16) {
        let slot = &mut self.ring[self.next_order as usize % REMEMBERED];
        if slot.fate == Fate::Flying && self.next_order >= REMEMBERED as u32 {
            self.flying -= 1;
        }
        *slot = Sent { offset, at: now as u32, length, sequence, fate: Fate::Flying };
        self.next_order += 1;
        self.flying += 1;
    }

    /// What is in flight, in the order of sending.
    pub fn flying_entries(&self) -> impl Iterator<Item = &Sent> + Clone {
        (self.oldest()..self.next_order).map(|order| self.at(order)).filter(|sent| sent.fate == Fate::Flying)
    }

    /// The latest transmission with this sequence number.
    #[inline]
    pub fn find(&self, sequence: u8) -> Option<(u32, Sent)> {
        (self.oldest()..self.next_order)
            .rev()
            .map(|order| (order, *self.at(order)))
            .find(|(_, sent)| sent.sequence == sequence)
    }

    /// Marks one as answered, and everything sent before it as no longer flying.
    #[inline]
    pub fn settle(&mut self, order: u32) {
        let index = order as usize % REMEMBERED;
        if self.ring[index].fate == Fate::Flying {
            self.flying -= 1;
        }
        self.ring[index].fate = Fate::Answered;
        if self.flying > 0 {
            for earlier in self.oldest()..order {
                self.give_up(earlier);
            }
        }
    }

    fn give_up(&mut self, order: u32) {
        let sent = &mut self.ring[order as usize % REMEMBERED];
        if sent.fate == Fate::Flying {
            sent.fate = Fate::Lost;
            self.flying -= 1;
        }
    }

    /// Marks the answer to one that was given up as seen.
    pub fn answered_late(&mut self, order: u32) {
        self.ring[order as usize % REMEMBERED].fate = Fate::Answered;
    }

    /// Whether one of the transmissions from the order `since` on, as far as they are remembered, ended at this offset.
    pub fn ended_at(&self, offset: u32, since: u32) -> bool {
        (self.oldest().max(since)..self.next_order).any(|order| self.at(order).end() == offset)
    }

    /// Gives up everything.
    pub fn give_up_all(&mut self) {
        for order in self.oldest()..self.next_order {
            self.give_up(order);
        }
    }

    /// The time since the oldest one in flight was sent, in milliseconds; 0 when none is.
    pub fn oldest_age(&self, now: u64) -> u32 {
        self.flying_entries().next().map_or(0, |sent| sent.age(now))
    }

    /// As [`Flight::predict`], with the number of frames that may hold a buffer of the device.
    ///
    /// A frame that the device will not take, because its offset is not the expected one, is dropped as soon as it
    /// arrives. Once it has been under way for `arrives_after` milliseconds, it no longer counts.
    #[inline]
    pub fn outlook(&self, mut expected: u32, now: u64, arrives_after: u32) -> (u32, u32) {
        let mut holding = 0;
        if self.flying > 0 {
            for order in self.oldest()..self.next_order {
                let sent = self.at(order);
                if sent.fate != Fate::Flying {
                    continue;
                }
                if sent.offset == expected {
                    expected = sent.end();
                    holding += 1;
                } else if sent.age(now) < arrives_after {
                    holding += 1;
                }
            }
        }
        (expected, holding)
    }

    /// Where the device will stand when it has taken what is in flight, if it stands at `expected` now.
    #[inline]
    pub fn predict(&self, mut expected: u32) -> u32 {
        if self.flying > 0 {
            for order in self.oldest()..self.next_order {
                let sent = self.at(order);
                if sent.fate == Fate::Flying && sent.offset == expected {
                    expected = sent.end();
                }
            }
        }
        expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three_chunks() -> Flight {
        let mut flight = Flight::new();
        for (sequence, offset) in [(7, 100), (8, 200), (9, 300)] {
            flight.push(0, sequence, offset, 100);
        }
        flight
    }

    #[test]
    fn an_answer_settles_what_was_sent_before_it() {
        let mut flight = three_chunks();
        assert_eq!(flight.predict(100), 400);
        let (order, sent) = flight.find(8).expect("in flight");
        assert_eq!(sent.end(), 300);
        flight.settle(order);
        assert_eq!((flight.flying(), flight.predict(300)), (1, 400));
    }

    #[test]
    fn a_gap_makes_everything_behind_it_useless() {
        let mut flight = three_chunks();
        let (order, _) = flight.find(8).expect("in flight");
        flight.settle(order);
        // The device still stands at 100: the first chunk was lost, and 300 in flight will not be taken.
        assert_eq!(flight.predict(100), 100);
        flight.push(1, 10, 100, 100);
        assert_eq!(flight.predict(100), 200);
    }

    #[test]
    fn the_ring_forgets_the_oldest() {
        let mut flight = Flight::new();
        for n in 0..1000u32 {
            flight.push(u64::from(n), n as u8, n * 10, 10);
        }
        assert_eq!(flight.flying(), REMEMBERED as u32);
        flight.give_up_all();
        assert_eq!(flight.flying(), 0);
        assert_eq!(flight.find(231).map(|(order, _)| order), Some(999));
    }
}
