//! What the caller's pointers may be, decided in one place.
//!
//! Inputs become slices for the time of the call, outputs are written only when the call succeeds. Nothing assumes
//! that a pointer is aligned. A length of 0 makes the pointer meaningless: it is not looked at.

use std::ffi::c_char;
use std::ptr;

use super::structs::{Growing, smpfota_error};
use crate::failure::Failure;
use crate::status::Status;

/// The C name of lengths. Handles are `usize`, which the header calls `uintptr_t`.
pub(super) type size_t = usize;

/// The bytes that came in.
///
/// # Safety
///
/// `bytes` points to `length` bytes that nobody writes while the slice lives, or is NULL.
#[inline]
pub(super) unsafe fn input<'a>(bytes: *const u8, length: usize) -> Result<&'a [u8], Status> {
    if length == 0 {
        return Ok(&[]);
    }
    if bytes.is_null() {
        return Err(Status::NullPointer);
    }
    if length > isize::MAX as usize {
        return Err(Status::InvalidArgument);
    }
    // SAFETY: not NULL, no longer than a slice may be, and the caller promises the rest.
    Ok(unsafe { std::slice::from_raw_parts(bytes, length) })
}

/// The UTF-8 text that came in.
///
/// # Safety
///
/// As [`input`].
pub(super) unsafe fn input_text<'a>(text: *const c_char, length: usize) -> Result<&'a str, Status> {
    // SAFETY: the caller's promise is passed on.
    let bytes = unsafe { input(text.cast(), length) }?;
    std::str::from_utf8(bytes).map_err(|_| Status::InvalidArgument)
}

/// As [`input_text`], for functions that say which argument is wrong.
///
/// # Safety
///
/// As [`input`].
pub(super) unsafe fn named_text<'a>(
    text: *const c_char,
    length: usize,
    argument: &str,
) -> Result<&'a str, Failure> {
    // SAFETY: the caller's promise is passed on.
    let bytes = unsafe { input(text.cast(), length) }.named(argument)?;
    std::str::from_utf8(bytes).map_err(|error| {
        let sentence =
            format!("{argument} is not UTF-8: byte {} is no part of a character.", error.valid_up_to());
        Failure::new(Status::InvalidArgument, sentence)
    })
}

/// A check of one argument, for functions that say which one is wrong.
pub(super) trait Named<T> {
    fn named(self, argument: &str) -> Result<T, Failure>;
}

impl<T> Named<T> for Result<T, Status> {
    fn named(self, argument: &str) -> Result<T, Failure> {
        #[cold]
        fn failure(status: Status, argument: &str) -> Failure {
            match status {
                Status::NullPointer => Failure::new(status, format!("{argument} is NULL and must not be.")),
                Status::InvalidHandle => Failure::new(
                    status,
                    format!(
                        "{argument} is no handle of its kind that is open: it was closed, is of another kind, or was never given out."
                    ),
                ),
                Status::InvalidArgument => {
                    Failure::new(status, format!("{argument} is longer than memory can be."))
                }
                Status::Busy => Failure::new(status, format!("Another thread is inside {argument}.")),
                Status::StructSize => Failure::new(
                    status,
                    format!("struct_size of {argument} is smaller than its first fields."),
                ),
                _ => status.into(),
            }
        }
        self.map_err(|status| failure(status, argument))
    }
}

/// The struct that came in, or `defaults` where the pointer is NULL or the caller's struct ends early.
///
/// # Safety
///
/// `from` is NULL or points to as many bytes as its `struct_size` says, at least to that field.
pub(super) unsafe fn input_struct<T: Growing>(from: *const T, defaults: T) -> Result<T, Status> {
    if from.is_null() {
        return Ok(defaults);
    }
    // SAFETY: the caller promises that at least `struct_size` can be read; it stands first in every such struct.
    let size = unsafe { from.cast::<u32>().read_unaligned() } as usize;
    if size < T::SMALLEST {
        return Err(Status::StructSize);
    }
    let mut value = defaults;
    // SAFETY: the caller has `size` bytes there and `value` has its own size; the smaller of both is copied, and
    // every field is a plain number, so that any bytes are valid.
    unsafe {
        ptr::copy_nonoverlapping(from.cast::<u8>(), (&raw mut value).cast::<u8>(), size.min(size_of::<T>()));
    }
    Ok(value)
}

/// One value that goes out.
pub(super) struct Out<T: Copy>(*mut T);

impl<T: Copy> Out<T> {
    /// # Safety
    ///
    /// `target` is NULL or can be written until the call returns.
    #[inline]
    pub(super) unsafe fn new(target: *mut T) -> Result<Out<T>, Status> {
        if target.is_null() { Err(Status::NullPointer) } else { Ok(Out(target)) }
    }

    #[inline]
    pub(super) fn set(&self, value: T) {
        // SAFETY: not NULL and writable, as `new` was promised.
        unsafe { self.0.write_unaligned(value) }
    }
}

impl Out<u64> {
    /// A time to come; one that never comes is told as the latest there is, so that a loop that takes the least of several
    /// needs no case of its own for it.
    pub(super) fn time(&self, time_ms: Option<u64>) -> Status {
        self.set(time_ms.unwrap_or(u64::MAX));
        if time_ms.is_some() { Status::Ok } else { Status::Empty }
    }
}

/// A struct that goes out, as far as the caller's struct reaches.
pub(super) struct StructOut<T: Growing> {
    target: *mut T,
    size: usize,
}

impl<T: Growing> StructOut<T> {
    /// # Safety
    ///
    /// `target` is NULL or points to as many writable bytes as its `struct_size` says, at least to that field.
    pub(super) unsafe fn new(target: *mut T) -> Result<StructOut<T>, Status> {
        if target.is_null() {
            return Err(Status::NullPointer);
        }
        // SAFETY: not NULL, and the caller promises that `struct_size` can be read.
        let size = unsafe { target.cast::<u32>().read_unaligned() } as usize;
        if size < T::SMALLEST { Err(Status::StructSize) } else { Ok(StructOut { target, size }) }
    }

    /// Writes every field but `struct_size`, which stays the caller's.
    pub(super) fn set(&self, value: &T) {
        const FIRST: usize = size_of::<u32>();
        let end = self.size.min(size_of::<T>());
        // SAFETY: both sides have at least `end` bytes, as `new` was promised, and SMALLEST is more than FIRST.
        unsafe {
            let from = ptr::from_ref(value).cast::<u8>().add(FIRST);
            ptr::copy(from, self.target.cast::<u8>().add(FIRST), end - FIRST);
        }
    }
}

/// Fills a struct with defaults for a caller who says its size.
///
/// What a newer caller's struct has beyond this library's is set to zero.
///
/// # Safety
///
/// `target` is NULL or points to `struct_size` writable bytes.
pub(super) unsafe fn init_struct<T: Growing>(
    target: *mut T,
    struct_size: u32,
    defaults: &T,
) -> Result<Status, Status> {
    /// No struct ever grows beyond this; it bounds what a wrong size can overwrite.
    const LARGEST: usize = 4096;
    if target.is_null() {
        return Err(Status::NullPointer);
    }
    let size = struct_size as usize;
    if !(T::SMALLEST..=LARGEST).contains(&size) {
        return Err(Status::StructSize);
    }
    let known = size.min(size_of::<T>());
    // SAFETY: not NULL, `size` bytes are writable as promised, and `known` is within both structs.
    unsafe {
        ptr::copy(ptr::from_ref(defaults).cast::<u8>(), target.cast::<u8>(), known);
        ptr::write_bytes(target.cast::<u8>().add(known), 0, size - known);
        target.cast::<u32>().write_unaligned(struct_size);
    }
    Ok(Status::Ok)
}

/// The caller's buffer for bytes or text, with the length that goes out beside it.
pub(super) struct BufferOut {
    buffer: *mut u8,
    capacity: usize,
    length: Out<usize>,
    /// A NUL follows where there is room for it.
    text: bool,
}

impl BufferOut {
    /// # Safety
    ///
    /// `buffer` is NULL or points to `capacity` writable bytes; `length` is NULL or writable.
    #[inline]
    pub(super) unsafe fn new(
        buffer: *mut u8,
        capacity: usize,
        length: *mut usize,
    ) -> Result<BufferOut, Status> {
        // SAFETY: the caller's promise is passed on.
        let length = unsafe { Out::new(length) }?;
        if capacity > 0 && buffer.is_null() {
            return Err(Status::NullPointer);
        }
        if capacity > isize::MAX as usize {
            return Err(Status::InvalidArgument);
        }
        Ok(BufferOut { buffer, capacity, length, text: false })
    }

    /// As [`BufferOut::new`], for text: a NUL is written behind it if the capacity is larger than its length.
    ///
    /// # Safety
    ///
    /// As [`BufferOut::new`].
    pub(super) unsafe fn text(
        text: *mut c_char,
        capacity: usize,
        length: *mut usize,
    ) -> Result<BufferOut, Status> {
        // SAFETY: the caller's promise is passed on.
        let out = unsafe { BufferOut::new(text.cast(), capacity, length) }?;
        Ok(BufferOut { text: true, ..out })
    }

    /// How many bytes the caller can take.
    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Hands `bytes` over, or says how much room they need.
    pub(super) fn put(&self, bytes: &[u8]) -> Result<Status, Status> {
        if bytes.len() > self.capacity {
            return Err(self.too_small(bytes.len()));
        }
        if !bytes.is_empty() {
            // SAFETY: the buffer is not NULL, because its capacity is not 0, and has room for `bytes`.
            unsafe { ptr::copy(bytes.as_ptr(), self.buffer, bytes.len()) }
        }
        if self.text && bytes.len() < self.capacity {
            // SAFETY: within the capacity.
            unsafe { self.buffer.add(bytes.len()).write(0) }
        }
        self.length.set(bytes.len());
        Ok(Status::Ok)
    }

    /// Says how much room is needed.
    #[cold]
    pub(super) fn too_small(&self, needed: usize) -> Status {
        self.length.set(needed);
        Status::BufferTooSmall
    }

    /// The buffer itself, for a layer that writes in place; [`BufferOut::wrote`] completes it.
    #[inline]
    pub(super) fn as_mut(&mut self) -> &mut [u8] {
        if self.capacity == 0 {
            return &mut [];
        }
        // SAFETY: not NULL, no longer than a slice may be, and the caller promises the rest.
        unsafe { std::slice::from_raw_parts_mut(self.buffer, self.capacity) }
    }

    /// Says how many bytes of the buffer were written.
    #[inline]
    pub(super) fn wrote(&self, length: usize) {
        self.length.set(length);
    }
}

/// The caller's `smpfota_error`, if there is one.
pub(super) struct ErrorOut(Option<StructOut<smpfota_error>>);

impl ErrorOut {
    /// # Safety
    ///
    /// `error` is NULL or points to as many writable bytes as its `struct_size` says, at least to that field.
    pub(super) unsafe fn new(error: *mut smpfota_error) -> Result<ErrorOut, Status> {
        if error.is_null() {
            return Ok(ErrorOut(None));
        }
        // SAFETY: the caller's promise is passed on.
        unsafe { StructOut::new(error) }.map(|out| ErrorOut(Some(out)))
    }

    pub(super) fn set(&self, failure: &Failure) {
        if let Some(out) = &self.0 {
            // A shorter struct gets a shorter sentence, not one cut inside a word.
            let room = out.size.saturating_sub(smpfota_error::TEXT_OFFSET);
            out.set(&smpfota_error::new(failure, room));
        }
    }

    pub(super) fn set_status(&self, status: Status) {
        if self.0.is_some() {
            self.set(&Failure::from(status));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::structs::{smpfota_progress, smpfota_update_options};
    use super::*;

    fn options() -> smpfota_update_options {
        smpfota_update_options {
            struct_size: 32,
            mode: 0,
            flags: 1,
            swap_estimate_ms: 2,
            swap_timeout_ms: 3,
            slot_size: 4,
            health_timeout_ms: 5,
            deadline_ms: 6,
            boot_mode: 7,
            security_counter: 8,
            self_reset_ms: 0,
        }
    }

    #[test]
    fn length_zero_ignores_the_pointer() {
        // SAFETY: nothing is read.
        unsafe {
            assert_eq!(input(ptr::null(), 0), Ok(&[][..]));
            assert_eq!(input(ptr::without_provenance(1), 0), Ok(&[][..]));
            assert_eq!(input(ptr::null(), 1), Err(Status::NullPointer));
            assert_eq!(input(b"x".as_ptr(), usize::MAX), Err(Status::InvalidArgument));
        }
    }

    #[test]
    fn a_short_buffer_learns_the_length_and_is_left_alone() {
        let (mut buffer, mut length) = ([9u8; 4], 77usize);
        // SAFETY: the buffer is a live array.
        unsafe {
            let out = BufferOut::new(buffer.as_mut_ptr(), 4, &mut length).expect("valid");
            assert_eq!(out.put(b"12345"), Err(Status::BufferTooSmall));
            assert_eq!((length, buffer), (5, [9; 4]));
            assert_eq!(out.put(b"123"), Ok(Status::Ok));
            assert_eq!((length, buffer), (3, [b'1', b'2', b'3', 9]));
            let nothing = BufferOut::new(ptr::null_mut(), 0, &mut length).expect("a question for the length");
            assert_eq!(nothing.put(b"12"), Err(Status::BufferTooSmall));
            assert_eq!(length, 2);
            assert_eq!(nothing.put(b""), Ok(Status::Ok));
            assert_eq!(length, 0);
            assert_eq!(BufferOut::new(ptr::null_mut(), 1, &mut length).err(), Some(Status::NullPointer));
            assert_eq!(
                BufferOut::new(buffer.as_mut_ptr(), 4, ptr::null_mut()).err(),
                Some(Status::NullPointer)
            );
        }
    }

    #[test]
    fn a_shorter_struct_of_the_caller_gets_defaults_and_a_longer_one_is_read_as_far_as_known() {
        let defaults = options();
        let short = [8u32, 2];
        let mut long = [0u32; 40];
        long[0] = 160;
        long[2] = 4;
        // SAFETY: each array has as many bytes as it says.
        let (short, long) = unsafe {
            (
                input_struct(short.as_ptr().cast::<smpfota_update_options>(), defaults),
                input_struct(long.as_ptr().cast::<smpfota_update_options>(), defaults),
            )
        };
        let (short, long) = (short.expect("short is fine"), long.expect("long is fine"));
        assert_eq!((short.mode, short.swap_timeout_ms), (2, defaults.swap_timeout_ms));
        assert_eq!((long.mode, long.flags, long.swap_timeout_ms), (0, 4, 0));
        let tiny = [4u32];
        // SAFETY: the size that the array says is refused before more is read.
        let tiny = unsafe { input_struct(tiny.as_ptr().cast::<smpfota_update_options>(), defaults) };
        assert_eq!(tiny.err(), Some(Status::StructSize));
    }

    #[test]
    fn output_stops_where_the_callers_struct_ends() {
        let mut words = [0xaaaa_aaaau32; 8];
        words[0] = 16;
        let value =
            smpfota_progress { phase: 3, bytes_acknowledged: 5, bytes_total: 6, ..Default::default() };
        // SAFETY: the array has more bytes than it says.
        unsafe { StructOut::new(words.as_mut_ptr().cast()).expect("valid").set(&value) };
        assert_eq!(words[..4], [16, 3, 5, 0]);
        assert_eq!(words[4..], [0xaaaa_aaaa; 4]);
    }

    #[test]
    fn a_struct_can_lie_at_any_address() {
        let mut bytes = [0u8; 129];
        bytes[1..5].copy_from_slice(&100u32.to_ne_bytes());
        let value = smpfota_progress { phase: 7, ..Default::default() };
        // SAFETY: from the odd address on there are 128 bytes.
        unsafe { StructOut::new(bytes.as_mut_ptr().add(1).cast()).expect("valid").set(&value) };
        assert_eq!(bytes[5..9], 7u32.to_ne_bytes());
    }

    #[test]
    fn init_zeroes_what_only_the_caller_knows() {
        let mut words = [0xaaaa_aaaau32; 12];
        let defaults = options();
        // SAFETY: the array has the bytes that the call names.
        let result = unsafe { init_struct(words.as_mut_ptr().cast(), 44, &defaults) };
        assert_eq!(result, Ok(Status::Ok));
        assert_eq!((words[0], words[4]), (44, defaults.swap_timeout_ms));
        assert_eq!(words[8..], [defaults.boot_mode, defaults.security_counter, 0, 0xaaaa_aaaa]);
        // SAFETY: refused before anything is written.
        let result = unsafe { init_struct(words.as_mut_ptr().cast(), u32::MAX, &defaults) };
        assert_eq!(result, Err(Status::StructSize));
    }
}
