//! Go's regular expressions.

/// Why a text is not a Go regular expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RegexpError {
    /// The byte the message is about.
    pub offset: usize,
    /// What is wrong there.
    pub message: String,
}

/// Says whether Go's `regexp.Compile` takes a pattern.
///
/// # Errors
/// When it does not.
pub fn check(pattern: &str) -> Result<(), RegexpError> {
    regex::Regex::new(pattern)
        .map(|_| ())
        .map_err(|error| RegexpError {
            offset: 0,
            message: error.to_string(),
        })
}
