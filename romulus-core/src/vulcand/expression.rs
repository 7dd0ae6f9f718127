//! vulcand's predicate expressions: Go syntax, of which `vulcand/predicate` evaluates calls,
//! comparisons of a call with a literal, `&&`, `||` and parentheses.
//!
//! What an expression may call depends on where it stands: see [`Functions`].

mod token;

use std::fmt;
use std::fmt::Write as _;

use token::{Token, tokens};

/// Why a text is not an expression vulcand can evaluate, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (byte {offset})")]
pub struct ExpressionError {
    /// The byte of the text the message is about.
    pub offset: usize,
    /// What is wrong there.
    pub message: String,
}

/// The functions an expression can call.
pub(crate) trait Functions: Sized + fmt::Display {
    /// The functions with their arguments, for messages.
    const SIGNATURES: &'static str;

    /// The call of a function; the message of an error says what is wrong with it.
    fn call(name: &str, arguments: Vec<Literal>) -> Result<(Self, Kind), String>;
}

/// What a call gives.
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
    Text(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// An expression in postfix order, so that no walk over it needs to recurse.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expression<F> {
    terms: Vec<Term<F>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Term<F> {
    Call(F),
    Compare(F, Comparison, Literal),
    And,
    Or,
}

/// Go's parser gives up on deeply nested expressions; this is well below where it does.
const MAX_PARENTHESES: usize = 10_000;

impl<F: Functions> Expression<F> {
    /// Reads an expression.
    pub(crate) fn parse(text: &str) -> Result<Self, ExpressionError> {
        let tokens = tokens(text)?;
        let mut parser = Parser {
            tokens,
            at: 0,
            end: text.len(),
            operands: vec![],
            terms: vec![],
        };
        parser.expression()?;
        Ok(Self {
            terms: parser.terms,
        })
    }
}

/// Something an operator can be applied to.
enum Operand<F> {
    /// A condition, whose terms are written already.
    Condition,
    Call(F, Kind),
    Literal(Literal),
}

/// An operator that waits for its right operand, or an open parenthesis.
#[derive(Clone, Copy)]
enum Waiting {
    Open,
    Or,
    And,
    Compare(Comparison),
}

impl Waiting {
    /// How tightly it binds, as in Go.
    fn precedence(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Or => 1,
            Self::And => 2,
            Self::Compare(_) => 3,
        }
    }
}

struct Parser<'a, F> {
    tokens: Vec<(Token<'a>, usize)>,
    at: usize,
    end: usize,
    operands: Vec<(Operand<F>, usize)>,
    terms: Vec<Term<F>>,
}

impl<'a, F: Functions> Parser<'a, F> {
    fn expression(&mut self) -> Result<(), ExpressionError> {
        let mut waiting: Vec<(Waiting, usize)> = Vec::new();
        let mut open = 0;
        loop {
            while let Some(offset) = self.take("(") {
                open += 1;
                if open > MAX_PARENTHESES {
                    return error(offset, "too many parentheses in one another");
                }
                waiting.push((Waiting::Open, offset));
            }
            self.operand()?;
            while open > 0 && self.take(")").is_some() {
                self.reduce(&mut waiting, 1)?;
                waiting.pop();
                open -= 1;
            }
            let (operator, offset) = match self.next() {
                (Some(Token::Mark(mark)), offset) => match operator(mark) {
                    Some(operator) => (operator, offset),
                    None => return error(offset, format!("`{mark}` can't stand here")),
                },
                // Only a line end may follow a whole expression.
                (Some(Token::LineEnd), offset) => match self.next() {
                    (None, _) if open == 0 => break,
                    (None, end) => return error(end, "a closing parenthesis is missing"),
                    _ => {
                        let message = "the line ends the expression: put the operator before it";
                        return error(offset, message);
                    }
                },
                (None, _) if open == 0 => break,
                (None, end) => return error(end, "a closing parenthesis is missing"),
                (Some(_), offset) => return error(offset, "an operator is missing here"),
            };
            self.reduce(&mut waiting, operator.precedence())?;
            waiting.push((operator, offset));
        }
        self.reduce(&mut waiting, 1)?;
        match self.operands.pop() {
            Some((operand, offset)) => self.condition(operand, offset),
            None => error(self.end, "the expression is empty"),
        }
    }

    /// Applies the waiting operators that bind at least as tightly, down to a parenthesis.
    fn reduce(
        &mut self,
        waiting: &mut Vec<(Waiting, usize)>,
        precedence: u8,
    ) -> Result<(), ExpressionError> {
        while let Some((operator, offset)) = waiting.last().copied() {
            if operator.precedence() < precedence {
                break;
            }
            waiting.pop();
            let (Some((right, right_at)), Some((left, left_at))) =
                (self.operands.pop(), self.operands.pop())
            else {
                return error(offset, "an operand is missing");
            };
            match operator {
                Waiting::Compare(comparison) => {
                    self.compare((left, left_at), (comparison, offset), (right, right_at))?;
                }
                _ => {
                    self.condition(left, left_at)?;
                    self.condition(right, right_at)?;
                    self.terms.push(match operator {
                        Waiting::And => Term::And,
                        _ => Term::Or,
                    });
                }
            }
            self.operands.push((Operand::Condition, left_at));
        }
        Ok(())
    }

    fn condition(&self, operand: Operand<F>, offset: usize) -> Result<(), ExpressionError> {
        let message = match operand {
            Operand::Condition => return Ok(()),
            Operand::Literal(literal) => format!("{literal} is neither true nor false"),
            Operand::Call(call, Kind::Float) => format!("compare {call} with a number: > 0.5"),
            Operand::Call(call, Kind::Text) => format!("compare {call} with a text: == \"GET\""),
            Operand::Call(call, _) => format!("compare {call} with a number: < 2"),
        };
        error(offset, message)
    }

    fn compare(
        &mut self,
        (left, left_at): (Operand<F>, usize),
        (comparison, offset): (Comparison, usize),
        (right, right_at): (Operand<F>, usize),
    ) -> Result<(), ExpressionError> {
        let Operand::Call(call, kind) = left else {
            return error(left_at, "the left side of a comparison must be a function");
        };
        let Operand::Literal(literal) = right else {
            return error(right_at, "the right side of a comparison must be a literal");
        };
        let message = match (kind, &literal) {
            (Kind::Int, Literal::Int(_)) | (Kind::Float, Literal::Float(_)) => None,
            (Kind::Text, Literal::Text(_)) => {
                let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
                (!equality).then_some("texts can only be compared with == and !=")
            }
            (Kind::Float, Literal::Int(_)) => {
                Some("a ratio is compared with a number that has a decimal point, e.g. 1.0")
            }
            (Kind::Int | Kind::Float, _) => Some("it can only be compared with a number"),
            (Kind::Text, _) => Some("it can only be compared with a text in quotes"),
            (Kind::Condition, _) => Some("a condition can't be compared"),
        };
        match message {
            Some(message) => error(offset, format!("{call}: {message}")),
            None => {
                self.terms.push(Term::Compare(call, comparison, literal));
                Ok(())
            }
        }
    }

    fn operand(&mut self) -> Result<(), ExpressionError> {
        let (token, offset) = self.next();
        let operand = match token {
            Some(Token::Name(name)) => {
                if self.take("(").is_none() {
                    let message =
                        format!("`{name}` is not called: functions are {}", F::SIGNATURES);
                    return error(offset, message);
                }
                let arguments = self.arguments()?;
                match F::call(name, arguments) {
                    Ok((call, Kind::Condition)) => {
                        self.terms.push(Term::Call(call));
                        Operand::Condition
                    }
                    Ok((call, kind)) => Operand::Call(call, kind),
                    Err(message) => return error(offset, message),
                }
            }
            Some(token) => match literal(&token) {
                Some(literal) => Operand::Literal(literal),
                None => return error(offset, "a function or a literal must stand here"),
            },
            None => return error(offset, "the expression ends too early"),
        };
        self.operands.push((operand, offset));
        Ok(())
    }

    /// The arguments of a call up to its closing parenthesis: literals only; a comma or an
    /// ellipsis after the last one changes nothing.
    fn arguments(&mut self) -> Result<Vec<Literal>, ExpressionError> {
        let mut arguments = Vec::new();
        while self.take(")").is_none() {
            match self.next() {
                (Some(token), offset) => match literal(&token) {
                    Some(literal) => arguments.push(literal),
                    None => return error(offset, "an argument must be a number or a text"),
                },
                (None, end) => return error(end, "a closing parenthesis is missing"),
            }
            let last = self.take("...").is_some();
            if self.take(",").is_none() || last {
                match self.next() {
                    (Some(Token::Mark(")")), _) => break,
                    (_, offset) => return error(offset, "a comma or `)` must stand here"),
                }
            }
        }
        Ok(arguments)
    }

    fn next(&mut self) -> (Option<Token<'a>>, usize) {
        let next = self.tokens.get(self.at).cloned();
        self.at += 1;
        next.map_or((None, self.end), |(token, offset)| (Some(token), offset))
    }

    fn take(&mut self, wanted: &str) -> Option<usize> {
        match self.tokens.get(self.at) {
            Some((Token::Mark(mark), offset)) if *mark == wanted => {
                self.at += 1;
                Some(*offset)
            }
            _ => None,
        }
    }
}

fn error<T>(offset: usize, message: impl Into<String>) -> Result<T, ExpressionError> {
    Err(ExpressionError {
        offset,
        message: message.into(),
    })
}

fn operator(mark: &str) -> Option<Waiting> {
    Some(match mark {
        "||" => Waiting::Or,
        "&&" => Waiting::And,
        "==" => Waiting::Compare(Comparison::Equal),
        "!=" => Waiting::Compare(Comparison::NotEqual),
        "<" => Waiting::Compare(Comparison::Less),
        "<=" => Waiting::Compare(Comparison::LessOrEqual),
        ">" => Waiting::Compare(Comparison::Greater),
        ">=" => Waiting::Compare(Comparison::GreaterOrEqual),
        _ => return None,
    })
}

fn literal(token: &Token<'_>) -> Option<Literal> {
    match token {
        Token::Int(n) => Some(Literal::Int(*n)),
        Token::Float(n) => Some(Literal::Float(*n)),
        Token::Text(bytes) => Some(Literal::Text(bytes.clone())),
        Token::Name(_) | Token::Mark(_) | Token::LineEnd => None,
    }
}

impl<F: fmt::Display> fmt::Display for Expression<F> {
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

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(n) => n.fmt(f),
            // Debug prints a decimal point or an exponent, without which Go reads a whole number.
            Self::Float(n) => write!(f, "{n:?}"),
            Self::Text(bytes) => {
                f.write_str("\"")?;
                for chunk in bytes.utf8_chunks() {
                    for c in chunk.valid().chars() {
                        match c {
                            '"' | '\\' => write!(f, "\\{c}")?,
                            c if c.is_control() || c == '\u{feff}' => {
                                write!(f, "\\u{:04x}", u32::from(c))?;
                            }
                            c => f.write_char(c)?,
                        }
                    }
                    for byte in chunk.invalid() {
                        write!(f, "\\x{byte:02x}")?;
                    }
                }
                f.write_str("\"")
            }
        }
    }
}
