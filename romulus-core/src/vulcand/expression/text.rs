//! What Go string literals mean, and how to write one that no value can end.

use std::fmt;
use std::fmt::Write as _;

/// The value of a Go string literal: bytes, because `"\xff"` is one.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    pub(crate) fn to_lowercase(&self) -> Self {
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

pub(crate) fn quote_bytes(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes)
        && text.chars().all(|c| c != '`' && plain(c))
    {
        return format!("`{text}`");
    }
    double_quote(bytes)
}

/// Writes a string literal in double quotes, with escapes for what is not plain text.
pub(super) fn double_quote(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            let _infallible = match c {
                '"' | '\\' => write!(out, "\\{c}"),
                c if plain(c) => out.write_char(c),
                c => write!(out, "\\u{:04x}", u32::from(c)),
            };
        }
        for byte in chunk.invalid() {
            let _infallible = write!(out, "\\x{byte:02x}");
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
