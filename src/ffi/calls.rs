//! Sessions over a carrier that takes several writes in one call.

use super::guard::guard;
use super::pointers::{BufferOut, Out, size_t};
use super::session::next_into;
use super::sessions::SESSIONS;
use super::types::smpfota_session;
use crate::status::Status;

/// As `smpfota_session_next_frame`, for a carrier that takes several writes in one call, as an IoT Hub direct method does.
///
/// All writes until `SMPFOTA_WAIT` go into one call, in this order. `*delay_ms` receives how many milliseconds after the write before
/// it in the same call each shall leave; 0 for the first one, and for the pieces of one frame. A gateway may keep more time, not less:
/// it is the time in which the device works one frame off. What goes into one call never exceeds `batch_frames` and `batch_bytes` of
/// the session's options, and no second frame of an upload leaves before the first is answered.
///
/// Returns what `smpfota_session_next_frame` returns. `*delay_ms` is 0 with everything but `SMPFOTA_OK`, and unchanged by an error.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn smpfota_session_next_write(
    session: smpfota_session,
    now_ms: u64,
    buffer: *mut u8,
    capacity: size_t,
    length: *mut size_t,
    delay_ms: *mut u32,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let (mut out, delay) = unsafe { (BufferOut::new(buffer, capacity, length)?, Out::new(delay_ms)?) };
        SESSIONS.drive_writes(session, now_ms, |session| {
            let status = next_into(session, now_ms, &mut out)?;
            delay.set(if status == Status::Ok { session.delay_ms() } else { 0 });
            Ok(status)
        })
    })
}

/// When the gateway shall come back from the call that carries the writes since the last `SMPFOTA_WAIT` but one: as soon as it has heard
/// `*answers` messages of the device, and at the latest `*wait_ms` milliseconds after its last write. Ask after `SMPFOTA_WAIT`.
///
/// A call without writes that listens as long is right where nothing is to be written.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_expected(
    session: smpfota_session,
    answers: *mut u32,
    wait_ms: *mut u32,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let (answers, wait) = unsafe { (Out::new(answers)?, Out::new(wait_ms)?) };
        let expected = SESSIONS.inspect(session, |session| session.expected())?;
        answers.set(expected.answers);
        wait.set(expected.wait_ms);
        Ok(Status::Ok)
    })
}

/// The call came back, and what it brought was fed: what is unanswered by now will not be answered any more. The next batch begins
/// where the device stands.
///
/// Do not say it of a call whose outcome nobody knows, as after a time-out: the session then waits until its deadline and asks the
/// device with one frame. Outside of batches it changes nothing.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_TIME_REFUSED`, `SMPFOTA_INVALID_HANDLE` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn smpfota_session_call_returned(session: smpfota_session, now_ms: u64) -> i32 {
    guard(|| {
        SESSIONS.drive(session, now_ms, |session| session.call_returned(now_ms))?;
        Ok(Status::Ok)
    })
}
