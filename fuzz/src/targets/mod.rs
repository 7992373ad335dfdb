//! One module a fuzz target; `run` takes any bytes.

pub mod cbor_bodies;
pub mod commands;
pub mod device_session;
pub mod mcuboot_image;
pub mod package;
pub mod serial;
pub mod session;
pub mod smp_frame;
pub mod snapshot;
pub mod trace;

/// A name and what it does with the bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target by name, for the replay of corpus and regressions.
pub const ALL: &[Target] = &[
    ("cbor_bodies", cbor_bodies::run),
    ("commands", commands::run),
    ("device_session", device_session::run),
    ("mcuboot_image", mcuboot_image::run),
    ("package", package::run),
    ("serial", serial::run),
    ("session", session::run),
    ("smp_frame", smp_frame::run),
    ("snapshot", snapshot::run),
    ("trace", trace::run),
];
