//! See `romulus_fuzz::json_settings`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| romulus_fuzz::json_settings::check(text));
