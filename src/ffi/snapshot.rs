//! Sessions as bytes: saved by one process, restored by another.

use super::guard::{guard, guard_explained};
use super::image::share;
use super::pointers::{BufferOut, Named, Out, input, input_struct, size_t};
use super::sessions::SESSIONS;
use super::structs::{smpfota_error, smpfota_session_options};
use super::types::{smpfota_image, smpfota_session};
use crate::session::Session;
use crate::status::Status;

/// Saves a session, to go on with it in another process, on another machine, hours later: in at most 512 bytes, or, while a
/// message of the device has come in part, 512 and the bytes of that part (65,543 at most). Ask for the length with a capacity of 0.
///
/// It may be called between any two calls on the session, which goes on as if nothing had happened. What
/// `smpfota_session_next_frame` has handed out counts as sent. The snapshot holds no image, only its digest, no clock
/// value and no secret. A single command or request is not kept: start it again.
///
/// `buffer`, `capacity` and `length` as with `smpfota_version`, for bytes.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_BUFFER_TOO_SMALL` (`*length` says the need), `SMPFOTA_UNAVAILABLE` for a package of
/// too many images, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_save(
    session: smpfota_session,
    buffer: *mut u8,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { BufferOut::new(buffer, capacity, length) }?;
        let snapshot = SESSIONS.inspect(session, |session| session.snapshot())?;
        out.put(&snapshot.map_err(|failure| failure.status)?)
    })
}

/// Opens a session that goes on where a saved one stood. The device is asked before anything is written, so an old
/// snapshot costs a round trip and nothing else.
///
/// `snapshot` has `snapshot_length` bytes. `image` is the file that the update was started with, 0 for a snapshot without an update.
/// `options` NULL means those of the saved session; otherwise they take their place. `*session` receives the handle,
/// which belongs to the caller until `smpfota_session_close`. If an answer has come for what the earlier process sent,
/// feed it first.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_SNAPSHOT_DAMAGED`, `SMPFOTA_SNAPSHOT_VERSION` for one of a newer library,
/// `SMPFOTA_SNAPSHOT_IMAGE` for another image or none, `SMPFOTA_INVALID_HANDLE` for the image, `SMPFOTA_NULL_POINTER`,
/// `SMPFOTA_STRUCT_SIZE`, `SMPFOTA_INVALID_ARGUMENT` with the name of the option, or `SMPFOTA_TOO_MANY_HANDLES`. Any
/// thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_restore(
    snapshot: *const u8,
    snapshot_length: size_t,
    image: smpfota_image,
    options: *const smpfota_session_options,
    session: *mut smpfota_session,
    error: *mut smpfota_error,
) -> i32 {
    // SAFETY: the module's contract, here and inside.
    unsafe {
        guard_explained(error, || {
            let (handle, snapshot) =
                (Out::new(session).named("session")?, input(snapshot, snapshot_length).named("snapshot")?);
            let firmware = if image == 0 { None } else { Some(share(image).named("image")?) };
            let options = if options.is_null() {
                None
            } else {
                Some(input_struct(options, smpfota_session_options::defaults()).named("options")?.parse()?)
            };
            handle.set(SESSIONS.open(Session::restore(snapshot, firmware, options)?)?);
            Ok(Status::Ok)
        })
    }
}
