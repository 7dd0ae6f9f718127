//! Which Services take part: `--svc-selector`.
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::cluster::{Labels, PREFIX, is_dns_label};

/// A selection of Services by their labels, in the notation of Kubernetes' `labelSelector`.
///
/// A comma list whose parts must all hold: `k=v`, `k==v`, `k!=v`, `k`, `!k`, `k in (a,b)` and
/// `k notin (a,b)`. A key without a slash is short for a `romulus/` label, as in the original's
/// `type=external`; one with a slash is taken as it is. The empty selector selects everything. As
/// in Kubernetes, `!=` and `notin` also select objects that lack the label.
///
/// It prints as the text for the API server's `labelSelector` parameter, keys in full.
///
/// ```
/// use romulus_core::selector::Selector;
/// let selector: Selector = "type=external, app.kubernetes.io/name in (shop,web)".parse()?;
/// assert_eq!(selector.to_string(), "romulus/type=external,app.kubernetes.io/name in (shop,web)");
///
/// let labels = [("romulus/type", "external"), ("app.kubernetes.io/name", "web")];
/// assert!(selector.matches(&labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter().collect()));
/// # Ok::<(), romulus_core::selector::SelectorError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Present,
    Absent,
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
}

impl Selector {
    /// The selector that selects everything, also the default.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Whether everything is selected.
    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether an object with these labels is selected.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.requirements.iter().all(|Requirement { key, test }| {
            let value = labels.get(key);
            match test {
                Test::Present => value.is_some(),
                Test::Absent => value.is_none(),
                Test::In(values) => value.is_some_and(|value| values.contains(value)),
                Test::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            }
        })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Requirement { key, test }) in self.requirements.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            match test {
                Test::Present => f.write_str(key)?,
                Test::Absent => write!(f, "!{key}")?,
                Test::In(values) => write_values(f, key, "=", "in", values)?,
                Test::NotIn(values) => write_values(f, key, "!=", "notin", values)?,
            }
        }
        Ok(())
    }
}

fn write_values(
    f: &mut fmt::Formatter<'_>,
    key: &str,
    one: &str,
    many: &str,
    values: &BTreeSet<String>,
) -> fmt::Result {
    if let (1, Some(value)) = (values.len(), values.first()) {
        return write!(f, "{key}{one}{value}");
    }
    write!(f, "{key} {many} (")?;
    for (i, value) in values.iter().enumerate() {
        write!(f, "{}{value}", if i > 0 { "," } else { "" })?;
    }
    f.write_str(")")
}

/// Why a text is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("selector {text:?}, column {column}: {reason}")]
pub struct SelectorError {
    /// The whole text.
    pub text: String,
    /// Where, in characters from 1.
    pub column: usize,
    /// What is wrong there and what may stand there.
    pub reason: String,
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let mut parser = Parser { text, at: 0 };
        parser
            .selector()
            .map_err(|Failure { at, reason }| SelectorError {
                text: text.to_owned(),
                column: text.get(..at).map_or(0, |before| before.chars().count()) + 1,
                reason,
            })
    }
}

/// What went wrong at which byte.
struct Failure {
    at: usize,
    reason: String,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn selector(&mut self) -> Result<Selector, Failure> {
        let mut requirements = Vec::new();
        if self.peek().is_none() {
            return Ok(Selector { requirements });
        }
        loop {
            requirements.push(self.requirement()?);
            match self.peek() {
                None => return Ok(Selector { requirements }),
                Some(',') => self.at += 1,
                Some('<' | '>') => {
                    return self.fail("labels are compared by =, !=, in and notin, not by order");
                }
                Some(other) => {
                    return self.fail(format!("expected a comma or the end, not {other:?}"));
                }
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, Failure> {
        if self.take("!") {
            return Ok(Requirement {
                key: self.key()?,
                test: Test::Absent,
            });
        }
        let key = self.key()?;
        let test = if self.take("!=") {
            Test::NotIn([self.value()?].into())
        } else if self.take("==") || self.take("=") {
            Test::In([self.value()?].into())
        } else {
            match self.peek() {
                None | Some(',' | '<' | '>' | '(' | ')' | '!') => Test::Present,
                Some(_) => {
                    let start = self.at;
                    match self.word() {
                        "in" => Test::In(self.values()?),
                        "notin" => Test::NotIn(self.values()?),
                        word => {
                            let reason = format!("expected =, !=, in or notin, not {word:?}");
                            return Err(Failure { at: start, reason });
                        }
                    }
                }
            }
        };
        Ok(Requirement { key, test })
    }

    fn key(&mut self) -> Result<String, Failure> {
        self.peek();
        let at = self.at;
        let word = self.word();
        let fail = |reason: String| Err(Failure { at, reason });
        let (prefix, name) = word
            .rsplit_once('/')
            .unwrap_or((PREFIX.trim_end_matches('/'), word));
        if word.is_empty() {
            return fail("expected a label key".to_owned());
        }
        if name.len() > 63 || !is_label_text(name) || name.is_empty() {
            return fail(format!(
                "{name:?} is no label name: up to 63 letters, digits, '-', '_' and '.', beginning and \
                 ending with a letter or digit"
            ));
        }
        if prefix.len() > 253 || !prefix.split('.').all(is_dns_label) {
            return fail(format!(
                "{prefix:?} is no label prefix: a DNS name in lower case is expected before the slash"
            ));
        }
        Ok(format!("{prefix}/{name}"))
    }

    fn value(&mut self) -> Result<String, Failure> {
        self.peek();
        let at = self.at;
        let word = self.word();
        if word.len() > 63 || !is_label_text(word) {
            let reason = format!(
                "{word:?} is no label value: up to 63 letters, digits, '-', '_' and '.', beginning and \
                 ending with a letter or digit"
            );
            return Err(Failure { at, reason });
        }
        Ok(word.to_owned())
    }

    fn values(&mut self) -> Result<BTreeSet<String>, Failure> {
        if !self.take("(") {
            return self.fail("expected the values in parentheses, as in (a,b)");
        }
        if self.peek() == Some(')') {
            return self.fail("expected at least one value");
        }
        let mut values = BTreeSet::new();
        loop {
            values.insert(self.value()?);
            if self.take(")") {
                return Ok(values);
            }
            if !self.take(",") {
                return self.fail("expected a comma or a closing parenthesis");
            }
        }
    }

    /// The next character after blanks, not taken.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        self.rest().chars().next()
    }

    fn take(&mut self, token: &str) -> bool {
        self.peek();
        let taken = self.rest().starts_with(token);
        if taken {
            self.at += token.len();
        }
        taken
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let ends = |c: char| c.is_whitespace() || ",=!()<>".contains(c);
        let word = rest.find(ends).map_or(rest, |end| &rest[..end]);
        self.at += word.len();
        word
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fail<T>(&self, reason: impl Into<String>) -> Result<T, Failure> {
        Err(Failure {
            at: self.at,
            reason: reason.into(),
        })
    }
}

/// The alphabet of label names and values; the empty text is a label value.
fn is_label_text(text: &str) -> bool {
    let edge = |b: Option<u8>| b.is_none_or(|b| b.is_ascii_alphanumeric());
    let bytes = text.as_bytes();
    bytes
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
        && edge(bytes.first().copied())
        && edge(bytes.last().copied())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn prints_what_the_api_server_takes() {
        let table = [
            ("", ""),
            ("  ", ""),
            ("type=external", "romulus/type=external"),
            ("type==external", "romulus/type=external"),
            (" type = external ", "romulus/type=external"),
            ("type!=external", "romulus/type!=external"),
            ("type", "romulus/type"),
            ("!type", "!romulus/type"),
            ("! type", "!romulus/type"),
            ("type=", "romulus/type="),
            ("type=,tier", "romulus/type=,romulus/tier"),
            ("type in (b,a)", "romulus/type in (a,b)"),
            ("type in(a)", "romulus/type=a"),
            ("type in (a, )", "romulus/type in (,a)"),
            (
                "type notin (a,b),tier",
                "romulus/type notin (a,b),romulus/tier",
            ),
            (
                "app.kubernetes.io/name=x,!a/b",
                "app.kubernetes.io/name=x,!a/b",
            ),
            ("in in (in)", "romulus/in=in"),
        ];
        for (text, expected) in table {
            let printed = text
                .parse::<Selector>()
                .map(|selector| selector.to_string());
            assert_eq!(printed.as_deref(), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn says_where_and_why_a_text_is_no_selector() {
        let table = [
            (",", 1, "expected a label key"),
            ("a,", 3, "expected a label key"),
            ("a b", 3, "expected =, !=, in or notin, not \"b\""),
            ("a=b c", 5, "expected a comma or the end, not 'c'"),
            ("a=b=c", 4, "expected a comma or the end, not '='"),
            ("!a=b", 3, "expected a comma or the end, not '='"),
            (
                "a>1",
                2,
                "labels are compared by =, !=, in and notin, not by order",
            ),
            (
                "a in b",
                6,
                "expected the values in parentheses, as in (a,b)",
            ),
            ("a in ()", 7, "expected at least one value"),
            ("a in (b", 8, "expected a comma or a closing parenthesis"),
            (
                "é=1",
                1,
                "\"é\" is no label name: up to 63 letters, digits, '-', '_' and '.', beginning and \
                 ending with a letter or digit",
            ),
            (
                "a=é",
                3,
                "\"é\" is no label value: up to 63 letters, digits, '-', '_' and '.', beginning and \
                 ending with a letter or digit",
            ),
            (
                "Example.com/a",
                1,
                "\"Example.com\" is no label prefix: a DNS name in lower case is expected before the \
                 slash",
            ),
        ];
        for (text, column, reason) in table {
            let expected = SelectorError {
                text: text.to_owned(),
                column,
                reason: reason.to_owned(),
            };
            assert_eq!(text.parse::<Selector>(), Err(expected), "{text:?}");
        }
        let error = "type=a b".parse::<Selector>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "selector \"type=a b\", column 8: expected a comma or the end, not 'b'"
        );
    }

    #[test]
    fn matches_as_kubernetes_does() {
        type Labels = &'static [(&'static str, &'static str)];
        let external: Labels = &[("romulus/type", "external"), ("app", "web")];
        let table: [(&str, Labels, bool); 15] = [
            ("", &[], true),
            ("type=external", external, true),
            ("type=external", &[("type", "external")], false),
            ("type=external", &[("romulus/type", "internal")], false),
            ("type=external", &[], false),
            ("type!=external", external, false),
            ("type!=external", &[], true),
            ("type", &[("romulus/type", "")], true),
            ("type=", &[], false),
            ("!type", external, false),
            ("!type", &[], true),
            ("type in (external,internal)", external, true),
            ("type notin (external,internal)", external, false),
            ("type notin (internal)", &[], true),
            ("type=external,tier", external, false),
        ];
        for (text, given, expected) in table {
            let selector: Selector = text.parse().unwrap();
            assert_eq!(
                selector.matches(&labels(given)),
                expected,
                "{text:?} on {given:?}"
            );
        }
    }

    fn requirement() -> impl Strategy<Value = Requirement> {
        let prefix = "[a-z0-9]{1,3}(\\.[a-z]{1,3})?";
        let name = "[a-zA-Z0-9]([-a-zA-Z0-9_.]{0,5}[a-zA-Z0-9])?";
        let value = "([a-zA-Z0-9]([-a-zA-Z0-9_.]{0,5}[a-zA-Z0-9])?)?";
        let values = || proptest::collection::btree_set(value, 1..4);
        let test = prop_oneof![
            Just(Test::Present),
            Just(Test::Absent),
            values().prop_map(Test::In),
            values().prop_map(Test::NotIn),
        ];
        (prefix, name, test).prop_map(|(prefix, name, test)| {
            let key = format!("{prefix}/{name}");
            Requirement { key, test }
        })
    }

    proptest! {
        #[test]
        fn text_and_selector_round_trip(
            requirements in proptest::collection::vec(requirement(), 0..4),
        ) {
            let selector = Selector { requirements };
            prop_assert_eq!(selector.to_string().parse(), Ok(selector));
        }

        #[test]
        fn any_text_parses_or_is_refused_at_a_place_within_it(text in "[a-c=!(), in/é<]{0,16}") {
            if let Err(error) = text.parse::<Selector>() {
                prop_assert!((1..=text.chars().count() + 1).contains(&error.column));
            }
        }
    }
}
