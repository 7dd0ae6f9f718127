//! What others do while a plan is carried out, and what is known too late.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of a test fail it by panicking"
)]

use romulus_core::config::{Config, Policy};
use romulus_core::testing::{Harness, MapStore};
use serde_json::{Value, json};

fn service(namespace: &str, name: &str, annotations: &Value) -> Value {
    json!({
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        "spec": {"ports": [{"port": 80}]},
    })
}

/// A Service with a backend and no frontend.
fn backend(namespace: &str, name: &str) -> Value {
    service(namespace, name, &json!({"romulus/scheme": "http"}))
}

fn slice(namespace: &str, service: &str, addresses: &[&str], port: u16) -> Value {
    let endpoints: Vec<_> = addresses
        .iter()
        .map(|a| json!({"addresses": [a]}))
        .collect();
    json!({
        "kind": "EndpointSlice",
        "metadata": {"name": format!("{service}-{port}"), "namespace": namespace,
                     "labels": {"kubernetes.io/service-name": service}},
        "endpoints": endpoints, "ports": [{"port": port}],
    })
}

#[test]
fn a_middleware_that_is_deleted_during_the_settle_pause_comes_back() {
    let limit = r#"{"Type":"connlimit","Middleware":{"Connections":9,"Variable":"client.ip"}}"#;
    let mut harness = Harness::synced(&[
        backend("prod", "web"),
        slice("prod", "web", &["10.0.0.1"], 80),
    ]);
    let annotations = json!({"romulus/host": "a.test", "romulus/middleware.limit": limit});
    harness.apply(&[service("prod", "web", &annotations)]);
    let plan = harness.plan();
    assert_eq!(plan.groups[0].steps.len(), 2);
    let key = "vulcand/frontends/web.prod/middlewares/limit";
    harness.commit_late(&plan.groups[0], |store| store.delete(key));
    assert!(harness.store.get(key).is_none());
    harness.sync();
    assert!(harness.store.get(key).is_some(), "{}", harness.store.tree());
}

#[test]
fn a_server_that_is_deleted_before_its_put_is_answered_comes_back() {
    let mut harness = Harness::new("vulcand");
    harness.list(&[
        backend("prod", "web"),
        slice("prod", "web", &["10.0.0.1"], 80),
    ]);
    let plan = harness.plan();
    let key = "vulcand/backends/web.prod/servers/10.0.0.1";
    harness.commit_late(&plan.groups[0], |store| store.delete(key));
    harness.sync();
    assert!(harness.store.get(key).is_some(), "{}", harness.store.tree());
}

#[test]
fn a_server_put_under_the_name_of_another_takes_none_away() {
    let mut harness = Harness::synced(&[
        backend("prod", "web"),
        slice("prod", "web", &["10.0.0.1"], 80),
        slice("prod", "web", &["10.0.0.1", "10.0.0.2"], 90),
    ]);
    let urls = |harness: &Harness| {
        let stored = harness.store.contents().into_iter();
        let servers = stored.filter(|(key, _)| key.contains("/servers/"));
        let mut urls: Vec<String> = servers.map(|(_, value)| value).collect();
        urls.sort();
        urls
    };
    let before = urls(&harness);
    assert_eq!(before.len(), 3, "{before:?}");
    let name = "vulcand/backends/web.prod/servers/10.0.0.1-90";
    harness.store.put(name, r#"{"URL":"http://10.0.0.2:90"}"#);
    harness.sync();
    assert_eq!(urls(&harness), before);
}

/// A target moves to another id in an earlier life, and is listed after what refers to it.
#[test]
fn a_frontend_finds_a_target_that_has_moved_before_a_start() {
    let objects = [
        backend("prod", "web"),
        backend("prod2", "web"),
        slice("prod", "web", &["10.0.0.1"], 80),
    ];
    let mut fresh = Harness::synced(&objects).restart();
    fresh.plan(); // The store is loaded before the cluster is listed.
    let refers = json!({"romulus/host": "a.test", "romulus/backend": "web"});
    fresh.list(&[&[service("prod", "api", &refers)], &objects[..]].concat());
    fresh.sync();
    let frontend = fresh
        .store
        .get("vulcand/frontends/api.prod/frontend")
        .unwrap();
    assert!(frontend.value.contains("\"web.prod_\""), "{frontend:?}");
}

#[test]
fn a_frontend_finds_a_target_that_comes_back_under_its_plain_id() {
    let mut harness = Harness::synced(&[backend("prod", "web"), backend("prod2", "web")]);
    let refers = json!({"romulus/host": "a.test", "romulus/backend": "web"});
    harness.apply(&[service("prod", "api", &refers)]);
    harness.sync();
    harness.delete("Service", "prod", "web");
    harness.delete("Service", "prod2", "web");
    harness.sync();
    harness.apply(&[
        backend("prod", "web"),
        slice("prod", "web", &["10.0.0.1"], 80),
    ]);
    harness.sync();
    let frontend = harness.store.get("vulcand/frontends/api.prod/frontend");
    assert!(frontend.is_some(), "{}", harness.diagnostics());
}

#[test]
fn a_frontend_finds_a_target_that_comes_back_where_it_had_moved_to() {
    let mut config = Config::new("vulcand".parse().unwrap());
    config.policy = Policy::UpsertOnly;
    let mut harness = Harness::with(config, MapStore::default());
    harness.list(&[
        backend("prod", "web"),
        backend("prod2", "web"),
        slice("prod", "web", &["10.0.0.1"], 80),
    ]);
    harness.sync();
    harness.delete("Service", "prod", "web");
    harness.sync();
    let refers = json!({"romulus/host": "a.test", "romulus/backend": "web"});
    harness.apply(&[service("prod", "api", &refers)]);
    harness.sync();
    harness.apply(&[backend("prod", "web")]);
    harness.sync();
    let frontend = harness.store.get("vulcand/frontends/api.prod/frontend");
    assert!(frontend.is_some(), "{}", harness.diagnostics());
}

#[test]
fn servers_that_were_withheld_go_once_they_are_seen_to_be_gone() {
    let names: Vec<String> = (1..=6).map(|n| format!("s{n}")).collect();
    let services: Vec<Value> = names
        .iter()
        .map(|name| {
            service(
                "prod",
                name,
                &json!({"romulus/host": format!("{name}.test")}),
            )
        })
        .collect();
    let slices = |addresses: &[&str]| -> Vec<Value> {
        let of = |name: &String| slice("prod", name, addresses, 80);
        names.iter().map(of).collect()
    };
    let config = Config::new("vulcand".parse().unwrap());
    let mut harness = Harness::with(config, MapStore::default());
    harness.list(&[services.clone(), slices(&["10.0.0.1"])].concat());
    harness.sync();
    harness.list(&services);
    harness.sync();
    assert_eq!(
        harness.diagnostics().matches("withheld").count(),
        12,
        "{}",
        harness.diagnostics()
    );
    harness.apply(&slices(&[]));
    harness.sync();
    assert_eq!(harness.diagnostics(), "");
    assert!(!harness.store.tree().contains("/servers/"));
}
