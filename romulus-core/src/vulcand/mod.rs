//! The values vulcand reads from its keys, judged exactly as a running vulcand judges them.
pub mod check;
mod decode;
mod duration;
pub mod json;

pub use check::{Checked, Problem, Verdict};
pub use duration::{DurationError, GoDuration};
