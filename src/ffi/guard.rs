//! The boundary of every exported function: results become numbers, and a panic becomes [`Status::Panic`].

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::pointers::ErrorOut;
use super::structs::smpfota_error;
use crate::failure::Failure;
use crate::status::Status;

/// Runs the body of a function whose status says all there is to say.
#[inline]
pub(super) fn guard(body: impl FnOnce() -> Result<Status, Status>) -> i32 {
    // A value that a panic left half-changed is behind a lock that the panic poisoned, so nobody sees it again.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(status)) | Ok(Err(status)) => status.number(),
        Err(payload) => caught(payload),
    }
}

/// Runs the body of a function that also explains its failure in the caller's `smpfota_error`.
///
/// # Safety
///
/// `error` is NULL or points to as many bytes as its `struct_size` says.
pub(super) unsafe fn guard_explained(
    error: *mut smpfota_error,
    body: impl FnOnce() -> Result<Status, Failure>,
) -> i32 {
    // SAFETY: the caller's promise is passed on.
    let out = match unsafe { ErrorOut::new(error) } {
        Ok(out) => out,
        Err(status) => return status.number(),
    };
    let mut failure = None;
    let number = guard(|| {
        body().map_err(|found| {
            let status = found.status;
            failure = Some(found);
            status
        })
    });
    if number < 0 {
        match &failure {
            Some(failure) => out.set(failure),
            None => out.set_status(Status::Panic),
        }
    }
    number
}

/// Gets rid of what was thrown. Its destructor may panic in turn; what that throws is leaked, a few bytes at most.
#[cold]
fn caught(payload: Box<dyn Any + Send>) -> i32 {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    Status::Panic.number()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct PanicsWhenDropped;

    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("wanted by the test");
        }
    }

    /// Stands for an exported function: were the panic to pass through `extern "C"`, the process would end.
    extern "C" fn panics(nested: u32) -> i32 {
        guard(|| match nested {
            0 => panic!("wanted by the test"),
            _ => std::panic::panic_any(PanicsWhenDropped),
        })
    }

    #[test]
    fn a_panic_becomes_a_status() {
        assert_eq!(panics(0), Status::Panic.number());
    }

    #[test]
    fn a_payload_that_panics_when_dropped_does_no_harm() {
        assert_eq!(panics(1), Status::Panic.number());
    }

    #[test]
    fn a_panic_is_explained_to_the_caller() {
        let mut error = smpfota_error::empty();
        // SAFETY: `error` is a whole struct that says its size.
        let number = unsafe { guard_explained(&mut error, || panic!("wanted by the test")) };
        assert_eq!((number, error.status), (Status::Panic.number(), Status::Panic.number()));
        assert_eq!(error.sentence(), Status::Panic.text());
    }

    #[test]
    fn success_leaves_the_error_alone() {
        let mut error = smpfota_error::empty();
        error.code = 77;
        // SAFETY: `error` is a whole struct that says its size.
        let number = unsafe { guard_explained(&mut error, || Ok(Status::Wait)) };
        assert_eq!((number, error.code, error.text_length), (Status::Wait.number(), 77, 0));
    }
}
