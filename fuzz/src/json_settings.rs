//! JSON as Go reads it, and the values of vulcand's keys.

use std::fmt::Debug;
use std::sync::LazyLock;

use romulus_core::vulcand::json::{self, Node, Value};
use romulus_core::vulcand::{
    Backend, BackendSettings, Checked, Environment, Frontend, FrontendSettings, Host, Listener,
    Middleware, Problem, Server, Verdict,
};

use crate::assert_within;

/// The key that the seeds' hosts are sealed with.
const SEALED: &str = include_str!("../../romulus-core/tests/data/sealed.json");

static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(|| {
    let sealed: serde_json::Value = serde_json::from_str(SEALED).expect("test data");
    let key = sealed["seal_key"].as_str().expect("test data");
    Environment {
        seal_key: key.parse().ok(),
        local_syslog: true,
        ..Environment::default()
    }
});

/// Every text that serde_json reads is read, with the same meaning; printing it compactly changes
/// neither that nor what vulcand makes of it; and whatever is said has its place in the text.
pub fn check(text: &str) {
    let strict = serde_json::from_str::<serde::de::IgnoredAny>(text);
    match json::parse(text) {
        Ok(value) => {
            assert!(strict.is_ok(), "{text:?} is read as {value:?}");
            spans(text, &value);
            compact(text, &value);
            checked(text, BackendSettings::from_json(&value));
            checked(text, FrontendSettings::from_json(&value));
        }
        Err(error) => {
            assert_within(text, error.offset, error.offset, &error);
            let is_deep = text.matches(['[', '{']).count() > json::MAX_DEPTH;
            assert!(strict.is_err() || is_deep, "{text:?}: {error}");
        }
    }
    if let Ok((value, end)) = json::parse_first(text) {
        assert_within(text, value.span.start, end, &value);
        let alone = json::parse(&text[..end]).expect("it was read before");
        assert_eq!(alone.compact(), value.compact(), "{text:?}");
    }
    objects(text);
}

fn spans(text: &str, value: &Value) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        assert_within(text, value.span.start, value.span.end, value);
        let within = |child: &std::ops::Range<usize>| {
            value.span.start < child.start && child.end < value.span.end
        };
        match &value.node {
            Node::Array(items) => {
                assert!(
                    items.iter().all(|item| within(&item.span)),
                    "{text:?}: {value:?}"
                );
                open.extend(items);
            }
            Node::Object(members) => {
                for member in members {
                    assert_within(text, member.name_span.start, member.name_span.end, value);
                    assert!(
                        within(&member.name_span) && within(&member.value.span),
                        "{text:?}"
                    );
                    open.push(&member.value);
                }
            }
            _ => {
                let alone = json::parse(&text[value.span.clone()]).expect("a value's own text");
                assert_eq!(alone.compact(), value.compact(), "{text:?}");
            }
        }
    }
}

fn compact(text: &str, value: &Value) {
    let compact = value.compact();
    let again = json::parse(&compact).expect("compact JSON is JSON");
    assert_eq!(again.compact(), compact, "{text:?}");
    // serde_json refuses what it can't hold: big exponents, lone surrogates, 128 levels.
    if let Ok(theirs) = serde_json::from_str::<serde_json::Value>(text) {
        let ours: serde_json::Value = match serde_json::from_str(&compact) {
            Ok(ours) => ours,
            Err(error) => panic!("{text:?} is printed as {compact:?}: {error}"),
        };
        assert_eq!(ours, theirs, "{text:?} is printed as {compact:?}");
    }
    same(
        text,
        BackendSettings::from_json(value),
        BackendSettings::from_json(&again),
    );
    same(
        text,
        FrontendSettings::from_json(value),
        FrontendSettings::from_json(&again),
    );
}

fn objects(text: &str) {
    let stock = Environment::default();
    for environment in [&stock, &*ENVIRONMENT] {
        object(text, |text| Frontend::parse(text, environment));
        object(text, |text| Middleware::parse(text, environment));
        object(text, |text| Host::parse(text, environment));
        object(text, |text| Listener::parse(text, environment));
    }
    object(text, Backend::parse);
    object(text, Server::parse);
}

fn object<T: Debug + PartialEq>(text: &str, parse: impl Fn(&str) -> Checked<T>) {
    let found = parse(text);
    if let Ok(value) = json::parse(text) {
        same(text, parse(text), parse(&value.compact()));
    } else {
        assert!(!found.is_accepted(), "{text:?} is no JSON: {found:?}");
    }
    checked(text, found);
}

fn checked<T: Debug>(text: &str, checked: Checked<T>) {
    let Checked { value, problems } = checked;
    for problem in &problems {
        assert_within(text, problem.span.start, problem.span.end, problem);
        assert!(!problem.message.is_empty(), "{text:?}: {problem:?}");
    }
    let is_rejected = problems
        .iter()
        .any(|problem| problem.verdict == Verdict::Rejected);
    assert_eq!(
        value.is_none(),
        is_rejected,
        "{text:?}: {value:?}, {problems:?}"
    );
}

/// Fails unless the same is made of the compact form as of a text that is taken. (Go reads members
/// that stand twice both times; a first one that is refused is not in the compact form.)
fn same<T: Debug + PartialEq>(text: &str, one: Checked<T>, other: Checked<T>) {
    if !one.is_accepted() {
        return;
    }
    let said = |checked: &Checked<T>| -> Vec<(String, Verdict)> {
        let place = |problem: &Problem| (problem.path.clone(), problem.verdict);
        checked.problems.iter().map(place).collect()
    };
    assert_eq!(said(&one), said(&other), "{text:?}");
    assert_eq!(one.value, other.value, "{text:?}");
}
