//! Every recorded verdict of a running vulcand on a value is ours too.

#![allow(
    clippy::unwrap_used,
    reason = "a test that can't read its data has failed"
)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use romulus_core::vulcand::{
    Backend, BackendSettings, Checked, Environment, Frontend, FrontendSettings, GoDuration, Host,
    KeyPair, Listener, Middleware, Predicate, Problem, Server, Verdict, json,
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
        host_names: Some(BTreeSet::from(["localhost".to_owned()])),
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

impl Judged {
    fn is_rejected(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.verdict == Verdict::Rejected)
    }
}

impl<T> From<Checked<T>> for Judged {
    fn from(checked: Checked<T>) -> Self {
        Self {
            accepted: checked.is_accepted(),
            problems: checked.problems,
        }
    }
}

/// Compares every vector with our verdict; a mismatch shows all that is known about it.
fn assert_agreement(vectors: &[Vector], judge: impl Fn(&str) -> Judged) {
    assert!(!vectors.is_empty());
    let mut report = String::new();
    for vector in vectors {
        let judged = judge(&vector.value);
        assert_eq!(judged.accepted, !judged.is_rejected(), "{}", vector.value);
        if vector.accepted != judged.accepted {
            let verdict = |accepted| if accepted { "accepted" } else { "rejected" };
            report += &format!(
                "value:   {}\nvulcand: {}, runtime {:?}, at start {}\nnote:    {}\nours:    {} {:#?}\n\n",
                vector.value,
                verdict(vector.accepted),
                vector.runtime,
                vector.snapshot,
                vector.note,
                verdict(judged.accepted),
                judged.problems,
            );
        }
    }
    assert!(report.is_empty(), "\n{report}");
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

/// What an accepted value did when a request came through it.
fn works(runtime: Option<&serde_json::Value>) -> bool {
    match runtime {
        None => true,
        Some(serde_json::Value::String(outcome)) => outcome.starts_with("200"),
        Some(status) => status == 200,
    }
}

/// Accepted values are harmful exactly if they did not work, but for those of `exceptions`.
fn assert_harm(vectors: &[Vector], judge: impl Fn(&str) -> Judged, exceptions: &[&str]) {
    let surprising: Vec<_> = vectors
        .iter()
        .filter(|vector| vector.accepted)
        .filter(|vector| works(vector.runtime.as_ref()) != judge(&vector.value).problems.is_empty())
        .map(|vector| &*vector.value)
        .collect();
    assert_eq!(surprising, exceptions);
}

#[test]
fn what_did_not_work_is_harmful() {
    let vectors = vectors();
    assert_harm(&vectors.backends, |text| Backend::parse(text).into(), &[]);
    // Nothing was there to answer.
    let unanswered = [
        r#"{"URL": "https://127.0.0.1:22100"}"#,
        r#"{"URL": "http://127.0.0.1"}"#,
        r#"{"URL": "http://[::1]:22100"}"#,
        r#"{"URL": "http://[fe80::1%25eth0]:80"}"#,
        r#"{"URL": "http://exa_mple:80"}"#,
        r#"{"URL": "http://h\u00e9:80"}"#,
    ];
    assert_harm(
        &vectors.servers,
        |text| Server::parse(text).into(),
        &unanswered,
    );
    let frontend = |text: &str| Frontend::parse(text, &environment()).into();
    assert_harm(&vectors.frontends, frontend, &[]);
    let middleware = |text: &str| Middleware::parse(text, &environment()).into();
    assert_harm(&vectors.middlewares, middleware, &[]);
    assert_harm(&vectors.predicates, predicate, &[]);
    // The first was lucky; the others are no timeout at all.
    assert_harm(
        &vectors.durations,
        duration("Read"),
        &["10\u{3bc}s", "-5s", "-.5s"],
    );
    let dial = duration("Dial");
    for vector in vectors.durations.iter().filter(|vector| vector.accepted) {
        let harmful = !dial(&vector.value).problems.is_empty();
        assert_eq!(
            harmful,
            vector.runtime_as_dial_timeout != Some(200),
            "{}",
            vector.value
        );
    }
}

#[test]
fn what_answers_nothing_is_held() {
    let vectors = vectors();
    let held = |vectors: &[Vector], judge: &dyn Fn(&str) -> Judged| -> Vec<String> {
        vectors
            .iter()
            .filter(|vector| vector.accepted)
            .filter(|vector| judge(&vector.value).problems.iter().any(Problem::holds))
            .map(|vector| vector.value.clone())
            .collect()
    };
    let broken = |vectors: &[Vector], but: &str| -> Vec<String> {
        vectors
            .iter()
            .filter(|vector| vector.accepted && !works(vector.runtime.as_ref()))
            .map(|vector| vector.value.clone())
            .filter(|value| but.is_empty() || !value.contains(but))
            .collect()
    };
    let frontend = |text: &str| Frontend::parse(text, &environment()).into();
    assert_eq!(
        held(&vectors.frontends, &frontend),
        broken(&vectors.frontends, "")
    );
    // A bad template breaks only the requests that are rewritten.
    let middleware = |text: &str| Middleware::parse(text, &environment()).into();
    assert_eq!(
        held(&vectors.middlewares, &middleware),
        broken(&vectors.middlewares, "{{")
    );
    let default_host = |text: &str| Host::parse(text, &environment()).into();
    assert_eq!(
        held(&vectors.hosts, &default_host),
        [r#"{"Settings": {"Default": true}}"#]
    );
}

#[test]
fn a_sealed_key_pair_is_opened() {
    let Sealed {
        host_value,
        cert_pem,
        key_pem,
        ..
    } = sealed();
    let host = Host::parse(&host_value, &environment()).value.unwrap();
    let expected = KeyPair {
        certificate: cert_pem.into_bytes(),
        key: key_pem.into_bytes(),
    };
    assert!(host.default);
    assert!(host.key_pair == Some(expected));
    let other_key = Environment {
        seal_key: Some("00".repeat(32).parse().unwrap()),
        ..environment()
    };
    let checked = Host::parse(&host_value, &other_key);
    let messages: Vec<_> = checked
        .problems
        .iter()
        .map(|problem| &*problem.message)
        .collect();
    assert_eq!(
        messages,
        ["the key pair is sealed with another key, or damaged"]
    );
}

#[test]
fn equal_settings_are_equal_however_they_are_written() {
    let backend = |settings: &str| {
        BackendSettings::from_json(&json::parse(settings).unwrap())
            .value
            .unwrap()
    };
    let frontend = |settings: &str| {
        FrontendSettings::from_json(&json::parse(settings).unwrap())
            .value
            .unwrap()
    };
    for (one, other, equal) in [
        ("{}", "null", true),
        (
            r#"{"Timeouts":{"Read":"60s"}}"#,
            r#"{"timeouts":{"read":"1m"},"Unknown":1}"#,
            true,
        ),
        (r#"{"Timeouts":{"Read":"0s","Dial":""}}"#, "{}", true),
        (
            r#"{"Timeouts":{"Read":"1s"},"Timeouts":{"Dial":"1s"}}"#,
            r#"{"Timeouts":{"Dial":"1s","Read":"1s"}}"#,
            true,
        ),
        (
            r#"{"TLS":{}}"#,
            r#"{"TLS":{"MinVersion":"VersionTLS10","MaxVersion":"VersionTLS12"}}"#,
            true,
        ),
        (
            r#"{"TLS":{"InsecureSkipVerify":true},"TLS":null}"#,
            "{}",
            true,
        ),
        (
            r#"{"TLS":{"SessionTicketsDisabled":true,"SessionCache":{"Type":"x"}}}"#,
            r#"{"TLS":{"SessionTicketsDisabled":true}}"#,
            true,
        ),
        (r#"{"TLS":{}}"#, "{}", false),
        (
            r#"{"Timeouts":{"Read":"60s"}}"#,
            r#"{"Timeouts":{"Dial":"60s"}}"#,
            false,
        ),
        (r#"{"KeepAlive":{"MaxIdleConnsPerHost":12}}"#, "{}", false),
    ] {
        assert_eq!(backend(one) == backend(other), equal, "{one} {other}");
    }
    let default = serde_json::json!({ "FailoverPredicate": Predicate::DEFAULT }).to_string();
    for (one, other, equal) in [
        ("{}", &*default, true),
        (
            r#"{"FailoverPredicate":"Attempts()<2"}"#,
            r#"{"FailoverPredicate":"(Attempts() < 02 )"}"#,
            true,
        ),
        (r#"{"FailoverPredicate":"Attempts()<2"}"#, "{}", false),
        (
            r#"{"PassHostHeader":true}"#,
            r#"{"passHostHeader":true,"Stream":null}"#,
            true,
        ),
        (r#"{"PassHostHeader":true}"#, "{}", false),
        (r#"{"Stream":true}"#, "{}", false),
        (r#"{"Hostname":"a"}"#, r#"{"Hostname":"A"}"#, false),
    ] {
        assert_eq!(frontend(one) == frontend(other), equal, "{one} {other}");
    }
}

/// Every value of the vectors, whatever it is for.
fn all_values() -> Vec<String> {
    let v = vectors();
    let kinds = [
        v.backends,
        v.servers,
        v.frontends,
        v.middlewares,
        v.hosts,
        v.listeners,
    ];
    kinds
        .into_iter()
        .flatten()
        .map(|vector| vector.value)
        .collect()
}

fn judge_as_everything(text: &str) -> Vec<Judged> {
    let environment = environment();
    vec![
        Backend::parse(text).into(),
        Server::parse(text).into(),
        Frontend::parse(text, &environment).into(),
        Middleware::parse(text, &environment).into(),
        Host::parse(text, &environment).into(),
        Listener::parse(text, &environment).into(),
    ]
}

fn assert_well_judged(text: &str) {
    for judged in judge_as_everything(text) {
        assert_eq!(judged.accepted, !judged.is_rejected(), "{text:?}");
        for problem in &judged.problems {
            assert!(
                text.get(problem.span.clone()).is_some(),
                "{problem:?} in {text:?}"
            );
            assert!(
                !problem.message.is_empty() && !problem.help.is_empty(),
                "{problem:?}"
            );
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_judged(text in any::<String>()) {
        assert_well_judged(&text);
    }

    #[test]
    fn mutated_values_are_judged(
        value in prop::sample::select(all_values()),
        at in any::<prop::sample::Index>(),
        length in 0_usize..12,
        replacement in "null|true|0|-1|1e9|1\\.5|\"\"|\"x\"|\\[\\]|\\{\\}|[{}\\[\\]\",:]|\\PC{0,3}",
    ) {
        let boundaries: Vec<_> =
            value.char_indices().map(|(at, _)| at).chain([value.len()]).collect();
        let start = at.index(boundaries.len());
        let end = (start + length).min(boundaries.len() - 1);
        let mut mutated = value.clone();
        mutated.replace_range(boundaries[start]..boundaries[end], &replacement);
        assert_well_judged(&mutated);
    }
}
