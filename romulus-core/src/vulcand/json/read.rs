//! The reader of JSON texts.

use std::ops::Range;

use super::{MAX_DEPTH, Member, Node, Value};

/// Why a text is not JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not JSON: {message} (byte {offset})")]
pub struct SyntaxError {
    /// The byte at which reading stopped.
    pub offset: usize,
    /// What is wrong there.
    pub message: String,
}

/// Reads a text that is one JSON value, as `json.Unmarshal` does.
///
/// # Errors
/// When the text is not JSON, or something other than white space follows the value.
pub fn parse(text: &str) -> Result<Value, SyntaxError> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value()?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(reader.unexpected("after the value"));
    }
    Ok(value)
}

/// Reads the first JSON value of a text, as `json.Decoder` does, and says where it ends.
///
/// # Errors
/// When the text does not begin with a JSON value.
pub fn parse_first(text: &str) -> Result<(Value, usize), SyntaxError> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value()?;
    Ok((value, reader.at))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// An array or object whose end is not reached yet.
enum Open {
    Array(usize, Vec<Value>),
    Object(usize, Vec<Member>, Name),
}

/// The name of the member whose value is read.
type Name = (Box<str>, Range<usize>);

impl Reader<'_> {
    fn value(&mut self) -> Result<Value, SyntaxError> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            self.skip_space();
            let start = self.at;
            let mut value = match self.peek() {
                Some(b'[' | b'{') if open.len() == MAX_DEPTH => {
                    return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
                }
                Some(b'[') => {
                    self.at += 1;
                    if !self.take_after_space(b']') {
                        open.push(Open::Array(start, Vec::new()));
                        continue;
                    }
                    Node::Array(Vec::new())
                }
                Some(b'{') => {
                    self.at += 1;
                    if !self.take_after_space(b'}') {
                        let name = self.member_name()?;
                        open.push(Open::Object(start, Vec::new(), name));
                        continue;
                    }
                    Node::Object(Vec::new())
                }
                _ => self.scalar()?,
            };
            // Hand the finished value to what it is in, and close whatever ends with it.
            let mut value_start = start;
            loop {
                let finished = Value {
                    span: value_start..self.at,
                    node: value,
                };
                match open.pop() {
                    None => return Ok(finished),
                    Some(Open::Array(start, mut items)) => {
                        items.push(finished);
                        if self.take_after_space(b',') {
                            open.push(Open::Array(start, items));
                            break;
                        }
                        self.expect(b']', "after an array element")?;
                        (value_start, value) = (start, Node::Array(items));
                    }
                    Some(Open::Object(start, mut members, (name, name_span))) => {
                        members.push(Member {
                            name,
                            name_span,
                            value: finished,
                        });
                        if self.take_after_space(b',') {
                            let name = self.member_name()?;
                            open.push(Open::Object(start, members, name));
                            break;
                        }
                        self.expect(b'}', "after a member of an object")?;
                        (value_start, value) = (start, Node::Object(members));
                    }
                }
            }
        }
    }

    fn member_name(&mut self) -> Result<Name, SyntaxError> {
        self.skip_space();
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("where the name of a member must begin"));
        }
        let name = self.string()?;
        let span = start..self.at;
        self.skip_space();
        self.expect(b':', "after the name of a member")?;
        Ok((name, span))
    }

    fn scalar(&mut self) -> Result<Node, SyntaxError> {
        match self.peek() {
            Some(b'"') => Ok(Node::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Node::Bool(true)),
            Some(b'f') => self.word("false", Node::Bool(false)),
            Some(b'n') => self.word("null", Node::Null),
            _ => Err(self.unexpected("where a value must begin")),
        }
    }

    fn word(&mut self, word: &str, node: Node) -> Result<Node, SyntaxError> {
        for byte in word.bytes() {
            self.expect(byte, &format!("in the literal {word}"))?;
        }
        Ok(node)
    }

    fn number(&mut self) -> Result<Node, SyntaxError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits("in a number")?;
        }
        if self.take(b'.') {
            self.digits("after the decimal point of a number")?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits("in the exponent of a number")?;
        }
        Ok(Node::Number(self.text[start..self.at].into()))
    }

    fn digits(&mut self, place: &str) -> Result<(), SyntaxError> {
        if !self.peek().is_some_and(|b| b.is_ascii_digit()) {
            return Err(self.unexpected(place));
        }
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<Box<str>, SyntaxError> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let plain = self.rest().find(|c| c == '"' || c == '\\' || c < ' ');
            out.push_str(&self.rest()[..plain.unwrap_or(self.rest().len())]);
            self.at += plain.unwrap_or(self.rest().len());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out.into());
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                _ => return Err(self.unexpected("in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let c = match self.peek() {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'u') => {
                self.at += 1;
                return self.unicode_escape();
            }
            _ => return Err(self.unexpected("in an escape of a string")),
        };
        self.at += 1;
        Ok(c)
    }

    /// What `\u` begins: a surrogate without its partner stands for U+FFFD, as in Go.
    fn unicode_escape(&mut self) -> Result<char, SyntaxError> {
        let first = self.hex4()?;
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
            let before = self.at;
            self.at += 2;
            let second = self.hex4()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&mut self) -> Result<u32, SyntaxError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|b| char::from(b).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.unexpected("in the four hex digits of a \\u escape"));
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes a byte that may stand behind white space, which is taken in any case.
    fn take_after_space(&mut self, byte: u8) -> bool {
        self.skip_space();
        self.take(byte)
    }

    fn expect(&mut self, byte: u8, place: &str) -> Result<(), SyntaxError> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.unexpected(place))
        }
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    fn unexpected(&self, place: &str) -> SyntaxError {
        match self.rest().chars().next() {
            None => self.error("unexpected end of the text".to_owned()),
            Some(c) => self.error(format!("unexpected character {c:?} {place}")),
        }
    }

    fn error(&self, message: String) -> SyntaxError {
        SyntaxError {
            offset: self.at,
            message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_refuses_is_refused_where_go_stops() {
        for (text, offset, message) in [
            ("", 0, "unexpected end of the text"),
            ("{", 1, "unexpected end of the text"),
            (
                "{'a':1}",
                1,
                "unexpected character '\\'' where the name of a member must begin",
            ),
            (
                "{\"a\":1,}",
                7,
                "unexpected character '}' where the name of a member must begin",
            ),
            (
                "[1,]",
                3,
                "unexpected character ']' where a value must begin",
            ),
            (
                "[1 2]",
                3,
                "unexpected character '2' after an array element",
            ),
            (
                "{\"a\" 1}",
                5,
                "unexpected character '1' after the name of a member",
            ),
            ("{}}", 2, "unexpected character '}' after the value"),
            ("01", 1, "unexpected character '1' after the value"),
            ("-", 1, "unexpected end of the text"),
            ("1.", 2, "unexpected end of the text"),
            ("+1", 0, "unexpected character '+' where a value must begin"),
            ("nul", 3, "unexpected end of the text"),
            (
                "True",
                0,
                "unexpected character 'T' where a value must begin",
            ),
            ("\"a\nb\"", 2, "unexpected character '\\n' in a string"),
            (
                "\"\\x\"",
                2,
                "unexpected character 'x' in an escape of a string",
            ),
            (
                "\"\\u12g4\"",
                5,
                "unexpected character 'g' in the four hex digits of a \\u escape",
            ),
            (
                "\u{feff}{}",
                0,
                "unexpected character '\\u{feff}' where a value must begin",
            ),
        ] {
            let message = message.to_owned();
            assert_eq!(
                parse(text).err(),
                Some(SyntaxError { offset, message }),
                "{text:?}"
            );
        }
    }

    #[test]
    fn every_value_knows_its_place() {
        let text = r#" {"a": [1, "x"] , "b":{}} rest"#;
        let (value, end) = parse_first(text).unwrap();
        assert_eq!((value.span.clone(), end), (1..25, 25));
        let Node::Object(members) = &value.node else {
            panic!("an object")
        };
        let spans: Vec<_> = members
            .iter()
            .map(|m| (&text[m.name_span.clone()], &text[m.value.span.clone()]))
            .collect();
        assert_eq!(spans, [("\"a\"", "[1, \"x\"]"), ("\"b\"", "{}")]);
    }
}
