//! Go's scanner, as far as vulcand's expressions can need it: blanks, comments, and the semicolons
//! it sets itself at line ends.

use super::number::number;
use super::{Literal, SyntaxError};

/// A token of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'t> {
    Name(&'t str),
    Literal(Literal),
    /// An operator or another mark.
    Mark(&'t str),
    /// The end of a line where Go ends a statement.
    LineEnd,
    /// The end of the text.
    End,
}

/// The marks of several characters that expressions are made of. Others are read as several marks,
/// of which one can't stand where it does.
const LONG_MARKS: [&str; 7] = ["...", "&&", "||", "==", "!=", "<=", ">="];
const MARKS: &str = "()[]{},;:.!=<>+-*/%&|^~";
const STRINGS: &str = "write values in backticks or double quotes";

/// Reads the tokens of a text one by one.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// Whether a line end here ends the statement.
    ends_line: bool,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Result<Self, SyntaxError> {
        // Go skips a byte order mark at the very beginning, and refuses one anywhere else.
        let source = text.strip_prefix('\u{feff}').unwrap_or(text);
        let start = text.len() - source.len();
        if let Some(found) = source.find(['\0', '\u{feff}']) {
            return Err(SyntaxError::new(
                start + found,
                "a NUL or a byte order mark can't stand in Go source",
                r"write it as an escape, \x00 or \ufeff, in double quotes",
            ));
        }
        Ok(Self {
            text,
            at: start,
            ends_line: false,
        })
    }

    /// The next token and where it starts.
    pub(super) fn next(&mut self) -> Result<(Token<'t>, usize), SyntaxError> {
        loop {
            let (at, rest) = (self.at, &self.text[self.at..]);
            let Some(c) = rest.chars().next() else {
                return Ok((Token::End, at));
            };
            let skipped = match c {
                ' ' | '\t' | '\r' | '\n' => &rest[..1],
                '/' if rest.starts_with("//") => rest.split('\n').next().unwrap_or(rest),
                '/' if rest.starts_with("/*") => match rest[2..].find("*/") {
                    Some(length) => &rest[..length + 4],
                    None => {
                        let message = "the comment has no end";
                        return Err(SyntaxError::new(at, message, "close it with `*/`"));
                    }
                },
                _ => {
                    let (length, token) = self.token(c, rest)?;
                    self.at += length;
                    self.ends_line = match token {
                        Token::Name(_) | Token::Literal(_) => true,
                        Token::Mark(mark) => mark == ")",
                        Token::LineEnd | Token::End => false,
                    };
                    return Ok((token, at));
                }
            };
            self.check_line_directive(skipped)?;
            self.at += skipped.len();
            if self.ends_line && skipped.contains('\n') {
                self.ends_line = false;
                return Ok((Token::LineEnd, at));
            }
        }
    }

    /// Refuses a comment such as `//line x:0`, with which Go sources name the file and the line
    /// they were generated from: vulcand's parser reads them, and refuses numbers that are none.
    fn check_line_directive(&self, comment: &str) -> Result<(), SyntaxError> {
        let text = if let Some(text) = comment.strip_prefix("/*line ") {
            text.strip_suffix("*/").unwrap_or(text)
        } else if matches!(self.text[..self.at].bytes().last(), None | Some(b'\n'))
            && let Some(text) = comment.strip_prefix("//line ")
        {
            text.strip_suffix('\r').unwrap_or(text)
        } else {
            return Ok(());
        };
        let Some((name, number)) = text.rsplit_once(':') else {
            return Ok(());
        };
        // Numbers beyond 64 bits are none, and those of 64 bits negative ones, which do no harm.
        let read = |digits: &str| {
            let plain = digits.bytes().all(|b| b.is_ascii_digit());
            plain
                .then(|| digits.parse::<u64>().ok())
                .flatten()
                .map(u64::cast_signed)
        };
        let possible = |number: i64| number != 0 && number < 1 << 30;
        let line = name.rsplit_once(':').and_then(|(_, line)| read(line));
        if read(number).is_some_and(possible) && line.is_none_or(possible) {
            return Ok(());
        }
        Err(SyntaxError::new(
            self.at,
            format!("`{comment}` is a line directive of Go with a number that is none"),
            "write the comment without `line ` at its start",
        ))
    }

    /// The token at the beginning of `rest`, and its length.
    fn token(&self, c: char, rest: &'t str) -> Result<(usize, Token<'t>), SyntaxError> {
        let literal = |(length, literal)| (length, Token::Literal(literal));
        match c {
            '`' => self.raw(rest).map(literal),
            '"' => self.quoted(rest).map(literal),
            '0'..='9' => number(self.text, self.at).map(literal),
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                number(self.text, self.at).map(literal)
            }
            _ if c == '_' || c.is_alphabetic() => {
                let end = rest.find(|c: char| c != '_' && !c.is_alphanumeric());
                let name = &rest[..end.unwrap_or(rest.len())];
                Ok((name.len(), Token::Name(name)))
            }
            _ if MARKS.contains(c) => {
                let long = LONG_MARKS.iter().find(|mark| rest.starts_with(**mark));
                let length = long.map_or(1, |mark| mark.len());
                Ok((length, Token::Mark(&rest[..length])))
            }
            '\'' => Err(self.error("single quotes hold one character in Go, no text", STRINGS)),
            _ if c.is_whitespace() => Err(self.error(
                &format!("the blank U+{:04X} isn't one for Go", u32::from(c)),
                "use a plain blank",
            )),
            _ => Err(self.error(
                &format!("the character {c:?} can't stand outside quotes"),
                STRINGS,
            )),
        }
    }

    fn error(&self, message: &str, help: &str) -> SyntaxError {
        SyntaxError::new(self.at, message, help)
    }

    fn raw(&self, rest: &str) -> Result<(usize, Literal), SyntaxError> {
        let Some(length) = rest[1..].find('`') else {
            return Err(self.error("the text has no end", "close it with a backtick"));
        };
        // Go drops carriage returns from raw strings.
        let value = rest[1..=length].replace('\r', "");
        Ok((length + 2, Literal::Text(value.as_str().into())))
    }

    fn quoted(&self, rest: &str) -> Result<(usize, Literal), SyntaxError> {
        let mut value = Vec::new();
        let mut at = 1;
        loop {
            let plain = rest[at..].find(['"', '\\', '\n']).map(|length| at + length);
            let (end, stop) = match plain.map(|end| (end, rest.as_bytes()[end])) {
                Some((end, stop)) if stop != b'\n' => (end, stop),
                _ => {
                    return Err(self.error(
                        "the text has no end on its line",
                        r#"close it with `"`, and write a line break as `\n`"#,
                    ));
                }
            };
            value.extend_from_slice(&rest.as_bytes()[at..end]);
            at = end + 1;
            if stop == b'"' {
                return Ok((at, Literal::Text(value.into())));
            }
            at += escape(&rest[at..], &mut value).map_err(|message| {
                let help = "write the value in backticks, where a backslash is just that, or \
                            double it";
                SyntaxError::new(self.at + end, message, help)
            })?;
        }
    }
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
