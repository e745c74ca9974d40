#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| xdpgate_fuzz::lists::ipset(data));
