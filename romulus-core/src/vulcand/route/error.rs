use crate::vulcand::expression::SyntaxError;

/// Why vulcand would refuse a route expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {message}; {help}")]
pub struct RouteError {
    /// Where in the text, in bytes from its start.
    pub offset: usize,
    /// What is wrong there.
    pub message: String,
    /// The way out.
    pub help: String,
}

impl From<SyntaxError> for RouteError {
    fn from(error: SyntaxError) -> Self {
        Self {
            offset: error.offset,
            message: error.message,
            help: error.help,
        }
    }
}
