//! Every recorded verdict of a running vulcand on a value is ours too.

use std::collections::BTreeSet;

use romulus_core::vulcand::{
    Backend, BackendSettings, Checked, Environment, Frontend, GoDuration, Host, Listener,
    Middleware, Problem, Server, json,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    predicates: Vec<Vector>,
    durations: Vec<Vector>,
    backends: Vec<Vector>,
    servers: Vec<Vector>,
    frontends: Vec<Vector>,
    middlewares: Vec<Vector>,
    hosts: Vec<Vector>,
    listeners: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    value: String,
    accepted: bool,
    note: String,
    runtime: Option<serde_json::Value>,
    runtime_as_dial_timeout: Option<i64>,
    snapshot: String,
}

#[derive(Deserialize)]
struct Sealed {
    seal_key: String,
    host_value: String,
    cert_pem: String,
    key_pem: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("data/vectors.json")).unwrap()
}

fn sealed() -> Sealed {
    serde_json::from_str(include_str!("data/sealed.json")).unwrap()
}

/// Where the verdicts were taken: the vectors' own account of it, and what they show (the default
/// listener's address, a backend `b`, no syslog).
fn environment() -> Environment {
    Environment {
        seal_key: Some(sealed().seal_key.parse().unwrap()),
        backends: Some(BTreeSet::from(["b".to_owned()])),
        addresses: Some(["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()].into()),
        taken: [
            "127.0.0.1:22100".parse().unwrap(),
            "127.0.0.1:22010".parse().unwrap(),
        ]
        .into(),
        ..Environment::default()
    }
}

struct Judged {
    accepted: bool,
    problems: Vec<Problem>,
}

impl<T> From<Checked<T>> for Judged {
    fn from(checked: Checked<T>) -> Self {
        Self {
            accepted: checked.is_accepted(),
            problems: checked.problems,
        }
    }
}

fn mismatches<'a>(
    vectors: &'a [Vector],
    judge: impl Fn(&str) -> Judged,
    agrees: impl Fn(&Vector, &Judged) -> bool,
) -> Vec<&'a str> {
    assert!(!vectors.is_empty());
    let mut wrong = Vec::new();
    for vector in vectors {
        let judged = judge(&vector.value);
        let rejected = judged
            .problems
            .iter()
            .any(|p| p.verdict == romulus_core::vulcand::Verdict::Rejected);
        assert_eq!(judged.accepted, !rejected, "{}", vector.value);
        if !agrees(vector, &judged) {
            println!(
                "value:   {}\nvulcand: {}, runtime {:?}, at start {}\nnote:    {}\nours:    {} {:#?}\n",
                vector.value,
                if vector.accepted {
                    "accepted"
                } else {
                    "rejected"
                },
                vector.runtime,
                vector.snapshot,
                vector.note,
                if judged.accepted {
                    "accepted"
                } else {
                    "rejected"
                },
                judged.problems,
            );
            wrong.push(&*vector.value);
        }
    }
    wrong
}

fn assert_agreement(vectors: &[Vector], judge: impl Fn(&str) -> Judged) {
    let wrong = mismatches(vectors, judge, |vector, judged| {
        vector.accepted == judged.accepted
    });
    assert!(
        wrong.is_empty(),
        "{} of {} disagree: {wrong:#?}",
        wrong.len(),
        vectors.len()
    );
}

fn settings(text: &str, settings: impl Fn(&str) -> String) -> Judged {
    BackendSettings::from_json(&json::parse(&settings(text)).unwrap()).into()
}

fn predicate(text: &str) -> Judged {
    let value = serde_json::json!({
        "Type": "http", "BackendId": "b", "Route": "Host(`h`)",
        "Settings": { "FailoverPredicate": text },
    });
    Frontend::parse(&value.to_string(), &environment()).into()
}

fn duration(field: &'static str) -> impl Fn(&str) -> Judged {
    move |text| {
        settings(text, |text| {
            serde_json::json!({ "Timeouts": { field: text } }).to_string()
        })
    }
}

#[test]
fn predicates() {
    assert_agreement(&vectors().predicates, predicate);
}

#[test]
fn durations() {
    let durations = vectors().durations;
    for field in ["Read", "Dial", "TLSHandshake"] {
        assert_agreement(&durations, duration(field));
    }
    for vector in durations
        .iter()
        .filter(|vector| vector.accepted && !vector.value.is_empty())
    {
        let duration: GoDuration = vector.value.parse().unwrap();
        assert_eq!(duration.to_string().parse(), Ok(duration));
    }
}

#[test]
fn backends() {
    assert_agreement(&vectors().backends, |text| Backend::parse(text).into());
}

#[test]
fn servers() {
    assert_agreement(&vectors().servers, |text| Server::parse(text).into());
}

#[test]
fn frontends() {
    assert_agreement(&vectors().frontends, |text| {
        Frontend::parse(text, &environment()).into()
    });
}

#[test]
fn middlewares() {
    assert_agreement(&vectors().middlewares, |text| {
        Middleware::parse(text, &environment()).into()
    });
}

#[test]
fn hosts() {
    assert_agreement(&vectors().hosts, |text| {
        Host::parse(text, &environment()).into()
    });
}

#[test]
fn listeners() {
    assert_agreement(&vectors().listeners, |text| {
        Listener::parse(text, &environment()).into()
    });
}
