//! Go's scanner, as far as a route can need it: blanks, comments, and the semicolons it sets
//! itself at line ends.

use super::error::RouteError;
use super::literal::{Text, unescape};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    Text(Text),
    Open,
    Close,
    Comma,
    Ellipsis,
    And,
    /// The end of a line where Go ends a statement, or the end of the text after an expression.
    LineEnd,
    End,
}

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// Whether a line end here ends the statement.
    ends_line: bool,
}

const STRINGS: &str = "write values in backticks or double quotes";
const ONLY_AND: &str = "a route is matchers joined by `&&`";

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Result<Self, RouteError> {
        let start = if text.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        let illegal = |c: char| c == '\0' || c == '\u{feff}';
        if let Some(found) = text[start..].find(illegal) {
            return Err(RouteError::new(
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
    pub(super) fn next(&mut self) -> Result<(usize, Token), RouteError> {
        loop {
            let rest = self.rest();
            let at = self.at;
            let Some(c) = rest.chars().next() else {
                let token = if self.ends_line {
                    Token::LineEnd
                } else {
                    Token::End
                };
                self.ends_line = false;
                return Ok((at, token));
            };
            match c {
                '\n' if self.ends_line => {
                    self.ends_line = false;
                    return Ok((at, Token::LineEnd));
                }
                ' ' | '\t' | '\r' | '\n' => self.at += 1,
                '/' if rest.starts_with("//") => {
                    self.at += rest.find('\n').unwrap_or(rest.len());
                }
                '/' if rest.starts_with("/*") => {
                    if self.block_comment(rest)? {
                        return Ok((at, Token::LineEnd));
                    }
                }
                _ => return Ok((at, self.token(c, rest)?)),
            }
        }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Skips a comment; says whether a line end in it ends the statement.
    fn block_comment(&mut self, rest: &str) -> Result<bool, RouteError> {
        let Some(length) = rest[2..].find("*/") else {
            return Err(RouteError::new(
                self.at,
                "the comment has no end",
                "close it with `*/`",
            ));
        };
        self.at += length + 4;
        let ends = self.ends_line && rest[..length + 4].contains('\n');
        if ends {
            self.ends_line = false;
        }
        Ok(ends)
    }

    fn token(&mut self, c: char, rest: &str) -> Result<Token, RouteError> {
        let (length, token) = match c {
            '(' => (1, Token::Open),
            ')' => (1, Token::Close),
            ',' => (1, Token::Comma),
            '`' => self.raw(rest)?,
            '"' => self.quoted(rest)?,
            _ if rest.starts_with("...") => (3, Token::Ellipsis),
            _ if rest.starts_with("&&") && !rest.starts_with("&&=") => (2, Token::And),
            c if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                let name = &rest[..end.unwrap_or(rest.len())];
                (name.len(), Token::Name(name.into()))
            }
            _ => return Err(self.foreign(c, rest)),
        };
        self.at += length;
        self.ends_line = matches!(token, Token::Close | Token::Text(_) | Token::Name(_));
        Ok(token)
    }

    fn raw(&self, rest: &str) -> Result<(usize, Token), RouteError> {
        let Some(length) = rest[1..].find('`') else {
            return Err(RouteError::new(
                self.at,
                "the text has no end",
                "close it with a backtick",
            ));
        };
        // Go drops carriage returns from raw strings.
        let value = rest[1..=length].replace('\r', "");
        Ok((length + 2, Token::Text(value.as_str().into())))
    }

    fn quoted(&self, rest: &str) -> Result<(usize, Token), RouteError> {
        let mut escaped = false;
        let end = rest[1..].find(|c: char| {
            let stop = c == '\n' || (c == '"' && !escaped);
            escaped = c == '\\' && !escaped;
            stop
        });
        match end.map(|length| (length, &rest[1..=length], &rest[1 + length..])) {
            Some((length, body, tail)) if tail.starts_with('"') => match unescape(body) {
                Ok(value) => Ok((length + 2, Token::Text(value))),
                Err(error) => Err(RouteError::new(
                    self.at + 1 + error.at,
                    error.message,
                    "write the value in backticks, where a backslash is just that, or double it",
                )),
            },
            _ => Err(RouteError::new(
                self.at,
                "the text has no end on its line",
                r#"close it with `"`, and write a line break as `\n`"#,
            )),
        }
    }

    /// Says why something that is Go, or isn't, is no part of a route.
    fn foreign(&self, c: char, rest: &str) -> RouteError {
        let at = self.at;
        let operators = [
            "||", "==", "!=", "<=", ">=", "&^", "<<", ">>", "<-", "++", "--", ":=", "&&=",
        ];
        if let Some(operator) = operators
            .iter()
            .find(|operator| rest.starts_with(**operator))
        {
            let help = match *operator {
                "||" => "write two frontends, or one regular expression with `|` in it",
                _ => ONLY_AND,
            };
            return RouteError::new(at, format!("`{operator}` isn't supported by vulcand"), help);
        }
        match c {
            '\'' => RouteError::new(
                at,
                "single quotes hold one character in Go, no text",
                STRINGS,
            ),
            '!' => RouteError::new(
                at,
                "`!` isn't supported by vulcand",
                "say what the route matches, not what it doesn't",
            ),
            ';' => RouteError::new(at, "`;` can't stand in a route", "take it out"),
            '.' => RouteError::new(at, "a matcher has no fields", ONLY_AND),
            '[' => RouteError::new(at, "a matcher can't be indexed", "use parentheses"),
            '0'..='9' => RouteError::new(at, "a number can't stand in a route", STRINGS),
            '+' => RouteError::new(at, "texts can't be joined with `+`", "write them as one"),
            '&' | '|' | '=' | '<' | '>' | '-' | '*' | '/' | '%' | '^' | '~' | '{' | '}' | ']'
            | ':' => RouteError::new(at, format!("`{c}` isn't supported by vulcand"), ONLY_AND),
            _ if c.is_whitespace() => RouteError::new(
                at,
                format!("the blank U+{:04X} isn't one for Go", u32::from(c)),
                "use a plain blank",
            ),
            _ => RouteError::new(
                at,
                format!("the character {c:?} can't stand outside quotes"),
                STRINGS,
            ),
        }
    }
}
