//! Whole outputs: the examples of the original project, and what a real cluster went through.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of a test fail it by panicking"
)]

use romulus_core::config::Config;
use romulus_core::testing::{Harness, MapStore};
use serde_json::Value;

fn yaml(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).expect("YAML")
}

fn config() -> Config {
    let mut config = Config::new("vulcand".parse().unwrap());
    config.selector = "type=external".parse().unwrap();
    config
}

fn keys_and_diagnostics(objects: &[Value]) -> String {
    let mut harness = Harness::with(config(), MapStore::default());
    harness.list(objects);
    harness.sync();
    format!("{}\n{}", harness.store.tree(), harness.diagnostics())
}

#[test]
fn guestbook() {
    insta::assert_snapshot!(keys_and_diagnostics(&yaml(include_str!(
        "data/readme/guestbook.yaml"
    ))));
}

#[test]
fn multi_port() {
    insta::assert_snapshot!(keys_and_diagnostics(&yaml(include_str!(
        "data/readme/multi-port.yaml"
    ))));
}

const STEPS: [&str; 8] = [
    "1-services-created",
    "2-pods-not-ready",
    "3-pods-ready",
    "4-rolling-one-terminating",
    "5-rolled",
    "6-annotations-and-ports-changed",
    "7-vulcankey-removed-and-one-deselected",
    "8-deleted-and-no-endpoints",
];

/// The items of a recorded list, which the server writes without their kinds.
fn recorded(step: &str, kind: &str, file: &str) -> Vec<Value> {
    let path = format!(
        "{}/tests/data/kube/{step}-{file}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut list: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let Value::Array(mut items) = list["items"].take() else {
        panic!("no items")
    };
    for item in &mut items {
        item["kind"] = kind.into();
    }
    items
}

fn follow(kind: &str, file: &str) -> String {
    let mut config = config();
    config.max_delete_percent = 100;
    let mut harness = Harness::with(config, MapStore::default());
    let mut told = String::new();
    for step in STEPS {
        let mut objects = recorded(step, "Service", "services");
        objects.extend(recorded(step, kind, file));
        harness.list(&objects);
        let written = harness.sync();
        let mut fresh = harness.restart();
        fresh.list(&objects);
        assert_eq!(
            fresh.sync(),
            [],
            "a fresh start after {step} has something to write"
        );
        told += &format!(
            "## {step}: {} transactions, {} objects owned\n{}\n{}\n",
            written.len(),
            harness.world.owned(),
            harness.store.tree(),
            harness.diagnostics(),
        );
    }
    told
}

#[test]
fn recorded_steps_from_slices() {
    insta::assert_snapshot!(follow("EndpointSlice", "endpointslices"));
}

#[test]
fn recorded_steps_from_endpoints() {
    insta::assert_snapshot!(follow("Endpoints", "endpoints"));
}
