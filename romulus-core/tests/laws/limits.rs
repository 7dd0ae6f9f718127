//! The limits of etcd, which the store of these tests has as well: it fails where one is passed.

use romulus_core::plan::Transaction;
use romulus_core::testing::Harness;
use romulus_core::testing::worlds::Witness;
use romulus_core::world::End;
use serde_json::{Value, json};

use crate::revisions::Revisions;

const LIMIT: &str = r#"{"Type":"connlimit","Middleware":{"Connections":5,"Variable":"client.ip"}}"#;

fn service(name: &str, padding: &str) -> Value {
    json!({
        "kind": "Service",
        "metadata": {"name": name, "annotations": {
            "romulus/host": format!("{name}.example"),
            "romulus/frontendSettings": format!(r#"{{"Hostname":"{padding}"}}"#),
            "romulus/middleware.limit": LIMIT,
        }},
        "spec": {"ports": [{"port": 80}]},
    })
}

fn slice(name: &str, addresses: std::ops::Range<usize>) -> Value {
    let endpoint = |n: usize| json!({"addresses": [format!("10.0.{}.{}", n / 250, n % 250)]});
    json!({
        "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
        "endpoints": addresses.map(endpoint).collect::<Vec<_>>(),
        "ports": [{"port": 80}],
    })
}

/// Commits everything that is planned, looking at every revision; returns the transactions.
fn sync(harness: &mut Harness) -> Vec<Transaction> {
    let mut revisions = Revisions::default();
    let mut written = Vec::new();
    loop {
        let plan = harness.plan();
        if plan.groups.is_empty() {
            return written;
        }
        revisions.begin(&harness.store, &plan);
        for group in &plan.groups {
            let mut steps = Vec::new();
            for step in &group.steps {
                let transaction = harness.commit_step(step, &mut steps).expect("no conflict");
                revisions.committed(&harness.store, &transaction);
                written.push(transaction);
            }
            harness.world.finished(group, End::Complete);
        }
        revisions.verdict().expect("every revision keeps the rules");
    }
}

#[test]
fn a_service_with_500_endpoints_is_split() {
    let mut harness = Harness::new("vulcand");
    harness.list(&[service("big", ""), slice("big", 0..500)]);
    // Two heads with their records, one middleware, 500 servers.
    let written = sync(&mut harness);
    assert_eq!(
        written.iter().map(|t| t.ops.len()).collect::<Vec<_>>(),
        [128, 128, 128, 121]
    );
    // All its servers are replaced: the new ones come first.
    harness.apply(&[slice("big", 500..1000)]);
    let written = sync(&mut harness);
    assert_eq!(written.iter().map(|t| t.ops.len()).sum::<usize>(), 1000);
    assert_eq!(harness.keys().len(), 503);
    harness.list(&[]);
    sync(&mut harness);
    assert_eq!(harness.store.contents().len(), 0);
}

#[test]
fn small_services_share_transactions_within_the_limits() {
    let mut harness = Harness::new("vulcand");
    let objects: Vec<Value> = (0..300)
        .flat_map(|n| {
            [
                service(&format!("s{n}"), ""),
                slice(&format!("s{n}"), n..n + 1),
            ]
        })
        .collect();
    harness.list(&objects);
    let written = sync(&mut harness);
    // Six operations each, 21 Services in a transaction.
    assert_eq!(written.iter().map(|t| t.ops.len()).sum::<usize>(), 1800);
    assert_eq!(written.len(), 15);
    assert!(
        written
            .iter()
            .all(|t| t.guards.len() < Transaction::MAX_OPS)
    );
}

#[test]
fn large_values_share_transactions_within_the_limits() {
    let mut harness = Harness::new("vulcand");
    let padding = "x".repeat(500_000);
    let objects: Vec<Value> = (0..5)
        .map(|n| service(&format!("s{n}"), &padding))
        .collect();
    harness.list(&objects);
    let written = sync(&mut harness);
    assert_eq!(written.len(), 3);
    assert!(written.iter().all(|t| t.bytes() <= Transaction::MAX_BYTES));
    assert_eq!(harness.keys().len(), 15);
}

#[test]
fn interrupted_between_the_parts_of_a_large_service_it_goes_on() {
    for steps in 0..4 {
        let objects = [service("big", ""), slice("big", 0..500)];
        let mut harness = Harness::new("vulcand");
        harness.list(&objects);
        let plan = harness.plan();
        harness.commit_steps(&plan.groups[0], steps);
        let mut harness = harness.restart();
        harness.list(&objects);
        sync(&mut harness);
        assert_eq!(harness.keys().len(), 503, "after {steps} steps");
    }
}
