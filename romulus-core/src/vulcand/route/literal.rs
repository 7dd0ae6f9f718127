//! Go string literals: what they mean, and how to write one that no value can end.

use std::fmt;

/// The value of a Go string literal: bytes, because `"\xff"` is one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Box<[u8]>);

impl Text {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, unless it is not UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// As Go's `strings.ToLower` does it: character by character, and what is not UTF-8 becomes
    /// U+FFFD unless all else is ASCII.
    pub(super) fn to_lowercase(&self) -> Self {
        if self.0.is_ascii() {
            return Self(self.0.to_ascii_lowercase().into());
        }
        let mut out = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            out.extend(chunk.valid().chars().map(lower));
            out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
        }
        out.as_str().into()
    }
}

/// Go lower-cases one character to one; only U+0130 would become two in Rust.
fn lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    lower.next().unwrap_or(c)
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl fmt::Display for Text {
    /// The text; what is not UTF-8 is shown as U+FFFD.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quote_bytes(&self.0))
    }
}

/// Writes a text as a Go string literal that no value can end.
///
/// Backticks where Go's raw strings carry the text unchanged, else double quotes with escapes.
///
/// ```
/// use romulus_core::vulcand::route::quote;
/// assert_eq!(quote(r"^/a\.b$"), r"`^/a\.b$`");
/// assert_eq!(quote("a`b\"c"), r#""a`b\"c""#);
/// ```
pub fn quote(text: &str) -> String {
    quote_bytes(text.as_bytes())
}

pub(super) fn quote_bytes(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes)
        && text.chars().all(|c| c != '`' && plain(c))
    {
        return format!("`{text}`");
    }
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if plain(c) => out.push(c),
                c if c.is_ascii() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
                c if u32::from(c) <= 0xffff => out.push_str(&format!("\\u{:04x}", u32::from(c))),
                c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out.push('"');
    out
}

/// Go's scanner drops carriage returns and refuses NUL and byte order marks; other control
/// characters would hide in a terminal.
fn plain(c: char) -> bool {
    !c.is_control() && c != '\u{feff}'
}

/// A broken escape: where in the literal, and what is wrong.
pub(super) struct EscapeError {
    pub(super) at: usize,
    pub(super) message: String,
}

/// The value of a double-quoted literal, given the text between its quotes.
pub(super) fn unescape(body: &str) -> Result<Text, EscapeError> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(stop) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..stop]);
        let at = body.len() - rest.len() + stop;
        let taken =
            escape(&rest[stop + 1..], &mut out).map_err(|message| EscapeError { at, message })?;
        rest = &rest[stop + 1 + taken..];
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out.into())
}

/// Reads one escape after its backslash; says how many bytes it took.
fn escape(text: &str, out: &mut Vec<u8>) -> Result<usize, String> {
    let Some(first) = text.chars().next() else {
        return Err("the text ends in a lone backslash".into());
    };
    let simple = match first {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' | '"' => first as u8,
        '0'..='7' => {
            let value = digits(text, 0, 3, 8)?;
            out.push(u8::try_from(value).map_err(|_| "the octal escape is above \\377")?);
            return Ok(3);
        }
        'x' => {
            out.push(digits(text, 1, 2, 16)? as u8);
            return Ok(3);
        }
        'u' | 'U' => {
            let count = if first == 'u' { 4 } else { 8 };
            let value = digits(text, 1, count, 16)?;
            let c = char::from_u32(value).ok_or("the escape is no Unicode character")?;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(1 + count);
        }
        other => {
            return Err(format!(
                "`\\{other}` is no escape of a double-quoted Go string"
            ));
        }
    };
    out.push(simple);
    Ok(1)
}

fn digits(text: &str, start: usize, count: usize, radix: u32) -> Result<u32, String> {
    text.get(start..start + count)
        .filter(|digits| digits.chars().all(|c| c.is_digit(radix)))
        .and_then(|digits| u32::from_str_radix(digits, radix).ok())
        .ok_or_else(|| format!("the escape needs {count} digits of base {radix}"))
}
