//! The wire: the SMP header, CBOR bodies, error codes, reassembly, fragmentation and the serial console framing.
//!
//! Nothing here keeps a conversation; every item turns bytes into values or values into bytes.

pub mod cbor;
pub mod console;
pub mod crc16;
pub mod error;
pub mod error_table;
pub mod frame;
pub mod group;
pub mod header;
pub(crate) mod hex;
pub(crate) mod mangled;
pub mod reason;
pub mod reassembly;

pub use error::DeviceError;
pub use frame::Frame;
pub use header::{Header, Op, Version};
