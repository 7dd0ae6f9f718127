//! Go's regular expressions: which ones Go takes, and what they match.
//!
//! Go's syntax is RE2's. It is close to that of the `regex` crate, but neither contains the other:
//! Go has no `x` and `u` flags, no class arithmetic and no half boundaries, refuses `a**` and
//! counts above 1000, and takes `\Q..\E`, octal escapes and duplicate group names; its `\d`, `\w`,
//! `\s` and `\b` are ASCII. So patterns are read by Go's grammar and written anew for the crate.

mod class;
mod names;
mod parse;
mod tree;

use std::fmt;
use std::str::FromStr;

/// Why a text is not a Go regular expression, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (byte {offset} of the regular expression)")]
pub struct RegexpError {
    /// The byte of the pattern the message is about.
    pub offset: usize,
    /// What is wrong there.
    pub message: String,
}

/// Says whether Go's `regexp.Compile` takes a pattern.
///
/// ```
/// use romulus_core::vulcand::regexp;
/// assert!(regexp::check(r"^/(?P<id>\d+)/\Q.+\E\pL").is_ok());
/// let error = regexp::check(r"^/a(?!b)").unwrap_err();
/// assert_eq!((error.offset, &*error.message), (3, "`(?!` is not supported: no look-around in Go"));
/// ```
///
/// # Errors
/// When Go would not.
pub fn check(pattern: &str) -> Result<(), RegexpError> {
    parse::translate(pattern).map(|_| ())
}

/// The `regex` crate compiles by recursion, which fills the 2 MiB of a thread's stack at some 330
/// levels of repetitions where the build is not optimised.
const NEST_LIMIT: u32 = 250;

/// Reads a pattern to match with.
///
/// # Errors
/// When Go would not take the pattern, or when it is too large or too deeply nested to be
/// compiled here: more than 64 MiB, or 250 levels.
pub fn compile(pattern: &str) -> Result<Regexp, RegexpError> {
    let translated = parse::translate(pattern)?;
    let regex = regex::bytes::RegexBuilder::new(&translated)
        .size_limit(64 << 20)
        .nest_limit(NEST_LIMIT)
        .build()
        .map_err(|_| RegexpError {
            offset: 0,
            message: "it is too large to be tried".to_owned(),
        })?;
    Ok(Regexp {
        pattern: pattern.into(),
        regex,
    })
}

/// A Go regular expression that can be matched.
///
/// ```
/// use romulus_core::vulcand::regexp::Regexp;
/// let regexp: Regexp = r"^/\d+$".parse()?;
/// assert!(regexp.is_match("/42"));
/// assert!(!regexp.is_match("/٤٢") && !regexp.is_match("/42\n"));
/// # Ok::<(), romulus_core::vulcand::regexp::RegexpError>(())
/// ```
#[derive(Clone)]
pub struct Regexp {
    pattern: Box<str>,
    regex: regex::bytes::Regex,
}

impl Regexp {
    /// Whether the expression matches anywhere in a text, as Go's `MatchString` says.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text.as_bytes())
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.pattern
    }
}

impl FromStr for Regexp {
    type Err = RegexpError;

    fn from_str(pattern: &str) -> Result<Self, RegexpError> {
        compile(pattern)
    }
}

impl fmt::Display for Regexp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)
    }
}

impl fmt::Debug for Regexp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Regexp({:?})", self.pattern)
    }
}

impl PartialEq for Regexp {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

impl Eq for Regexp {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    #[rustfmt::skip]
    fn what_go_takes_is_taken() {
        for pattern in [
            "", "()", "(|a)", "a||b", "^*", "a*?", "a+?", "a??", "a{2}?", "a{,2}", "a{", "a{2", "a{02}",
            "a{1,2,3}", "{", "}", "]", "a]", "[]a]", "[^]a]", "[a-]", "[-a]", "[a-b-c]", "[\\d-z]",
            "[[:alpha:]]", "[[:^word:]_]", "[[:alpha]", "[a[:]", "\\Q", "\\Qa*\\E*", "a\\Q\\E*",
            "\\Q\\\\E", "\\pL", "\\p{L}", "\\PN", "\\p{^Greek}", "\\p{Old_Italic}", "\\p{Any}",
            "(?P<n>a)(?P<n>b)", "(?<n>a)", "(?P<0_a>a)", "(?i)a", "(?i-s:a)", "(?)", "(?:)",
            "(?imsU)", "a(?i)*", "a*(?i)*", "a+(?i)?", "(?-U)a", "\\123", "\\0", "\\08", "\\x41",
            "\\x{10FFFF}", "\\x{d800}", "\\_", "\\-", "\\/", "\\ ", "\\\"", "\\a\\f\\n\\r\\t\\v",
            "\\A\\b\\B\\z", "$^", "a{1000}", "(a{10}){100}", "(a{1000}){0}", "(a{1000}){0,1}",
            "((a{0,}){1000}){0,}", "(a*){1000}", "é+", "[é-ê]",
        ] {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
            assert!(compile(pattern).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused_where_it_is_wrong() {
        for (pattern, offset) in [
            ("(", 0),
            ("a(b", 1),
            (")", 0),
            ("(a))", 3),
            ("[", 0),
            ("a[b", 1),
            ("[]", 0),
            ("[^]", 0),
            ("[b-a]", 1),
            ("[a-\\d]", 3),
            ("[[:foo:]]", 1),
            ("*", 0),
            ("a|*", 2),
            ("(*)", 1),
            ("(?i)*", 4),
            ("\\Q\\E*", 4),
            ("{1}", 0),
            ("a**", 1),
            ("a*+", 1),
            ("a??+", 1),
            ("a{2}{3}", 1),
            ("a{1001}", 1),
            ("a{2,1}", 1),
            ("a{99999999999}", 1),
            ("a{1,99999999999}", 1),
            ("(a{101}){10}", 8),
            ("((a{10}){11}){10}", 13),
            ("(?=a)", 0),
            ("(?!a)", 0),
            ("(?<=a)", 0),
            ("(?<!a)", 0),
            ("(?>a)", 0),
            ("(?#a)", 0),
            ("(?x)a", 0),
            ("(?i", 0),
            ("(?i-)a", 0),
            ("(?--i)a", 0),
            ("(?P=n)", 0),
            ("(?P>n)", 0),
            ("(?P<n", 0),
            ("(?P<>a)", 0),
            ("(?P<n-m>a)", 0),
            ("(?'n'a)", 0),
            ("\\", 0),
            ("\\1", 0),
            ("\\8", 0),
            ("\\Z", 0),
            ("\\C", 0),
            ("\\G", 0),
            ("\\K", 0),
            ("\\R", 0),
            ("\\X", 0),
            ("\\h", 0),
            ("\\u0041", 0),
            ("\\é", 0),
            ("\\x4", 0),
            ("\\x{}", 0),
            ("\\x{110000}", 0),
            ("\\x{41", 0),
            ("\\p", 0),
            ("\\pX", 0),
            ("\\p{greek}", 0),
            ("\\p{Letter}", 0),
            ("\\p{Greek", 0),
            ("[\\pX]", 1),
            ("[\\b]", 1),
        ] {
            assert_eq!(
                check(pattern).map_err(|e| e.offset),
                Err(offset),
                "{pattern}"
            );
        }
    }

    #[test]
    fn limits_are_gos() {
        let nested = |depth: usize| format!("{}{}", "(".repeat(depth), ")".repeat(depth));
        assert!(check(&nested(999)).is_ok());
        assert!(check(&nested(1000)).is_err());
        assert!(check(&format!("{}{}", "(?:".repeat(5000), ")".repeat(5000))).is_ok());
        assert!(check(&format!("{}a{}", "(?:".repeat(1000), ")*".repeat(1000))).is_err());
        assert!(check(&"(".repeat(1_000_000)).is_err());
        assert!(check(&format!("({}){{1000}}", "x".repeat(3_300))).is_ok());
        assert!(check(&format!("({}){{1000}}", "x".repeat(3_400))).is_err());
    }

    #[test]
    fn nesting_is_compiled_or_refused_within_the_stack() {
        for (open, close) in [("(", ")"), ("(?:", ")*"), ("(?:a|b", ")?"), ("(a*", "b*)+")] {
            let nested = |depth| format!("{}a{}", open.repeat(depth), close.repeat(depth));
            assert!(compile(&nested(60)).is_ok_and(|regexp| regexp.is_match("a")));
            for depth in [80, 120, 300] {
                let pattern = nested(depth);
                assert_eq!(check(&pattern), Ok(()));
                let matched = compile(&pattern).map(|regexp| regexp.is_match("a"));
                assert_ne!(matched, Ok(false), "{pattern}");
            }
            assert!(compile(&nested(300)).is_err());
        }
    }

    #[test]
    fn matching_is_gos() {
        for (pattern, text, matches) in [
            ("a.c", "a\nc", false),
            ("(?s)a.c", "a\nc", true),
            ("(?s:a.)b.", "a\nb\n", false),
            ("^b", "a\nb", false),
            ("(?m)^b$", "a\nb\nc", true),
            ("a$", "a\n", false),
            ("(?i)straße", "STRAßE", true),
            ("(?i)k", "\u{212a}", true),
            ("(a(?i)b)c", "aBC", false),
            ("(a(?i)b)c", "aBc", true),
            ("a(?i)b|c", "C", true),
            (r"^\w$", "é", false),
            (r"^\W$", "é", true),
            (r"^\s$", "\u{a0}", false),
            (r"^\s$", "\u{b}", false),
            (r"a\b", "aé", true),
            (r"a\B", "aé", false),
            (r"^\Qa.b\E+$", "a.bbb", true),
            (r"^\101\x42\x{43}$", "ABC", true),
            (r"^[^a-z\d]$", "É", true),
            (r"^[\D]$", "5", false),
            (r"^[a&&b]$", "&", true),
            (r"^[+--]$", ",", true),
            (r"^[[:^digit:]x]$", "5", false),
            (r"^[\x{d7ff}-\x{e000}]+$", "\u{d7ff}\u{e000}", true),
            (r"\x{d800}", "\u{fffd}", false),
            (r"^[^\x{d800}]$", "x", true),
            (r"^\p{^Greek}$", "α", false),
            (r"^[\P{Greek}]$", "a", true),
            (r"^\pC$", "\u{378}", false),
            (r"^a{,2}$", "a{,2}", true),
            (r"^a{2}{$", "aa{", true),
            ("^(?:a|b)c$", "bc", true),
            ("^a|b$", "ax", true),
            ("^(?U)a+$", "aa", true),
            ("^a+(?i)?$", "", true),
            ("^(?:ab)+(?i){2}c$", "ababc", true),
        ] {
            assert_eq!(
                compile(pattern).unwrap().is_match(text),
                matches,
                "{pattern} on {text:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_or_refused_at_a_place_in_it(
            pattern in "(\\(\\?P?<?|[\\]\\[(){}|*+?^$.,:=\\\\-]|[a-zA-Z0-9]|\\\\[a-zA-Z0-9]|\\[:alpha:\\]|é){0,16}|\\PC*"
        ) {
            match check(&pattern) {
                Ok(()) => prop_assert!(compile(&pattern).is_ok(), "{pattern}"),
                Err(error) => prop_assert!(error.offset <= pattern.len()),
            }
        }

        /// On the common ground of both syntaxes the crate is an oracle for what matches.
        #[test]
        fn on_common_ground_the_regex_crate_agrees(
            pattern in "([ab.]|[ab][*+?]|\\([ab|]{0,3}\\)|\\[\\^?[ab]\\]|\\|){0,8}",
            text in "[abc\n]{0,6}",
        ) {
            let theirs = regex::Regex::new(&pattern).unwrap();
            let ours = compile(&pattern).unwrap();
            prop_assert_eq!(ours.is_match(&text), theirs.is_match(&text));
        }
    }
}
