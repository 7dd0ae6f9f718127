//! The model of vulcand against what was measured on a running one: every order of writes, with
//! every lag there can be.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail their test by panicking"
)]

use romulus_core::key::Root;
use romulus_core::plan::{Op, Transaction};
use romulus_core::testing::MapStore;
use romulus_core::testing::vulcand::{Reaction, Vulcand};
use romulus_core::vulcand::route::Request;
use serde_json::Value;

const VECTORS: &str = include_str!("data/vectors.json");

fn vectors(kind: &str) -> Vec<Value> {
    let mut vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let Value::Array(list) = vectors[kind].take() else {
        panic!("no vectors `{kind}`")
    };
    assert!(!list.is_empty());
    list
}

fn root() -> Root {
    "vulcand".parse().unwrap()
}

fn put(key: &str, value: &str) -> Op {
    Op::Put {
        key: format!("vulcand/{key}"),
        value: value.into(),
    }
}

fn delete(key: &str) -> Op {
    Op::Delete {
        key: format!("vulcand/{key}"),
    }
}

fn frontend(backend: &str, route: &str) -> Op {
    let value = serde_json::json!({"Type": "http", "BackendId": backend, "Route": route});
    put("frontends/f/frontend", &value.to_string())
}

const ROUTE: &str = "Path(`/`)";

fn backend(id: &str) -> Op {
    put(&format!("backends/{id}/backend"), r#"{"Type":"http"}"#)
}

fn server(backend: &str, name: &str) -> Op {
    let value = format!(r#"{{"URL":"http://{name}.test:80"}}"#);
    put(&format!("backends/{backend}/servers/{name}"), &value)
}

fn middleware(name: &str) -> Op {
    let value = r#"{"Type":"connlimit","Middleware":{"Connections":1,"Variable":"client.ip"}}"#;
    put(&format!("frontends/f/middlewares/{name}"), value)
}

/// What a case begins with.
fn stored(case: &str) -> Vec<Op> {
    let full = vec![
        backend("b"),
        server("b", "s"),
        frontend("b", ROUTE),
        middleware("m"),
    ];
    match case {
        "create" => Vec::new(),
        "create on a shared backend" => vec![backend("b"), server("b", "s"), backend("empty")],
        "delete" | "replace middleware" | "change route text of a live frontend" => full,
        "replace the only server" => full,
        "switch BackendId" => [full, vec![backend("c"), server("c", "t")]].concat(),
        _ => panic!("what does `{case}` begin with?"),
    }
}

/// The writes that a word of a vector stands for.
fn word(case: &str, word: &str) -> Vec<Op> {
    let delete_frontend = delete("frontends/f/frontend");
    let one = match (case, word) {
        ("delete", "middleware" | "del middleware") => delete("frontends/f/middlewares/m"),
        ("delete", "frontend" | "del frontend") => delete_frontend,
        ("delete", "servers" | "del servers") => delete("backends/b/servers/s"),
        ("delete", "backend" | "del backend") => delete("backends/b/backend"),
        ("delete", "range frontends/x/") => {
            // A range is deleted in the order of its keys.
            return vec![delete_frontend, delete("frontends/f/middlewares/m")];
        }
        ("replace middleware", "put new id") => middleware("n"),
        ("replace middleware", "delete old id") => delete("frontends/f/middlewares/m"),
        ("replace the only server", "put new") => server("b", "new"),
        ("replace the only server", "delete old") => delete("backends/b/servers/s"),
        ("change route text of a live frontend", "put frontend") => frontend("b", "Path(`/`)  "),
        ("switch BackendId", "put frontend") => frontend("c", ROUTE),
        (_, "backend" | "put backend") => backend("b"),
        (_, "server" | "put server") => server("b", "s"),
        (_, "frontend" | "put frontend") => frontend("b", ROUTE),
        (_, "middleware" | "put middleware") => middleware("m"),
        (_, "frontend on an empty backend") => frontend("empty", ROUTE),
        (_, "frontend with an unmatchable route") => frontend("b", "Host(`a:b`)"),
        (_, "frontend with the real BackendId" | "frontend with the real BackendId at once") => {
            frontend("b", ROUTE)
        }
        (_, "frontend with the real route") => frontend("b", ROUTE),
        _ => panic!("what does `{word}` of `{case}` do?"),
    };
    vec![one]
}

/// What is written, and where to wait.
enum Step {
    Commit(Vec<Op>),
    Wait,
}

fn steps(vector: &Value) -> Vec<Step> {
    let case = vector["case"].as_str().unwrap();
    let texts: Vec<&str> = vector["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step.as_str().unwrap())
        .collect();
    if vector["txn"] == true {
        return vec![Step::Commit(
            texts.iter().flat_map(|text| word(case, text)).collect(),
        )];
    }
    let step = |text: &&str| match text.strip_prefix("txn: ") {
        Some(texts) => Step::Commit(
            texts
                .split([',', '+'])
                .flat_map(|text| word(case, text.trim()))
                .collect(),
        ),
        None if text.starts_with("wait") => Step::Wait,
        None => Step::Commit(word(case, text)),
    };
    texts.iter().map(step).collect()
}

fn commit(store: &mut MapStore, ops: Vec<Op>) {
    store
        .commit(&Transaction {
            guards: Vec::new(),
            ops,
        })
        .unwrap();
}

/// What a run can show.
#[derive(Debug, Default)]
struct Seen {
    unguarded: bool,
    failed: bool,
    runs: usize,
}

/// Tries every order in which commits and events can follow each other.
fn explore(steps: &[Step], store: &MapStore, vulcand: &Vulcand, handled: usize, seen: &mut Seen) {
    let request = Request::new("GET", "a.test", "/");
    match vulcand.answer(&request) {
        Some((_, servers)) if !servers.is_empty() => {
            seen.unguarded |= vulcand.state().frontends["f"].middlewares.is_empty();
        }
        _ => seen.failed = true,
    }
    if let Some(event) = store.log().get(handled) {
        let mut vulcand = vulcand.clone();
        seen.failed |= vulcand.handle(event, store) == Reaction::Rerouted;
        explore(steps, store, &vulcand, handled + 1, seen);
    }
    match steps.split_first() {
        Some((Step::Wait, rest)) if handled == store.log().len() => {
            explore(rest, store, vulcand, handled, seen);
        }
        Some((Step::Wait, _)) => {}
        Some((Step::Commit(ops), rest)) => {
            let mut store = store.clone();
            commit(&mut store, ops.clone());
            explore(rest, &store, vulcand, handled, seen);
        }
        None => seen.runs += usize::from(handled == store.log().len()),
    }
}

#[test]
fn event_order() {
    for vector in vectors("event_order") {
        let mut store = MapStore::default();
        for op in stored(vector["case"].as_str().unwrap()) {
            commit(&mut store, vec![op]);
        }
        let vulcand = Vulcand::start(&root(), &store).unwrap();
        let mut seen = Seen::default();
        explore(
            &steps(&vector),
            &store,
            &vulcand,
            store.log().len(),
            &mut seen,
        );
        assert!(seen.runs > 0);
        let measured = [
            ("unguarded_requests", seen.unguarded),
            ("failed_requests", seen.failed),
        ];
        let mut compared = 0;
        for (what, ours) in measured {
            if let Some(requests) = vector[what].as_u64() {
                assert_eq!(ours, requests > 0, "{what}: {vector}");
                compared += 1;
            }
        }
        assert_eq!(compared, 1, "{vector}");
    }
}

#[test]
fn id_prefix_mixups() {
    for vector in vectors("id_prefix_mixups") {
        let ids = ["0", "1"].map(|n| vector["ids"][n.parse::<usize>().unwrap()].as_str().unwrap());
        let mut store = MapStore::default();
        let mut live = Vulcand::start(&root(), &store).unwrap();
        for id in ids {
            commit(&mut store, vec![backend(id), server(id, id)]);
        }
        for event in store.log() {
            live.handle(event, &store);
        }
        let fresh = Vulcand::start(&root(), &store).unwrap();
        let count = |vulcand: &Vulcand, id: &str| vulcand.state().backends[id].1.len();
        let mixed = vector["mixed_after_restart"].as_bool().unwrap();
        assert_eq!(count(&fresh, ids[0]), if mixed { 2 } else { 1 }, "{vector}");
        // Only the shorter id, and only at a start.
        assert_eq!(count(&fresh, ids[1]), 1, "{vector}");
        assert_eq!(ids.map(|id| count(&live, id)), [1, 1], "{vector}");
    }
}
