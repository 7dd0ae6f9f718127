//! The grammar of expressions: operators by their precedence, without recursion.

use super::token::{Lexer, Token};
use super::{Comparison, Kind, Language, Literal, Signature, SyntaxError, Term};

/// Go's parser gives up on expressions that are deeper than this to it.
const MAX_NESTING: usize = 100_000;

/// Reads an expression as its terms in postfix order.
pub(super) fn parse<L: Language>(text: &str) -> Result<Vec<Term<L::Call>>, SyntaxError> {
    let mut parser = Parser::<L> {
        lexer: Lexer::new(text)?,
        peeked: None,
        levels: vec![Level::default()],
        nesting: 0,
        waiting: Vec::new(),
        operands: Vec::new(),
        terms: Vec::new(),
    };
    parser.expression()?;
    Ok(parser.terms)
}

/// Something an operator can be applied to.
enum Operand<C> {
    /// A condition, whose terms are written already.
    Condition,
    Call(C, Kind),
    Literal(Literal),
}

/// An operator that waits for its right operand, or an open parenthesis.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Open,
    Or,
    And,
    Compare(Comparison),
}

impl Waiting {
    fn operator(mark: &str) -> Option<Self> {
        Some(match mark {
            "||" => Self::Or,
            "&&" => Self::And,
            "==" => Self::Compare(Comparison::Equal),
            "!=" => Self::Compare(Comparison::NotEqual),
            "<" => Self::Compare(Comparison::Less),
            "<=" => Self::Compare(Comparison::LessOrEqual),
            ">" => Self::Compare(Comparison::Greater),
            ">=" => Self::Compare(Comparison::GreaterOrEqual),
            _ => return None,
        })
    }

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

/// A call of Go's parser for operators that bind more tightly than the one before it. Go counts
/// each operator that it has found as one level more.
#[derive(Default)]
struct Level {
    above: u8,
    operators: usize,
}

struct Parser<'t, L: Language> {
    lexer: Lexer<'t>,
    peeked: Option<(Token<'t>, usize)>,
    /// Go's parser calls itself for each parenthesis and for each operand of an operator: these
    /// are the calls that have not returned yet.
    levels: Vec<Level>,
    /// How deep that is to Go.
    nesting: usize,
    waiting: Vec<(Waiting, usize)>,
    operands: Vec<(Operand<L::Call>, usize)>,
    terms: Vec<Term<L::Call>>,
}

impl<'t, L: Language> Parser<'t, L> {
    fn expression(&mut self) -> Result<(), SyntaxError> {
        loop {
            while let Some(at) = self.take("(")? {
                self.nesting += 1;
                self.levels.push(Level::default());
                self.waiting.push((Waiting::Open, at));
            }
            self.operand()?;
            while let Some(at) = self.take(")")? {
                self.close(at)?;
            }
            let (token, at) = self.next()?;
            match token {
                Token::Mark(mark) => {
                    let Some(operator) =
                        Waiting::operator(mark).filter(|_| L::refusal(mark).is_none())
                    else {
                        let message = format!("`{mark}` can't stand here");
                        return Err(unexpected::<L>(&token, at, message, L::WORDS.grammar));
                    };
                    self.reduce(operator.precedence())?;
                    self.descend(operator.precedence());
                    self.waiting.push((operator, at));
                }
                Token::LineEnd | Token::End => return self.end(&token, at),
                Token::Name(_) | Token::Literal(_) => {
                    let message = "an operator is missing here";
                    return Err(SyntaxError::new(at, message, L::WORDS.grammar));
                }
            }
        }
    }

    /// Goes on behind an operator.
    fn descend(&mut self, precedence: u8) {
        while let Some(level) = self.levels.pop_if(|level| level.above >= precedence) {
            self.nesting -= level.operators;
        }
        if let Some(level) = self.levels.last_mut() {
            level.operators += 1;
            self.nesting += 1;
        }
        self.levels.push(Level {
            above: precedence,
            operators: 0,
        });
    }

    /// Refuses what is too deep to Go, which goes so much deeper for the operand at hand.
    fn check_nesting(&self, deeper: usize, at: usize) -> Result<(), SyntaxError> {
        if self.nesting + deeper <= MAX_NESTING {
            return Ok(());
        }
        let expression = L::WORDS.expression;
        let message = format!("the {expression} is too long or nested too deeply");
        Err(SyntaxError::new(at, message, "simplify it"))
    }

    fn close(&mut self, at: usize) -> Result<(), SyntaxError> {
        self.reduce(1)?;
        if self.waiting.pop().is_none() {
            return Err(SyntaxError::new(at, "`)` closes nothing", "take it out"));
        }
        // The level of the parenthesis is the innermost that nothing stands before.
        while let Some(level) = self.levels.pop() {
            self.nesting -= level.operators;
            if level.above == 0 {
                break;
            }
        }
        self.nesting -= 1;
        Ok(())
    }

    fn end(&mut self, token: &Token<'t>, at: usize) -> Result<(), SyntaxError> {
        let mut opened = self.waiting.iter().rev();
        if let Some((_, opened)) = opened.find(|(waiting, _)| *waiting == Waiting::Open) {
            return Err(L::unclosed(*opened, at));
        }
        // Only blanks and comments can follow the line on which an expression ends.
        if *token == Token::LineEnd && self.next()?.0 != Token::End {
            let message = format!("the line ends the {}", L::WORDS.expression);
            let help = "break lines only after an operator, `(` or a comma";
            return Err(SyntaxError::new(at, message, help));
        }
        self.reduce(1)?;
        let last = self.operands.pop();
        last.map_or(Ok(()), |(operand, at)| condition::<L>(&operand, at))
    }

    /// Applies the waiting operators that bind at least as tightly, down to a parenthesis.
    fn reduce(&mut self, precedence: u8) -> Result<(), SyntaxError> {
        while let Some((operator, at)) = self
            .waiting
            .pop_if(|(operator, _)| operator.precedence() >= precedence)
        {
            let (right, left) = (self.operands.pop(), self.operands.pop());
            let (Some((right, right_at)), Some((left, left_at))) = (right, left) else {
                let message = "an operand is missing";
                return Err(SyntaxError::new(at, message, L::WORDS.grammar));
            };
            let term = if let Waiting::Compare(comparison) = operator {
                compare::<L>((left, left_at), (comparison, at), (right, right_at))?
            } else {
                condition::<L>(&left, left_at)?;
                condition::<L>(&right, right_at)?;
                if operator == Waiting::And {
                    Term::And
                } else {
                    Term::Or
                }
            };
            self.terms.push(term);
            self.operands.push((Operand::Condition, left_at));
        }
        Ok(())
    }

    fn operand(&mut self) -> Result<(), SyntaxError> {
        let (token, at) = self.next()?;
        let operand = match token {
            Token::Name(name) => match self.call(name, at)? {
                (call, Kind::Condition) => {
                    self.terms.push(Term::Call(call));
                    Operand::Condition
                }
                (call, kind) => Operand::Call(call, kind),
            },
            Token::Literal(literal) => {
                self.check_nesting(2, at)?;
                Operand::Literal(literal)
            }
            Token::End if self.waiting.is_empty() => {
                let message = format!("the {} is empty", L::WORDS.expression);
                let help = format!("give a {}, e.g. {}", L::WORDS.function, L::WORDS.example);
                return Err(SyntaxError::new(at, message, help));
            }
            token => {
                let message = format!("a {} is missing here", L::WORDS.function);
                return Err(unexpected::<L>(&token, at, message, functions::<L>()));
            }
        };
        self.operands.push((operand, at));
        Ok(())
    }

    fn call(&mut self, name: &str, at: usize) -> Result<(L::Call, Kind), SyntaxError> {
        if let Some(dot) = self.take(".")? {
            let message = format!("a {} has no fields", L::WORDS.function);
            return Err(SyntaxError::new(dot, message, L::WORDS.grammar));
        }
        let Some(function) = L::FUNCTIONS.iter().find(|known| known.name == name) else {
            return Err(no_such::<L>(name, at));
        };
        if self.take("(")?.is_none() {
            let message = format!("`{name}` is not called");
            return Err(SyntaxError::new(at, message, function.usage));
        }
        let arguments = self.arguments(function)?;
        self.check_nesting(if arguments.is_empty() { 3 } else { 4 }, at)?;
        let (takes, described) = function.takes;
        if arguments.len() != takes.len() {
            let message = format!("`{name}` takes {described}, not {}", arguments.len());
            return Err(SyntaxError::new(at, message, function.usage));
        }
        let mut typed = arguments.iter().zip(takes);
        if let Some(((wrong, at), _)) = typed.find(|((given, _), kind)| given.kind() != **kind) {
            let message = format!("`{name}` takes {described}, not {wrong}");
            return Err(SyntaxError::new(*at, message, function.usage));
        }
        Ok((L::call(function, arguments)?, function.gives))
    }

    /// The arguments of a call up to and with its closing parenthesis. Go takes a comma after the
    /// last one, and `...`, which vulcand ignores.
    fn arguments(&mut self, function: &Signature) -> Result<Vec<(Literal, usize)>, SyntaxError> {
        let name = function.name;
        let wrong = |token: Token<'t>, at, message| match token {
            Token::LineEnd | Token::End => {
                let help = "close them with `)` on the line of the last argument, or end that \
                            line with a comma";
                SyntaxError::new(
                    at,
                    format!("the arguments of `{name}` are not closed"),
                    help,
                )
            }
            token => unexpected::<L>(&token, at, message, function.usage),
        };
        let mut arguments = Vec::new();
        while self.take(")")?.is_none() {
            match self.next()? {
                (Token::Literal(literal), at) => arguments.push((literal, at)),
                (token, at) => {
                    let message = format!("an argument of `{name}` must be a number or a text");
                    return Err(wrong(token, at, message));
                }
            }
            let last = self.take("...")?.is_some();
            if self.take(",")?.is_none() || last {
                match self.next()? {
                    (Token::Mark(")"), _) => break,
                    (token, at) => {
                        let message = format!("`,` or `)` is missing in `{name}`");
                        return Err(wrong(token, at, message));
                    }
                }
            }
        }
        Ok(arguments)
    }

    fn next(&mut self) -> Result<(Token<'t>, usize), SyntaxError> {
        match self.peeked.take() {
            Some(token) => Ok(token),
            None => self.lexer.next(),
        }
    }

    /// Takes the next token if it is this mark; says where it was.
    fn take(&mut self, wanted: &str) -> Result<Option<usize>, SyntaxError> {
        match self.next()? {
            (Token::Mark(mark), at) if mark == wanted => Ok(Some(at)),
            token => {
                self.peeked = Some(token);
                Ok(None)
            }
        }
    }
}

/// The error of a token that can't stand where it does; the language may know better why.
fn unexpected<L: Language>(
    token: &Token<'_>,
    at: usize,
    message: String,
    help: impl Into<String>,
) -> SyntaxError {
    let known = match token {
        Token::Mark(mark) => L::refusal(mark),
        _ => None,
    };
    match known {
        Some((message, help)) => SyntaxError::new(at, message, help),
        None => SyntaxError::new(at, message, help),
    }
}

fn no_such<L: Language>(name: &str, at: usize) -> SyntaxError {
    let message = format!("there is no {} `{name}`", L::WORDS.function);
    let meant = L::FUNCTIONS
        .iter()
        .find(|known| known.name.eq_ignore_ascii_case(name));
    let help = match meant {
        Some(known) => format!("did you mean `{}`?", known.name),
        None => functions::<L>(),
    };
    SyntaxError::new(at, message, help)
}

/// Says what can be called.
fn functions<L: Language>() -> String {
    let mut names: Vec<_> = L::FUNCTIONS.iter().map(|known| known.name).collect();
    let last = names.pop().unwrap_or_default();
    format!("vulcand has {} and {last}", names.join(", "))
}

/// Checks that an operand is true or false.
fn condition<L: Language>(operand: &Operand<L::Call>, at: usize) -> Result<(), SyntaxError> {
    let (message, help) = match operand {
        Operand::Condition => return Ok(()),
        Operand::Literal(literal) => {
            let help = format!("say what to compare it with, e.g. {}", L::WORDS.example);
            (format!("{literal} is neither true nor false"), help)
        }
        Operand::Call(call, kind) => {
            let example = match kind {
                Kind::Float => "> 0.5",
                Kind::Text => "== \"GET\"",
                _ => "< 2",
            };
            let help = format!("compare it with a literal, e.g. {call} {example}");
            (format!("{call} is neither true nor false"), help)
        }
    };
    Err(SyntaxError::new(at, message, help))
}

fn compare<L: Language>(
    (left, left_at): (Operand<L::Call>, usize),
    (comparison, at): (Comparison, usize),
    (right, right_at): (Operand<L::Call>, usize),
) -> Result<Term<L::Call>, SyntaxError> {
    let Operand::Call(call, kind) = left else {
        let message = "the left side of a comparison must be a function that gives a value";
        return Err(SyntaxError::new(left_at, message, functions::<L>()));
    };
    let Operand::Literal(literal) = right else {
        let message = "the right side of a comparison must be a literal";
        return Err(SyntaxError::new(right_at, message, L::WORDS.grammar));
    };
    let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
    let help = match (kind, literal.kind()) {
        (Kind::Text, Kind::Text) if !equality => "texts can only be compared with == and !=",
        (kind, given) if kind == given => return Ok(Term::Compare(call, comparison, literal)),
        (Kind::Float, Kind::Int) => {
            "a ratio is compared with a number that has a decimal point, e.g. 1.0"
        }
        (Kind::Text, _) => "it can only be compared with a text in quotes",
        (Kind::Int, Kind::Float) => "it can only be compared with a whole number",
        _ => "it can only be compared with a number",
    };
    Err(SyntaxError::new(at, call.to_string(), help))
}
