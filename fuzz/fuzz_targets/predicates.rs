//! See `romulus_fuzz::predicates`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| romulus_fuzz::predicates::check(text));
