//! What the fuzz targets do with bytes. Without libFuzzer in it, so that the ordinary tests replay corpus and regressions
//! (`tests/fuzz_regressions.rs`) and drive the same checked session with random scripts (`tests/properties.rs`).

pub mod bytes;
pub mod checked;
pub mod script;
pub mod stub;
pub mod targets;
