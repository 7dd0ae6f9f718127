//! What can go wrong with a store, and what to do about it.

use std::error::Error as StdError;

/// An error underneath, kept for whoever prints the chain.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// Why a store did not do what it was asked.
///
/// ```
/// use romulus_etcd::StoreError;
///
/// let error = StoreError::Configuration {
///     option: "--etcd",
///     value: "ftp://10.0.0.1".to_owned(),
///     reason: "etcd speaks http:// and https:// only".to_owned(),
/// };
/// assert!(!error.is_retryable());
/// assert_eq!(
///     error.to_string(),
///     r#"--etcd "ftp://10.0.0.1": etcd speaks http:// and https:// only"#,
/// );
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A flag or variable can't be used as it is.
    #[error("{option} {value:?}: {reason}")]
    Configuration {
        /// The flag.
        option: &'static str,
        /// What was given.
        value: String,
        /// What is wrong, and what would be right.
        reason: String,
    },

    /// A transaction no store could apply: a mistake of the caller, not of the store.
    #[error("a transaction can't be sent: {reason}")]
    InvalidTransaction {
        /// What is wrong, and what would be right.
        reason: String,
    },

    /// The store could not be asked, or could not answer. Nothing was written; the same call may
    /// succeed later.
    #[error("etcd at {endpoint}: {call}: {problem} (nothing was written)")]
    Unavailable {
        /// The endpoint asked last.
        endpoint: String,
        /// The call.
        call: &'static str,
        /// What happened, and what to do.
        problem: String,
        /// The error underneath; `problem` says what of it matters to a person.
        cause: Option<Cause>,
    },

    /// A write was sent and its answer never came: it may or may not have been applied. Read the
    /// keys again before anything else.
    #[error("etcd at {endpoint}: {call}: {problem}; whether it was applied is not known")]
    UnknownOutcome {
        /// The endpoint asked.
        endpoint: String,
        /// The call.
        call: &'static str,
        /// What happened.
        problem: String,
        /// The error underneath; `problem` says what of it matters to a person.
        cause: Option<Cause>,
    },

    /// etcd understood and refuses; nothing was written, and asking again does not help.
    #[error("etcd at {endpoint} refuses {call}: {problem}")]
    Rejected {
        /// The endpoint asked.
        endpoint: String,
        /// The call.
        call: &'static str,
        /// What it said, and what to do.
        problem: String,
        /// The error underneath; `problem` says what of it matters to a person.
        cause: Option<Cause>,
    },
}

impl StoreError {
    /// Whether the same call may succeed later. After an [unknown
    /// outcome](Self::may_have_applied) the keys must be read again first.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::UnknownOutcome { .. })
    }

    /// Whether a write that ended so may nevertheless have been applied.
    pub fn may_have_applied(&self) -> bool {
        matches!(self, Self::UnknownOutcome { .. })
    }
}
