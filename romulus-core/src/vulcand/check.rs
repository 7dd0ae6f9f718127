//! The result of judging a value: the value, if vulcand would take it, and what is wrong with it.

use std::ops::Range;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// vulcand takes the value, and it does not do what its author wants.
    Harmful,
    /// vulcand ignores the value when it runs and refuses to start with it.
    Rejected,
}

/// Something wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What vulcand makes of it.
    pub verdict: Verdict,
    /// The bytes of the judged text it is about.
    pub span: Range<usize>,
    /// Where it is in the text that the JSON string at `span` stands for, in bytes, if that is known.
    pub inside: Option<usize>,
    /// The field it is about, e.g. `Settings.Timeouts.Read`; empty for the whole value.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Whether the value, though taken, leaves its frontend (or every frontend of its backend)
    /// without an answer, or vulcand without a next start: it is not to be written.
    pub takes_down: bool,
}

impl Problem {
    /// Whether a value with this problem must not be written.
    pub fn holds(&self) -> bool {
        self.verdict == Verdict::Rejected || self.takes_down
    }
}

/// A judged value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked<T> {
    /// The value; `None` exactly when a problem is [`Verdict::Rejected`].
    pub value: Option<T>,
    /// What is wrong, in the order of the text where it has one.
    pub problems: Vec<Problem>,
}

impl<T> Checked<T> {
    /// Whether vulcand would take the value.
    pub fn is_accepted(&self) -> bool {
        self.value.is_some()
    }

    /// Whether vulcand would take the value and nothing about it takes a frontend down.
    pub fn is_writable(&self) -> bool {
        !self.problems.iter().any(Problem::holds)
    }
}
