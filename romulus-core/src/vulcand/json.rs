//! JSON as Go's `encoding/json` reads it, with the place of every value.
//!
//! vulcand reads all its keys through `encoding/json`, which differs from other readers in what
//! it does with duplicate members (the last one wins), lone surrogates (they become U+FFFD) and
//! depth (10,000 levels at most). Values keep their byte ranges, so that a complaint about a
//! setting can point at it.

mod read;

use std::fmt::Write as _;
use std::ops::Range;

pub use read::{SyntaxError, parse, parse_first};

/// How deep arrays and objects may be nested: Go's `encoding/json` refuses more.
pub const MAX_DEPTH: usize = 10_000;

/// A JSON value and where it stands in the text.
///
/// ```
/// use romulus_core::vulcand::json;
/// let value = json::parse(r#"{ "b": 1, "a": [true, null], "b": 2 }"#)?;
/// assert_eq!(value.compact(), r#"{"b":1,"a":[true,null],"b":2}"#);
/// # Ok::<(), json::SyntaxError>(())
/// ```
pub struct Value {
    /// The bytes of the text the value takes.
    pub span: Range<usize>,
    /// What it is.
    pub node: Node,
}

/// The byte at which a JSON text writes the byte of a string, which begins at `start`; `None` where
/// the string is shorter.
///
/// ```
/// use romulus_core::vulcand::json;
/// assert_eq!(json::byte_in_string(r#" "a\u00e9b" "#, 1, 3), Some(9));
/// ```
pub fn byte_in_string(text: &str, start: usize, byte: usize) -> Option<usize> {
    let mut at = start + 1;
    let mut read = 0;
    loop {
        let rest = text.get(at..)?;
        let (written, stands_for) = match rest.as_bytes() {
            [b'"', ..] if read < byte => return None,
            [b'\\', b'u', ..] => unicode_escape(rest)?,
            [b'\\', _, ..] => (2, 1),
            _ => rest.chars().next().map(|c| (c.len_utf8(), c.len_utf8()))?,
        };
        if read >= byte {
            return Some(at);
        }
        at += written;
        read += stands_for;
        if read > byte {
            return Some(at - written); // within the character
        }
    }
}

/// How many bytes an escape takes that a text begins with, and how many it stands for.
fn unicode_escape(text: &str) -> Option<(usize, usize)> {
    let unit = |at: usize| u16::from_str_radix(text.get(at..at + 4)?, 16).ok();
    let first = unit(2)?;
    let is_pair = text.get(6..8) == Some("\\u");
    let units = [first, unit(8).filter(|_| is_pair).unwrap_or_default()];
    Some(match char::decode_utf16(units).next()? {
        Ok(c) if c.len_utf16() == 2 => (12, 4),
        Ok(c) => (6, c.len_utf8()),
        Err(_) => (6, char::REPLACEMENT_CHARACTER.len_utf8()),
    })
}

/// What a JSON value is.
pub enum Node {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as written.
    Number(Box<str>),
    /// A string, unescaped.
    String(Box<str>),
    /// An array.
    Array(Vec<Value>),
    /// An object: all its members in the author's order, duplicates included.
    Object(Vec<Member>),
}

/// A member of an object.
pub struct Member {
    /// Its name, unescaped.
    pub name: Box<str>,
    /// The bytes its name takes, quotes included.
    pub name_span: Range<usize>,
    /// Its value.
    pub value: Value,
}

impl Member {
    /// Whether Go decodes the member into the field of this name: letters match in any case, and
    /// by Unicode's folding the Kelvin sign is a K and the long s is an S.
    pub fn is_named(&self, field: &str) -> bool {
        let fold = |c: char| match c {
            '\u{212a}' => 'k',
            '\u{17f}' => 's',
            c => c.to_ascii_lowercase(),
        };
        self.name.chars().map(fold).eq(field.chars().map(fold))
    }
}

impl Value {
    /// The value as compact JSON: the author's member order, no HTML escaping. Duplicate members
    /// stay, since Go reads all of them: of two objects each sets what it names.
    pub fn compact(&self) -> String {
        let mut out = String::with_capacity(self.span.len());
        write_compact(self, &mut out);
        out
    }

    /// A member of an object as Go finds it: whatever the case of its name, the last one.
    pub fn member(&self, name: &str) -> Option<&Self> {
        let Node::Object(members) = &self.node else {
            return None;
        };
        let named = |member: &&Member| member.is_named(name);
        Some(&members.iter().rev().find(named)?.value)
    }

    /// Whether the value is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.node, Node::Null)
    }

    /// What Go's error messages call a value of this kind.
    pub fn kind(&self) -> &'static str {
        match self.node {
            Node::Null => "null",
            Node::Bool(_) => "bool",
            Node::Number(_) => "number",
            Node::String(_) => "string",
            Node::Array(_) => "array",
            Node::Object(_) => "object",
        }
    }
}

/// Arrays and objects can be nested deeper than the stack of a small thread allows for recursion:
/// every walk over a value keeps its own stack, and so does this.
impl Drop for Value {
    fn drop(&mut self) {
        let mut pending = Vec::new();
        take_children(&mut self.node, &mut pending);
        while let Some(mut value) = pending.pop() {
            take_children(&mut value.node, &mut pending);
        }
    }
}

fn take_children(node: &mut Node, into: &mut Vec<Value>) {
    match node {
        Node::Array(items) => into.append(items),
        Node::Object(members) => into.extend(members.drain(..).map(|member| member.value)),
        _ => {}
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({:?}, {})", self.span, self.compact())
    }
}

fn write_compact(value: &Value, out: &mut String) {
    enum Step<'a> {
        Value(&'a Value),
        Name(&'a str),
        Text(&'static str),
    }
    let mut steps = vec![Step::Value(value)];
    while let Some(step) = steps.pop() {
        match step {
            Step::Text(text) => out.push_str(text),
            Step::Name(name) => {
                write_string(name, out);
                out.push(':');
            }
            Step::Value(value) => match &value.node {
                Node::Null => out.push_str("null"),
                Node::Bool(true) => out.push_str("true"),
                Node::Bool(false) => out.push_str("false"),
                Node::Number(number) => out.push_str(number),
                Node::String(text) => write_string(text, out),
                Node::Array(items) => {
                    out.push('[');
                    steps.push(Step::Text("]"));
                    for (index, item) in items.iter().enumerate().rev() {
                        steps.push(Step::Value(item));
                        if index > 0 {
                            steps.push(Step::Text(","));
                        }
                    }
                }
                Node::Object(members) => {
                    out.push('{');
                    steps.push(Step::Text("}"));
                    for (index, member) in members.iter().enumerate().rev() {
                        steps.push(Step::Value(&member.value));
                        steps.push(Step::Name(&member.name));
                        if index > 0 {
                            steps.push(Step::Text(","));
                        }
                    }
                }
            },
        }
    }
}

/// Writes a JSON string: only what must be escaped is.
pub(crate) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                let _infallible = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn compact_keeps_the_authors_order_and_all_duplicates() {
        for (text, compact) in [
            (" { } ", "{}"),
            ("[ ]", "[]"),
            (
                r#"{"b":1,"a":2,"b":[3,{"c":null}]}"#,
                r#"{"b":1,"a":2,"b":[3,{"c":null}]}"#,
            ),
            (
                r#"[1.50, -0, 1E5, "<&>\u0041\/\u2028"]"#,
                "[1.50,-0,1E5,\"<&>A/\u{2028}\"]",
            ),
            (
                r#""\ud83d\ude00 \ud83d \ude00\u0001""#,
                "\"😀 \u{fffd} \u{fffd}\\u0001\"",
            ),
        ] {
            assert_eq!(parse(text).unwrap().compact(), compact, "{text}");
        }
    }

    #[test]
    fn ten_thousand_levels_are_read_printed_and_dropped_and_one_more_is_refused() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(
            parse(&nested(MAX_DEPTH)).unwrap().compact(),
            nested(MAX_DEPTH)
        );
        assert_eq!(parse(&nested(MAX_DEPTH + 1)).unwrap_err().offset, MAX_DEPTH);
        let objects = format!("{}1{}", r#"{"a":"#.repeat(MAX_DEPTH), "}".repeat(MAX_DEPTH));
        assert_eq!(parse(&objects).unwrap().compact(), objects);
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|b| b.to_string()),
            any::<i32>().prop_map(|n| n.to_string()),
            any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5)
                    .prop_map(|items| format!("[{}]", items.join(" , "))),
                prop::collection::vec(("[ab\u{e9}\\\\\"]{0,2}", inner), 0..5).prop_map(|members| {
                    let members: Vec<_> = members
                        .iter()
                        .map(|(n, v)| format!("{} :\n{v}", serde_json::to_string(n).unwrap()))
                        .collect();
                    format!("{{{}}}", members.join("\t,"))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn compact_is_idempotent_and_means_the_same(text in json()) {
            let compact = parse(&text).unwrap().compact();
            prop_assert_eq!(&parse(&compact).unwrap().compact(), &compact);
            let (ours, theirs): (serde_json::Value, serde_json::Value) =
                (serde_json::from_str(&compact).unwrap(), serde_json::from_str(&text).unwrap());
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn any_text_is_read_or_refused_at_a_place_in_it(text in any::<String>()) {
            if let Err(error) = parse(&text) {
                prop_assert!(error.offset <= text.len() && text.is_char_boundary(error.offset));
            }
            let _ = parse_first(&text);
        }

        #[test]
        fn the_first_value_ends_where_it_ends(text in json(), rest in "[}\\] a-z]{0,4}") {
            let whole = format!("{text} {rest}");
            let (value, end) = parse_first(&whole).unwrap();
            prop_assert_eq!(end, text.len());
            prop_assert_eq!(value.compact(), parse(&text).unwrap().compact());
        }
    }
}
