//! The frames that were sent: which are in flight, which are given up, and where the device will stand after them.
//!
//! A carrier delivers in order, so an answer to one frame settles every frame sent before it: the device has taken them or
//! they are lost. What the device will ask for next therefore follows from its last answer and from the frames still
//! in flight, in the order they were sent. The next frame to send starts just there. This one rule goes back once per loss,
//! skips what a late answer covers, and never sends twice what is already on its way.

use super::batch::MOST_DOUBTFUL;
use std::ops::Range;

/// How many transmissions are remembered: the largest window, and with an ordinary one some that were given up. A power of
/// two, so that an order becomes a place without a division.
pub(super) const REMEMBERED: usize = 16;
/// So many are remembered while all before them were answered: a fleet has many sessions, and most of them lose little.
const REMEMBERED_AT_FIRST: usize = 8;
/// How many are remembered where a call carries many: more than the sequence numbers that may be in doubt, a power of two again.
const REMEMBERED_OF_BATCHES: usize = 256;

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
    answered: bool,
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
///
/// What settles one settles all before it, so those in flight are always the last few: one order tells them all.
#[derive(Debug)]
pub(crate) struct Flight {
    /// The order of the first one in flight; the same as the next one when none is.
    first_flying: u32,
    /// How many were sent so far; the order of the next one.
    next_order: u32,
    ring: Ring,
}

/// Where they are kept. It grows, and never shrinks.
#[derive(Debug)]
enum Ring {
    /// All that were pushed out of it were answered.
    Small([Sent; REMEMBERED_AT_FIRST]),
    Full(Box<[Sent; REMEMBERED]>),
    /// Where a call carries many.
    Batches(Box<[Sent; REMEMBERED_OF_BATCHES]>),
}

impl Ring {
    /// The places: a power of two of them.
    #[inline]
    fn places(&self) -> &[Sent] {
        match self {
            Ring::Small(ring) => ring,
            Ring::Full(ring) => &ring[..],
            Ring::Batches(ring) => &ring[..],
        }
    }

    #[inline]
    fn places_mut(&mut self) -> &mut [Sent] {
        match self {
            Ring::Small(ring) => ring,
            Ring::Full(ring) => &mut ring[..],
            Ring::Batches(ring) => &mut ring[..],
        }
    }
}

/// The place of an order among so many, a power of two.
#[inline]
fn place_of(order: u32, places: usize) -> usize {
    order as usize & (places - 1)
}

const NONE: Sent = Sent { offset: 0, at: 0, length: 0, sequence: 0, answered: true };

impl Flight {
    pub fn new() -> Flight {
        Flight { first_flying: 0, next_order: 0, ring: Ring::Small([NONE; REMEMBERED_AT_FIRST]) }
    }

    /// Remembers as many as calls with many writes need.
    pub fn remember_batches(&mut self) {
        if matches!(self.ring, Ring::Batches(_)) {
            return;
        }
        let mut batches = Box::new([NONE; REMEMBERED_OF_BATCHES]);
        self.copy_to(&mut batches[..]);
        self.ring = Ring::Batches(batches);
    }

    /// One is about to be pushed out whose answer may still come.
    #[cold]
    fn remember_more(&mut self) {
        let mut full = Box::new([NONE; REMEMBERED]);
        self.copy_to(&mut full[..]);
        self.ring = Ring::Full(full);
    }

    fn copy_to(&self, places: &mut [Sent]) {
        let oldest = self.next_order.saturating_sub(self.ring.places().len() as u32);
        for order in self.next_order.saturating_sub(places.len() as u32)..self.next_order {
            // In the place of one that is forgotten stands the oldest that is not: so none is found that was never sent.
            places[place_of(order, places.len())] = *self.at(order.max(oldest));
        }
    }

    /// How many are remembered: with batches no more than can be told apart by their sequence numbers.
    #[inline]
    fn capacity(&self) -> u32 {
        (self.ring.places().len() as u32).min(MOST_DOUBTFUL)
    }

    #[inline]
    fn place(&mut self, order: u32) -> &mut Sent {
        let places = self.ring.places_mut();
        &mut places[place_of(order, places.len())]
    }

    /// How many are unanswered and not given up.
    #[inline]
    pub fn flying(&self) -> u32 {
        self.next_order - self.first_flying
    }

    /// Whether another one would push one out that is in flight.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.flying() >= self.capacity().max(REMEMBERED as u32)
    }

    /// The order that the next transmission will have.
    pub fn next_order(&self) -> u32 {
        self.next_order
    }

    fn remembered(&self) -> Range<u32> {
        self.next_order.saturating_sub(self.capacity())..self.next_order
    }

    #[inline]
    fn at(&self, order: u32) -> &Sent {
        let places = self.ring.places();
        &places[place_of(order, places.len())]
    }

    #[inline]
    pub fn push(&mut self, now: u64, sequence: u8, offset: u32, length: u16) {
        if let Ring::Small(ring) = &self.ring
            && !ring[place_of(self.next_order, REMEMBERED_AT_FIRST)].answered
        {
            self.remember_more();
        }
        *self.place(self.next_order) = Sent { offset, at: now as u32, length, sequence, answered: false };
        self.next_order += 1;
        self.first_flying = self.first_flying.max(self.remembered().start);
    }

    /// What is in flight, in the order of sending.
    #[inline]
    pub fn flying_entries(&self) -> impl Iterator<Item = &Sent> + Clone {
        let places = self.ring.places();
        (self.first_flying..self.next_order).map(move |order| &places[place_of(order, places.len())])
    }

    /// The latest transmission with this sequence number.
    #[inline]
    pub fn find(&self, sequence: u8) -> Option<(u32, Sent)> {
        let places = self.ring.places();
        let found = |order: &u32| places[place_of(*order, places.len())].sequence == sequence;
        if self.flying() > REMEMBERED as u32 {
            // A batch: most answers come in the order of its frames.
            let first = self.first_flying;
            if let Some(order) = (first..first + 4).find(found) {
                return Some((order, *self.at(order)));
            }
        }
        self.remembered().rev().find(found).map(|order| (order, *self.at(order)))
    }

    /// What became of one that is remembered.
    #[inline]
    pub fn fate(&self, order: u32) -> Fate {
        match self.at(order).answered {
            true => Fate::Answered,
            false if order < self.first_flying => Fate::Lost,
            false => Fate::Flying,
        }
    }

    /// Marks one as answered, and everything sent before it as no longer flying. Returns how many that settled.
    #[inline]
    pub fn settle(&mut self, order: u32) -> u32 {
        self.answered_late(order);
        let before = self.first_flying;
        self.first_flying = before.max(order + 1);
        self.first_flying - before
    }

    /// Marks the answer to one that was given up as seen.
    #[inline]
    pub fn answered_late(&mut self, order: u32) {
        self.place(order).answered = true;
    }

    /// Whether one of the transmissions from the order `since` on, as far as they are remembered, ended at this offset.
    pub fn ended_at(&self, offset: u32, since: u32) -> bool {
        self.remembered().any(|order| order >= since && self.at(order).end() == offset)
    }

    /// Gives up everything.
    pub fn give_up_all(&mut self) {
        self.first_flying = self.next_order;
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
        for sent in self.flying_entries() {
            if sent.offset == expected {
                expected = sent.end();
                holding += 1;
            } else if sent.age(now) < arrives_after {
                holding += 1;
            }
        }
        (expected, holding)
    }

    /// Where the device will stand when it has taken what is in flight, if it stands at `expected` now.
    #[inline]
    pub fn predict(&self, mut expected: u32) -> u32 {
        for sent in self.flying_entries() {
            if sent.offset == expected {
                expected = sent.end();
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
        assert_eq!(flight.settle(order), 2);
        assert_eq!((flight.flying(), flight.predict(300)), (1, 400));
        assert_eq!([0, 1, 2].map(|order| flight.fate(order)), [Fate::Lost, Fate::Answered, Fate::Flying]);
    }

    #[test]
    fn a_late_answer_leaves_what_is_in_flight_alone() {
        let mut flight = three_chunks();
        flight.settle(1);
        assert_eq!((flight.settle(0), flight.flying()), (0, 1));
        assert_eq!((flight.fate(0), flight.fate(2)), (Fate::Answered, Fate::Flying));
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
        assert!(flight.find(231 - REMEMBERED as u8).is_none());
    }

    #[test]
    fn more_are_remembered_as_soon_as_one_is_pushed_out_unanswered() {
        let mut flight = Flight::new();
        for n in 0..100u32 {
            flight.push(0, n as u8, n * 10, 10);
            flight.settle(n);
        }
        assert!(matches!(flight.ring, Ring::Small(_)));
        assert_eq!(flight.fate(92), Fate::Answered);
        for n in 100..109u32 {
            flight.push(0, n as u8, n * 10, 10);
        }
        assert!(matches!(flight.ring, Ring::Full(_)));
        assert_eq!((flight.flying(), flight.predict(1_000)), (9, 1_090));
        assert_eq!(flight.find(100).map(|(order, sent)| (order, sent.offset)), Some((100, 1_000)));
        assert!(flight.find(99).is_none() && flight.find(0).is_none(), "they are forgotten");
        flight.remember_batches();
        assert_eq!((flight.flying(), flight.predict(1_000)), (9, 1_090));
        assert_eq!(size_of::<Flight>(), 104);
    }
}
