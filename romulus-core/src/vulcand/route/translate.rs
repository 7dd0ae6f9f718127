//! Go's regular expression syntax, checked and rewritten for the `regex` crate.
//!
//! The verdict is by Go's rules (`regexp/syntax` with Perl flags). What differs between the two:
//! `\d`, `\w`, `\s` and `\b` know only ASCII in Go, stacked repetitions and those above 1000 are
//! refused, classes have no set operations, a brace that starts no repetition is itself, and
//! escapes are few.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::Chars;

/// Go refuses to repeat anything more often, nested repetitions multiplied.
const MAX_REPEAT: u32 = 1000;
/// Go refuses to nest deeper.
const MAX_DEPTH: usize = 1000;

pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut translator = Translator {
        rest: pattern.chars().peekable(),
        out: String::with_capacity(pattern.len() + 8),
        groups: vec![Group::default()],
        names: BTreeSet::new(),
        atom: None,
        repeated: false,
    };
    translator.run()?;
    Ok(translator.out)
}

struct Translator<'p> {
    rest: Peekable<Chars<'p>>,
    out: String,
    groups: Vec<Group>,
    names: BTreeSet<String>,
    /// What a repetition would apply to.
    atom: Option<Atom>,
    /// Whether the last thing was a repetition.
    repeated: bool,
}

/// A piece of the translation, and how often something in it is repeated at most.
struct Atom {
    start: usize,
    end: usize,
    weight: u32,
}

#[derive(Default)]
struct Group {
    start: usize,
    /// The most often anything in it is repeated.
    weight: u32,
}

impl Translator<'_> {
    fn run(&mut self) -> Result<(), String> {
        while let Some(c) = self.rest.next() {
            let was_repeated = std::mem::take(&mut self.repeated);
            match c {
                '(' => self.open()?,
                ')' => self.close()?,
                '|' => {
                    self.out.push('|');
                    self.atom = None;
                }
                '*' => self.repeat("*", 0, None, was_repeated)?,
                '+' => self.repeat("+", 1, None, was_repeated)?,
                '?' => self.repeat("?", 0, Some(1), was_repeated)?,
                '{' => match self.counts() {
                    Some((text, min, max)) => self.repeat(&text, min, max, was_repeated)?,
                    None => self.literal('{'),
                },
                '[' => self.class()?,
                '^' | '$' | '.' => self.emit(&c.to_string()),
                '\\' => self.escape()?,
                c => self.literal(c),
            }
        }
        match self.groups.len() {
            1 => Ok(()),
            _ => Err("a `(` is not closed".into()),
        }
    }

    fn emit(&mut self, text: &str) {
        let start = self.out.len();
        self.out.push_str(text);
        self.atom = Some(Atom {
            start,
            end: self.out.len(),
            weight: 1,
        });
        self.weigh(1);
    }

    fn literal(&mut self, c: char) {
        let text = literal(c);
        self.emit(&text);
    }

    fn weigh(&mut self, weight: u32) {
        if let Some(group) = self.groups.last_mut() {
            group.weight = group.weight.max(weight);
        }
    }

    fn open(&mut self) -> Result<(), String> {
        let start = self.out.len();
        if self.rest.next_if_eq(&'?').is_none() {
            self.out.push('(');
        } else if !self.flags_or_name()? {
            // Flags for the rest of the group; what stands before can still be repeated.
            return Ok(());
        }
        if self.groups.len() > MAX_DEPTH {
            return Err(format!("parentheses are nested deeper than {MAX_DEPTH}"));
        }
        self.groups.push(Group { start, weight: 1 });
        self.atom = None;
        Ok(())
    }

    /// What follows `(?`; says whether a group starts.
    fn flags_or_name(&mut self) -> Result<bool, String> {
        let named = match self.rest.peek() {
            Some('P') => {
                self.rest.next();
                if self.rest.peek() != Some(&'<') {
                    return Err("`(?P` is not followed by `<name>`".into());
                }
                true
            }
            next => next == Some(&'<'),
        };
        if named {
            self.rest.next();
            let name: String = std::iter::from_fn(|| self.rest.next_if(|&c| c != '>')).collect();
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if self.rest.next().is_none() || name.is_empty() || !name.chars().all(word) {
                return Err(format!(
                    "`(?<{name}` names no group (lookbehind is not supported)"
                ));
            }
            if !self.names.insert(name.clone()) {
                return Err(format!("two groups are named `{name}`"));
            }
            // Only the verdict needs the name; Rust's names can't start with a digit.
            self.out.push('(');
            return Ok(true);
        }
        let mut flags = String::new();
        loop {
            match self.rest.next() {
                Some(c @ ('i' | 'm' | 's' | 'U')) => flags.push(c),
                Some('-') if !flags.contains('-') => flags.push('-'),
                Some(c @ (':' | ')')) if !flags.ends_with('-') => {
                    let group = c == ':';
                    if group || !flags.is_empty() {
                        self.out.push_str(&format!("(?{flags}{c}"));
                    }
                    return Ok(group);
                }
                Some('=' | '!') if flags.is_empty() => {
                    return Err("lookahead is not supported".into());
                }
                _ => return Err(format!("`(?{flags}` starts no group Go knows")),
            }
        }
    }

    fn close(&mut self) -> Result<(), String> {
        let Some(group) = self.groups.pop() else {
            return Err("a `)` closes nothing".into());
        };
        if self.groups.is_empty() {
            return Err("a `)` closes nothing".into());
        }
        self.out.push(')');
        self.atom = Some(Atom {
            start: group.start,
            end: self.out.len(),
            weight: group.weight,
        });
        self.weigh(group.weight);
        Ok(())
    }

    fn repeat(
        &mut self,
        operator: &str,
        min: u32,
        max: Option<u32>,
        stacked: bool,
    ) -> Result<(), String> {
        let lazy = self.rest.next_if_eq(&'?').is_some();
        if stacked {
            return Err(format!("the repetition `{operator}` follows another one"));
        }
        let Some(Atom { start, end, weight }) = self.atom.take() else {
            return Err(format!("`{operator}` has nothing to repeat"));
        };
        let most = max.unwrap_or(min);
        if min > MAX_REPEAT || most > MAX_REPEAT || max.is_some_and(|max| min > max) {
            return Err(format!(
                "`{operator}` is no repetition of at most {MAX_REPEAT}"
            ));
        }
        let weight = match (most, max) {
            (0, Some(_)) => 1,
            _ => weight.saturating_mul(most.max(1)),
        };
        if (min >= 2 || max >= Some(2)) && weight > MAX_REPEAT {
            return Err(format!(
                "nested repetitions exceed {MAX_REPEAT} with `{operator}`"
            ));
        }
        // Right behind the operand: flags may already follow it.
        let lazy = if lazy { "?" } else { "" };
        let tail = self.out.split_off(end);
        self.out.insert_str(start, "(?:");
        self.out.push_str(&format!("){operator}{lazy}"));
        self.atom = Some(Atom {
            start,
            end: self.out.len(),
            weight,
        });
        self.out.push_str(&tail);
        self.weigh(weight);
        self.repeated = true;
        Ok(())
    }

    /// The counts after `{`, if they are a repetition.
    fn counts(&mut self) -> Option<(String, u32, Option<u32>)> {
        let mut ahead = self.rest.clone();
        let min = number(&mut ahead)?;
        let max = match ahead.next()? {
            '}' => Some(min),
            ',' if ahead.next_if_eq(&'}').is_some() => None,
            ',' => {
                let max = number(&mut ahead)?;
                (ahead.next()? == '}').then_some(Some(max))?
            }
            _ => return None,
        };
        self.rest = ahead;
        let text = match max {
            None => format!("{{{min},}}"),
            Some(max) => format!("{{{min},{max}}}"),
        };
        Some((text, min, max))
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(&c) = self.rest.peek() else {
            return Err("it ends in a lone backslash".into());
        };
        let fixed = match c {
            'A' => r"\A",
            'z' => r"\z",
            'b' => r"(?-u:\b)",
            'B' => r"(?-u:\B)",
            'Q' => return self.verbatim(),
            _ => "",
        };
        if !fixed.is_empty() {
            self.rest.next();
            self.emit(fixed);
            return Ok(());
        }
        if let Some(class) = self.named_class(c)? {
            self.emit(&class);
            return Ok(());
        }
        let c = self.character()?;
        self.literal(c);
        Ok(())
    }

    /// `\Q` up to `\E` or the end.
    fn verbatim(&mut self) -> Result<(), String> {
        self.rest.next();
        while let Some(c) = self.rest.next() {
            if c == '\\' && self.rest.next_if_eq(&'E').is_some() {
                break;
            }
            self.literal(c);
        }
        Ok(())
    }

    /// `\d`, `\pL` and their like, given the character after the backslash.
    fn named_class(&mut self, c: char) -> Result<Option<String>, String> {
        let class = match c {
            'd' => "[0-9]",
            'D' => "[^0-9]",
            's' => r"[\t\n\x0C\r ]",
            'S' => r"[^\t\n\x0C\r ]",
            'w' => "[0-9A-Za-z_]",
            'W' => "[^0-9A-Za-z_]",
            'p' | 'P' => {
                self.rest.next();
                return self.property(c == 'P').map(Some);
            }
            _ => return Ok(None),
        };
        self.rest.next();
        Ok(Some(class.into()))
    }

    /// A Unicode property after `\p` or `\P`.
    fn property(&mut self, negated: bool) -> Result<String, String> {
        let name: String = match self.rest.next() {
            Some('{') => {
                let name = std::iter::from_fn(|| self.rest.next_if(|&c| c != '}')).collect();
                if self.rest.next().is_none() {
                    return Err("the name of a character property has no end".into());
                }
                name
            }
            Some(c) => c.into(),
            None => return Err("`\\p` has no name".into()),
        };
        let (caret, name) = match name.strip_prefix('^') {
            Some(name) => (true, name),
            None => (false, name.as_str()),
        };
        let letter = if negated == caret { 'p' } else { 'P' };
        let class = format!(r"\{letter}{{{name}}}");
        // Go's names are exact: categories of one or two letters, scripts in full.
        let exact = name.starts_with(|c: char| c.is_ascii_uppercase())
            && match name.len() {
                0 => false,
                1 => "CLMNPSZ".contains(name),
                2 => name[1..].starts_with(|c: char| c.is_ascii_lowercase()),
                _ => name == "Any" || (name.len() != 4 || FOUR_LETTER_SCRIPTS.contains(&name)),
            };
        if !exact || regex::bytes::Regex::new(&class).is_err() {
            return Err(format!("`{name}` is no character property"));
        }
        Ok(class)
    }

    /// A single character after a backslash.
    fn character(&mut self) -> Result<char, String> {
        let Some(c) = self.rest.next() else {
            return Err("it ends in a lone backslash".into());
        };
        let value = match c {
            '1'..='7' if !matches!(self.rest.peek(), Some('0'..='7')) => {
                return Err(format!("the backreference `\\{c}` is not supported"));
            }
            '0'..='7' => {
                let mut value = c.to_digit(8).unwrap_or_default();
                for _ in 0..2 {
                    match self.rest.next_if(|next| next.is_digit(8)) {
                        Some(digit) => value = value * 8 + digit.to_digit(8).unwrap_or_default(),
                        None => break,
                    }
                }
                value
            }
            'x' => self.hexadecimal()?,
            'a' => 7,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => return Ok(c),
            c => return Err(format!("`\\{c}` is no escape")),
        };
        // Go takes surrogates here; no text has them, so U+FFFF stands for one that never matches.
        char::from_u32(value)
            .or((value <= 0x10_ffff).then_some('\u{ffff}'))
            .ok_or_else(|| format!("\\x{{{value:x}}} is above \\x{{10ffff}}"))
    }

    fn hexadecimal(&mut self) -> Result<u32, String> {
        let braces = self.rest.next_if_eq(&'{').is_some();
        let limit = if braces { usize::MAX } else { 2 };
        let mut count = 0;
        let mut value: u32 = 0;
        while count < limit {
            let Some(digit) = self.rest.next_if(char::is_ascii_hexdigit) else {
                break;
            };
            value = value
                .saturating_mul(16)
                .saturating_add(digit.to_digit(16).unwrap_or_default());
            count += 1;
        }
        let closed = !braces || self.rest.next_if_eq(&'}').is_some();
        if !closed || count == 0 || (!braces && count < 2) {
            return Err("`\\x` is not followed by two hexadecimal digits or `{...}`".into());
        }
        Ok(value)
    }

    fn class(&mut self) -> Result<(), String> {
        let mut class = String::from("[");
        if self.rest.next_if_eq(&'^').is_some() {
            class.push('^');
        }
        let mut first = true;
        loop {
            let open = || String::from("a `[` is not closed");
            let c = *self.rest.peek().ok_or_else(open)?;
            if c == ']' && !first {
                self.rest.next();
                break;
            }
            first = false;
            if c == '['
                && let Some(named) = self.posix()?
            {
                class.push_str(&named);
                continue;
            }
            if c == '\\' {
                let mut ahead = self.rest.clone();
                ahead.next();
                let after = *ahead.peek().ok_or_else(open)?;
                if "dDsSwWpP".contains(after) {
                    self.rest = ahead;
                    class.push_str(&self.named_class(after)?.unwrap_or_default());
                    continue;
                }
            }
            let low = self.class_character()?;
            let mut high = low;
            let mut ahead = self.rest.clone();
            if ahead.next_if_eq(&'-').is_some() && ahead.peek().is_some_and(|&c| c != ']') {
                self.rest = ahead;
                high = self.class_character()?;
                if high < low {
                    return Err(format!("the range `{low}-{high}` is empty"));
                }
            }
            class.push_str(&format!("{}-{}", literal(low), literal(high)));
        }
        class.push(']');
        self.emit(&class);
        Ok(())
    }

    fn class_character(&mut self) -> Result<char, String> {
        match self.rest.next() {
            Some('\\') => self.character(),
            Some(c) => Ok(c),
            None => Err("a `[` is not closed".into()),
        }
    }

    /// A class like `[:alpha:]` inside brackets.
    fn posix(&mut self) -> Result<Option<String>, String> {
        let mut ahead = self.rest.clone();
        ahead.next();
        if ahead.next() != Some(':') {
            return Ok(None);
        }
        let text: String = ahead.clone().collect();
        let Some(end) = text.find(":]") else {
            return Ok(None);
        };
        let name = &text[..end];
        const NAMES: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print",
            "punct", "space", "upper", "word", "xdigit",
        ];
        if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(format!("`[:{name}:]` is no character class"));
        }
        for _ in 0..name.chars().count() + 2 {
            ahead.next();
        }
        self.rest = ahead;
        Ok(Some(format!("[:{name}:]")))
    }
}

/// The scripts whose full name has four letters; others of that length are abbreviations.
const FOUR_LETTER_SCRIPTS: [&str; 9] = [
    "Ahom", "Cham", "Kawi", "Lisu", "Miao", "Modi", "Newa", "Thai", "Toto",
];

fn literal(c: char) -> String {
    if c.is_ascii_alphanumeric() || !c.is_ascii() && !c.is_control() {
        c.to_string()
    } else {
        format!(r"\x{{{:X}}}", u32::from(c))
    }
}

/// A count: digits without a leading zero. What is too big is some number above the limit.
fn number(chars: &mut Peekable<Chars<'_>>) -> Option<u32> {
    let digits: String = std::iter::from_fn(|| chars.next_if(char::is_ascii_digit)).collect();
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some(digits.parse().unwrap_or(u32::MAX))
}
