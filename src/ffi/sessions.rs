//! The sessions that are open: who drives one has it alone, who looks at its progress or cancels its operation disturbs nobody.
//!
//! The driver leaves the figures on the [`Board`] of the slot at the end of each call. They are read there at any time, so the core
//! knows no other thread. A wish to cancel lies beside them until the driver comes in again. A call that moves an upload forward adds to
//! the figures instead of working all of them out: a chunk costs a few nanoseconds more than without any of this.

use std::sync::atomic::Ordering::Relaxed;

use super::handles::{Board, Kind, Place, Table};
use crate::session::{Progress, Session, Standing};
use crate::status::Status;
use crate::update::Phase;
use crate::update::report::{Figures, Pace, PaceTime, Sent};

/// All open sessions.
pub(super) struct Sessions(Table<Session>);

pub(super) static SESSIONS: Sessions = Sessions(Table::new(Kind::Session));

impl Sessions {
    pub(super) fn open(&self, session: Session) -> Result<usize, Status> {
        self.0.open_posted(session, post)
    }

    pub(super) fn close(&self, handle: usize) -> Result<(), Status> {
        self.0.close(handle)
    }

    /// A call that may change where the session stands, at a time that its caller tells.
    #[inline]
    pub(super) fn drive<R>(
        &self,
        handle: usize,
        now_ms: u64,
        call: impl FnOnce(&mut Session) -> R,
    ) -> Result<R, Status> {
        self.0.enter(handle, |session, place| {
            heed(session, place, now_ms);
            session.check_time(now_ms).map_err(|failure| failure.status)?;
            let result = call(session);
            tell(session, place);
            Ok(result)
        })?
    }

    /// As [`Sessions::drive`], for what comes from the device, which mostly moves an upload forward and nothing else.
    #[inline]
    pub(super) fn drive_forward(
        &self,
        handle: usize,
        now_ms: u64,
        call: impl FnOnce(&mut Session),
    ) -> Result<(), Status> {
        self.0.enter(handle, |session, place| {
            heed(session, place, now_ms);
            session.check_time(now_ms).map_err(|failure| failure.status)?;
            let before = session.sent();
            call(session);
            match forward(before, session, place.board) {
                Some(bytes) => post_forward(bytes, place.board),
                None => tell(session, place),
            }
            Ok(())
        })?
    }

    /// As [`Sessions::drive`], for the next write. One write after the other moves no figure that matters until the device has answered
    /// or there is none left: only another phase is told at once, and all of it by the call that has no write to give.
    #[inline]
    pub(super) fn drive_writes(
        &self,
        handle: usize,
        now_ms: u64,
        call: impl FnOnce(&mut Session) -> Result<Status, Status>,
    ) -> Result<Status, Status> {
        self.0.enter(handle, |session, place| {
            heed(session, place, now_ms);
            let result = call(session);
            if result != Ok(Status::Ok) || !has_phase(place.board, session.phase()) {
                tell(session, place);
            }
            result
        })?
    }

    /// A call that begins an operation, if it succeeds.
    pub(super) fn start<E>(
        &self,
        handle: usize,
        call: impl FnOnce(&mut Session) -> Result<(), E>,
    ) -> Result<Result<(), E>, Status> {
        self.0.enter(handle, |session, place| {
            heed(session, place, 0);
            call(session).inspect(|()| {
                post(session, place.board);
                place.begins();
            })
        })
    }

    /// A call that changes nothing of where the session stands.
    pub(super) fn inspect<R>(
        &self,
        handle: usize,
        call: impl FnOnce(&mut Session) -> R,
    ) -> Result<R, Status> {
        self.0.enter(handle, |session, place| {
            heed(session, place, 0);
            call(session)
        })
    }

    /// How far the operation is. Never busy, and nobody else is for its sake.
    pub(super) fn progress(&self, handle: usize, now_ms: u64) -> Result<Progress, Status> {
        self.0.look(handle, |board, cancelled| {
            let progress = read(board, now_ms);
            // Whoever drives has not come by yet; to everybody else it has ended.
            if cancelled { Progress { phase: Phase::Failed, eta_ms: u32::MAX, ..progress } } else { progress }
        })
    }

    /// Ends the operation under way. Never busy, and nobody else is for its sake.
    pub(super) fn cancel(&self, handle: usize) -> Result<(), Status> {
        self.0.ask_to_cancel(handle)
    }
}

/// Does first what somebody else asked for. A time of 0 stands for the latest that the session was told.
#[inline]
fn heed(session: &mut Session, place: &mut Place<'_>, now_ms: u64) {
    if place.is_cancelled() {
        session.cancel(now_ms);
        tell(session, place);
    }
}

/// Leaves on the board where the session stands, and in the slot whether an operation runs.
#[inline]
fn tell(session: &Session, place: &mut Place<'_>) {
    let running = post(session, place.board);
    place.runs(running);
}

/// Numbers side by side in the words of a board; one that is too large for its place is told as the largest there.
struct Writer(u64, u32);

impl Writer {
    #[inline]
    fn put(self, value: u64, bits: u32) -> Writer {
        Writer(self.0 | value.min((1 << bits) - 1) << self.1, self.1 + bits)
    }
}

struct Reader(u64);

impl Reader {
    fn take(&mut self, bits: u32) -> u64 {
        let value = self.0 & ((1 << bits) - 1);
        self.0 >>= bits;
        value
    }

    fn take_u32(&mut self, bits: u32) -> u32 {
        self.take(bits) as u32
    }
}

/// A file has at most 64 MiB, the content of a command 16 MiB.
const BYTES: u32 = 30;
/// A hundred days.
const TIME: u32 = 33;
const PHASE: u32 = 4;
/// A package has at most 32 images.
const IMAGES: u32 = 6;
/// At most ten minutes.
const ROUND_TRIP: u32 = 20;
const WINDOW: u32 = 8;
const FRAME: u32 = 16;
const FRAMES: u32 = 24;
const LINKS: u32 = 16;

/// Tells where the session stands; whether an operation runs.
#[inline]
fn post(session: &Session, board: Board<'_>) -> bool {
    let standing = session.standing();
    write(&standing, board);
    !matches!(standing.phase, Phase::Idle | Phase::Done | Phase::Failed)
}

#[inline]
fn write(standing: &Standing, board: Board<'_>) {
    let Figures { acknowledged, total, image_index, image_count, pace, window } = standing.figures;
    let (goes_on, took) = match pace.time {
        PaceTime::Since(since) => (1, standing.now.saturating_sub(since)),
        PaceTime::Took(took) => (0, took),
    };
    let words = [
        Writer(0, 0).put(standing.phase as u64, PHASE).put(acknowledged, BYTES).put(total, BYTES),
        Writer(0, 0).put(goes_on, 1).put(pace.moved, BYTES).put(took, TIME),
        Writer(0, 0)
            .put(image_index.into(), IMAGES)
            .put(image_count.into(), IMAGES)
            .put(standing.rtt_ms.into(), ROUND_TRIP)
            .put(window.into(), WINDOW)
            .put(standing.frame.into(), FRAME),
        Writer(0, 0)
            .put(standing.retransmissions.into(), FRAMES)
            .put(standing.ignored.into(), FRAMES)
            .put(standing.link_resets.into(), LINKS),
    ];
    for (place, word) in board.words.iter().zip(words) {
        place.store(word.0, Relaxed);
    }
    board.small.store(standing.now as u32, Relaxed);
}

#[inline]
fn has_phase(board: Board<'_>, phase: Phase) -> bool {
    board.words[0].load(Relaxed) & ((1 << PHASE) - 1) == phase as u64
}

/// How many bytes more an upload has than `before`, where that is all that is to be told.
#[inline]
fn forward(before: Option<Sent>, session: &Session, board: Board<'_>) -> Option<u32> {
    let bytes = session.sent()?.since(before?)?;
    let told = board.words[3].load(Relaxed) >> FRAMES & ((1 << FRAMES) - 1);
    let alike = told == u64::from(session.counters().ignored()) && has_phase(board, session.phase());
    alike.then_some(bytes)
}

/// Tells that an upload has so many bytes more. The time that it took stays beside the time of the call that told it.
#[inline]
fn post_forward(bytes: u32, board: Board<'_>) {
    for (word, below) in [(0, PHASE), (1, 1)] {
        let word = &board.words[word];
        word.store(word.load(Relaxed) + (u64::from(bytes) << below), Relaxed);
    }
}

/// The progress at a time, from what was told last.
fn read(board: Board<'_>, now_ms: u64) -> Progress {
    let [mut place, mut pace, mut shape, mut counters] =
        board.words.each_ref().map(|word| Reader(word.load(Relaxed)));
    // How much later it is than at that call: by the low half of the time, as far as half of what that counts.
    let later = (now_ms as u32).wrapping_sub(board.small.load(Relaxed)) as i32;
    let now = u64::from(later.max(0).unsigned_abs());
    let phase = Phase::from_number(place.take_u32(PHASE)).unwrap_or_default();
    let (acknowledged, total) = (place.take(BYTES), place.take(BYTES));
    let goes_on = pace.take(1) == 1;
    let (moved, took) = (pace.take(BYTES), pace.take(TIME));
    // In a time of its own, in which that call was made at `took`.
    let (time, last) = if goes_on { (PaceTime::Since(0), took) } else { (PaceTime::Took(took), 0) };
    let (image_index, image_count) = (shape.take_u32(IMAGES), shape.take_u32(IMAGES));
    let rtt_ms = shape.take_u32(ROUND_TRIP);
    let window = shape.take_u32(WINDOW);
    let figures =
        Figures { acknowledged, total, image_index, image_count, pace: Pace { moved, time }, window };
    Standing {
        now: last,
        phase,
        figures,
        rtt_ms,
        frame: shape.take_u32(FRAME),
        retransmissions: counters.take_u32(FRAMES),
        ignored: counters.take_u32(FRAMES),
        link_resets: counters.take_u32(LINKS),
    }
    .at(last + now)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, AtomicU64};

    use proptest::prelude::*;

    use super::*;

    /// The figures that are told with the next wait at the latest.
    fn without_measures(progress: Progress) -> Progress {
        Progress { rtt_ms: 0, window: 0, retransmissions: 0, ..progress }
    }

    /// What the board tells after every call of whole updates is what the session itself says.
    #[cfg(feature = "simulator")]
    #[test]
    fn the_board_tells_what_the_session_says() {
        use super::super::simulated::Device;
        use crate::session::Next;
        use crate::simulator::image;
        use std::sync::Arc;

        let firmware = |version, seed| {
            Arc::new(crate::firmware::Firmware::parse(image::make(version, 20_000, seed)).expect("an image"))
        };
        for seed in 1..20u64 {
            let options = super::super::structs::smpfota_device_options {
                struct_size: 48,
                profile: seed as u32 & 1,
                link: seed as u32 % 5,
                fault: 0,
                seed,
                slot_size: 0,
                buf_size: 0,
                buf_count: 0,
                flags: 0,
                max_write: 0,
                reserved: 0,
            };
            let mut device = Device::open(&options).expect("a device");
            let handle = SESSIONS.open(Session::open(Default::default()).expect("defaults")).expect("room");
            let same = |now: u64, measures: bool| {
                for later in [0, 1, 700] {
                    let said =
                        SESSIONS.inspect(handle, |session| session.progress(now + later)).expect("open");
                    let told = SESSIONS.progress(handle, now + later).expect("open");
                    match measures {
                        true => assert_eq!(told, said, "seed {seed}, at {now}"),
                        false => assert_eq!(
                            without_measures(told),
                            without_measures(said),
                            "seed {seed}, at {now}"
                        ),
                    }
                }
            };
            same(0, true);
            let started = SESSIONS
                .start(handle, |session| session.start_update(firmware((1, 1, 0), seed), Default::default()));
            started.expect("open").expect("nothing runs");
            same(0, true);
            let mut now = 0;
            let mut frame = [0; 512];
            loop {
                let mut next = Err(Status::Busy);
                let status = SESSIONS.drive_writes(handle, now, |session| {
                    next = session.next_frame(now, &mut frame).map_err(|failure| failure.status);
                    next.map(|next| if matches!(next, Next::Write(_)) { Status::Ok } else { Status::Wait })
                });
                same(now, status != Ok(Status::Ok));
                match next {
                    Ok(Next::Write(length)) => {
                        device.write(now, &frame[..length]).expect("in time");
                        continue;
                    }
                    Ok(Next::Done) | Err(_) => break,
                    _ => {}
                }
                let mut any = false;
                while let Some(bytes) = device.arrived(now).expect("in time").map(<[u8]>::to_vec) {
                    device.taken();
                    SESSIONS.drive_forward(handle, now, |session| session.feed(now, &bytes)).expect("open");
                    same(now, false);
                    any = true;
                }
                if !any {
                    let own = SESSIONS.inspect(handle, |session| session.deadline()).expect("open");
                    now = own
                        .into_iter()
                        .chain(device.deadline())
                        .min()
                        .expect("something is due")
                        .max(now + 1);
                }
            }
            assert!(now > 0 && SESSIONS.close(handle).is_ok());
        }
    }

    proptest! {
        #[test]
        fn what_is_told_is_read_again(
            phase in 0u32..14, acknowledged in 0u64..1 << 26, total in 0u64..1 << 26, moved in 0u64..1 << 26,
            now in 0u64..1 << 50, took in 0u64..1 << 33, goes_on: bool, later in 0u64..1 << 31,
            shape: (u8, u16, u16), counters: (u16, u16, u16),
        ) {
            let time = if goes_on { PaceTime::Since(now.saturating_sub(took)) } else { PaceTime::Took(took) };
            let standing = Standing {
                now,
                phase: Phase::from_number(phase).expect("a phase"),
                figures: Figures {
                    acknowledged,
                    total,
                    image_index: u32::from(shape.0 % 32),
                    image_count: u32::from(shape.0 % 32) + 1,
                    pace: Pace { moved, time },
                    window: u32::from(shape.0),
                },
                rtt_ms: u32::from(shape.1),
                frame: u32::from(shape.2),
                retransmissions: counters.0.into(),
                ignored: counters.1.into(),
                link_resets: counters.2.into(),
            };
            let (words, small) = ([const { AtomicU64::new(0) }; 4], AtomicU32::new(0));
            let board = Board { words: &words, small: &small };
            write(&standing, board);
            prop_assert_eq!(read(board, now + later), standing.at(now + later));
            prop_assert_eq!(read(board, now.saturating_sub(5)), standing.at(now));
        }
    }
}
