//! See `romulus_fuzz::plan_laws`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| romulus_fuzz::plan_laws::check(bytes));
