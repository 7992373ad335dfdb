//! The names of the handles in C. Each is as wide as a pointer, and a number in every language.

/// A firmware file that was opened: `smpfota_image_open_file`, `smpfota_image_open_bytes`, `smpfota_image_expect`.
pub type smpfota_image = usize;

/// The conversation with one device: `smpfota_session_open`, `smpfota_session_restore`.
pub type smpfota_session = usize;

/// A decoder of the console framing: `smpfota_serial_decoder_open`.
pub type smpfota_serial_decoder = usize;

/// A trace that is being explained: `smpfota_trace_open`.
pub type smpfota_trace = usize;

/// A virtual device behind a virtual link: `smpfota_device_open`.
pub type smpfota_device = usize;
