//! See `romulus_fuzz::manifests`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| romulus_fuzz::manifests::check(bytes));
