//! The devices of the field: each behaviour that public reports describe, by its number, and what is right there.
//!
//! A test names the number of its report, `item_03_...`; the sources stand at the quirks of `src/simulator/device/quirks/`.
//! `good` holds the devices that merely look odd.

#[path = "../support/drive.rs"]
mod drive;
#[allow(dead_code, reason = "it is shared with the tests of the update")]
#[path = "../update/kit.rs"]
mod kit;
#[allow(dead_code, reason = "it is shared with the tests of the firmware")]
#[path = "../firmware_support/package.rs"]
mod package;

mod bootloaders;
mod files;
mod good;
mod guards;
mod late_first_chunk;
mod lists;
mod loaders;
mod network_core;
mod newest;
mod recovery;
mod several;
mod themselves;
mod world;
