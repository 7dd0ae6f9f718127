//! The grammar of Go's regular expressions (the `Perl` flags of `regexp/syntax`).
//!
//! Patterns are read without recursion: nodes pile up in the group that is open.

use super::RegexpError;
use super::class::{self, Class};

/// The highest count of a repetition, and of repetitions in one another.
const MAX_REPEAT: u64 = 1000;
/// How high the tree of an expression can be.
const MAX_HEIGHT: u32 = 1000;
/// How many instructions an expression can compile to: 128 MiB of 40 bytes each.
const MAX_SIZE: u64 = (128 << 20) / 40;

/// Reads a pattern as Go does, and writes it for the `regex` crate.
pub(super) fn translate(pattern: &str) -> Result<String, RegexpError> {
    let mut parser = Parser {
        pattern,
        at: 0,
        flags: Flags::default(),
        open: vec![Group::default()],
        out: String::new(),
    };
    let mut last_repeat = None;
    while parser.at < pattern.len() {
        let start = parser.at;
        let repeated = parser.element(last_repeat)?;
        last_repeat = repeated.then_some(start);
    }
    let group = parser.open.pop().unwrap_or_default();
    if let Some(unclosed) = parser.open.last().map(|_| group.start) {
        return Err(error(unclosed, "the closing `)` is missing"));
    }
    group.into_node().check(0)?;
    Ok(parser.out)
}

fn error(offset: usize, message: impl Into<String>) -> RegexpError {
    RegexpError {
        offset,
        message: message.into(),
    }
}

/// The flags that can be set in a pattern; `U` changes nothing about what matches.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    fold_case: bool,
    multi_line: bool,
    dot_matches_newline: bool,
}

/// A part of an expression: where its translation begins, which is always one unit to an operator
/// behind it, and what Go's limits need to know about it.
struct Node {
    start: usize,
    /// Whether it ends with an operator.
    repeated: bool,
    kind: NodeKind,
    /// How many instructions it compiles to.
    size: u64,
    height: u32,
    /// The highest product of counts in one another.
    repeats: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NodeKind {
    /// Neighbours become one literal.
    Literal,
    /// A sequence in a sequence is one with it.
    Concat,
    /// And so with alternatives.
    Alternate,
    Other,
}

impl Node {
    fn leaf(start: usize, kind: NodeKind) -> Self {
        Self {
            start,
            repeated: false,
            kind,
            size: 1,
            height: 1,
            repeats: 1,
        }
    }

    fn check(&self, offset: usize) -> Result<(), RegexpError> {
        if self.height > MAX_HEIGHT {
            return Err(error(offset, "it nests too deeply"));
        }
        if self.size > MAX_SIZE {
            return Err(error(offset, "it is too large: its repetitions multiply"));
        }
        Ok(())
    }

    /// Joins parts that follow, or are alternatives to, one another.
    fn join(mut parts: Vec<Self>, kind: NodeKind) -> Self {
        match (parts.pop(), parts.is_empty()) {
            (None, _) => return Self::leaf(0, NodeKind::Other),
            (Some(only), true) => return only,
            (Some(last), false) => parts.push(last),
        }
        let literal =
            kind == NodeKind::Concat && parts.iter().all(|part| part.kind == NodeKind::Literal);
        let below = |part: &Self| {
            if part.kind == kind {
                part.height - 1
            } else {
                part.height
            }
        };
        let height = parts.iter().map(below).max().unwrap_or_default() + u32::from(!literal);
        let bars = if kind == NodeKind::Alternate {
            parts.len() as u64 - 1
        } else {
            0
        };
        let size = parts
            .iter()
            .fold(bars, |size, part| size.saturating_add(part.size));
        let repeats = parts.iter().map(|part| part.repeats).max().unwrap_or(1);
        let kind = if literal { NodeKind::Literal } else { kind };
        Self {
            start: 0,
            repeated: false,
            kind,
            size,
            height,
            repeats,
        }
    }
}

/// A group whose closing parenthesis is not reached yet, or the whole expression.
#[derive(Default)]
struct Group {
    start: usize,
    /// Where its translation begins.
    out: usize,
    captures: bool,
    flags: Flags,
    alternatives: Vec<Node>,
    sequence: Vec<Node>,
}

impl Group {
    fn end_alternative(&mut self) {
        let sequence = std::mem::take(&mut self.sequence);
        self.alternatives
            .push(Node::join(sequence, NodeKind::Concat));
    }

    fn into_node(mut self) -> Node {
        self.end_alternative();
        let mut node = Node::join(self.alternatives, NodeKind::Alternate);
        if self.captures {
            node.kind = NodeKind::Other;
            node.size = node.size.saturating_add(2);
            node.height += 1;
        }
        (node.start, node.repeated) = (self.out, false);
        node
    }
}

struct Parser<'a> {
    pattern: &'a str,
    at: usize,
    flags: Flags,
    /// The open groups, the innermost last; the first is the whole expression.
    open: Vec<Group>,
    /// The translation so far.
    out: String,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.pattern[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.pattern.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    fn push(&mut self, node: Node) {
        if let Some(group) = self.open.last_mut() {
            group.sequence.push(node);
        }
    }

    fn push_leaf(&mut self, text: &str, kind: NodeKind) {
        let node = Node::leaf(self.out.len(), kind);
        self.out.push_str(text);
        self.push(node);
    }

    fn push_folded(&mut self, text: &str, kind: NodeKind) {
        if self.flags.fold_case {
            self.push_leaf(&format!("(?i:{text})"), kind);
        } else {
            self.push_leaf(text, kind);
        }
    }

    fn push_literal(&mut self, code: u32) {
        self.push_folded(&class::literal(code), NodeKind::Literal);
    }

    fn push_class(&mut self, text: &str) {
        self.push_folded(text, NodeKind::Other);
    }

    /// Writes `text`, or `flagged` where a flag is set.
    fn push_flagged(&mut self, flag: bool, flagged: &str, text: &str) {
        self.push_leaf(if flag { flagged } else { text }, NodeKind::Other);
    }

    /// Reads one element; says whether it was a repetition.
    fn element(&mut self, last_repeat: Option<usize>) -> Result<bool, RegexpError> {
        let start = self.at;
        match self.next() {
            Some('(') => self.open_group(start)?,
            Some(')') => self.close_group(start)?,
            Some('|') => {
                if let Some(group) = self.open.last_mut() {
                    group.end_alternative();
                }
                self.out.push('|');
            }
            Some('^') => self.push_flagged(self.flags.multi_line, "(?m:^)", "\\A"),
            Some('$') => self.push_flagged(self.flags.multi_line, "(?m:$)", "\\z"),
            Some('.') => self.push_flagged(self.flags.dot_matches_newline, "(?s:.)", "."),
            Some('[') => self.bracket_class(start)?,
            Some('*') => return self.repeat(start, last_repeat, Repeat::Star),
            Some('+') => return self.repeat(start, last_repeat, Repeat::Plus),
            Some('?') => return self.repeat(start, last_repeat, Repeat::Quest),
            Some('{') => match self.counts() {
                Some((min, max)) => {
                    if min > MAX_REPEAT || max.is_some_and(|max| max > MAX_REPEAT || max < min) {
                        let message = "a repetition counts up to 1000, the lower number first";
                        return Err(error(start, message));
                    }
                    return self.repeat(start, last_repeat, Repeat::Counted(min, max));
                }
                // What is no repetition is a brace.
                None => self.push_literal(u32::from('{')),
            },
            Some('\\') => self.backslash(start)?,
            Some(c) => self.push_literal(u32::from(c)),
            None => {}
        }
        Ok(false)
    }

    fn open_group(&mut self, start: usize) -> Result<(), RegexpError> {
        let flags = self.flags;
        let out = self.out.len();
        let mut group = Group {
            start,
            out,
            captures: true,
            flags,
            ..Group::default()
        };
        if self.take("?") {
            let named = self
                .rest()
                .strip_prefix("P<")
                .or_else(|| self.rest().strip_prefix('<'));
            match named {
                // Go wants to see something behind the angle bracket before it looks for a name.
                Some(name) if !name.is_empty() => {
                    let end = name.find('>').filter(|end| {
                        let name = &name[..*end];
                        !name.is_empty()
                            && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
                    });
                    let Some(end) = end else {
                        let message = if name.starts_with(['=', '!']) {
                            "there is no look-behind in Go"
                        } else {
                            "a group's name has letters, digits and `_`, and is closed by `>`"
                        };
                        return Err(error(start, message));
                    };
                    self.at = self.pattern.len() - name.len() + end + 1;
                }
                _ => {
                    if !self.flags(start)? {
                        return Ok(());
                    }
                    group.captures = false;
                }
            }
        }
        // Which group matched what is not asked for.
        self.out.push_str("(?:");
        self.open.push(group);
        Ok(())
    }

    /// Reads the flags behind `(?`; says whether a group begins behind them.
    fn flags(&mut self, start: usize) -> Result<bool, RegexpError> {
        let mut flags = self.flags;
        let (mut value, mut saw_flag) = (true, false);
        loop {
            match self.next() {
                Some('i') => flags.fold_case = value,
                Some('m') => flags.multi_line = value,
                Some('s') => flags.dot_matches_newline = value,
                Some('U') => {}
                Some('-') if value => {
                    (value, saw_flag) = (false, false);
                    continue;
                }
                Some(end @ (':' | ')')) if value || saw_flag => {
                    self.flags = flags;
                    return Ok(end == ':');
                }
                _ => {
                    let written = &self.pattern[start..self.at];
                    let why = match written {
                        "(?=" | "(?!" => "no look-around in Go",
                        _ => "Go knows the flags i, m, s and U, and groups (?:..) and (?P<name>..)",
                    };
                    return Err(error(start, format!("`{written}` is not supported: {why}")));
                }
            }
            saw_flag = true;
        }
    }

    fn close_group(&mut self, start: usize) -> Result<(), RegexpError> {
        match self.open.pop() {
            Some(group) if !self.open.is_empty() => {
                self.flags = group.flags;
                let node = group.into_node();
                node.check(start)?;
                self.out.push(')');
                self.push(node);
                Ok(())
            }
            _ => Err(error(start, "there is no `(` for this `)`")),
        }
    }

    /// Reads `{n}`, `{n,}` or `{n,m}` behind its brace; takes nothing if it is none of these.
    fn counts(&mut self) -> Option<(u64, Option<u64>)> {
        let end = self
            .rest()
            .find(|c: char| c != ',' && !c.is_ascii_digit())?;
        let counts = &self.rest()[..end];
        if self.pattern.as_bytes().get(self.at + end) != Some(&b'}') {
            return None;
        }
        let (min, max) = match counts.split_once(',') {
            None => (counts, Some(counts)),
            Some((min, "")) => (min, None),
            Some((min, max)) => (min, Some(max)),
        };
        let max = match max {
            Some(max) => Some(count(max)?),
            None => None,
        };
        let counted = (count(min)?, max);
        self.at += counts.len() + 1;
        Some(counted)
    }

    fn repeat(
        &mut self,
        start: usize,
        last_repeat: Option<usize>,
        repeat: Repeat,
    ) -> Result<bool, RegexpError> {
        // Lazy or greedy: it matches the same.
        self.take("?");
        if let Some(last) = last_repeat {
            let message = format!(
                "`{}` repeats a repetition: put the first in a group (?:..)",
                &self.pattern[last..self.at]
            );
            return Err(error(last, message));
        }
        let Some(node) = self.open.last_mut().and_then(|group| group.sequence.pop()) else {
            let message = format!(
                "there is nothing before `{}`",
                &self.pattern[start..self.at]
            );
            return Err(error(start, message));
        };
        if node.repeated {
            // Flags may stand between two operators, which is the only way to stack them.
            self.out.insert_str(node.start, "(?:");
            self.out.push(')');
        }
        let node = repeat.apply(node, &mut self.out);
        node.check(start)?;
        let counted = matches!(repeat, Repeat::Counted(min, max) if min.max(max.unwrap_or(0)) >= 2);
        if counted && node.repeats > MAX_REPEAT {
            let message = "repetitions in one another count up to 1000 together";
            return Err(error(start, message));
        }
        self.push(node);
        Ok(true)
    }

    fn backslash(&mut self, start: usize) -> Result<(), RegexpError> {
        match self.peek() {
            Some(letter @ (b'A' | b'b' | b'B' | b'z')) => {
                self.at += 1;
                let text = match letter {
                    b'A' => "\\A",
                    b'b' => "(?-u:\\b)",
                    b'B' => "(?-u:\\B)",
                    _ => "\\z",
                };
                self.push_leaf(text, NodeKind::Other);
            }
            Some(b'Q') => {
                self.at += 1;
                let (quoted, rest) = self.rest().split_once("\\E").unwrap_or((self.rest(), ""));
                for c in quoted.chars() {
                    self.push_literal(u32::from(c));
                }
                self.at = self.pattern.len() - rest.len();
            }
            _ => match self.class_escape(start)? {
                Some(class) => self.push_class(&class),
                None => {
                    let code = self.escape(start)?;
                    self.push_literal(code);
                }
            },
        }
        Ok(())
    }

    /// Reads `\d`, `\pL`, `\p{Greek}` and the like, behind the backslash.
    fn class_escape(&mut self, start: usize) -> Result<Option<String>, RegexpError> {
        let Some(letter) = self.peek() else {
            return Ok(None);
        };
        if let Some(class) = class::perl(letter) {
            self.at += 1;
            return Ok(Some(class.to_owned()));
        }
        if !matches!(letter, b'p' | b'P') {
            return Ok(None);
        }
        self.at += 1;
        let name = match self.next() {
            Some('{') => {
                let name = self.rest().split_once('}').map(|(name, _)| name);
                self.at += name.map_or(0, |name| name.len() + 1);
                name
            }
            Some(c) => Some(&self.pattern[self.at - c.len_utf8()..self.at]),
            None => None,
        };
        let class = name.and_then(|name| class::unicode(name, letter == b'P'));
        class.map(Some).ok_or_else(|| {
            let written = &self.pattern[start..self.at];
            error(
                start,
                format!("`{written}` names no class of Go's: try \\pL or \\p{{Greek}}"),
            )
        })
    }

    /// Reads the escape of one code point, behind the backslash.
    fn escape(&mut self, start: usize) -> Result<u32, RegexpError> {
        let Some(c) = self.next() else {
            return Err(error(start, "there is nothing behind the backslash"));
        };
        let code = match c {
            '1'..='7' if !matches!(self.peek(), Some(b'0'..=b'7')) => None,
            '0'..='7' => {
                let mut code = u32::from(c) - u32::from('0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek() else {
                        break;
                    };
                    code = code * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                Some(code)
            }
            'x' => self.hex(),
            'a' => Some(0x07),
            'f' => Some(0x0c),
            'n' => Some(0x0a),
            'r' => Some(0x0d),
            't' => Some(0x09),
            'v' => Some(0x0b),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(u32::from(c)),
            _ => None,
        };
        code.ok_or_else(|| {
            let written = &self.pattern[start..self.at];
            error(start, format!("`{written}` is not an escape of Go's"))
        })
    }

    /// Reads `41` or `{10FFFF}` behind `\x`.
    fn hex(&mut self) -> Option<u32> {
        if !self.take("{") {
            let high = self.next()?.to_digit(16);
            let low = self.next()?.to_digit(16);
            return Some(high? * 16 + low?);
        }
        let (digits, _) = self.rest().split_once('}')?;
        self.at += digits.len() + 1;
        let mut code = (!digits.is_empty()).then_some(0_u32)?;
        for digit in digits.chars() {
            code = code * 16 + digit.to_digit(16)?;
            if code > 0x10_ffff {
                return None;
            }
        }
        Some(code)
    }

    /// Reads a class behind its opening bracket.
    fn bracket_class(&mut self, start: usize) -> Result<(), RegexpError> {
        let negated = self.take("^");
        let mut class = Class::default();
        let mut first = true;
        // A closing bracket at the beginning is a character of the class.
        while first || self.peek() != Some(b']') {
            first = false;
            let item = self.at;
            if self.rest().starts_with("[:")
                && let Some(length) = self.rest()[2..].find(":]")
            {
                let name = &self.rest()[..length + 4];
                let Some(items) = class::posix(name) else {
                    return Err(error(item, format!("there is no class `{name}`")));
                };
                class.class(items);
                self.at += name.len();
                continue;
            }
            if self.take("\\") {
                if let Some(items) = self.class_escape(item)? {
                    class.class(&items);
                    continue;
                }
                self.at = item;
            }
            let low = self.class_char(start)?;
            let mut high = low;
            if self.rest().starts_with('-')
                && self.rest().len() >= 2
                && !self.rest().starts_with("-]")
            {
                self.at += 1;
                high = self.class_char(start)?;
                if high < low {
                    let written = &self.pattern[item..self.at];
                    return Err(error(item, format!("the range `{written}` is upside down")));
                }
            }
            class.range(low, high);
        }
        self.at += 1;
        let text = class.into_text(negated);
        self.push_class(&text);
        Ok(())
    }

    fn class_char(&mut self, class: usize) -> Result<u32, RegexpError> {
        let start = self.at;
        match self.next() {
            None => Err(error(class, "the closing `]` is missing")),
            Some('\\') => self.escape(start),
            Some(c) => Ok(u32::from(c)),
        }
    }
}

/// A count without leading zeros; what is too big for a number is too big anyway.
fn count(digits: &str) -> Option<u64> {
    let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    (number && !leading_zero).then(|| digits.parse().unwrap_or(u64::MAX))
}

#[derive(Clone, Copy)]
enum Repeat {
    Star,
    Plus,
    Quest,
    Counted(u64, Option<u64>),
}

impl Repeat {
    /// Writes the operator and says what it makes of a node.
    fn apply(self, node: Node, out: &mut String) -> Node {
        let Node {
            start,
            size,
            height,
            repeats,
            ..
        } = node;
        let (operator, size, repeats) = match self {
            Self::Star => ("*".to_owned(), size.saturating_add(2), repeats),
            Self::Plus => ("+".to_owned(), size.saturating_add(1), repeats),
            Self::Quest => ("?".to_owned(), size.saturating_add(1), repeats),
            Self::Counted(0, None) => ("*".to_owned(), size.saturating_add(2), repeats),
            Self::Counted(min, None) => {
                let size = size.saturating_mul(min).saturating_add(1);
                (format!("{{{min},}}"), size, repeats.saturating_mul(min))
            }
            // What is repeated no times at all doesn't count.
            Self::Counted(_, Some(0)) => ("{0}".to_owned(), 1, 1),
            Self::Counted(min, Some(max)) => {
                let size = size.saturating_mul(max).saturating_add(max - min);
                (
                    format!("{{{min},{max}}}"),
                    size,
                    repeats.saturating_mul(max),
                )
            }
        };
        out.push_str(&operator);
        Node {
            start,
            repeated: true,
            kind: NodeKind::Other,
            size,
            height: height + 1,
            repeats,
        }
    }
}
