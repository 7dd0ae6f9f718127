//! `rewrite`.

use crate::vulcand::decode::{At, Decoder, Field};
use crate::vulcand::json::Value;
use crate::vulcand::regexp;

/// Another URL for requests whose URL (`http://host/path?query`) a regular expression matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    /// A Go regular expression.
    pub regexp: String,
    /// What its matches are replaced by; the result is a Go template.
    pub replacement: String,
    /// Whether the answer's body is a template as well.
    pub rewrite_body: bool,
    /// Whether the client is sent to the new URL (302).
    pub redirect: bool,
}

impl Rewrite {
    pub(super) fn judge(value: &Value, decoder: &mut Decoder) -> Self {
        let (mut pattern, mut replacement) = (At::<String>::default(), At::<String>::default());
        let (mut rewrite_body, mut redirect) = (false, false);
        let fields = &["Regexp", "Replacement", "RewriteBody", "Redirect"];
        decoder.object(value, fields, |field, value, d| match field {
            "Regexp" => pattern.decode(value, d),
            "Replacement" => replacement.decode(value, d),
            "RewriteBody" => rewrite_body.decode(value, d),
            _ => redirect.decode(value, d),
        });
        if let Err(error) = regexp::check(&pattern.value) {
            decoder.within("Regexp", |d| {
                d.take_down(
                    pattern.span.clone(),
                    format!("{error}: the frontend answers 404 to all"),
                    "write a Go regular expression (RE2: no look-around, no back-references)",
                );
                d.inside(error.offset);
            });
        }
        if let Some(reason) = bad_template(&replacement.value) {
            decoder.within("Replacement", |d| {
                d.harm(
                    replacement.span.clone(),
                    format!("{reason}: requests that are rewritten are answered 500"),
                    "write a Go template, e.g. {{.Request.Header.Get \"X-Host\"}}, or no braces",
                );
            });
        }
        Self {
            regexp: pattern.value,
            replacement: replacement.value,
            rewrite_body,
            redirect,
        }
    }
}

/// Why a text can't be a Go template, as far as its braces tell. (What stands between them is
/// only known once the matches are filled in.)
fn bad_template(text: &str) -> Option<&'static str> {
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let action = &rest[start + 2..];
        let Some(end) = action.find("}}") else {
            return Some("a `{{` in it is not closed");
        };
        let inner = action[..end].trim_matches(|c: char| c.is_ascii_whitespace() || c == '-');
        if inner.is_empty() {
            return Some("a `{{ }}` in it is empty");
        }
        rest = &action[end + 2..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_judged_by_their_braces() {
        for (text, bad) in [
            ("http://$1", false),
            ("}} {", false),
            ("a{{.Request.Host}}b{{ .Request.Method }}", false),
            ("{{", true),
            ("{{.A}} {{.B}", true),
            ("{{ }}", true),
        ] {
            assert_eq!(bad_template(text).is_some(), bad, "{text}");
        }
    }
}
