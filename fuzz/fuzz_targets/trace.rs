#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| smpfota_fuzz::targets::trace::run(data));
