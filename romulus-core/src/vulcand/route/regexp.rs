//! The regular expressions of routes.

use crate::vulcand::expression::Text;
use crate::vulcand::regexp;

/// A regular expression that Go accepts.
///
/// It is unanchored: a match anywhere counts.
#[derive(Debug, Clone)]
pub struct Regexp {
    source: Text,
    /// What vulcand compiles.
    pattern: Box<str>,
}

/// Why a text is not a regular expression, and at which of its bytes.
pub(super) struct BadRegexp {
    pub(super) offset: usize,
    pub(super) message: String,
}

impl Regexp {
    /// Checks an expression. With `lower` it is lower-cased before, as vulcand does with those of
    /// hosts: `\D` becomes `\d`.
    pub(super) fn new(source: &Text, lower: bool) -> Result<Self, BadRegexp> {
        let effective = if lower {
            source.to_lowercase()
        } else {
            source.clone()
        };
        let Some(pattern) = effective.as_str() else {
            return Err(BadRegexp {
                offset: 0,
                message: "the regular expression is not UTF-8".into(),
            });
        };
        regexp::check(pattern).map_err(|problem| {
            let note = if lower && effective != *source {
                ", after vulcand has lower-cased it"
            } else {
                ""
            };
            BadRegexp {
                // Lower-casing may make a text longer.
                offset: if pattern.is_ascii() {
                    problem.offset
                } else {
                    0
                },
                message: format!("the regular expression `{pattern}` is invalid{note}: {problem}"),
            }
        })?;
        Ok(Self {
            source: source.clone(),
            pattern: pattern.into(),
        })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &Text {
        &self.source
    }

    /// Makes it ready for matching; `None` where it is too large for that.
    pub(super) fn compile(&self) -> Option<regexp::Regexp> {
        regexp::compile(&self.pattern).ok()
    }
}

impl PartialEq for Regexp {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Regexp {}
