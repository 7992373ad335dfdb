//! Sessions: the drive loop, operations, progress, events, snapshots.

use std::ffi::c_char;
use std::sync::Arc;

use crate::json::json;
use serde_json::Value;

use super::constants::*;
use super::guard::{guard, guard_explained};
use super::image::share;
use super::pointers::{
    BufferOut, ErrorOut, Named, Out, StructOut, init_struct, input, input_struct, named_text, size_t,
};
use super::sessions::SESSIONS;
use super::structs::{smpfota_error, smpfota_progress, smpfota_session_options, smpfota_update_options};
use super::types::{smpfota_image, smpfota_session};
use crate::command::Command;
use crate::conversation::Event;
use crate::failure::Failure;
use crate::firmware::Firmware;
use crate::session::{LinkEvent, Next, Session};
use crate::smp::Op;
use crate::status::Status;
use crate::update::{Phase, UpdateOptions};

/// Fills the options of a session with their defaults, which suit a BLE device at ATT MTU 247 behind a gateway.
///
/// `struct_size` is `sizeof(smpfota_session_options)` of the caller.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_STRUCT_SIZE`. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_options_init(
    options: *mut smpfota_session_options,
    struct_size: u32,
) -> i32 {
    // SAFETY: the module's contract.
    guard(|| unsafe { init_struct(options, struct_size, &smpfota_session_options::defaults()) })
}

/// Fills the options of an update with their defaults: test, reset, verify, confirm.
///
/// `struct_size` is `sizeof(smpfota_update_options)` of the caller.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_STRUCT_SIZE`. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_update_options_init(
    options: *mut smpfota_update_options,
    struct_size: u32,
) -> i32 {
    // SAFETY: the module's contract.
    guard(|| unsafe { init_struct(options, struct_size, &smpfota_update_options::defaults()) })
}

/// Opens a session: the conversation with one device. Nothing is sent before an operation is started.
///
/// `options` may be NULL for the defaults. `*session` receives the handle, which belongs to the caller until
/// `smpfota_session_close`.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_NULL_POINTER`, `SMPFOTA_STRUCT_SIZE`, `SMPFOTA_TOO_MANY_HANDLES`, or
/// `SMPFOTA_INVALID_ARGUMENT` with the name of the option and its range in `error`. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_open(
    options: *const smpfota_session_options,
    session: *mut smpfota_session,
    error: *mut smpfota_error,
) -> i32 {
    // SAFETY: the module's contract, here and inside.
    unsafe {
        guard_explained(error, || {
            let handle = Out::new(session).named("session")?;
            let options = input_struct(options, smpfota_session_options::defaults()).named("options")?;
            handle.set(SESSIONS.open(Session::open(options.parse()?)?)?);
            Ok(Status::Ok)
        })
    }
}

/// Closes a session, whatever it does. A call that is inside on another thread finishes first.
///
/// The device is left as it is: an update that was under way has simply ended.
///
/// Returns `SMPFOTA_OK` or `SMPFOTA_INVALID_HANDLE`. Any thread, any time.
#[unsafe(no_mangle)]
pub extern "C" fn smpfota_session_close(session: smpfota_session) -> i32 {
    guard(|| SESSIONS.close(session).map(|()| Status::Ok))
}

/// Starts an update. The first frame comes from `smpfota_session_next_frame`.
///
/// The session takes a share of the image, so the image may be closed at once. `options` may be NULL for the defaults.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_OPERATION_RUNNING`, `SMPFOTA_INVALID_HANDLE` for either handle, `SMPFOTA_STRUCT_SIZE`,
/// `SMPFOTA_BUSY`, or `SMPFOTA_INVALID_ARGUMENT` with the name of the option in `error`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_start_update(
    session: smpfota_session,
    image: smpfota_image,
    options: *const smpfota_update_options,
    error: *mut smpfota_error,
) -> i32 {
    // SAFETY: the module's contract.
    unsafe { start_with_image(session, image, options, error, Session::start_update) }
}

/// Starts a look before an update: the device is asked what `smpfota_session_start_update` asks before its first byte, nothing is
/// written, and the result is what that update would do with each image, as JSON. What the update would refuse is refused here too.
///
/// The same as an update with `SMPFOTA_UPDATE_CHECK`; docs/UPDATE.md has the JSON. `options` may be NULL for the defaults.
///
/// Returns what `smpfota_session_start_update` returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_start_check(
    session: smpfota_session,
    image: smpfota_image,
    options: *const smpfota_update_options,
    error: *mut smpfota_error,
) -> i32 {
    // SAFETY: the module's contract.
    unsafe { start_with_image(session, image, options, error, Session::start_check) }
}

unsafe fn start_with_image(
    session: smpfota_session,
    image: smpfota_image,
    options: *const smpfota_update_options,
    error: *mut smpfota_error,
    start: fn(&mut Session, Arc<Firmware>, UpdateOptions) -> Result<(), Failure>,
) -> i32 {
    // SAFETY: the module's contract, here and inside.
    unsafe {
        guard_explained(error, || {
            let options =
                input_struct(options, smpfota_update_options::defaults()).named("options")?.parse()?;
            let firmware = share(image).named("image")?;
            SESSIONS.start(session, |session| start(session, firmware, options)).named("session")??;
            Ok(Status::Ok)
        })
    }
}

/// Starts a command of the library by its name, such as `echo` or `image_list`.
///
/// `name` has `name_length` bytes. `arguments` has `arguments_length` bytes: a JSON object in UTF-8, at most 32 MiB, or
/// nothing for a command without arguments. docs/COMMANDS.md lists the commands and their arguments.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_UNKNOWN_COMMAND`, `SMPFOTA_INVALID_JSON`, `SMPFOTA_INVALID_ARGUMENT`,
/// `SMPFOTA_OPERATION_RUNNING`, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER`, `SMPFOTA_STRUCT_SIZE` or
/// `SMPFOTA_BUSY`; `error` says what is wrong with which argument.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_start_command(
    session: smpfota_session,
    name: *const c_char,
    name_length: size_t,
    arguments: *const c_char,
    arguments_length: size_t,
    error: *mut smpfota_error,
) -> i32 {
    // SAFETY: the module's contract, here and inside.
    unsafe {
        guard_explained(error, || {
            let name = named_text(name, name_length, "name")?;
            let arguments = read_arguments(input(arguments.cast(), arguments_length).named("arguments")?)?;
            let command = Command::new(name, &arguments)?;
            SESSIONS.start(session, |session| session.start_command(command)).named("session")??;
            Ok(Status::Ok)
        })
    }
}

/// Starts a request of any group and command, also a vendor's (groups from 64 on).
///
/// `op` is `SMPFOTA_OP_READ` or `SMPFOTA_OP_WRITE`, `group` 0 to 65,535, `command` 0 to 255. `body` has `body_length` bytes:
/// CBOR, which is not looked at; nothing stands for the empty map in groups below 64. The result has the body of the
/// answer in hexadecimal digits.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_INVALID_ARGUMENT`, `SMPFOTA_OPERATION_RUNNING`, `SMPFOTA_INVALID_HANDLE`,
/// `SMPFOTA_NULL_POINTER`, `SMPFOTA_STRUCT_SIZE` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_start_request(
    session: smpfota_session,
    op: u32,
    group: u32,
    command: u32,
    body: *const u8,
    body_length: size_t,
    error: *mut smpfota_error,
) -> i32 {
    // SAFETY: the module's contract, here and inside.
    unsafe {
        guard_explained(error, || {
            let body = input(body, body_length).named("body")?;
            let op = match op {
                SMPFOTA_OP_READ => Op::Read,
                SMPFOTA_OP_WRITE => Op::Write,
                _ => return Err(outside("op", op, "0 (read) or 2 (write)")),
            };
            let group = u16::try_from(group).map_err(|_| outside("group", group, "at most 65535"))?;
            let command = u8::try_from(command).map_err(|_| outside("command", command, "at most 255"))?;
            SESSIONS
                .start(session, |session| session.start_request(op, group, command, body))
                .named("session")??;
            Ok(Status::Ok)
        })
    }
}

/// What to do next. Call it after each start, feed and link event and when the deadline has come, until it says
/// something other than `SMPFOTA_OK`.
///
/// `now_ms` is the caller's monotonic time. `buffer` must hold at least `max_write` bytes, 128 with
/// `SMPFOTA_FRAMING_SERIAL`.
///
/// Returns:
///   - `SMPFOTA_OK`: the first `*length` bytes of `buffer` are one write to the device. Call again.
///   - `SMPFOTA_WAIT`: nothing to send until bytes arrive or the deadline comes.
///   - `SMPFOTA_LINK_RESET`: drop the device link, bring it up again, and report both with `smpfota_session_link`. Who
///     cannot does nothing, and waits.
///   - `SMPFOTA_HEALTH_CHECK`: the new image runs. Look whether it is well and say so with `smpfota_session_health`.
///   - `SMPFOTA_DONE`: the operation has ended well; `smpfota_session_result` has its result.
///   - `SMPFOTA_BUFFER_TOO_SMALL`: `*length` says the need; nothing changed.
///   - `SMPFOTA_NO_OPERATION`, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER`, `SMPFOTA_BUSY`: nothing changed.
///   - `SMPFOTA_TIME_REFUSED`: `now_ms` lies more than ten years after the first time of the session, or beyond every clock in
///     milliseconds (-1, nanoseconds since 1970); nothing changed.
///   - any other number below 0: the operation has failed with it; it says so again until another is started.
///     `smpfota_session_error` has the sentence.
///
/// `*length` is 0 with every other status from 0 on.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn smpfota_session_next_frame(
    session: smpfota_session,
    now_ms: u64,
    buffer: *mut u8,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let mut out = unsafe { BufferOut::new(buffer, capacity, length) }?;
        SESSIONS.drive_writes(session, now_ms, |session| next_into(session, now_ms, &mut out))
    })
}

/// The next write into the caller's buffer.
#[inline]
pub(super) fn next_into(session: &mut Session, now_ms: u64, out: &mut BufferOut) -> Result<Status, Status> {
    let needed = session.buffer_len();
    if out.capacity() < needed {
        return Err(out.too_small(needed));
    }
    let (status, length) = match session.next_frame(now_ms, out.as_mut()) {
        Ok(Next::Write(length)) => (Status::Ok, length),
        Ok(Next::Wait) => (Status::Wait, 0),
        Ok(Next::LinkReset) => (Status::LinkReset, 0),
        Ok(Next::HealthCheck) => (Status::HealthCheck, 0),
        Ok(Next::Done) => (Status::Done, 0),
        Err(failure) => return Err(failure.status),
    };
    out.wrote(length);
    Ok(status)
}

/// Bytes that came from the device, as they came: half a frame, several frames, console lines between log text.
///
/// `bytes` has `bytes_length` bytes; they are copied. Whatever is no answer to this session is counted and does no harm. Call
/// `smpfota_session_next_frame` afterwards.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_TIME_REFUSED`, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn smpfota_session_feed(
    session: smpfota_session,
    now_ms: u64,
    bytes: *const u8,
    bytes_length: size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let bytes = unsafe { input(bytes, bytes_length) }?;
        SESSIONS.drive_forward(session, now_ms, |session| session.feed(now_ms, bytes))?;
        Ok(Status::Ok)
    })
}

/// When to call `smpfota_session_next_frame` even if nothing arrives, in the caller's time.
///
/// It may lie in the past: then call at once. It moves with every call on the session, so ask again after each round. A call more
/// than 30 s after it counts as one at the deadline: what the host slept is no evidence against the device.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_EMPTY` while nothing is waited for (`*deadline_ms` is then `UINT64_MAX`),
/// `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_deadline(session: smpfota_session, deadline_ms: *mut u64) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { Out::new(deadline_ms) }?;
        Ok(out.time(SESSIONS.inspect(session, |session| session.deadline())?))
    })
}

/// What the caller knows of the device link. Who cannot see the link never calls this.
///
/// `event` is `SMPFOTA_LINK_EVENT_DOWN`, `SMPFOTA_LINK_EVENT_UP`, or `SMPFOTA_LINK_EVENT_MAX_WRITE` with the bytes of one
/// write in `value`, 20 to 65,535. `value` is not looked at with the others. `SMPFOTA_LINK_EVENT_NEW_ADDRESS` is an up to a device that
/// came back under another address or name. After `SMPFOTA_LINK_EVENT_BONDS_LOST` an update waits 45,000 ms for an answer, as when somebody
/// pairs anew, and then fails with `SMPFOTA_FINDING_BONDS_LOST` or, before its reset, `SMPFOTA_FINDING_PAIRING_NEEDED`.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_INVALID_ARGUMENT`, `SMPFOTA_TIME_REFUSED`, `SMPFOTA_INVALID_HANDLE` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn smpfota_session_link(session: smpfota_session, now_ms: u64, event: u32, value: u32) -> i32 {
    guard(|| {
        let event = match event {
            SMPFOTA_LINK_EVENT_DOWN => LinkEvent::Down,
            SMPFOTA_LINK_EVENT_UP => LinkEvent::Up,
            SMPFOTA_LINK_EVENT_NEW_ADDRESS => LinkEvent::NewAddress,
            SMPFOTA_LINK_EVENT_BONDS_LOST => LinkEvent::BondsLost,
            SMPFOTA_LINK_EVENT_MAX_WRITE if (20..=65_535).contains(&value) => LinkEvent::MaxWrite(value),
            _ => return Err(Status::InvalidArgument),
        };
        SESSIONS.drive(session, now_ms, |session| session.link(now_ms, event))?;
        Ok(Status::Ok)
    })
}

/// Ends the running operation: `smpfota_session_next_frame` then says `SMPFOTA_CANCELLED`. What the device has stays there.
///
/// Any thread may cancel while another drives the session: neither waits and neither is told `SMPFOTA_BUSY`. With `SMPFOTA_OK` this
/// operation ends, and none after it; only where the call that was running ends it by itself, that end counts. `now_ms` is not looked
/// at: the end is told at the time of the driver's next call.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_NO_OPERATION` when none runs or it was cancelled before, or `SMPFOTA_INVALID_HANDLE`.
#[unsafe(no_mangle)]
pub extern "C" fn smpfota_session_cancel(session: smpfota_session, now_ms: u64) -> i32 {
    let _ = now_ms;
    guard(|| SESSIONS.cancel(session).map(|()| Status::Ok))
}

/// Sends nothing until `smpfota_session_resume`. Answers are still taken, and no deadline runs.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_NO_OPERATION` when none runs, `SMPFOTA_TIME_REFUSED`, `SMPFOTA_INVALID_HANDLE` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn smpfota_session_pause(session: smpfota_session, now_ms: u64) -> i32 {
    guard(|| {
        SESSIONS.drive(session, now_ms, |session| {
            require_running(session)?;
            session.pause(now_ms).map_err(|failure| failure.status)?;
            Ok(Status::Ok)
        })?
    })
}

/// Goes on after `smpfota_session_pause`.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_NO_OPERATION` when none runs, `SMPFOTA_WRONG_STATE` when it was not paused,
/// `SMPFOTA_TIME_REFUSED`, `SMPFOTA_INVALID_HANDLE` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn smpfota_session_resume(session: smpfota_session, now_ms: u64) -> i32 {
    guard(|| {
        SESSIONS.drive(session, now_ms, |session| {
            require_running(session)?;
            session.resume(now_ms).map_err(|failure| failure.status)?;
            Ok(Status::Ok)
        })?
    })
}

/// Answers `SMPFOTA_HEALTH_CHECK`: `healthy` 1 confirms the new image, 0 leaves it unconfirmed and resets the device, so
/// that it goes back to the old one.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_NO_OPERATION`, `SMPFOTA_WRONG_STATE` when nobody asked, `SMPFOTA_INVALID_ARGUMENT` for
/// another number, `SMPFOTA_TIME_REFUSED`, `SMPFOTA_INVALID_HANDLE` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub extern "C" fn smpfota_session_health(session: smpfota_session, now_ms: u64, healthy: u32) -> i32 {
    guard(|| {
        if healthy > 1 {
            return Err(Status::InvalidArgument);
        }
        SESSIONS.drive(session, now_ms, |session| {
            require_running(session)?;
            session.health(now_ms, healthy == 1).map_err(|failure| failure.status)?;
            Ok(Status::Ok)
        })?
    })
}

/// How far the operation is. Works at any time, also before the first operation and after the last.
///
/// Any thread may ask while another drives the session: neither waits and neither is told `SMPFOTA_BUSY`. Each figure is that of the
/// driver's last call that has ended; `window`, `rtt_ms` and `retransmissions` that of its last `SMPFOTA_WAIT`. Rate and time to go are
/// worked out for `now_ms`. The counts of frames stop at 16,777,215, `link_resets` at 65,535.
///
/// Set `progress->struct_size` to `sizeof(smpfota_progress)` before the call.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_STRUCT_SIZE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_progress_get(
    session: smpfota_session,
    now_ms: u64,
    progress: *mut smpfota_progress,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { StructOut::new(progress) }?;
        out.set(&SESSIONS.progress(session, now_ms)?.into());
        Ok(Status::Ok)
    })
}

/// The result of the operation that has ended well, as a JSON object.
///
/// `text`, `capacity` and `length` as with `smpfota_version`. It stays readable until another operation is started.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_BUFFER_TOO_SMALL`, `SMPFOTA_NO_OPERATION` while there is no result,
/// `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_result(
    session: smpfota_session,
    text: *mut c_char,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { BufferOut::text(text, capacity, length) }?;
        let result = SESSIONS.inspect(session, |session| session.result())?;
        out.put(result.ok_or(Status::NoOperation)?.to_string().as_bytes())
    })
}

/// Why the operation failed. It stays readable until another operation is started.
///
/// Set `error->struct_size` to `sizeof(smpfota_error)` before the call. Here `error` is the output and not NULL.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_EMPTY` when no operation has failed, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER`,
/// `SMPFOTA_STRUCT_SIZE` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_error(session: smpfota_session, error: *mut smpfota_error) -> i32 {
    guard(|| {
        if error.is_null() {
            return Err(Status::NullPointer);
        }
        // SAFETY: the module's contract.
        let out = unsafe { ErrorOut::new(error) }?;
        let Some(failure) = SESSIONS.inspect(session, |session| session.failure())? else {
            return Ok(Status::Empty);
        };
        out.set(&failure);
        Ok(Status::Ok)
    })
}

/// Everything that is known of the failure, as a JSON object: `status`, `name`, `finding`, `finding_number`, `sentence`, `device` (the error
/// that the device answered, or null), `reason` (the device's own words, at most 96 printable ASCII characters, or null),
/// `retry`, `left_with`, `phase`, `counts`, `evidence` (what shows the finding: `count`, `frames` of the recording, `since_ms`; null without
/// a finding) and `recording` (as text; null when nothing is recorded).
///
/// `text`, `capacity` and `length` as with `smpfota_version`. It stays readable until another operation is started. The keys may
/// become more; none changes its meaning.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_EMPTY` when no operation has failed, `SMPFOTA_BUFFER_TOO_SMALL`,
/// `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_failure(
    session: smpfota_session,
    text: *mut c_char,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { BufferOut::text(text, capacity, length) }?;
        match SESSIONS.inspect(session, |session| session.failure_json())? {
            Some(failure) => out.put(failure.to_string().as_bytes()),
            None => Ok(Status::Empty),
        }
    })
}

/// What the device is left with by the update that failed: `*left_with` receives an `SMPFOTA_LEFT_WITH_...` number,
/// `SMPFOTA_LEFT_WITH_UNKNOWN` where no update has failed.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_left_with(session: smpfota_session, left_with: *mut u32) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { Out::new(left_with) }?;
        out.set(SESSIONS.inspect(session, |session| session.left_with())? as u32);
        Ok(Status::Ok)
    })
}

/// Takes the oldest entry out of the session's short log: what happened that was not ordinary, as one JSON object with
/// `at_ms`, `event` and, for most, `value`.
///
/// `text`, `capacity` and `length` as with `smpfota_version`. The last few events are kept; whoever never reads loses
/// the oldest. An entry that does not fit stays where it is.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_EMPTY`, `SMPFOTA_BUFFER_TOO_SMALL`, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER` or
/// `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_next_event(
    session: smpfota_session,
    text: *mut c_char,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { BufferOut::text(text, capacity, length) }?;
        SESSIONS.inspect(session, |session| {
            let Some(event) = session.peek_event() else { return Ok(Status::Empty) };
            out.put(event_text(event).as_bytes())?;
            session.next_event();
            Ok(Status::Ok)
        })?
    })
}

fn event_text(event: Event) -> String {
    let (name, value) = event.kind.parts();
    match value {
        Some(value) => json!({ "at_ms": event.at_ms, "event": name, "value": value }),
        None => json!({ "at_ms": event.at_ms, "event": name }),
    }
    .to_string()
}

fn require_running(session: &Session) -> Result<(), Status> {
    match session.phase() {
        Phase::Idle | Phase::Done | Phase::Failed => Err(Status::NoOperation),
        _ => Ok(()),
    }
}

/// The arguments of a command; nothing stands for none.
pub(super) fn read_arguments(json: &[u8]) -> Result<Value, Failure> {
    /// Room for the largest content of a file (16 MiB) in hexadecimal digits.
    const LONGEST: usize = (32 << 20) + 65_536;
    if json.is_empty() {
        return Ok(Value::Null);
    }
    if json.len() > LONGEST {
        let sentence = format!("the arguments have {} bytes; at most {LONGEST} are taken.", json.len());
        return Err(Failure::new(Status::InvalidArgument, sentence));
    }
    serde_json::from_slice(json)
        .map_err(|error| Failure::new(Status::InvalidJson, format!("the arguments are no JSON: {error}.")))
}

fn outside(what: &str, value: u32, meaning: &str) -> Failure {
    Failure::new(Status::InvalidArgument, format!("{what} is {value}; it must be {meaning}."))
}
