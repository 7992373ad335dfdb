//! What was seen of the device and of the link that explains a failure, whichever operation it meets.

use crate::smp::{DeviceError, reason};

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// The last error that the device answered, and its own words for it.
    said: Option<(DeviceError, Box<str>)>,
}

impl Evidence {
    /// The device answered this error with this body.
    #[cold]
    pub fn refused(&mut self, error: DeviceError, body: &[u8]) {
        self.said = reason::in_body(body).map(|words| (error, words));
    }

    /// The device's own words for this error.
    pub fn words_for(&self, error: DeviceError) -> Option<&str> {
        self.said.as_ref().filter(|(said, _)| *said == error).map(|(_, words)| &**words)
    }

    /// Another operation begins.
    pub fn forget_operation(&mut self) {
        self.said = None;
    }
}
