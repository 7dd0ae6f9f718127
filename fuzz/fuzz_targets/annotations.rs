//! See `romulus_fuzz::annotations`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| romulus_fuzz::annotations::check(text));
