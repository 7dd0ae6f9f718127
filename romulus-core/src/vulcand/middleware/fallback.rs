//! What a circuit breaker does when it trips: answers, redirects and webhooks.

use std::collections::BTreeMap;
use std::collections::hash_map::{Entry, HashMap};
use std::fmt::Write as _;
use std::ops::Range;

use crate::vulcand::decode::{Bytes, Decoder, Field};
use crate::vulcand::json::{Member, Node, Value, write_string};
use crate::vulcand::url;

/// What clients get while a circuit breaker is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fallback {
    /// An answer of the breaker's own.
    Response {
        /// Its status.
        status: i64,
        /// Its content type; empty for none.
        content_type: String,
        /// Its body.
        body: Vec<u8>,
    },
    /// A redirect (302).
    Redirect {
        /// Where to.
        url: String,
        /// Whether the path of the request is added.
        preserve_path: bool,
    },
}

/// A request a circuit breaker makes when its state changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where it goes.
    pub url: String,
    /// Its method.
    pub method: String,
    /// Its headers.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Its form, which goes before the body.
    pub form: BTreeMap<String, Vec<String>>,
    /// Its body.
    pub body: Vec<u8>,
}

/// vulcand takes an action as an object, or as a string of JSON. The former it writes as JSON
/// again before it reads it: sorted, and with numbers as doubles are written.
fn as_text(value: &Value) -> Option<String> {
    match &value.node {
        Node::String(text) => Some(text.to_string()),
        Node::Object(_) => Some(marshal(value)),
        _ => None,
    }
}

impl Fallback {
    pub(super) fn judge(value: Option<&Value>, decoder: &mut Decoder) -> Option<Self> {
        let help = "write {\"Type\": \"response\", \"Action\": {\"StatusCode\": 503, \"Body\": \"...\"}} \
                    or {\"Type\": \"redirect\", \"Action\": {\"URL\": \"http://...\"}}";
        let span = value.map(|value| value.span.clone()).unwrap_or_default();
        let Some(text) = value.and_then(as_text) else {
            decoder.reject(span, "a circuit breaker needs an action here", help);
            return None;
        };
        action(
            &text,
            &span,
            &["response", "redirect"],
            decoder,
            |kind, action, d| {
                if kind == "response" {
                    Self::response(action, d)
                } else {
                    Self::redirect(action, d)
                }
            },
        )
    }

    fn response(value: &Value, decoder: &mut Decoder) -> Option<Self> {
        let mut status = 0;
        let mut content_type = String::new();
        let mut body = None;
        let fields = &["StatusCode", "ContentType", "Body"];
        decoder.object(value, fields, |field, value, d| match field {
            "StatusCode" => status.decode(value, d),
            "ContentType" => content_type.decode(value, d),
            _ => body.decode(value, d),
        });
        if decoder.is_rejected() {
            return None;
        }
        let body = decoder.within("Body", |d| match body {
            Some(value) => judge_body(value, d),
            None => {
                d.reject(0..0, "an answer needs a body", "set Body, to \"\" for none");
                None
            }
        });
        decoder.within("StatusCode", |d| match status {
            100..=999 => {}
            0 => d.reject(
                0..0,
                "an answer needs a status",
                "set StatusCode, e.g. to 503",
            ),
            _ => d.harm(
                0..0,
                format!(
                    "there is no status {status}: while the breaker is open, connections are cut"
                ),
                "set StatusCode to an HTTP status, e.g. 503",
            ),
        });
        Some(Self::Response {
            status,
            content_type,
            body: body?,
        })
    }

    fn redirect(value: &Value, decoder: &mut Decoder) -> Option<Self> {
        let mut url = String::new();
        let mut preserve_path = false;
        decoder.object(value, &["URL", "PreservePath"], |field, value, d| {
            if field == "URL" {
                url.decode(value, d)
            } else {
                preserve_path.decode(value, d)
            }
        });
        decoder.within("URL", |d| check_url(&url, url::parse_request_uri(&url), d));
        Some(Self::Redirect { url, preserve_path })
    }
}

impl Webhook {
    pub(super) fn judge(value: Option<&Value>, decoder: &mut Decoder) -> Option<Self> {
        let help = "write {\"Type\": \"webhook\", \"Action\": {\"URL\": \"http://...\", \"Method\": \"POST\"}}";
        let value = value.filter(|value| !value.is_null())?;
        let Some(text) = as_text(value) else {
            let message = format!("a JSON {} is no action", value.kind());
            decoder.reject(value.span.clone(), message, help);
            return None;
        };
        if text.is_empty() {
            return None;
        }
        action(&text, &value.span, &["webhook"], decoder, |_, action, d| {
            Self::read(action, d)
        })
    }

    fn read(value: &Value, decoder: &mut Decoder) -> Option<Self> {
        let (mut url, mut method) = (String::new(), String::new());
        let (mut headers, mut form) = (BTreeMap::new(), BTreeMap::new());
        let mut body = None;
        let fields = &["URL", "Method", "Headers", "Form", "Body"];
        decoder.object(value, fields, |field, value, d| match field {
            "URL" => url.decode(value, d),
            "Method" => method.decode(value, d),
            "Headers" => headers.decode(value, d),
            "Form" => form.decode(value, d),
            _ => body.decode(value, d),
        });
        if method.is_empty() {
            decoder.within("Method", |d| {
                d.reject(0..0, "a webhook needs a method", "set Method, e.g. to POST");
            });
        }
        decoder.within("URL", |d| check_url(&url, url::parse(&url), d));
        let body = body.map(|value| decoder.within("Body", |d| judge_body(value, d)));
        Some(Self {
            url,
            method,
            headers,
            form,
            body: body.flatten().unwrap_or_default(),
        })
    }
}

/// Reads `{"Type", "Action"}`, whose type is one of `kinds`.
fn action<T>(
    text: &str,
    span: &Range<usize>,
    kinds: &[&str],
    decoder: &mut Decoder,
    judge: impl FnOnce(&str, &Value, &mut Decoder) -> Option<T>,
) -> Option<T> {
    decoder.nested(text, span, |value, decoder| {
        if value.is_null() {
            decoder.reject(
                0..0,
                "JSON null in a string makes vulcand panic",
                "write an object",
            );
            return None;
        }
        let mut kind = String::new();
        let mut action: Option<&Value> = None;
        decoder.object(value, &["Type", "Action"], |field, value, d| {
            if field == "Type" {
                kind.decode(value, d)
            } else {
                action.decode(value, d)
            }
        });
        if decoder.is_rejected() {
            return None;
        }
        if !kinds.contains(&&*kind) {
            let message = format!("vulcand knows no action of type `{kind}` here");
            decoder.within("Type", |d| {
                d.reject(0..0, message, format!("use {}", kinds.join(" or ")))
            });
            return None;
        }
        decoder.within("Action", |d| match action {
            None => {
                d.reject(0..0, "it is missing", "write an object");
                None
            }
            Some(action) if action.is_null() => {
                let message = "JSON null as an action makes vulcand panic";
                d.reject(0..0, message, "write an object");
                None
            }
            Some(action) => judge(&kind, action, d),
        })
    })
}

fn check_url(text: &str, parsed: Result<url::Url, String>, decoder: &mut Decoder) {
    if let Err(reason) = parsed {
        let message = format!("`{text}` is not a URL: {reason}");
        decoder.reject(0..0, message, "write e.g. http://example.com/sorry");
    }
}

/// vulcand takes a body for base64 or bytes if it can, then for text, then for JSON.
fn judge_body(value: &Value, decoder: &mut Decoder) -> Option<Vec<u8>> {
    let mut bytes = Bytes::default();
    let mut attempt = Decoder::default();
    bytes.decode(value, &mut attempt);
    if !attempt.is_rejected() {
        if matches!(value.node, Node::String(_)) && std::str::from_utf8(&bytes.0).is_err() {
            decoder.harm(
                value.span.clone(),
                "the text happens to be base64: vulcand sends what it decodes to",
                "add a blank or a full stop to the text",
            );
        }
        return Some(bytes.0);
    }
    match &value.node {
        Node::String(text) => Some(text.as_bytes().to_vec()),
        Node::Object(_) if numbers_fit(value) => Some(value.compact().into_bytes()),
        _ => {
            decoder.reject(
                value.span.clone(),
                format!("a JSON {} is no body", value.kind()),
                "write a text in quotes, or a JSON object",
            );
            None
        }
    }
}

/// Whether every number in a value is one that a double can hold: Go refuses others when it
/// doesn't know what type they are for.
pub(super) fn numbers_fit(value: &Value) -> bool {
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        match &value.node {
            Node::Number(number) if !number.parse::<f64>().is_ok_and(f64::is_finite) => {
                return false;
            }
            Node::Array(items) => pending.extend(items),
            Node::Object(members) => pending.extend(members.iter().map(|member| &member.value)),
            _ => {}
        }
    }
    true
}

/// What Go writes for a value it has read without knowing its type.
fn marshal(value: &Value) -> String {
    enum Step<'a> {
        Value(&'a Value),
        Name(&'a str),
        Text(&'static str),
    }
    let mut out = String::new();
    let mut steps = vec![Step::Value(value)];
    while let Some(step) = steps.pop() {
        match step {
            Step::Text(text) => out.push_str(text),
            Step::Name(name) => {
                write_string(name, &mut out);
                out.push(':');
            }
            Step::Value(value) => match &value.node {
                Node::Number(number) => {
                    let number: f64 = number.parse().unwrap_or_default();
                    let plain = number == 0.0 || (1e-6..1e21).contains(&number.abs());
                    let _infallible = if plain {
                        write!(out, "{number}")
                    } else {
                        write!(out, "{number:e}")
                    };
                }
                Node::Array(items) => {
                    out.push('[');
                    steps.push(Step::Text("]"));
                    for (index, item) in items.iter().enumerate().rev() {
                        steps.push(Step::Value(item));
                        steps.push(Step::Text(if index > 0 { "," } else { "" }));
                    }
                }
                Node::Object(members) => {
                    out.push('{');
                    steps.push(Step::Text("}"));
                    let mut members = standing(members);
                    members.sort_by(|a, b| a.name.cmp(&b.name));
                    for (index, member) in members.into_iter().enumerate().rev() {
                        steps.push(Step::Value(&member.value));
                        steps.push(Step::Name(&member.name));
                        steps.push(Step::Text(if index > 0 { "," } else { "" }));
                    }
                }
                _ => out.push_str(&value.compact()),
            },
        }
    }
    out
}

/// The members that stand: the last of each name, in the order of the first.
fn standing(members: &[Member]) -> Vec<&Member> {
    let mut places = HashMap::with_capacity(members.len());
    let mut kept: Vec<&Member> = Vec::with_capacity(members.len());
    for member in members {
        match places.entry(&member.name) {
            Entry::Occupied(place) => kept[*place.get()] = member,
            Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push(member);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vulcand::json;

    #[test]
    fn go_sorts_what_it_does_not_know_and_writes_numbers_as_doubles() {
        let text =
            r#"{"b":1.0,"a":[1e2,0.1,1e21,1e-7,-0,null,"<"],"B":{},"b":12345678901234567890}"#;
        assert_eq!(
            marshal(&json::parse(text).unwrap()),
            r#"{"B":{},"a":[100,0.1,1e21,1e-7,-0,null,"<"],"b":12345678901234567000}"#
        );
    }

    #[test]
    fn bodies_are_bytes_then_text_then_json() {
        for (text, body) in [
            (r#""Come back later""#, Some("Come back later")),
            (r#""SGVsbG8=""#, Some("Hello")),
            (r#""""#, Some("")),
            ("null", Some("")),
            ("[72, null, 105]", Some("H\0i")),
            (r#"{"b": 1, "a": 2}"#, Some(r#"{"b":1,"a":2}"#)),
            ("[256]", None),
            (r#"["a"]"#, None),
            ("5", None),
            (r#"{"a": 1e999}"#, None),
        ] {
            let value = json::parse(text).unwrap();
            let mut decoder = Decoder::of(&value);
            let judged = judge_body(&value, &mut decoder);
            assert_eq!(judged.as_deref(), body.map(str::as_bytes), "{text}");
            assert_eq!(decoder.is_rejected(), body.is_none(), "{text}");
        }
    }

    #[test]
    fn text_that_happens_to_be_base64_is_harmful() {
        let value = json::parse(r#""Sorry123""#).unwrap();
        let mut decoder = Decoder::of(&value);
        judge_body(&value, &mut decoder);
        let checked = decoder.finish(Some(()));
        assert_eq!(checked.problems.len(), 1);
        assert!(checked.is_accepted() && checked.is_writable());
    }
}
