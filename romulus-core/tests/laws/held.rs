//! What does not validate is held: stored keys stay, nothing new is written, all else goes on.

use romulus_core::testing::Harness;
use serde_json::{Value, json};

fn service(annotations: &Value, labels: &Value, ports: &[&str]) -> Value {
    let ports: Vec<_> = ports
        .iter()
        .map(|name| json!({"name": name, "port": 80}))
        .collect();
    json!({
        "kind": "Service",
        "metadata": {"name": "web", "annotations": annotations, "labels": labels},
        "spec": {"ports": ports},
    })
}

fn slice(address: &str) -> Value {
    json!({
        "kind": "EndpointSlice",
        "metadata": {"name": "web-x", "labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": [{"addresses": [address]}],
        "ports": [{"name": "http", "port": 80}, {"name": "admin", "port": 90}],
    })
}

const LIMIT: &str = r#"{"Type":"connlimit","Middleware":{"Connections":5,"Variable":"client.ip"}}"#;

fn valid() -> Value {
    json!({
        "romulus/host.http": "a.example",
        "romulus/host.admin": "b.example",
        "romulus/frontendSettings": r#"{"TrustForwardHeader":true}"#,
        "romulus/backendSettings": r#"{"KeepAlive":{"Period":"4s"}}"#,
        "romulus/middleware.limit": LIMIT,
    })
}

fn published() -> Harness {
    let mut harness = Harness::new("vulcand");
    harness.list(&[
        service(&valid(), &json!({}), &["http", "admin"]),
        slice("10.0.0.1"),
    ]);
    harness.sync();
    assert_eq!(harness.world.owned(), 4);
    harness
}

/// The keys that differ between two stores.
fn changed(before: &Harness, after: &Harness) -> Vec<String> {
    let (before, after) = (before.store.contents(), after.store.contents());
    let mut keys: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    keys.retain(|key| before.get(key) != after.get(key));
    keys.sort();
    keys.dedup();
    keys
}

/// The stored keys stay with this annotation or label, at a change and at a start; servers follow.
fn assert_held(key: &str, value: &str, labels: &Value) {
    let before = published();
    let mut annotations = valid();
    annotations["romulus/path"] = "/new".into();
    if !key.is_empty() {
        annotations[key] = value.into();
    }
    let bad = service(&annotations, labels, &["http", "admin"]);
    let servers = ["admin", "http"].map(|port| {
        ["10.0.0.1", "10.0.0.2"]
            .map(|address| format!("vulcand/backends/{port}.web.default/servers/{address}"))
    });
    let mut live = published();
    live.apply(&[bad.clone(), slice("10.0.0.2")]);
    live.sync();
    assert_eq!(
        changed(&before, &live),
        servers.as_flattened(),
        "{key}={value}, live"
    );
    let mut fresh = before.restart();
    fresh.list(&[bad, slice("10.0.0.2")]);
    fresh.sync();
    assert_eq!(
        changed(&before, &fresh),
        servers.as_flattened(),
        "{key}={value}, at a start"
    );
    assert!(
        fresh.diagnostics().contains("error["),
        "{}",
        fresh.diagnostics()
    );
}

#[test]
fn settings_routes_and_middlewares_that_do_not_validate_keep_the_frontend() {
    for (key, value) in [
        (
            "romulus/frontendSettings",
            r#"{"FailoverPredicate":"Attempts() <"}"#,
        ),
        ("romulus/frontendSettings", "{"),
        ("romulus/method", "not one"),
        ("romulus/pathRegexp", "/contradicts-path"),
        (
            "romulus/middleware.limit",
            r#"{"Type":"connlimit","Middleware":null}"#,
        ),
        (
            "romulus/middleware.other",
            r#"{"Type":"auth","Middleware":{}}"#,
        ),
        ("romulus/backend", "no service!"),
    ] {
        assert_held(key, value, &json!({}));
    }
}

#[test]
fn a_label_that_names_no_tree_keeps_everything() {
    for label in ["romulus", "a b", "/"] {
        assert_held("", "", &json!({"romulus/vulcanKey": label}));
    }
}

#[test]
fn backend_settings_that_do_not_validate_keep_the_backend_and_only_it() {
    let before = published();
    let mut annotations = valid();
    annotations["romulus/backendSettings.http"] = r#"{"Timeouts":{"Read":"5"}}"#.into();
    annotations["romulus/backendSettings"] = r#"{"KeepAlive":{"Period":"5s"}}"#.into();
    annotations["romulus/path"] = "/new".into();
    let mut after = before.restart();
    after.list(&[
        service(&annotations, &json!({}), &["http", "admin"]),
        slice("10.0.0.2"),
    ]);
    after.sync();
    let expected = [
        "vulcand/backends/admin.web.default/backend",
        "vulcand/backends/admin.web.default/servers/10.0.0.1",
        "vulcand/backends/admin.web.default/servers/10.0.0.2",
        "vulcand/backends/http.web.default/servers/10.0.0.1",
        "vulcand/backends/http.web.default/servers/10.0.0.2",
        "vulcand/frontends/admin.web.default/frontend",
        "vulcand/frontends/http.web.default/frontend",
    ];
    assert_eq!(changed(&before, &after), expected);
}

#[test]
fn a_scheme_that_does_not_validate_keeps_the_stored_one() {
    let mut harness = Harness::new("vulcand");
    let mut annotations = valid();
    annotations["romulus/scheme"] = "https".into();
    harness.list(&[
        service(&annotations, &json!({}), &["http"]),
        slice("10.0.0.1"),
    ]);
    harness.sync();
    annotations["romulus/scheme"] = "gopher".into();
    harness.apply(&[
        service(&annotations, &json!({}), &["http"]),
        slice("10.0.0.2"),
    ]);
    harness.sync();
    let tree = harness.store.tree();
    assert!(
        tree.contains(r#"servers/10.0.0.2 {"URL":"https://10.0.0.2:80"}"#),
        "{tree}"
    );
    assert!(!tree.contains("10.0.0.1"), "{tree}");
}

#[test]
fn a_port_that_is_removed_goes_although_another_is_held() {
    let mut harness = published();
    let mut annotations = valid();
    annotations["romulus/frontendSettings"] = "{".into();
    harness.apply(&[service(&annotations, &json!({}), &["http"])]);
    harness.sync();
    let keys = harness.keys();
    assert!(!keys.iter().any(|key| key.contains("admin")), "{keys:?}");
    assert!(keys.contains(&"vulcand/frontends/http.web.default/middlewares/limit".to_owned()));
}

#[test]
fn what_was_never_valid_is_not_written() {
    let mut harness = Harness::new("vulcand");
    let mut annotations = valid();
    annotations["romulus/frontendSettings.http"] = "{".into();
    annotations["romulus/backendSettings.admin"] = "{".into();
    harness.list(&[
        service(&annotations, &json!({}), &["http", "admin"]),
        slice("10.0.0.1"),
    ]);
    harness.sync();
    let expected = [
        "vulcand/backends/http.web.default/backend",
        "vulcand/backends/http.web.default/servers/10.0.0.1",
    ];
    assert_eq!(harness.keys(), expected);
}

#[test]
fn a_backend_that_stays_for_a_reference_is_put_again_when_others_delete_it() {
    let service = |name: &str, annotations: Value| {
        json!({
            "kind": "Service",
            "metadata": {"name": name, "annotations": annotations},
            "spec": {"ports": [{"name": "http", "port": 80}]},
        })
    };
    let blue = service("web", json!({"romulus/path": "/blue"}));
    let both = json!({"romulus/host": "a.example", "romulus/backend": "web:http"});
    let front = service("front", both);
    let mut harness = Harness::new("vulcand");
    harness.list(&[blue, front.clone(), slice("10.0.0.1")]);
    harness.sync();
    // Its Service goes; the backend has to stay, and without its head no vulcand would start.
    harness.list(&[front]);
    harness.sync();
    let head = "vulcand/backends/http.web.default/backend";
    harness.store.delete(head);
    harness.sync();
    assert!(
        harness.store.get(head).is_some(),
        "{}",
        harness.store.tree()
    );
    let root = "vulcand".parse().expect("a root");
    let started = romulus_core::testing::vulcand::Vulcand::start(&root, &harness.store);
    assert!(started.is_ok(), "{started:?}");
}
