use arbitrary::{Result, Unstructured};
use serde_json::{Map, Value, json};

/// `prod` begins the others, so that ids do.
pub(super) const NAMESPACES: &[&str] = &["prod", "prod-eu", "prod2"];
pub(super) const NAMES: &[&str] = &["web", "api"];
/// The trees, those of labels included; one root begins another.
pub(super) const ROOTS: &[&str] = &["vulcand", "vulcand-test", "edge"];

/// What makes a route, for all ports or one; few, so that Services want the same.
const ROUTES: &[(&str, &str)] = &[
    ("host", "a.test"),
    ("host", "b.test"),
    ("host", "c.test"),
    ("path", "/x"),
    ("path", "/users/<id>"),
    ("path.http", "/http"),
    ("host.admin", "admin.test"),
    ("hostRegexp", "^[a-z]+\\.test$"),
    ("prefix", "/p"),
    ("method", "get"),
    ("header", "X-Stage: canary"),
    ("priority", "300"),
];

const OTHERS: &[(&str, &str)] = &[
    ("frontendSettings", r#"{"TrustForwardHeader":true}"#),
    ("frontendSettings", r#"{"PassHostHeader":true}"#),
    ("frontendSettings", r#"{"Stream":true}"#),
    (
        "frontendSettings",
        r#"{"FailoverPredicate":"IsNetworkError()"}"#,
    ),
    ("frontendSettings.http", r#"{"Limits":{"MaxBodyBytes":9}}}"#),
    ("passHostHeader", "true"),
    ("backendSettings", r#"{"KeepAlive":{"Period":"4s"}}"#),
    ("backendSettings.http", r#"{"Timeouts":{"Read":"1s"}}"#),
    ("scheme", "https"),
    (
        "middleware.limit",
        r#"{"Type":"connlimit","Middleware":{"Connections":5,"Variable":"client.ip"}}"#,
    ),
    (
        "middleware.limit",
        r#"{"Type":"connlimit","Middleware":{"Connections":6,"Variable":"client.ip"}}"#,
    ),
    (
        "middleware.http.limit",
        r#"{"Priority":3,"Type":"connlimit","Middleware":{"Connections":7,"Variable":"client.ip"}}"#,
    ),
    ("redirectToSsl", "true"),
    ("maintenance", "https://m.test/"),
    ("backend", "api"),
    ("backend", "web"),
    ("backend", "web:http"),
    ("backend.http", "api:http"),
    ("backend", "nobody"),
    // What does not validate is held.
    (
        "frontendSettings",
        r#"{"FailoverPredicate":"Attempts() <"}"#,
    ),
    ("backendSettings", r#"{"Timeouts":{"Read":"5"}}"#),
    (
        "middleware.limit",
        r#"{"Type":"connlimit","Middleware":null}"#,
    ),
    ("middleware.auth", r#"{"Type":"auth","Middleware":{}}"#),
    ("scheme", "ftp"),
    ("pathRegexp", "("),
];

/// Labels that name a tree; romulus's own keys can't be in one.
const LABELS: &[Option<&str>] = &[
    None,
    None,
    None,
    None,
    Some("vulcand-test"),
    Some("edge"),
    Some("romulus"),
];

const PORTS: &[&[(&str, u16, &str)]] = &[
    &[("", 80, "TCP")],
    &[("http", 80, "TCP"), ("admin", 9090, "TCP")],
    &[("http", 80, "TCP"), ("dns", 53, "UDP")],
    &[("http", 80, "TCP")],
    &[],
];

const ADDRESSES: &[&str] = &["10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1"];
const CREATED: &[Option<&str>] = &[
    None,
    Some("2026-01-01T00:00:00Z"),
    Some("2026-01-02T00:00:00Z"),
];

/// Ids of others: their own, and those that Services of the alphabet would have, or begin with.
const FOREIGN_IDS: &[&str] = &[
    "legacy",
    "web.prod",
    "web.prod-eu",
    "http.api.prod2",
    "api.pro",
    "web.prod_",
];
const FOREIGN_ROUTES: &[&str] = &["Host(`legacy.test`)", "Host(`a.test`)", "Path(`/x`)"];

/// Namespace and name of a Service.
pub(super) type Name = (&'static str, &'static str);

pub(super) fn name(bytes: &mut Unstructured<'_>) -> Result<Name> {
    Ok((bytes.choose(NAMESPACES)?, bytes.choose(NAMES)?))
}

pub(super) fn service((namespace, name): Name, bytes: &mut Unstructured<'_>) -> Result<Value> {
    let mut annotations = Map::new();
    for of in [ROUTES, OTHERS] {
        for _ in 0..bytes.int_in_range(0..=3u8)? {
            let (option, value) = *bytes.choose(of)?;
            annotations.insert(format!("romulus/{option}"), value.into());
        }
    }
    let mut labels = Map::new();
    if let Some(root) = bytes.choose(LABELS)? {
        labels.insert("romulus/vulcanKey".to_owned(), (*root).into());
    }
    let ports: Vec<Value> = bytes
        .choose(PORTS)?
        .iter()
        .map(|(name, port, protocol)| json!({"name": name, "port": port, "protocol": protocol}))
        .collect();
    let uid = format!("uid-{}", bytes.int_in_range(0..=1u8)?);
    Ok(json!({
        "kind": "Service",
        "metadata": {
            "name": name, "namespace": namespace, "uid": uid,
            "creationTimestamp": bytes.choose(CREATED)?,
            "labels": labels, "annotations": annotations,
        },
        "spec": {"ports": ports},
    }))
}

/// One of the two slices of a Service.
pub(super) fn slice((namespace, service): Name, bytes: &mut Unstructured<'_>) -> Result<Value> {
    let number = bytes.int_in_range(0..=1u8)?;
    let mut endpoints = Vec::new();
    for _ in 0..bytes.int_in_range(0..=3u8)? {
        let address = bytes.choose(ADDRESSES)?;
        let conditions = match bytes.int_in_range(0..=5u8)? {
            0 => json!({"ready": false, "serving": true, "terminating": true}),
            1 => json!({"ready": false}),
            _ => json!({}),
        };
        endpoints.push(json!({"addresses": [address], "conditions": conditions}));
    }
    let mut ports = vec![
        json!({"name": null, "port": 8080}),
        json!({"name": "http", "port": 8080}),
        json!({"name": "admin", "port": 9090}),
    ];
    if bytes.ratio(1, 4)? {
        ports.push(json!({"name": "http", "port": 8081}));
    }
    Ok(json!({
        "kind": "EndpointSlice",
        "metadata": {
            "name": format!("{service}-{number}"), "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service},
        },
        "endpoints": endpoints, "ports": ports,
    }))
}

/// A frontend of others, its id and the text of its route, and where it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Foreign {
    pub(super) root: &'static str,
    pub(super) id: &'static str,
    pub(super) route: &'static str,
}

impl Foreign {
    pub(super) fn any(bytes: &mut Unstructured<'_>) -> Result<Self> {
        Ok(Self {
            root: bytes.choose(ROOTS)?,
            id: bytes.choose(FOREIGN_IDS)?,
            route: bytes.choose(FOREIGN_ROUTES)?,
        })
    }

    /// Backend, server and frontend, in the order in which they are created.
    pub(super) fn keys(&self) -> [(String, String); 3] {
        let Self { root, id, route } = self;
        let frontend = format!(r#"{{"Type": "http", "BackendId": "{id}", "Route": "{route}"}}"#);
        [
            (
                format!("{root}/backends/{id}/backend"),
                r#"{"Type": "http"}"#.to_owned(),
            ),
            (
                format!("{root}/backends/{id}/servers/s"),
                r#"{"URL": "http://10.1.0.1:80"}"#.to_owned(),
            ),
            (format!("{root}/frontends/{id}/frontend"), frontend),
        ]
    }
}
