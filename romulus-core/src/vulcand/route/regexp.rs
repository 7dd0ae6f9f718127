//! Go's regular expressions, checked by Go's rules and run by the `regex` crate.

use super::literal::Text;
use super::translate::translate;

/// A regular expression that Go accepts.
///
/// It is unanchored: a match anywhere counts.
#[derive(Debug, Clone)]
pub struct Regexp {
    source: Text,
    translated: Box<str>,
}

impl Regexp {
    /// Checks an expression. With `lower` it is lower-cased before, as vulcand does with those of
    /// hosts: `\D` becomes `\d`.
    pub(super) fn new(source: &Text, lower: bool) -> Result<Self, String> {
        let effective = if lower {
            source.to_lowercase()
        } else {
            source.clone()
        };
        let Some(pattern) = effective.as_str() else {
            return Err("the regular expression is not UTF-8".into());
        };
        let translated = translate(pattern).map_err(|problem| {
            let note = if lower && effective != *source {
                ", after vulcand has lower-cased it"
            } else {
                ""
            };
            format!("the regular expression `{pattern}` is invalid{note}: {problem}")
        })?;
        Ok(Self {
            source: source.clone(),
            translated: translated.into(),
        })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &Text {
        &self.source
    }

    /// Makes it ready for matching; `None` where it is beyond the limits of the `regex` crate.
    pub(super) fn compile(&self) -> Option<regex::bytes::Regex> {
        regex::bytes::RegexBuilder::new(&self.translated)
            .size_limit(64 << 20)
            .nest_limit(1100)
            .build()
            .ok()
    }
}

impl PartialEq for Regexp {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Regexp {}
