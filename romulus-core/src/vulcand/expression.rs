//! vulcand's expressions: Go syntax, of which `vulcand/predicate` evaluates calls, comparisons of a
//! call with a literal, `&&`, `||` and parentheses.
//!
//! Routes, failover predicates and the conditions of circuit breakers are such expressions. What
//! each of them may call, and what else it may say, is its [`Language`].

mod number;
mod parse;
mod text;
mod token;

use std::fmt;
use std::fmt::Write as _;

pub(crate) use text::quote_bytes;
pub use text::{Text, quote};

/// Why a text is not an expression vulcand can evaluate, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (byte {offset})")]
pub struct ExpressionError {
    /// The byte of the text the message is about.
    pub offset: usize,
    /// What is wrong there.
    pub message: String,
}

impl From<SyntaxError> for ExpressionError {
    fn from(error: SyntaxError) -> Self {
        Self {
            offset: error.offset,
            message: format!("{}: {}", error.message, error.help),
        }
    }
}

/// What is wrong with an expression, where, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) offset: usize,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl SyntaxError {
    pub(crate) fn new(offset: usize, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            offset,
            message: message.into(),
            help: help.into(),
        }
    }
}

/// What expressions of one kind can say.
pub(crate) trait Language: Sized + 'static {
    /// What a call means.
    type Call: fmt::Display;

    const FUNCTIONS: &'static [Signature];
    const WORDS: Words;

    /// The call of one of the functions, with as many arguments as it takes and of their kinds;
    /// each comes with the byte it begins at.
    fn call(
        function: &'static Signature,
        arguments: Vec<(Literal, usize)>,
    ) -> Result<Self::Call, SyntaxError>;

    /// For a mark of Go's that has no place in this language: what is wrong, and the way out.
    fn refusal(_mark: &str) -> Option<(String, &'static str)> {
        None
    }

    /// What to say of a parenthesis that is still open where the expression ends.
    fn unclosed(_opened: usize, end: usize) -> SyntaxError {
        let help = "write `)` on the line where the expression in the parentheses ends";
        SyntaxError::new(end, "a closing parenthesis is missing", help)
    }
}

/// How messages speak about a language.
pub(crate) struct Words {
    /// A whole expression.
    pub(crate) expression: &'static str,
    /// What it consists of.
    pub(crate) function: &'static str,
    /// The least one can say.
    pub(crate) example: &'static str,
    /// How functions are combined.
    pub(crate) grammar: &'static str,
}

/// The grammar of failover predicates and of the conditions of circuit breakers.
pub(crate) const CONDITIONS: &str = "join functions, or what compares them with literals, by `&&` \
                                     and `||`";

/// A function that can be called.
#[derive(Debug)]
pub(crate) struct Signature {
    pub(crate) name: &'static str,
    /// The kinds of its arguments, and how messages call them.
    pub(crate) takes: (&'static [Kind], &'static str),
    pub(crate) gives: Kind,
    /// How to write a call.
    pub(crate) usage: &'static str,
}

/// What a literal is, or what a call gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// True or false: it stands for itself.
    Condition,
    /// A whole number, to be compared with one.
    Int,
    /// A ratio, to be compared with a number that has a decimal point.
    Float,
    /// Text, to be compared with `==` or `!=`.
    Text,
}

/// A literal of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Int(i64),
    Float(f64),
    Text(Text),
}

impl Literal {
    fn kind(&self) -> Kind {
        match self {
            Self::Int(_) => Kind::Int,
            Self::Float(_) => Kind::Float,
            Self::Text(_) => Kind::Text,
        }
    }
}

/// The call of a function by its name, which is all there is to say about it in most languages.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    name: &'static str,
    arguments: Vec<Literal>,
}

impl Call {
    pub(crate) fn new(function: &'static Signature, arguments: Vec<(Literal, usize)>) -> Self {
        Self {
            name: function.name,
            arguments: arguments.into_iter().map(|(literal, _)| literal).collect(),
        }
    }
}

/// An expression in postfix order, so that no walk over it needs to recurse.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expression<C> {
    pub(crate) terms: Vec<Term<C>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Term<C> {
    Call(C),
    Compare(C, Comparison, Literal),
    And,
    Or,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl<C> Expression<C> {
    /// Reads an expression of a language.
    pub(crate) fn parse<L: Language<Call = C>>(text: &str) -> Result<Self, SyntaxError> {
        let terms = parse::parse::<L>(text)?;
        Ok(Self { terms })
    }
}

impl fmt::Display for Expression<Call> {
    /// The expression with as few parentheses as it takes to be read as the same again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printed: Vec<(String, u8)> = Vec::new();
        for term in &self.terms {
            let (operator, precedence) = match term {
                Term::Call(call) => {
                    printed.push((call.to_string(), 3));
                    continue;
                }
                Term::Compare(call, comparison, literal) => {
                    printed.push((format!("{call} {comparison} {literal}"), 3));
                    continue;
                }
                Term::And => (" && ", 2),
                Term::Or => (" || ", 1),
            };
            let (Some((right, right_binds)), Some((mut left, left_binds))) =
                (printed.pop(), printed.pop())
            else {
                return Err(fmt::Error);
            };
            if left_binds < precedence {
                left = format!("({left})");
            }
            left.push_str(operator);
            if right_binds <= precedence {
                write!(left, "({right})")?;
            } else {
                left.push_str(&right);
            }
            printed.push((left, precedence));
        }
        printed.iter().try_for_each(|(text, _)| f.write_str(text))
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        for (index, argument) in self.arguments.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{argument}")?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(n) => n.fmt(f),
            // Debug prints a decimal point or an exponent, without which Go reads a whole number.
            Self::Float(n) => write!(f, "{n:?}"),
            Self::Text(text) => f.write_str(&text::double_quote(text.as_bytes())),
        }
    }
}
