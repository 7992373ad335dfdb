//! The console framing for callers who have a UART of their own: encode a frame, decode a stream.

use std::collections::VecDeque;

use super::guard::guard;
use super::handles::{Kind, Table};
use super::pointers::{BufferOut, Out, input, size_t};
use super::types::smpfota_serial_decoder;
use crate::smp::console;
use crate::status::Status;

static DECODERS: Table<Decoder> = Table::new(Kind::Decoder);

/// A decoder and the frames that nobody has fetched yet.
struct Decoder {
    decoder: console::Decoder,
    frames: VecDeque<Vec<u8>>,
}

/// With so many frames unread a decoder takes no more: its memory stays bounded whatever is fed.
const MOST_UNREAD: usize = 64;

/// Puts an SMP frame into the console framing: lines of at most 127 bytes, each with its newline.
///
/// `frame` has `frame_length` bytes, 1 to 65,533. `buffer` receives all lines, one after the other, about 4/3 of the frame
/// and 3 bytes per line; `*length` the number of bytes.
///
/// A session with `SMPFOTA_FRAMING_SERIAL` does this by itself; the function is for other frames on the same wire.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_BUFFER_TOO_SMALL` (`*length` says the need), `SMPFOTA_NULL_POINTER`, or
/// `SMPFOTA_INVALID_ARGUMENT` for a length outside the range. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_serial_encode(
    frame: *const u8,
    frame_length: size_t,
    buffer: *mut u8,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let (frame, out) =
            unsafe { (input(frame, frame_length)?, BufferOut::new(buffer, capacity, length)?) };
        if frame.is_empty() || frame.len() > console::MAX_FRAME {
            return Err(Status::InvalidArgument);
        }
        let mut lines = Vec::new();
        console::encode(frame, &mut lines);
        out.put(&lines)
    })
}

/// Opens a decoder of the console framing.
///
/// It accepts frames of up to `max_frame` bytes, at most 65,533; 0 means that maximum. `*decoder` receives the handle,
/// which belongs to the caller until `smpfota_serial_decoder_close`.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_NULL_POINTER`, `SMPFOTA_INVALID_ARGUMENT` or `SMPFOTA_TOO_MANY_HANDLES`. Any thread,
/// any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_serial_decoder_open(
    max_frame: u32,
    decoder: *mut smpfota_serial_decoder,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let handle = unsafe { Out::new(decoder) }?;
        let limit = match max_frame as usize {
            0 => console::MAX_FRAME,
            limit @ 1..=console::MAX_FRAME => limit,
            _ => return Err(Status::InvalidArgument),
        };
        let decoder = Decoder { decoder: console::Decoder::new(limit), frames: VecDeque::new() };
        handle.set(DECODERS.open(decoder)?);
        Ok(Status::Ok)
    })
}

/// Feeds bytes as they came from the console, in any pieces.
///
/// `bytes` has `bytes_length` bytes; they are copied. Log text and damaged lines among them are passed over.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER`, `SMPFOTA_BUSY`, or `SMPFOTA_WRONG_STATE`
/// when 64 frames or more wait for `smpfota_serial_decoder_next`; then nothing was taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_serial_decoder_feed(
    decoder: smpfota_serial_decoder,
    bytes: *const u8,
    bytes_length: size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let bytes = unsafe { input(bytes, bytes_length) }?;
        DECODERS.with_mut(decoder, |Decoder { decoder, frames }| {
            if frames.len() >= MOST_UNREAD {
                return Err(Status::WrongState);
            }
            decoder.feed(bytes, |frame| frames.push_back(frame.to_vec()));
            Ok(Status::Ok)
        })?
    })
}

/// Fetches the next complete frame.
///
/// `buffer` receives the frame, at most `capacity` bytes; `*length` its length. A frame that does not fit stays where
/// it is.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_EMPTY` when there is none, `SMPFOTA_BUFFER_TOO_SMALL` (`*length` says the need),
/// `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_serial_decoder_next(
    decoder: smpfota_serial_decoder,
    buffer: *mut u8,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { BufferOut::new(buffer, capacity, length) }?;
        DECODERS.with_mut(decoder, |Decoder { frames, .. }| {
            let Some(frame) = frames.front() else { return Ok(Status::Empty) };
            out.put(frame)?;
            frames.pop_front();
            Ok(Status::Ok)
        })?
    })
}

/// Closes a decoder. A call that is inside on another thread finishes first.
///
/// Returns `SMPFOTA_OK` or `SMPFOTA_INVALID_HANDLE`.
#[unsafe(no_mangle)]
pub extern "C" fn smpfota_serial_decoder_close(decoder: smpfota_serial_decoder) -> i32 {
    guard(|| DECODERS.close(decoder).map(|()| Status::Ok))
}
