//! See `romulus_fuzz::routes`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| romulus_fuzz::routes::check(text));
