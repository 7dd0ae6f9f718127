//! Go's tokens, as far as vulcand's predicates have a use for them.

use super::ExpressionError;

/// A token of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    Name(&'a str),
    Int(i64),
    Float(f64),
    /// A string literal, unquoted: bytes, since `"\xff"` is not text.
    Text(Vec<u8>),
    /// An operator or another mark.
    Mark(&'static str),
    /// The end of the line after something that can end a statement: Go sets a semicolon there.
    LineEnd,
}

/// The marks predicates are made of, longer ones first.
const MARKS: [&str; 12] = [
    "...", "&&", "||", "==", "!=", "<=", ">=", "<", ">", "(", ")", ",",
];

/// Reads the tokens of a text, each with the byte it begins at.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token<'_>, usize)>, ExpressionError> {
    // Go skips a byte order mark at the very beginning, and refuses one anywhere else.
    let start = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    if let Some(offset) = text[start..].find(['\0', '\u{feff}']) {
        return error(
            start + offset,
            "a NUL or a byte order mark can't stand in an expression",
        );
    }
    let mut scanner = Scanner { text, at: start };
    let mut tokens: Vec<(Token<'_>, usize)> = Vec::new();
    loop {
        let line_end = scanner.skip_space_and_comments()?;
        let ends_statement = match tokens.last() {
            Some((Token::Mark(mark), _)) => *mark == ")",
            Some((Token::LineEnd, _)) | None => false,
            Some(_) => true,
        };
        if let (Some(offset), true) = (line_end, ends_statement) {
            tokens.push((Token::LineEnd, offset));
        }
        if scanner.rest().is_empty() {
            return Ok(tokens);
        }
        let offset = scanner.at;
        tokens.push((scanner.token()?, offset));
    }
}

fn error<T>(offset: usize, message: impl Into<String>) -> Result<T, ExpressionError> {
    Err(ExpressionError {
        offset,
        message: message.into(),
    })
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips to the next token; says where a line ended on the way.
    fn skip_space_and_comments(&mut self) -> Result<Option<usize>, ExpressionError> {
        let mut line_end = None;
        loop {
            let rest = self.rest();
            let skipped = if let Some(comment) = rest.strip_prefix("//") {
                2 + comment.find('\n').unwrap_or(comment.len())
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let Some(length) = comment.find("*/") else {
                    return error(self.at, "the comment is not closed by `*/`");
                };
                if comment[..length].contains('\n') {
                    line_end = line_end.or(Some(self.at));
                }
                length + 4
            } else {
                match rest.as_bytes().first() {
                    Some(b'\n') => {
                        line_end = line_end.or(Some(self.at));
                        1
                    }
                    Some(b' ' | b'\t' | b'\r') => 1,
                    _ => return Ok(line_end),
                }
            };
            self.at += skipped;
        }
    }

    fn token(&mut self) -> Result<Token<'a>, ExpressionError> {
        let rest = self.rest();
        let mut chars = rest.chars();
        match (chars.next(), chars.next()) {
            (Some('"'), _) => self.quoted(),
            (Some('`'), _) => self.raw(),
            (Some('\''), _) => error(
                self.at,
                "single quotes are for single characters: use \"...\" or `...`",
            ),
            (Some('0'..='9'), _) | (Some('.'), Some('0'..='9')) => self.number(),
            (Some(c), _) if c == '_' || c.is_alphabetic() => {
                let end = rest.find(|c: char| c != '_' && !c.is_alphanumeric());
                let name = &rest[..end.unwrap_or(rest.len())];
                self.at += name.len();
                Ok(Token::Name(name))
            }
            (first, _) => match MARKS.into_iter().find(|mark| rest.starts_with(mark)) {
                Some(mark) => {
                    self.at += mark.len();
                    Ok(Token::Mark(mark))
                }
                None => {
                    let mark = first.map(String::from).unwrap_or_default();
                    error(self.at, format!("`{mark}` can't be used here"))
                }
            },
        }
    }

    fn raw(&mut self) -> Result<Token<'a>, ExpressionError> {
        let text = &self.rest()[1..];
        let Some(length) = text.find('`') else {
            return error(self.at, "the string is not closed by a backtick");
        };
        self.at += length + 2;
        Ok(Token::Text(
            text[..length].bytes().filter(|b| *b != b'\r').collect(),
        ))
    }

    fn quoted(&mut self) -> Result<Token<'a>, ExpressionError> {
        let start = self.at;
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            match self.rest().chars().next() {
                Some('"') => {
                    self.at += 1;
                    return Ok(Token::Text(bytes));
                }
                Some('\\') => self.escape(&mut bytes)?,
                None | Some('\n') => return error(start, "the string is not closed by `\"`"),
                Some(c) => {
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    self.at += c.len_utf8();
                }
            }
        }
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), ExpressionError> {
        let start = self.at;
        let invalid = "not an escape of a Go string (use `...` for text with backslashes)";
        self.at += 1;
        let simple = match self.peek() {
            Some(b'a') => 0x07,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'v') => 0x0b,
            Some(c @ (b'\\' | b'"')) => c,
            Some(c @ (b'0'..=b'7' | b'x' | b'u' | b'U')) => {
                let (digits, radix) = match c {
                    b'x' => (2, 16),
                    b'u' => (4, 16),
                    b'U' => (8, 16),
                    _ => (3, 8),
                };
                self.at += usize::from(radix == 16);
                let code = self
                    .rest()
                    .get(..digits)
                    .filter(|code| code.chars().all(|digit| digit.is_digit(radix)));
                let code = code.and_then(|code| u32::from_str_radix(code, radix).ok());
                self.at += digits;
                match (c, code) {
                    (b'u' | b'U', Some(code)) => match char::from_u32(code) {
                        Some(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                        None => return error(start, invalid),
                    },
                    (_, Some(code)) => match u8::try_from(code) {
                        Ok(byte) => bytes.push(byte),
                        Err(_) => return error(start, invalid),
                    },
                    (_, None) => return error(start, invalid),
                }
                return Ok(());
            }
            _ => return error(start, invalid),
        };
        bytes.push(simple);
        self.at += 1;
        Ok(())
    }

    /// A number: Go's parser takes more kinds of them than vulcand, which reads whole numbers by
    /// `strconv.Atoi` (decimal digits only) and others by `strconv.ParseFloat`.
    fn number(&mut self) -> Result<Token<'a>, ExpressionError> {
        let start = self.at;
        let hex = self.rest().starts_with("0x") || self.rest().starts_with("0X");
        let digit = |b: u8| {
            b == b'_'
                || if hex {
                    b.is_ascii_hexdigit()
                } else {
                    b.is_ascii_digit()
                }
        };
        self.at += if hex { 2 } else { 0 };
        let skip = |scanner: &mut Self, digit: &dyn Fn(u8) -> bool| {
            let from = scanner.at;
            while scanner.peek().is_some_and(digit) {
                scanner.at += 1;
            }
            scanner.at > from
        };
        let mut has_digits = skip(self, &digit);
        let mut whole = true;
        if self.peek() == Some(b'.') {
            whole = false;
            self.at += 1;
            has_digits |= skip(self, &digit);
        }
        let exponent = matches!(
            (hex, self.peek()),
            (true, Some(b'p' | b'P')) | (false, Some(b'e' | b'E'))
        );
        if exponent {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            if !skip(self, &|b| b == b'_' || b.is_ascii_digit()) {
                return error(start, "the exponent of the number has no digits");
            }
            whole = false;
        }
        let text = &self.text[start..self.at];
        if self
            .peek()
            .is_some_and(|b| b == b'_' || b.is_ascii_alphabetic())
        {
            return error(
                start,
                "not a number vulcand can read: write it in decimal digits",
            );
        }
        if whole {
            let octal = text.len() > 1 && text.starts_with('0');
            return match text.parse() {
                Ok(n) if !(octal && text.contains(['8', '9'])) => Ok(Token::Int(n)),
                _ => error(
                    start,
                    format!("vulcand can't read the number `{text}`: write it in decimal digits"),
                ),
            };
        }
        let value = if hex && !exponent {
            None
        } else if has_digits && underscores_separate_digits(text) {
            let digits = text.replace('_', "");
            if hex {
                hex_float(&digits[2..])
            } else {
                digits.parse().ok()
            }
        } else {
            None
        };
        match value.filter(|value: &f64| value.is_finite()) {
            Some(value) => Ok(Token::Float(value)),
            None => error(start, format!("vulcand can't read the number `{text}`")),
        }
    }
}

/// Whether every underscore of a number stands between two digits (or a base prefix and one).
fn underscores_separate_digits(number: &str) -> bool {
    let bytes = number.as_bytes();
    bytes.iter().enumerate().all(|(at, b)| {
        let is_digit = |b: Option<&u8>| b.is_some_and(u8::is_ascii_hexdigit);
        let prefix = at == 2 && matches!(bytes[1], b'x' | b'X');
        *b != b'_'
            || (at > 0 && (prefix || is_digit(bytes.get(at - 1))) && is_digit(bytes.get(at + 1)))
    })
}

/// The value of a hexadecimal float behind its `0x`: `1.8p-1` is 0.75.
fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut value = 0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let shift = i32::try_from(fraction.len()).ok()?.checked_mul(4)?;
    // Go caps exponents that no double could have long before they overflow.
    let exponent = exponent.parse::<i64>().unwrap_or(0).clamp(-20_000, 20_000);
    let exponent = i32::try_from(exponent).ok()?.checked_sub(shift)?;
    Some(if value == 0.0 {
        0.0
    } else {
        value * 2_f64.powi(exponent)
    })
}
