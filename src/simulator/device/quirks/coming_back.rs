//! How a device comes back from a reset. Sources: DevZone 111234 and 127516 and IOS-nRF-Connect-Device-Manager#471 (the SMP
//! characteristic of the new image asks for a bond that is gone), Android-nRF-Connect-Device-Manager#245 (a loader under another
//! address and name).

/// What stands between the client and a device that has reset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ComingBack {
    /// Nothing.
    #[default]
    AsBefore,
    /// Its address is another one: nothing reaches it until there is a new connection.
    AnotherAddress,
    /// It has no bonds any more: the link comes up and what is written is ignored, until somebody pairs.
    WithoutBonds,
}
