//! Character classes, written for the `regex` crate.

use std::fmt::Write as _;

use super::names::{CATEGORIES, SCRIPTS};

/// A class that matches nothing.
const NOTHING: &str = "[^\\x{0}-\\x{10FFFF}]";

/// The items of a class in brackets.
#[derive(Default)]
pub(super) struct Class {
    items: String,
}

impl Class {
    /// Adds a range of code points. Surrogates are code points to Go, but no text has them.
    pub(super) fn range(&mut self, low: u32, high: u32) {
        for (low, high) in [(low, high.min(0xd7ff)), (low.max(0xe000), high)] {
            if low <= high {
                let _infallible = write!(self.items, "\\x{{{low:x}}}-\\x{{{high:x}}}");
            }
        }
    }

    /// Adds all that another class matches.
    pub(super) fn class(&mut self, class: &str) {
        self.items.push_str(class);
    }

    pub(super) fn into_text(self, negated: bool) -> String {
        match (self.items.is_empty(), negated) {
            (true, true) => "[\\x{0}-\\x{10FFFF}]".to_owned(),
            (true, false) => NOTHING.to_owned(),
            (false, true) => format!("[^{}]", self.items),
            (false, false) => format!("[{}]", self.items),
        }
    }
}

/// A single code point.
pub(super) fn literal(code: u32) -> String {
    char::from_u32(code).map_or_else(|| NOTHING.to_owned(), |_| format!("\\x{{{code:x}}}"))
}

/// `\d` and the like: ASCII to Go.
pub(super) fn perl(letter: u8) -> Option<&'static str> {
    Some(match letter {
        b'd' => "[0-9]",
        b'D' => "[^0-9]",
        b's' => "[\\t\\n\\x0c\\r\\x20]",
        b'S' => "[^\\t\\n\\x0c\\r\\x20]",
        b'w' => "[0-9A-Za-z_]",
        b'W' => "[^0-9A-Za-z_]",
        _ => return None,
    })
}

/// `[:alpha:]` and the like, `[:^alpha:]` included: the crate has the same, and ASCII too.
pub(super) fn posix(name: &str) -> Option<&str> {
    let inner = name.strip_prefix("[:")?.strip_suffix(":]")?;
    let known = matches!(
        inner.strip_prefix('^').unwrap_or(inner),
        "alnum"
            | "alpha"
            | "ascii"
            | "blank"
            | "cntrl"
            | "digit"
            | "graph"
            | "lower"
            | "print"
            | "punct"
            | "space"
            | "upper"
            | "word"
            | "xdigit"
    );
    known.then_some(name)
}

/// The class of a name as in `\p{Greek}` or `\pL`, `^` for its complement included. Go releases
/// from 1.25 on are less strict about the spelling.
pub(super) fn unicode(name: &str, negated: bool) -> Option<String> {
    let (name, negated) = match name.strip_prefix('^') {
        Some(name) => (name, !negated),
        None => (name, negated),
    };
    let class = match name {
        "Any" => "\\x{0}-\\x{10FFFF}".to_owned(),
        // To Go, what is not assigned is not in C; to the crate it is.
        "C" => "\\p{Cc}\\p{Cf}\\p{Co}".to_owned(),
        "Cs" => NOTHING.to_owned(),
        name if CATEGORIES.binary_search(&name).is_ok() => format!("\\p{{{name}}}"),
        name if SCRIPTS.binary_search(&name).is_ok() => format!("\\p{{sc={name}}}"),
        _ => return None,
    };
    Some(if negated {
        format!("[^{class}]")
    } else {
        format!("[{class}]")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_sorted_and_known_to_the_crate() {
        assert!(CATEGORIES.is_sorted() && SCRIPTS.is_sorted());
        for name in CATEGORIES.iter().chain(&SCRIPTS).chain(&["Any"]) {
            for negated in [false, true] {
                let class = unicode(name, negated).unwrap();
                assert!(regex::Regex::new(&class).is_ok(), "{name}: {class}");
            }
        }
    }
}
