//! What Go's expression parser, vulcand's predicate library and its matchers make of a text.

use super::error::RouteError;
use super::literal::Text;
use super::matcher::Matcher;
use super::pattern::Pattern;
use super::regexp::Regexp;
use super::token::{Lexer, Token};

/// Go's parser gives up on expressions nested deeper than this.
const MAX_NESTING: usize = 100_000;

/// A parsed expression: its matchers in source order, and which neighbours vulcand compiles into
/// one chain. `groups` holds the length of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) matchers: Vec<Matcher>,
    pub(super) groups: Vec<usize>,
}

pub(super) fn parse(text: &str) -> Result<Expression, RouteError> {
    if text.trim().is_empty() {
        let help = "give a matcher, e.g. Host(`www.example.com`)";
        return Err(RouteError::new(0, "the route is empty", help));
    }
    let mut parser = Parser {
        lexer: Lexer::new(text)?,
        peeked: None,
    };
    let mut matchers = Vec::new();
    let mut open: Vec<Level> = Vec::new();
    let mut level = Level::new(0);
    loop {
        // An operand: parentheses are opened, then a matcher follows.
        while let Some(at) = parser.eat(&Token::Open)? {
            open.push(std::mem::replace(&mut level, Level::new(at)));
            if open.len() + level.operators > MAX_NESTING {
                return Err(RouteError::new(
                    at,
                    "the route is nested too deeply",
                    "simplify it",
                ));
            }
        }
        let matcher = parser.matcher()?;
        level.join(vec![Group {
            length: 1,
            chain: matcher.is_literal(),
        }]);
        matchers.push(matcher);
        // What may follow an operand: closing parentheses, then an operator or the end.
        loop {
            let (at, token) = parser.next()?;
            match token {
                Token::Close => {
                    let Some(outer) = open.pop() else {
                        return Err(unexpected(at, "`)` closes nothing", "take it out"));
                    };
                    let inner = std::mem::replace(&mut level, outer);
                    level.join(inner.groups);
                }
                Token::And => {
                    level.operators += 1;
                    if open.len() + level.operators > MAX_NESTING {
                        return Err(RouteError::new(at, "the route is too long", "simplify it"));
                    }
                    break;
                }
                Token::LineEnd | Token::End if open.is_empty() => {
                    let (at, token) = parser.next()?;
                    if token != Token::End {
                        return Err(unexpected(
                            at,
                            "the route ended with the line before",
                            "break lines only after `&&`, `(` or a comma",
                        ));
                    }
                    let groups = level.groups.iter().map(|group| group.length).collect();
                    return Ok(Expression { matchers, groups });
                }
                Token::LineEnd | Token::End => {
                    return Err(unexpected(
                        level.opened,
                        "this parenthesis is not closed",
                        "close it with `)` on the line where its expression ends",
                    ));
                }
                _ => {
                    return Err(unexpected(
                        at,
                        "`&&` is missing here",
                        "join matchers by `&&`",
                    ));
                }
            }
        }
    }
}

/// Matchers that vulcand evaluates together: one, or a chain of literal ones.
struct Group {
    length: usize,
    chain: bool,
}

/// An expression in parentheses, or the outermost one.
struct Level {
    opened: usize,
    operators: usize,
    groups: Vec<Group>,
}

impl Level {
    fn new(opened: usize) -> Self {
        Self {
            opened,
            operators: 0,
            groups: Vec::new(),
        }
    }

    /// `x && y`: two literal chains become one; anything else is evaluated side by side.
    fn join(&mut self, right: Vec<Group>) {
        if self.groups.is_empty() {
            self.groups = right;
            return;
        }
        match (self.groups.as_mut_slice(), right.as_slice()) {
            ([left], [only]) if left.chain && only.chain => left.length += only.length,
            _ => self.groups.extend(right),
        }
    }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    peeked: Option<(usize, Token)>,
}

impl Parser<'_> {
    fn next(&mut self) -> Result<(usize, Token), RouteError> {
        match self.peeked.take() {
            Some(token) => Ok(token),
            None => self.lexer.next(),
        }
    }

    /// Takes the next token if it is this one; says where it was.
    fn eat(&mut self, wanted: &Token) -> Result<Option<usize>, RouteError> {
        let (at, token) = self.next()?;
        if token == *wanted {
            return Ok(Some(at));
        }
        self.peeked = Some((at, token));
        Ok(None)
    }

    fn matcher(&mut self) -> Result<Matcher, RouteError> {
        let (at, token) = self.next()?;
        let name = match token {
            Token::Name(name) => name,
            Token::Text(_) => {
                return Err(unexpected(
                    at,
                    "a text alone is no matcher",
                    "say what to compare it with, e.g. Host(`www.example.com`)",
                ));
            }
            _ => return Err(unexpected(at, "a matcher is missing here", KNOWN)),
        };
        let kind = Kind::named(&name).ok_or_else(|| no_such(at, &name))?;
        if self.eat(&Token::Open)?.is_none() {
            return Err(unexpected(
                at + name.len(),
                format!("`{name}` has no argument"),
                kind.usage(),
            ));
        }
        let arguments = self.arguments(&name, kind)?;
        kind.build(at, &name, arguments)
    }

    /// The arguments after `(`, up to and with `)`. Go takes a comma after the last one, and `...`
    /// after the last text, which vulcand ignores.
    fn arguments(&mut self, name: &str, kind: Kind) -> Result<Vec<(usize, Text)>, RouteError> {
        let mut arguments = Vec::new();
        let mut spread = false;
        loop {
            let (at, token) = self.next()?;
            match token {
                Token::Close => return Ok(arguments),
                Token::Text(text) if !spread => arguments.push((at, text)),
                Token::Text(_) => {
                    return Err(unexpected(at, "no text can follow `...`", "take `...` out"));
                }
                Token::LineEnd | Token::End => return Err(unclosed(at, name)),
                _ => {
                    return Err(unexpected(
                        at,
                        format!("`{name}` takes only texts"),
                        kind.usage(),
                    ));
                }
            }
            spread = self.eat(&Token::Ellipsis)?.is_some();
            let (at, token) = self.next()?;
            match token {
                Token::Comma => {}
                Token::Close => return Ok(arguments),
                Token::LineEnd | Token::End => return Err(unclosed(at, name)),
                _ => {
                    return Err(unexpected(
                        at,
                        format!("`,` or `)` is missing in `{name}`"),
                        kind.usage(),
                    ));
                }
            }
        }
    }
}

const KNOWN: &str = "vulcand has Host, HostRegexp, Path, PathRegexp, Method, MethodRegexp, \
                     Header and HeaderRegexp";

fn unexpected(at: usize, message: impl Into<String>, help: impl Into<String>) -> RouteError {
    RouteError::new(at, message, help)
}

fn unclosed(at: usize, name: &str) -> RouteError {
    unexpected(
        at,
        format!("the arguments of `{name}` are not closed"),
        "close them with `)` on the line of the last argument, or end that line with a comma",
    )
}

fn no_such(at: usize, name: &str) -> RouteError {
    match Kind::ALL
        .iter()
        .find(|kind| kind.name().eq_ignore_ascii_case(name))
    {
        Some(kind) => unexpected(
            at,
            format!("there is no matcher `{name}`"),
            format!("did you mean `{}`?", kind.name()),
        ),
        None => unexpected(at, format!("there is no matcher `{name}`"), KNOWN),
    }
}

/// The functions of the route language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Host,
    HostRegexp,
    Path,
    PathRegexp,
    Method,
    MethodRegexp,
    Header,
    HeaderRegexp,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Host,
        Self::HostRegexp,
        Self::Path,
        Self::PathRegexp,
        Self::Method,
        Self::MethodRegexp,
        Self::Header,
        Self::HeaderRegexp,
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Host => "Host",
            Self::HostRegexp => "HostRegexp",
            Self::Path => "Path",
            Self::PathRegexp => "PathRegexp",
            Self::Method => "Method",
            Self::MethodRegexp => "MethodRegexp",
            Self::Header => "Header",
            Self::HeaderRegexp => "HeaderRegexp",
        }
    }

    fn usage(self) -> &'static str {
        match self {
            Self::Host => "write Host(`www.example.com`)",
            Self::HostRegexp => r"write HostRegexp(`\.example\.com$`)",
            Self::Path => "write Path(`/path`)",
            Self::PathRegexp => "write PathRegexp(`^/path/.*`)",
            Self::Method => "write Method(`GET`)",
            Self::MethodRegexp => "write MethodRegexp(`^(GET|POST)$`)",
            Self::Header => "write Header(`Name`, `value`)",
            Self::HeaderRegexp => "write HeaderRegexp(`Name`, `^value$`)",
        }
    }

    fn build(
        self,
        at: usize,
        name: &str,
        arguments: Vec<(usize, Text)>,
    ) -> Result<Matcher, RouteError> {
        let wanted = if matches!(self, Self::Header | Self::HeaderRegexp) {
            2
        } else {
            1
        };
        let given = arguments.len();
        let mut arguments = arguments.into_iter();
        let (header, value) = match (wanted, arguments.next(), arguments.next()) {
            (1, Some(value), None) => (None, value),
            (2, Some((_, header)), Some(value)) if given == 2 => (Some(header), value),
            _ => {
                let texts = if wanted == 1 { "one text" } else { "two texts" };
                return Err(unexpected(
                    at,
                    format!("`{name}` takes {texts}, not {given}"),
                    self.usage(),
                ));
            }
        };
        let (at, value) = value;
        let pattern =
            |value: Text| {
                Pattern::new(value).map_err(|error| {
                let help = "write `<name>` for a run up to the next separator, `<int:name>` for \
                            digits before one, or use the Regexp form";
                unexpected(at, format!("{}, at byte {} of it", error.message, error.at), help)
            })
            };
        let regexp = |value: &Text, lower| {
            Regexp::new(value, lower).map_err(|message| {
                unexpected(
                    at,
                    message,
                    "vulcand's regular expressions are those of Go (RE2)",
                )
            })
        };
        Ok(match (self, header) {
            (Self::Host, _) => Matcher::Host(pattern(value.to_lowercase())?),
            (Self::HostRegexp, _) => Matcher::HostRegexp(regexp(&value, true)?),
            (Self::Path, _) => Matcher::Path(pattern(value)?),
            (Self::PathRegexp, _) => Matcher::PathRegexp(regexp(&value, false)?),
            (Self::Method, _) => Matcher::Method(pattern(value)?),
            (Self::MethodRegexp, _) => Matcher::MethodRegexp(regexp(&value, false)?),
            (Self::Header, Some(header)) => Matcher::Header(header, pattern(value)?),
            (_, header) => {
                let header = header.unwrap_or_else(|| Text::from(""));
                Matcher::HeaderRegexp(header, regexp(&value, false)?)
            }
        })
    }
}
