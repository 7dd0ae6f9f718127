use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::cluster::{ObjectName, Protocol, Service, ServicePort, ServiceType};

use super::WorldOptions;

pub(super) const NAMES: &[&str] = &["web", "api"];

/// Annotations that make a route on their own; few, so that Services want the same ones.
const ROUTES: &[(&str, &str)] = &[
    ("romulus/host", "a.example"),
    ("romulus/host", "b.example"),
    ("romulus/host", "c.example"),
    ("romulus/path", "/x"),
    ("romulus/pathRegexp", "^/r/.*"),
    ("romulus/hostRegexp", "^[a-z]+\\.example$"),
];

/// What is added to routes, often for one port only.
const PARTS: &[(&str, &str)] = &[
    ("romulus/path", "/x"),
    ("romulus/path", "/users/<id>"),
    ("romulus/path.http", "/http"),
    ("romulus/host.admin", "admin.example"),
    ("romulus/prefix", "/p"),
    ("romulus/method", "get"),
    ("romulus/methodRegexp", "^(GET|POST)$"),
    ("romulus/header", "X-Stage: canary"),
    ("romulus/headerRegexp", "X-Stage: ^c"),
];

const SETTINGS: &[(&str, &str)] = &[
    ("romulus/frontendSettings", r#"{"TrustForwardHeader":true}"#),
    (
        "romulus/frontendSettings",
        r#"{"FailoverPredicate":"IsNetworkError()"}"#,
    ),
    (
        "romulus/frontendSettings.http",
        r#"{"Limits":{"MaxBodyBytes":9}}}"#,
    ),
    (
        "romulus/backendSettings",
        r#"{"KeepAlive":{"Period":"4s"}}"#,
    ),
    (
        "romulus/backendSettings.http",
        r#"{"Timeouts":{"Read":"1s"}}"#,
    ),
    ("romulus/scheme", "https"),
];

const MIDDLEWARES: &[(&str, &str)] = &[
    (
        "romulus/middleware.limit",
        r#"{"Type":"connlimit","Middleware":{"Connections":5,"Variable":"client.ip"}}"#,
    ),
    (
        "romulus/middleware.limit",
        r#"{"Type":"connlimit","Middleware":{"Connections":6,"Variable":"client.ip"}}"#,
    ),
    (
        "romulus/middleware.rate",
        r#"{"Priority":2,"Type":"ratelimit","Middleware":{"PeriodSeconds":1,"Requests":1,"Burst":3,"Variable":"client.ip"}}"#,
    ),
    (
        "romulus/middleware.http.rate",
        r#"{"Priority":3,"Type":"ratelimit","Middleware":{"PeriodSeconds":1,"Requests":2,"Burst":3,"Variable":"client.ip"}}"#,
    ),
    ("romulus/redirectToSsl", "true"),
];

/// Changes that a running vulcand does not notice on their own.
const QUIET: &[(&str, &str)] = &[
    ("romulus/frontendSettings", r#"{"PassHostHeader":true}"#),
    ("romulus/passHostHeader", "true"),
];

const INVALID: &[(&str, &str)] = &[
    (
        "romulus/frontendSettings",
        r#"{"FailoverPredicate":"Attempts() <"}"#,
    ),
    ("romulus/frontendSettings.http", "{"),
    ("romulus/backendSettings", r#"{"Timeouts":{"Read":"5"}}"#),
    (
        "romulus/middleware.limit",
        r#"{"Type":"connlimit","Middleware":null}"#,
    ),
    (
        "romulus/middleware.auth",
        r#"{"Type":"auth","Middleware":{}}"#,
    ),
    ("romulus/scheme", "ftp"),
    ("romulus/pathRegexp", "("),
    ("romulus/path", "relative"),
];

const TARGETS: &[(&str, &str)] = &[
    ("romulus/backend", "api"),
    ("romulus/backend", "web"),
    ("romulus/backend", "web:http"),
    ("romulus/backend.http", "api:http"),
    ("romulus/backend", "nobody"),
];

fn annotations(options: WorldOptions) -> impl Strategy<Value = BTreeMap<String, String>> {
    let mut others = [PARTS, SETTINGS, MIDDLEWARES].concat();
    if options.quiet_settings {
        others.extend(QUIET);
    }
    if options.targets {
        others.extend([TARGETS, TARGETS].concat());
    }
    let invalid = if options.invalid {
        INVALID
    } else {
        MIDDLEWARES
    };
    let one = |of: &'static [(&'static str, &'static str)], weight| {
        prop::option::weighted(weight, select(of))
    };
    (
        one(ROUTES, 0.8),
        one(MIDDLEWARES, 0.5),
        vec(select(others), 0..3),
        one(invalid, 0.12),
    )
        .prop_map(|(route, middleware, others, invalid)| {
            let all = route
                .into_iter()
                .chain(middleware)
                .chain(others)
                .chain(invalid);
            all.map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect()
        })
}

fn port(name: &str, number: u16, protocol: Protocol) -> ServicePort {
    ServicePort {
        name: name.into(),
        port: number,
        protocol,
        app_protocol: None,
    }
}

fn ports() -> impl Strategy<Value = Vec<ServicePort>> {
    let http = port("http", 80, Protocol::Tcp);
    let admin = port("admin", 9090, Protocol::Tcp);
    let dns = port("dns", 53, Protocol::Udp);
    prop_oneof![
        4 => Just(vec![port("", 80, Protocol::Tcp)]),
        2 => Just(vec![http.clone(), admin]),
        1 => Just(vec![http.clone(), dns]),
        1 => Just(vec![http]),
        1 => Just(Vec::new()),
    ]
}

fn labels(options: WorldOptions) -> impl Strategy<Value = BTreeMap<String, String>> {
    let mut roots: Vec<&str> = options.roots().to_vec();
    if options.invalid {
        // No tree of vulcand's can be where romulus keeps its records.
        roots.push("romulus");
    }
    prop::option::weighted(0.3, select(roots)).prop_map(|root| {
        let label = root.map(|root| ("romulus/vulcanKey".to_owned(), root.to_owned()));
        label.into_iter().collect()
    })
}

/// The name of a Service of the alphabet.
pub(super) fn name(options: WorldOptions) -> impl Strategy<Value = ObjectName> {
    (select(options.namespaces()), select(NAMES))
        .prop_map(|(namespace, name)| ObjectName::new(namespace, name))
}

pub(super) fn service(options: WorldOptions) -> impl Strategy<Value = Service> {
    let created = [
        None,
        Some("2026-01-01T00:00:00Z"),
        Some("2026-01-02T00:00:00Z"),
    ];
    (
        name(options),
        select(vec![None, Some("1"), Some("1"), Some("2")]),
        select(created.to_vec()),
        (annotations(options), labels(options)),
        ports(),
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(name, uid, created, (annotations, labels), ports, not_ready)| Service {
                name,
                uid: uid.map(Into::into),
                created: created.map(Into::into),
                labels: labels.into_iter().collect(),
                annotations: annotations.into_iter().collect(),
                service_type: ServiceType::Endpoints,
                external_name: None,
                publish_not_ready_addresses: not_ready,
                ports,
            },
        )
}
