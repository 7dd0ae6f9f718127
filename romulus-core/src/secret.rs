//! What must not be read by whoever reads logs.

use std::borrow::Cow;

/// Shown instead of a secret.
const MASK: &str = "\"***\"";

/// The text with what JSON keeps under names like `Password` replaced; everything else stays as it
/// is, and so does the text where there is nothing to hide.
///
/// The text need not be valid JSON: what can't be read is shown to its author, and the password in
/// it to nobody.
///
/// ```
/// use romulus_core::secret::mask;
/// assert_eq!(mask(r#"{"Username":"u","Password":"p"}"#), r#"{"Username":"u","Password":"***"}"#);
/// assert_eq!(mask(r#"{"Password": "half"#), r#"{"Password": "***""#);
/// ```
pub fn mask(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(start) = text[at..].find('"').map(|found| at + found) {
        let end = start + string(&text[start..]);
        at = end;
        let value = end + separator(&text[end..]);
        if value == end || !is_secret(&text[start..end]) {
            continue;
        }
        let hidden = value_length(&text[value..]);
        masked.push_str(&text[copied..value]);
        masked.push_str(MASK);
        (copied, at) = (value + hidden, value + hidden);
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[copied..]);
    Cow::Owned(masked)
}

/// Whether a field of this name holds a secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase().replace(['_', '-'], "");
    [
        "password",
        "secret",
        "token",
        "credential",
        "keypair",
        "privatekey",
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// The length of a string literal, up to the end of the text where it is not closed.
fn string(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of what stands between a name and its value; none where this is no name.
fn separator(text: &str) -> usize {
    let blanks = |text: &str| text.len() - text.trim_start().len();
    let colon = blanks(text);
    match text[colon..].strip_prefix(':') {
        Some(rest) => colon + 1 + blanks(rest),
        None => 0,
    }
}

/// The length of a value: a string, what is within brackets, or up to what ends it.
fn value_length(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        match c {
            '"' => at += string(&text[at..]),
            '[' | '{' => (depth, at) = (depth + 1, at + 1),
            ']' | '}' if depth > 0 => (depth, at) = (depth - 1, at + 1),
            ',' | ']' | '}' if depth == 0 => return at,
            _ => {
                at += c.len_utf8();
                continue;
            }
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_are() {
        for (text, expected) in [
            (
                r#"{"Id":"m","Middleware":[{"Password":"hunter2"},{"api_token":["x","]"]}]}"#,
                r#"{"Id":"m","Middleware":[{"Password":"***"},{"api_token":"***"}]}"#,
            ),
            (
                r#"{"KeyPair" : {"Cert":"a","Key":"}"}, "Default":true}"#,
                r#"{"KeyPair" : "***", "Default":true}"#,
            ),
            (
                r#"{"Password":"a \" b","A":1}"#,
                r#"{"Password":"***","A":1}"#,
            ),
            (r#"{"token":12,"A":1}"#, r#"{"token":"***","A":1}"#),
            (r#"{"token":null}"#, r#"{"token":"***"}"#),
            // No JSON, and secret all the same.
            (r#"{"Password":"half"#, r#"{"Password":"***""#),
            (r#"{"Password":{"a":"half"#, r#"{"Password":"***""#),
            (r#""Password" "p""#, r#""Password" "p""#),
            (r#"{"Password":"#, r#"{"Password":"***""#),
            (
                r#"{ "Id" : "kept as it is" }"#,
                r#"{ "Id" : "kept as it is" }"#,
            ),
            ("Host(`token`)", "Host(`token`)"),
        ] {
            assert_eq!(mask(text), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_masked(text in r#"["{}\[\]:,\\ é]{0,9}("Password" ?:)?["{}\[\]:,\\ é]{0,9}"#) {
            mask(&text);
        }

        #[test]
        fn a_value_of_any_json_is_gone(value in r#""(s3cr3t|\\"|[a-z,}])*""#, rest in "[a-z]{0,3}") {
            let text = format!(r#"{{"A":"{rest}","Password":{value},"B":"{rest}"}}"#);
            let expected = format!(r#"{{"A":"{rest}","Password":"***","B":"{rest}"}}"#);
            prop_assert_eq!(mask(&text), expected);
        }
    }
}
