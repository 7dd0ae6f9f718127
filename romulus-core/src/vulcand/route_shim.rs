//! Whether a text is a route expression, for the values that hold one.
//!
//! The grammar of routes has a module of its own; this is the one place that asks it.

use std::fmt;

use super::expression::{Expression, Functions, Kind, Literal};

/// Says why vulcand would refuse a route expression.
pub(super) fn check(text: &str) -> Result<(), String> {
    let expression = Expression::<Matcher>::parse(text).map_err(|error| error.to_string())?;
    match expression.conjunction() {
        Some(_) => Ok(()),
        None => Err("matchers can only be joined by &&".to_owned()),
    }
}

struct Matcher(String);

impl Functions for Matcher {
    const SIGNATURES: &'static str = "Host(), HostRegexp(), Path(), PathRegexp(), Method(), \
                                      MethodRegexp(), Header() and HeaderRegexp()";

    fn call(name: &str, arguments: Vec<Literal>) -> Result<(Self, Kind), String> {
        let wanted = match name {
            "Host" | "HostRegexp" | "Path" | "PathRegexp" | "Method" | "MethodRegexp" => 1,
            "Header" | "HeaderRegexp" => 2,
            _ => {
                return Err(format!(
                    "there is no matcher `{name}`: use {}",
                    Self::SIGNATURES
                ));
            }
        };
        let texts = arguments
            .iter()
            .all(|argument| matches!(argument, Literal::Text(_)));
        if arguments.len() != wanted || !texts {
            return Err(format!("{name} takes {wanted} text(s) in quotes"));
        }
        if matches!(&arguments[..], [Literal::Text(text)] if text.is_empty()) && name == "Host" {
            return Err("Host can't be empty".to_owned());
        }
        Ok((Self(name.to_owned()), Kind::Condition))
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(..)", self.0)
    }
}
