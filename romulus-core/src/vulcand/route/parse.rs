//! What the language of routes is, and what vulcand makes of an expression in it.

use super::error::RouteError;
use super::matcher::Matcher;
use super::pattern::Pattern;
use super::regexp::Regexp;
use crate::vulcand::expression::{
    self, Kind, Language, Literal, Signature, SyntaxError, Term, Text, Words,
};

/// A parsed expression: its matchers in source order, and which neighbours vulcand compiles into
/// one chain. `groups` holds the length of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) matchers: Vec<Matcher>,
    pub(super) groups: Vec<usize>,
}

pub(super) fn parse(text: &str) -> Result<Expression, RouteError> {
    let expression = expression::Expression::parse::<Matcher>(text)?;
    let mut matchers = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    // Where the groups of each operand begin.
    let mut operands: Vec<usize> = Vec::new();
    for term in expression.terms {
        match term {
            Term::Call(matcher) => {
                operands.push(groups.len());
                groups.push(Group {
                    length: 1,
                    chain: matcher.is_literal(),
                });
                matchers.push(matcher);
            }
            // `x && y`: two literal chains become one; anything else is evaluated side by side.
            // Routes have no other operator.
            Term::And | Term::Or | Term::Compare(..) => {
                operands.pop();
                let left = operands.last().copied().unwrap_or_default();
                if let [left, right] = &mut groups[left..]
                    && left.chain
                    && right.chain
                {
                    left.length += right.length;
                    groups.pop();
                }
            }
        }
    }
    let groups = groups.iter().map(|group| group.length).collect();
    Ok(Expression { matchers, groups })
}

/// Matchers that vulcand evaluates together: one, or a chain of literal ones.
struct Group {
    length: usize,
    chain: bool,
}

const ONE: (&[Kind], &str) = (&[Kind::Text], "one text");
const TWO: (&[Kind], &str) = (&[Kind::Text, Kind::Text], "two texts");

const fn matcher(
    name: &'static str,
    takes: (&'static [Kind], &'static str),
    usage: &'static str,
) -> Signature {
    Signature {
        name,
        takes,
        gives: Kind::Condition,
        usage,
    }
}

const ONLY_AND: &str = "a route is matchers joined by `&&`";

impl Language for Matcher {
    type Call = Self;

    const FUNCTIONS: &'static [Signature] = &[
        matcher("Host", ONE, "write Host(`www.example.com`)"),
        matcher("HostRegexp", ONE, r"write HostRegexp(`\.example\.com$`)"),
        matcher("Path", ONE, "write Path(`/path`)"),
        matcher("PathRegexp", ONE, "write PathRegexp(`^/path/.*`)"),
        matcher("Method", ONE, "write Method(`GET`)"),
        matcher("MethodRegexp", ONE, "write MethodRegexp(`^(GET|POST)$`)"),
        matcher("Header", TWO, "write Header(`Name`, `value`)"),
        matcher("HeaderRegexp", TWO, "write HeaderRegexp(`Name`, `^value$`)"),
    ];
    const WORDS: Words = Words {
        expression: "route",
        function: "matcher",
        example: "Host(`www.example.com`)",
        grammar: ONLY_AND,
    };

    fn call(
        function: &'static Signature,
        arguments: Vec<(Literal, usize)>,
    ) -> Result<Self, SyntaxError> {
        let mut texts = arguments.into_iter().filter_map(|argument| match argument {
            (Literal::Text(text), at) => Some((text, at)),
            _ => None,
        });
        let header = if function.takes == TWO {
            texts.next()
        } else {
            None
        };
        let header = header.map(|(name, _)| name).unwrap_or_default();
        let (value, at) = texts.next().unwrap_or_default();
        Ok(match function.name {
            "Host" => Self::Host(pattern(value.to_lowercase(), at)?),
            "HostRegexp" => Self::HostRegexp(regexp(&value, at, true)?),
            "Path" => Self::Path(pattern(value, at)?),
            "PathRegexp" => Self::PathRegexp(regexp(&value, at, false)?),
            "Method" => Self::Method(pattern(value, at)?),
            "MethodRegexp" => Self::MethodRegexp(regexp(&value, at, false)?),
            "Header" => Self::Header(header, pattern(value, at)?),
            _ => Self::HeaderRegexp(header, regexp(&value, at, false)?),
        })
    }

    fn refusal(mark: &str) -> Option<(String, &'static str)> {
        let unsupported = || format!("`{mark}` isn't supported by vulcand");
        Some(match mark {
            "&&" | "(" | ")" | "," | "..." => return None,
            "||" => (
                unsupported(),
                "write two frontends, or one regular expression with `|` in it",
            ),
            "!" => (
                unsupported(),
                "say what the route matches, not what it doesn't",
            ),
            "+" => ("texts can't be joined with `+`".into(), "write them as one"),
            ";" => ("`;` can't stand in a route".into(), "take it out"),
            "." => ("a matcher has no fields".into(), ONLY_AND),
            "[" => ("a matcher can't be indexed".into(), "use parentheses"),
            _ => (unsupported(), ONLY_AND),
        })
    }

    fn unclosed(opened: usize, _end: usize) -> SyntaxError {
        let help = "close it with `)` on the line where its expression ends";
        SyntaxError::new(opened, "this parenthesis is not closed", help)
    }
}

fn pattern(value: Text, at: usize) -> Result<Pattern, SyntaxError> {
    Pattern::new(value).map_err(|error| {
        let message = format!("{}, at byte {} of it", error.message, error.at);
        let help = "write `<name>` for a run up to the next separator, `<int:name>` for digits \
                    before one, or use the Regexp form";
        SyntaxError::new(at, message, help)
    })
}

fn regexp(value: &Text, at: usize, lower: bool) -> Result<Regexp, SyntaxError> {
    Regexp::new(value, lower).map_err(|bad| {
        let help = "vulcand's regular expressions are those of Go (RE2)";
        SyntaxError::new(at, bad.message, help)
    })
}
