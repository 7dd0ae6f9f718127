//! A store that goes back: restored from a backup, or emptied. Its revisions are given out anew.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of a test fail it by panicking"
)]

use romulus_core::testing::{Harness, MapStore};
use serde_json::{Value, json};

fn service(host: &str) -> Value {
    json!({
        "kind": "Service",
        "metadata": {"name": "web", "annotations": {"romulus/host": host}},
        "spec": {"ports": [{"port": 80}]},
    })
}

#[test]
fn an_emptied_store_is_filled_again() {
    let mut harness = Harness::new("vulcand");
    harness.list(&[service("one")]);
    harness.sync();
    let before = harness.store.tree();
    harness.restore(MapStore::default());
    assert_eq!(harness.world.owned(), 0);
    harness.sync();
    assert_eq!(harness.store.tree(), before);
}

#[test]
fn a_restored_store_is_brought_in_step() {
    let mut harness = Harness::new("vulcand");
    harness.list(&[service("one")]);
    harness.sync();
    let backup = harness.store.clone();
    for host in ["two", "three", "four"] {
        harness.apply(&[service(host)]);
        harness.sync();
    }
    let before = harness.store.tree();
    harness.restore(backup);
    harness.sync();
    assert_eq!(harness.store.tree(), before);
}

#[test]
fn a_key_that_was_deleted_before_is_seen_when_somebody_else_puts_it() {
    let mut harness = Harness::new("vulcand");
    harness.list(&[service("one")]);
    harness.sync();
    harness.list(&[]);
    // The watch has not told of these deletions when the store is emptied.
    for group in harness.plan().groups {
        harness.commit(&group);
    }
    harness.restore(MapStore::default());
    let foreign = r#"{"Id":"web.default","Type":"http"}"#;
    harness
        .store
        .put("vulcand/backends/web.default/backend", foreign);
    harness.apply(&[service("one")]);
    harness.sync();
    assert!(
        harness.diagnostics().contains("[foreign-object]"),
        "{}",
        harness.diagnostics()
    );
}
