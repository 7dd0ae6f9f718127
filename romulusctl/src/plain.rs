//! Texts of others on a terminal.

use std::borrow::Cow;

/// A text in which control characters are spelled out: what somebody wrote into a key must not
/// move the cursor, nor hide a part of the line.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let spell = |c: char| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.into()
        }
    };
    Cow::Owned(text.chars().map(spell).collect())
}

/// Most characters of a value that a sentence quotes.
const QUOTED: usize = 200;

/// The beginning of a value, for a sentence that quotes it.
pub(crate) fn short(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(QUOTED) {
        Some((cut, _)) => Cow::Owned(format!("{}...", &text[..cut])),
        None => Cow::Borrowed(text),
    }
}

/// `1 server`, `2 servers`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelled_out() {
        assert_eq!(visible("Host(`ü`)\\n"), "Host(`ü`)\\n");
        assert_eq!(visible("a\x1b[2Jb\r\n"), "a\\u{1b}[2Jb\\r\\n");
    }

    #[test]
    fn sentences_quote_the_beginning() {
        assert_eq!(short("Host(`h`)"), "Host(`h`)");
        assert_eq!(short(&"ü".repeat(200)), "ü".repeat(200));
        assert_eq!(short(&"ü".repeat(201)), "ü".repeat(200) + "...");
    }
}
