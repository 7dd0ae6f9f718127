//! The grammar of Go's regular expressions (the `Perl` flags of `regexp/syntax`).
//!
//! Patterns are read without recursion: nodes pile up in the group that is open.

use super::RegexpError;
use super::class::{self, Class};
use super::tree::{Group, MAX_REPEAT, Node, NodeKind, Repeat};

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

pub(super) fn error(offset: usize, message: impl Into<String>) -> RegexpError {
    RegexpError {
        offset,
        message: message.into(),
    }
}

/// The flags that can be set in a pattern; `U` changes nothing about what matches.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    fold_case: bool,
    multi_line: bool,
    dot_matches_newline: bool,
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
        let mut group = Group::open(start, out, flags);
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
                format!("`{written}` names no class of Go's, which are like \\pL and \\p{{Greek}}"),
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
