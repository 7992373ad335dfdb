//! Errors that a device answers: the plain `rc` of SMP version 1 and the `err` map of version 2.

use super::cbor::{self, CborError, Items, Value};
use super::group;

/// An error answer of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceError {
    /// The group whose table the code is from; `None` for the common `rc` codes of `mcumgr_err_t`.
    pub group: Option<u16>,
    /// The code as the device sent it, also when no table knows it.
    pub code: u32,
}

/// Common `rc` codes (Zephyr `mgmt/mcumgr/mgmt/mgmt_defines.h`, `enum mcumgr_err_t`).
pub mod rc {
    /// Nothing better is known; older protocols and servers say so of many things.
    pub const UNKNOWN: u32 = 1;
    /// No buffer for the response; worth a retry.
    pub const NO_MEMORY: u32 = 2;
    /// An argument is invalid.
    pub const INVALID: u32 = 3;
    /// No such thing; on old servers also "no free slot".
    pub const NO_ENTRY: u32 = 5;
    /// The device's state does not allow it.
    pub const BAD_STATE: u32 = 6;
    /// The response would be too large.
    pub const MESSAGE_SIZE: u32 = 7;
    /// The group or command is not supported.
    pub const NOT_SUPPORTED: u32 = 8;
    /// The frame is corrupt: its header promises more bytes than came.
    pub const CORRUPT: u32 = 9;
    /// The device is busy; worth a retry.
    pub const BUSY: u32 = 10;
    /// Access is denied.
    pub const ACCESS_DENIED: u32 = 11;
    /// The server no longer speaks this protocol version.
    pub const TOO_OLD: u32 = 12;
    /// The server does not yet speak this protocol version.
    pub const TOO_NEW: u32 = 13;
}

impl DeviceError {
    /// A common `rc` code.
    pub const fn common(code: u32) -> DeviceError {
        DeviceError { group: None, code }
    }

    /// Whether the same request may succeed a little later.
    pub const fn is_retryable(&self) -> bool {
        self.group.is_none() && matches!(self.code, rc::NO_MEMORY | rc::BUSY)
    }

    /// Whether it is the common code `code`.
    pub const fn is_common(&self, code: u32) -> bool {
        self.group.is_none() && self.code == code
    }

    /// Takes the error out of one entry of a response body, if the entry is one.
    ///
    /// `rc` other than 0 is one, and so is the map `err`, or `ret` as Zephyr 3.4 spelt it (Zephyr pull request 60984).
    /// An integer `ret` is the exit code of a shell command and no error.
    pub fn from_entry(key: &str, value: &Value<'_>) -> Option<DeviceError> {
        match (key, value) {
            ("rc", Value::Unsigned(0)) => None,
            ("rc", Value::Unsigned(code)) => {
                Some(DeviceError::common((*code).min(u64::from(u32::MAX)) as u32))
            }
            ("rc", Value::Negative(_)) => Some(DeviceError::common(u32::MAX)),
            ("err" | "ret", Value::Map(items)) => DeviceError::from_group_map(items),
            _ => None,
        }
    }

    /// The error in the body of an answer of `group`, if there is one.
    ///
    /// Servers before Zephyr 3.3, and newer ones built with `CONFIG_MCUMGR_GRP_SHELL_LEGACY_RC_RETURN_CODE`, put the exit code
    /// of a shell command into `rc`, beside its output `o`. That is no error, and above all nothing to send again.
    pub fn in_body(group: u16, body: &[u8]) -> Result<Option<DeviceError>, CborError> {
        let mut error = None;
        let mut executed = false;
        cbor::entries(body, |key, value| {
            error = error.or(DeviceError::from_entry(key, &value));
            executed |= key == "o";
        })?;
        Ok(error.filter(|_| group != group::SHELL || !executed))
    }

    fn from_group_map(items: &Items<'_>) -> Option<DeviceError> {
        let (mut group, mut code) = (None, None);
        items
            .entries(|key, value| match (key, value) {
                ("group", Value::Unsigned(n)) => group = u16::try_from(n).ok(),
                ("rc", Value::Unsigned(n)) => code = Some(n.min(u64::from(u32::MAX)) as u32),
                _ => {}
            })
            .ok()?;
        match code {
            None | Some(0) => None,
            Some(code) => Some(DeviceError { group, code }),
        }
    }
}
