//! What is said of devices and links of the field, and how early. The items are those of public bug reports; each test names its
//! source.

#[path = "../support/drive.rs"]
mod drive;

#[path = "../update/kit.rs"]
#[allow(dead_code, reason = "each test file uses its own part")]
mod kit;

#[path = "../firmware_support/mod.rs"]
mod firmware_support;

mod cases;
mod check;
mod counts;
mod dependencies;
mod hopeless;
mod item_29_own_words;
mod near_misses;
mod objections;
mod pairs;
