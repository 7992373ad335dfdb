//! Handles: numbers that stand for things the library keeps, safe against every value and every race.
//!
//! A handle is made of a kind, a slot and the generation of that slot. Closing moves the generation on, so a stale
//! handle never reaches what lives in the slot later. Slots live in segments that grow in size, are made on demand
//! and never move: looking one up is two loads, and opening, closing and looking up cost the same with ten handles or
//! with a hundred thousand. Each slot has a lock of its own, so that two handles never wait for each other, and a
//! [`Board`] that is read without it.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{OnceLock, RwLock, TryLockError};

use crate::status::Status;

/// What a handle stands for. A handle of one kind is never valid for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Image = 1,
    Session = 2,
    Decoder = 3,
    Device = 4,
    Trace = 5,
}

/// How the bits of a handle are shared out, from the top: 3 of kind, the generation, the slot.
///
/// Together at most 53, so that a language whose numbers are all of type `double` keeps every handle as it is. The kind
/// stands above bit 49, where a pointer of user space has zeros: no pointer is ever a valid handle.
#[derive(Debug, Clone, Copy)]
struct Layout {
    generation_bits: u32,
    slot_bits: u32,
    /// What the first generation of every slot reads as in a handle. The kinds are shifts of each other; with this a handle that arithmetic
    /// has shifted, negated or folded names a generation that no slot has reached.
    first: u32,
}

impl Layout {
    const BITS_64: Layout = Layout { generation_bits: 26, slot_bits: 24, first: 0x0113_2d8f };
    const BITS_32: Layout = Layout { generation_bits: 12, slot_bits: 17, first: 0x199 };
    const NATIVE: Layout = if usize::BITS >= 64 { Layout::BITS_64 } else { Layout::BITS_32 };

    /// The last generation of a slot; then the slot rests for ever, so that no handle is given out twice.
    const fn last_generation(self) -> u32 {
        ((1u64 << self.generation_bits) - 1) as u32
    }

    /// How many slots there can be; only whole segments are used.
    const fn slots(self) -> u32 {
        (1 << self.slot_bits) - FIRST_SLOTS
    }

    const fn pack(self, kind: Kind, generation: u32, slot: u32) -> u64 {
        let shown = generation.wrapping_add(self.first) & self.last_generation();
        (((kind as u64) << self.generation_bits) | shown as u64) << self.slot_bits | slot as u64
    }

    /// The generation and the slot of a handle of this kind.
    const fn unpack(self, kind: Kind, handle: u64) -> Option<(u32, u32)> {
        let slot = (handle & ((1 << self.slot_bits) - 1)) as u32;
        let shown = (handle >> self.slot_bits) as u32 & self.last_generation();
        let generation = shown.wrapping_sub(self.first) & self.last_generation();
        let of_kind = handle >> (self.slot_bits + self.generation_bits) == kind as u64;
        if of_kind { Some((generation, slot)) } else { None }
    }
}

/// Slots in the first eight segments together; each further eight have twice as many.
const FIRST_SLOTS: u32 = 1024;

/// So many segments of one size, before the next have twice as many slots: few enough segments, and little memory ahead of
/// what is used.
const OF_ONE_SIZE: u32 = 8;

/// Segments enough for every slot number of the native layout.
const SEGMENTS: usize = (OF_ONE_SIZE * (Layout::NATIVE.slot_bits - FIRST_SLOTS.trailing_zeros())) as usize;

/// The segment of a slot and its place there.
#[inline]
const fn locate(slot: u32) -> (usize, usize) {
    let shifted = slot + FIRST_SLOTS;
    let bits = shifted.ilog2() - OF_ONE_SIZE.ilog2();
    let segment =
        (bits + OF_ONE_SIZE.ilog2() - FIRST_SLOTS.ilog2()) * OF_ONE_SIZE + (shifted >> bits) - OF_ONE_SIZE;
    (segment as usize, (shifted & ((1 << bits) - 1)) as usize)
}

/// How many slots a segment has.
const fn segment_len(segment: usize) -> u32 {
    (FIRST_SLOTS / OF_ONE_SIZE) << (segment as u32 / OF_ONE_SIZE)
}

/// What is told of a value to whoever does not enter: written by the thread that is inside, read by anybody at any time.
///
/// Each word is whole by itself; a reader may find one of before and one of after a call. Nobody waits.
#[derive(Clone, Copy)]
pub(super) struct Board<'a> {
    pub words: &'a [AtomicU64; 4],
    pub small: &'a AtomicU32,
}

/// What a slot says of its value in one word, beside the generation: see [`mark`].
///
/// One word, so that a single exchange sees whether anything has changed since it was looked at: a wish that was meant for
/// one operation of one value never reaches another.
mod mark {
    /// A value is inside.
    pub(super) const OPEN: u32 = 1;
    /// Somebody is closing it.
    pub(super) const CLOSING: u32 = 2;
    /// An operation is under way.
    pub(super) const RUNNING: u32 = 4;
    /// Somebody wants that operation cancelled.
    pub(super) const CANCELLED: u32 = 8;
    /// What counts the operations, in the bits from here on.
    pub(super) const OPERATION: u32 = 16;
}

/// A cache line where pointers have 64 bits and locks are small: neighbours do not slow each other down.
#[cfg_attr(target_pointer_width = "64", repr(align(64)))]
#[cfg_attr(target_pointer_width = "32", repr(align(16)))]
struct Slot<T> {
    /// In the high half the generation of the handle that is open or comes next, in the low half the marks.
    state: AtomicU64,
    /// Touched under the lock only.
    value: UnsafeCell<Option<Box<T>>>,
    /// A panic inside poisons it, which marks the value as unusable until it is closed.
    lock: RwLock<()>,
    /// The next free slot plus one, while this one is free; else the small word of the board.
    small: AtomicU32,
    words: [AtomicU64; 4],
}

// SAFETY: the value is reached through the lock, shared by readers and alone by writers, as in an `RwLock<Option<Box<T>>>`.
unsafe impl<T: Send + Sync> Sync for Slot<T> {}

/// All handles of one kind.
pub(super) struct Table<T> {
    kind: Kind,
    segments: [OnceLock<Box<[Slot<T>]>>; SEGMENTS],
    /// How many slots were ever used.
    used: AtomicU32,
    /// The first free slot plus one in the low half; the high half counts, so that an exchange never succeeds late.
    free: AtomicU64,
}

impl<T> Table<T> {
    pub(super) const fn new(kind: Kind) -> Table<T> {
        Table {
            kind,
            segments: [const { OnceLock::new() }; SEGMENTS],
            used: AtomicU32::new(0),
            free: AtomicU64::new(0),
        }
    }

    /// Gives a handle to `value`.
    pub(super) fn open(&self, value: T) -> Result<usize, Status> {
        self.open_posted(value, |_, _| false)
    }

    /// Gives a handle to `value`, of which `post` writes on the board and says whether an operation runs.
    pub(super) fn open_posted(
        &self,
        value: T,
        post: impl FnOnce(&T, Board<'_>) -> bool,
    ) -> Result<usize, Status> {
        // Boxed before a slot is taken: nothing between taking and filling can fail.
        let value = Box::new(value);
        let index = self.take_slot().ok_or(Status::TooManyHandles)?;
        let slot = self.slot(index).ok_or(Status::TooManyHandles)?;
        // Waits at most for a caller with a stale handle that is about to notice.
        let guard = slot.lock.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        // A reader with a stale handle that finds any of this finds the new generation too.
        fence(Ordering::Release);
        let running = post(&value, slot.board());
        // SAFETY: the lock is held for writing.
        unsafe { *slot.value.get() = Some(value) };
        let (generation, _) = slot.seen();
        slot.set(generation, mark::OPEN | if running { mark::RUNNING } else { 0 });
        drop(guard);
        Ok(Layout::NATIVE.pack(self.kind, generation, index) as usize)
    }

    /// Closes a handle. A call that is inside finishes first; every later one is told that the handle is invalid.
    pub(super) fn close(&self, handle: usize) -> Result<(), Status> {
        let (slot, generation, index) = self.find(handle)?;
        // From here on nothing is told of the value, even while the call that is inside goes on.
        slot.change(generation, |marks| Some(marks | mark::CLOSING));
        let guard = slot.lock.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if slot.seen().0 != generation {
            return Err(Status::InvalidHandle);
        }
        // SAFETY: the lock is held for writing.
        let value = unsafe { (*slot.value.get()).take() }.ok_or(Status::InvalidHandle)?;
        let spent = generation == Layout::NATIVE.last_generation();
        slot.set(if spent { generation } else { generation + 1 }, 0);
        slot.lock.clear_poison();
        drop(guard);
        if !spent {
            self.give_slot(slot, index);
        }
        // Last and without the lock: dropping may take a while, and may panic.
        drop(value);
        Ok(())
    }

    /// Runs `call` on the value alone. Another thread inside: [`Status::Busy`]. Never waits.
    #[inline]
    pub(super) fn with_mut<R>(&self, handle: usize, call: impl FnOnce(&mut T) -> R) -> Result<R, Status> {
        self.enter(handle, |value, _| call(value))
    }

    /// As [`Table::with_mut`], with the place in hand to tell on its board what became of the value.
    #[inline]
    pub(super) fn enter<R>(
        &self,
        handle: usize,
        call: impl FnOnce(&mut T, &mut Place<'_>) -> R,
    ) -> Result<R, Status> {
        let (slot, generation, _) = self.find(handle)?;
        let _guard = match slot.lock.try_write() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(_)) => return Err(slot.unless_stale(generation, Status::Panic)),
            Err(TryLockError::WouldBlock) => return Err(slot.unless_stale(generation, Status::Busy)),
        };
        let (now, marks) = slot.seen();
        if now != generation {
            return Err(Status::InvalidHandle);
        }
        // SAFETY: the lock is held for writing until `_guard` is dropped.
        let value = unsafe { (*slot.value.get()).as_deref_mut() }.ok_or(Status::InvalidHandle)?;
        Ok(call(value, &mut Place { state: &slot.state, board: slot.board(), generation, marks }))
    }

    /// Runs `call` on the value while others may read it too. Waits for nobody but a thread that closes the handle.
    pub(super) fn with_ref<R>(&self, handle: usize, call: impl FnOnce(&T) -> R) -> Result<R, Status> {
        let (slot, generation, _) = self.find(handle)?;
        let _guard = match slot.lock.read() {
            Ok(guard) => guard,
            Err(_) => return Err(slot.unless_stale(generation, Status::Panic)),
        };
        if slot.seen().0 != generation {
            return Err(Status::InvalidHandle);
        }
        // SAFETY: the lock is held for reading until `_guard` is dropped.
        let value = unsafe { (*slot.value.get()).as_deref() }.ok_or(Status::InvalidHandle)?;
        Ok(call(value))
    }

    /// Reads what the board tells of the value, and whether somebody wants its operation cancelled. Any number of threads at once,
    /// also while one is inside; neither waits for the other.
    pub(super) fn look<R>(
        &self,
        handle: usize,
        read: impl FnOnce(Board<'_>, bool) -> R,
    ) -> Result<R, Status> {
        let (slot, generation, _) = self.find(handle)?;
        let marks = slot.usable(generation)?;
        let found = read(slot.board(), marks & mark::CANCELLED != 0);
        // What was read is of this generation only if that has not moved on meanwhile.
        fence(Ordering::Acquire);
        slot.usable(generation)?;
        Ok(found)
    }

    /// Leaves word that the operation under way shall end: whoever enters next finds it. Waits for nobody.
    ///
    /// It reaches this operation or none: where that ends by itself first, the word goes with it.
    pub(super) fn ask_to_cancel(&self, handle: usize) -> Result<(), Status> {
        let (slot, generation, _) = self.find(handle)?;
        slot.usable(generation)?;
        let asked = slot.change(generation, |marks| {
            let possible = marks & (mark::RUNNING | mark::CLOSING | mark::CANCELLED) == mark::RUNNING;
            possible.then_some(marks | mark::CANCELLED)
        });
        match asked {
            true => Ok(()),
            false => slot.usable(generation).and(Err(Status::NoOperation)),
        }
    }

    /// The slot that the handle names. Looks at the generation before any lock is touched: a stale handle must not
    /// make the slot's new owner find it busy.
    #[inline]
    fn find(&self, handle: usize) -> Result<(&Slot<T>, u32, u32), Status> {
        let (generation, index) =
            Layout::NATIVE.unpack(self.kind, handle as u64).ok_or(Status::InvalidHandle)?;
        let slot = self.slot(index).ok_or(Status::InvalidHandle)?;
        match slot.seen() {
            (now, marks) if now == generation && marks & mark::OPEN != 0 => Ok((slot, generation, index)),
            _ => Err(Status::InvalidHandle),
        }
    }

    #[inline]
    fn slot(&self, index: u32) -> Option<&Slot<T>> {
        let (segment, place) = locate(index);
        self.segments.get(segment)?.get()?.get(place)
    }

    /// A free slot: one given back, or the next that was never used.
    fn take_slot(&self) -> Option<u32> {
        let mut head = self.free.load(Ordering::Acquire);
        while head as u32 != 0 {
            let index = head as u32 - 1;
            let next = self.slot(index)?.small.load(Ordering::Relaxed);
            let new = (head >> 32).wrapping_add(1) << 32 | u64::from(next);
            match self.free.compare_exchange_weak(head, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(index),
                Err(now) => head = now,
            }
        }
        let next = |used: u32| (used < Layout::NATIVE.slots()).then_some(used + 1);
        let index = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()?;
        let (segment, _) = locate(index);
        self.segments.get(segment)?.get_or_init(|| (0..segment_len(segment)).map(|_| Slot::new()).collect());
        Some(index)
    }

    fn give_slot(&self, slot: &Slot<T>, index: u32) {
        let mut head = self.free.load(Ordering::Relaxed);
        loop {
            slot.small.store(head as u32, Ordering::Relaxed);
            let new = (head >> 32).wrapping_add(1) << 32 | u64::from(index + 1);
            match self.free.compare_exchange_weak(head, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }
}

impl<T> Slot<T> {
    fn new() -> Slot<T> {
        Slot {
            state: AtomicU64::new(1 << 32),
            value: UnsafeCell::new(None),
            lock: RwLock::new(()),
            small: AtomicU32::new(0),
            words: [const { AtomicU64::new(0) }; 4],
        }
    }

    #[inline]
    fn board(&self) -> Board<'_> {
        Board { words: &self.words, small: &self.small }
    }

    /// The generation and the marks.
    #[inline]
    fn seen(&self) -> (u32, u32) {
        let state = self.state.load(Ordering::Acquire);
        ((state >> 32) as u32, state as u32)
    }

    /// Sets both, under the lock, where nobody else may change the marks of this generation.
    fn set(&self, generation: u32, marks: u32) {
        self.state.store(u64::from(generation) << 32 | u64::from(marks), Ordering::Release);
    }

    /// Changes the marks of a generation, unless it is over or `to` does not want to.
    fn change(&self, generation: u32, to: impl FnMut(u32) -> Option<u32>) -> bool {
        change(&self.state, generation, to)
    }

    /// The marks of a value that can be told of.
    fn usable(&self, generation: u32) -> Result<u32, Status> {
        match self.seen() {
            (now, marks) if now != generation || marks & (mark::OPEN | mark::CLOSING) != mark::OPEN => {
                Err(Status::InvalidHandle)
            }
            _ if self.lock.is_poisoned() => Err(self.unless_stale(generation, Status::Panic)),
            (_, marks) => Ok(marks),
        }
    }

    /// `status`, or that the handle is invalid if it was closed in the meantime.
    #[cold]
    fn unless_stale(&self, generation: u32, status: Status) -> Status {
        if self.seen().0 == generation { status } else { Status::InvalidHandle }
    }
}

/// Who is inside changes the marks by exchange too: a wish to cancel may come at any time.
fn change(state: &AtomicU64, generation: u32, mut to: impl FnMut(u32) -> Option<u32>) -> bool {
    let next = |state: u64| {
        let marks = ((state >> 32) as u32 == generation).then(|| to(state as u32))??;
        Some(u64::from(generation) << 32 | u64::from(marks))
    };
    state.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).is_ok()
}

/// The place of a value, for the thread that is inside.
pub(super) struct Place<'a> {
    state: &'a AtomicU64,
    pub board: Board<'a>,
    generation: u32,
    /// As they stood when the thread came in, or last changed them.
    marks: u32,
}

impl Place<'_> {
    /// Whether somebody wanted the operation cancelled before this call came in.
    #[inline]
    pub(super) fn is_cancelled(&self) -> bool {
        self.marks & mark::CANCELLED != 0
    }

    /// Says, after the board was written, whether the operation still runs. A wish to cancel ends with the operation.
    #[inline]
    pub(super) fn runs(&mut self, running: bool) {
        if running != (self.marks & mark::RUNNING != 0) {
            self.turn(if running { mark::RUNNING } else { 0 });
        }
    }

    /// Says, after the board was written, that another operation has begun.
    pub(super) fn begins(&mut self) {
        self.turn(mark::RUNNING);
    }

    /// Operations are counted where one begins and where one ends, so that a wish which was meant for one reaches no other.
    #[cold]
    fn turn(&mut self, running: u32) {
        change(self.state, self.generation, |marks| {
            let kept = marks & !(mark::RUNNING | mark::CANCELLED);
            self.marks = kept.wrapping_add(mark::OPERATION) | running;
            Some(self.marks)
        });
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Barrier;
    use std::sync::atomic::AtomicBool;
    use std::thread;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn value(table: &Table<u32>, handle: usize) -> Result<u32, Status> {
        table.with_mut(handle, |value| *value)
    }

    #[test]
    fn a_closed_handle_never_reaches_what_lives_in_its_slot_later() {
        let table = Table::new(Kind::Session);
        let first = table.open(1).expect("a handle");
        assert_eq!(table.close(first), Ok(()));
        let second = table.open(2).expect("a handle");
        assert_ne!(first, second);
        assert_eq!(value(&table, first), Err(Status::InvalidHandle));
        assert_eq!(table.close(first), Err(Status::InvalidHandle));
        assert_eq!(value(&table, second), Ok(2));
    }

    #[test]
    fn the_handle_that_comes_next_is_invalid_until_it_is_given_out() {
        let table = Table::new(Kind::Session);
        let first = table.open(1).expect("a handle");
        table.close(first).expect("open");
        let guessed = first + (1 << Layout::NATIVE.slot_bits);
        assert_eq!(value(&table, guessed), Err(Status::InvalidHandle));
        assert_eq!(table.close(guessed), Err(Status::InvalidHandle));
        assert_eq!(table.open(2), Ok(guessed));
    }

    /// Within some generations of every slot, which is what a process uses up that opens and closes a few thousand of each kind.
    #[test]
    fn a_handle_that_arithmetic_has_changed_names_nothing() {
        const KINDS: [Kind; 5] = [Kind::Image, Kind::Session, Kind::Decoder, Kind::Device, Kind::Trace];
        for (layout, bits, generations) in [(Layout::BITS_64, 64, 4_000), (Layout::BITS_32, 32, 100)] {
            let word = u64::MAX >> (64 - bits);
            let names = |changed: u64| {
                KINDS
                    .iter()
                    .filter_map(|kind| layout.unpack(*kind, changed))
                    .any(|(g, slot)| g < generations && slot < 4_096)
            };
            for kind in KINDS {
                for generation in (0..generations).step_by(7) {
                    for slot in [0, 1, 2, 3, 7, 8, 14, 40, 100, 1_000, 4_095] {
                        let handle = layout.pack(kind, generation, slot);
                        assert!(names(handle));
                        let shifted = (1..bits).flat_map(|by| [(handle << by) & word, handle >> by]);
                        let folded =
                            [handle.wrapping_neg() & word, !handle & word, handle ^ ((handle >> 1) >> 2)];
                        for changed in shifted.chain(folded) {
                            assert!(!names(changed), "{handle:#x} {changed:#x}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_handle_of_another_kind_is_invalid() {
        let (images, sessions) = (Table::new(Kind::Image), Table::new(Kind::Session));
        let image = images.open(1).expect("a handle");
        let session = sessions.open(2).expect("a handle");
        assert_eq!(value(&images, session), Err(Status::InvalidHandle));
        assert_eq!(sessions.close(image), Err(Status::InvalidHandle));
        assert_eq!((value(&images, image), value(&sessions, session)), (Ok(1), Ok(2)));
    }

    #[test]
    fn a_panic_inside_marks_the_value_until_it_is_closed() {
        let table = Table::new(Kind::Session);
        let handle = table.open(1).expect("a handle");
        let panicked =
            catch_unwind(AssertUnwindSafe(|| table.with_mut(handle, |_| panic!("wanted by the test"))));
        assert!(panicked.is_err());
        assert_eq!(value(&table, handle), Err(Status::Panic));
        assert_eq!(table.with_ref(handle, |_| ()), Err(Status::Panic));
        assert_eq!(table.close(handle), Ok(()));
        let next = table.open(2).expect("a handle");
        assert_eq!(value(&table, next), Ok(2));
        assert_eq!(value(&table, handle), Err(Status::InvalidHandle));
    }

    #[test]
    fn the_second_thread_is_told_busy_and_a_close_waits() {
        let table = Table::new(Kind::Session);
        let handle = table.open(1).expect("a handle");
        let (entered, may_leave) = (Barrier::new(2), Barrier::new(2));
        let closed = AtomicBool::new(false);
        thread::scope(|scope| {
            let call = scope.spawn(|| {
                table.with_mut(handle, |value| {
                    entered.wait();
                    may_leave.wait();
                    *value
                })
            });
            entered.wait();
            assert_eq!(value(&table, handle), Err(Status::Busy));
            let close = scope.spawn(|| {
                let result = table.close(handle);
                closed.store(true, Ordering::SeqCst);
                result
            });
            thread::sleep(Duration::from_millis(20));
            assert!(!closed.load(Ordering::SeqCst), "the call that is inside finishes first");
            may_leave.wait();
            assert_eq!(call.join().expect("no panic"), Ok(1));
            assert_eq!(close.join().expect("no panic"), Ok(()));
        });
        assert_eq!(value(&table, handle), Err(Status::InvalidHandle));
    }

    #[test]
    fn threads_that_open_and_close_never_share_a_handle() {
        let table = Table::new(Kind::Session);
        thread::scope(|scope| {
            for thread in 0..4u32 {
                let table = &table;
                scope.spawn(move || {
                    let mut open = Vec::new();
                    for round in 0..5_000u32 {
                        let mine = thread << 16 | round;
                        open.push((table.open(mine).expect("a handle"), mine));
                        if round % 3 != 0 {
                            let (handle, mine) = open.swap_remove(round as usize % open.len());
                            assert_eq!(table.with_mut(handle, |value| *value), Ok(mine));
                            assert_eq!(table.close(handle), Ok(()));
                        }
                    }
                    for (handle, mine) in open {
                        assert_eq!(table.with_ref(handle, |value| *value), Ok(mine));
                        assert_eq!(table.close(handle), Ok(()));
                    }
                });
            }
        });
    }

    #[test]
    fn segments_cover_every_slot_once() {
        let mut slot = 0;
        for segment in 0..40 {
            let mut seen = vec![false; segment_len(segment) as usize];
            for _ in 0..seen.len() {
                let (found, place) = locate(slot);
                assert!(found == segment && !std::mem::replace(&mut seen[place], true), "{slot}");
                slot += 1;
            }
        }
        let last = Layout::NATIVE.slots() - 1;
        assert_eq!(locate(last), (SEGMENTS - 1, segment_len(SEGMENTS - 1) as usize - 1));
    }

    #[test]
    fn slots_in_a_row_lie_in_lines_of_their_own() {
        let line = |slot: u32| (locate(slot).0, locate(slot).1 * size_of::<Slot<u32>>() / 64);
        for slot in 0..10_000 {
            assert!((1..32).all(|further| line(slot) != line(slot + further)), "{slot}");
        }
    }

    #[test]
    fn a_slot_rests_for_ever_after_its_last_generation() {
        let table = Table::new(Kind::Decoder);
        let first = table.open(1).expect("a handle");
        let slot = table.slot(0).expect("the first slot");
        slot.set(Layout::NATIVE.last_generation(), mark::OPEN);
        let last = Layout::NATIVE.pack(Kind::Decoder, Layout::NATIVE.last_generation(), 0) as usize;
        assert_eq!(table.close(first), Err(Status::InvalidHandle));
        assert_eq!(table.close(last), Ok(()));
        assert_eq!(table.close(last), Err(Status::InvalidHandle));
        let next = table.open(2).expect("a handle");
        assert_eq!(Layout::NATIVE.unpack(Kind::Decoder, next as u64), Some((1, 1)));
    }

    proptest! {
        #[test]
        fn both_layouts_give_back_what_was_packed(generation: u32, slot: u32, wide: bool) {
            let layout = if wide { Layout::BITS_64 } else { Layout::BITS_32 };
            let (generation, slot) = (generation & layout.last_generation(), slot % layout.slots());
            for kind in [Kind::Image, Kind::Session, Kind::Decoder, Kind::Device, Kind::Trace] {
                let handle = layout.pack(kind, generation, slot);
                prop_assert!(wide || handle <= u64::from(u32::MAX));
                prop_assert!(!wide || handle >> 48 != 0, "no pointer of user space");
                prop_assert!(handle < 1 << 53);
                prop_assert_eq!(handle as f64 as u64, handle);
                prop_assert_ne!(handle, 0);
                prop_assert_eq!(layout.unpack(kind, handle), Some((generation, slot)));
                let other = if kind == Kind::Image { Kind::Session } else { Kind::Image };
                prop_assert_eq!(layout.unpack(other, handle), None);
            }
        }

        #[test]
        fn no_invented_number_is_a_handle(handle: usize) {
            let table = Table::new(Kind::Session);
            let given = table.open(1).expect("a handle");
            if handle != given {
                prop_assert_eq!(value(&table, handle), Err(Status::InvalidHandle));
                prop_assert_eq!(table.close(handle), Err(Status::InvalidHandle));
            }
        }
    }
}
