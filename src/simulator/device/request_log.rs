//! What the device was asked, for whoever looks at the order and the targets afterwards.

use super::server::Header;

/// One request that was handled, and what it wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedRequest {
    /// When it was taken up, µs.
    pub at_us: u64,
    /// Serial recovery answered it.
    pub recovery: bool,
    /// 0 read, 2 write.
    pub op: u8,
    /// Group.
    pub group: u16,
    /// Command.
    pub command: u8,
    /// The body, CBOR.
    pub body: Vec<u8>,
    /// Image, slot and bytes of an upload that went to the flash; its first chunk counts even if the flash has yet to
    /// see it.
    pub wrote: Option<(usize, usize, usize)>,
}

impl LoggedRequest {
    pub(super) fn new(at_us: u64, recovery: bool, header: &Header, body: &[u8]) -> LoggedRequest {
        let (op, group, command) = (header.op, header.group, header.command);
        LoggedRequest { at_us, recovery, op, group, command, body: body.to_vec(), wrote: None }
    }
}
