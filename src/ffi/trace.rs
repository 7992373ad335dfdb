//! Whole traces explained: bytes in, lines of text and a verdict out.

use std::ffi::c_char;

use super::guard::guard;
use super::handles::{Kind, Table};
use super::pointers::{BufferOut, Out, input, size_t};
use super::types::smpfota_trace;
use crate::status::Status;
use crate::trace::Trace;

static TRACES: Table<Trace> = Table::new(Kind::Trace);

/// Opens a trace: what a log, a dump, the JSON of a gateway or a recording holds of SMP is explained line by line.
///
/// `*trace` receives the handle, which belongs to the caller until `smpfota_trace_close`. A trace takes at most 4 MiB,
/// however long it is.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_TOO_MANY_HANDLES`. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_trace_open(trace: *mut smpfota_trace) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let handle = unsafe { Out::new(trace) }?;
        handle.set(TRACES.open(Trace::new())?);
        Ok(Status::Ok)
    })
}

/// Feeds the next bytes of the trace, as they stand in the file, in pieces of any size.
///
/// `bytes` has `bytes_length` bytes; they are copied. Any bytes are taken: text in UTF-8 or UTF-16 with any line ends, or
/// frames as they are. `*taken` receives how many of them were taken: fewer than `bytes_length` while lines wait for
/// `smpfota_trace_next_line`. Read those, then feed the rest.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER`, `SMPFOTA_BUSY`, or `SMPFOTA_WRONG_STATE` after
/// `smpfota_trace_verdict`; then nothing was taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_trace_feed(
    trace: smpfota_trace,
    bytes: *const u8,
    bytes_length: size_t,
    taken: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let (bytes, taken) = unsafe { (input(bytes, bytes_length)?, Out::new(taken)?) };
        TRACES.with_mut(trace, |trace| {
            if trace.has_ended() {
                return Err(Status::WrongState);
            }
            taken.set(trace.feed(bytes));
            Ok(Status::Ok)
        })?
    })
}

/// Fetches the next line of text: a frame with its time, direction, length, sequence number, what it asks or says and what
/// is odd about it, or what the trace says of the link.
///
/// `text`, `capacity` and `length` as with `smpfota_version`; no end of line stands in it. A line that does not fit
/// stays where it is.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_EMPTY` when there is none, `SMPFOTA_BUFFER_TOO_SMALL` (`*length` says the need),
/// `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_trace_next_line(
    trace: smpfota_trace,
    text: *mut c_char,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { BufferOut::text(text, capacity, length) }?;
        TRACES.with_mut(trace, |trace| {
            let Some(line) = trace.peek_line() else { return Ok(Status::Empty) };
            out.put(line.as_bytes())?;
            trace.next_line();
            Ok(Status::Ok)
        })?
    })
}

/// Ends the trace and gives its verdict as a JSON object: `cause` and `number` (a finding), `certainty`, `says`,
/// `next_step`, `evidence`, `points`, `also`, `ruled_out`, `undecided`, `phases` and `figures`; docs/DIAGNOSIS.md has them all.
///
/// Nothing can be fed afterwards; lines may still wait. The verdict may be asked for again. `text`, `capacity` and
/// `length` as with `smpfota_version`.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_BUFFER_TOO_SMALL` (`*length` says the need), `SMPFOTA_INVALID_HANDLE`,
/// `SMPFOTA_NULL_POINTER` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_trace_verdict(
    trace: smpfota_trace,
    text: *mut c_char,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { BufferOut::text(text, capacity, length) }?;
        TRACES.with_mut(trace, |trace| out.put(trace.verdict().to_string().as_bytes()))?
    })
}

/// Closes a trace. A call that is inside on another thread finishes first.
///
/// Returns `SMPFOTA_OK` or `SMPFOTA_INVALID_HANDLE`.
#[unsafe(no_mangle)]
pub extern "C" fn smpfota_trace_close(trace: smpfota_trace) -> i32 {
    guard(|| TRACES.close(trace).map(|()| Status::Ok))
}
