//! What romulus must hold to on any input, one module for each fuzz target.
//!
//! Every module has one function, `check`, which takes an input as the fuzzer makes it and panics
//! where a property does not hold. The programs in `fuzz_targets` only hand their input over, so an
//! input that was found can be tried in a plain test, too. `docs/fuzzing.md` says how to run them.
#![forbid(unsafe_code)]

pub mod annotations;
pub mod json_settings;
pub mod manifests;
pub mod plan_laws;
pub mod predicates;
pub mod routes;

/// Fails unless a place, given in bytes, can be shown in the text.
fn assert_within(text: &str, start: usize, end: usize, what: &dyn std::fmt::Debug) {
    assert!(
        start <= end && text.get(start..end).is_some(),
        "{start}..{end} is no part of {text:?}: {what:?}"
    );
}
