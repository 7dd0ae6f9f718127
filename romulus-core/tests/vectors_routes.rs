//! Every verdict on routes that was taken from a running vulcand, against ours.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken vector ends the test"
)]

use romulus_core::vulcand::route::{Request, Route, RouteTable};
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

fn text<'v>(vector: &'v Value, field: &str) -> &'v str {
    vector[field]
        .as_str()
        .unwrap_or_else(|| panic!("no text `{field}` in {vector}"))
}

fn request(vector: &Value) -> Request {
    let vector = &vector["request"];
    let request = Request::new(
        text(vector, "method"),
        text(vector, "host"),
        text(vector, "path"),
    );
    let headers = vector["headers"].as_object().unwrap();
    headers.iter().fold(request, |request, (name, value)| {
        request.header(name, value.as_str().unwrap())
    })
}

fn table<'v>(routes: impl IntoIterator<Item = &'v str>) -> RouteTable<&'v str> {
    let parse = |text: &'v str| match text.parse::<Route>() {
        Ok(route) => (text, route),
        Err(error) => panic!("{text}: {error}"),
    };
    RouteTable::new(routes.into_iter().map(parse))
}

fn assert_none(mismatches: Vec<String>) {
    assert!(mismatches.is_empty(), "{}", mismatches.join("\n"));
}

#[test]
fn routes() {
    let mut mismatches = Vec::new();
    for vector in vectors("routes") {
        let accepted = vector["accepted"].as_bool().unwrap();
        let ours = text(&vector, "value").parse::<Route>();
        if ours.is_ok() != accepted {
            mismatches.push(format!(
                "{vector}\n  vulcand accepts: {accepted}, ours: {ours:?}"
            ));
        }
    }
    assert_none(mismatches);
}

#[test]
fn matches() {
    let mut mismatches = Vec::new();
    for vector in vectors("matches") {
        let matched = vector["matched"].as_bool().unwrap();
        let (route, request) = (text(&vector, "route"), request(&vector));
        let ours = table([route]).winner(&request).is_some();
        let alone = route.parse::<Route>().unwrap().matches(&request);
        if ours != matched || alone != matched {
            mismatches.push(format!(
                "{route}\n  {request:?}\n  vulcand: {matched}, ours: {ours}, alone: {alone}"
            ));
        }
    }
    assert_none(mismatches);
}

#[test]
fn precedence() {
    let mut mismatches = Vec::new();
    for vector in vectors("precedence") {
        let routes = vector["routes"].as_array().unwrap();
        let table = table(routes.iter().map(|route| route.as_str().unwrap()));
        let request = request(&vector);
        let answer = table.answer(&request);
        let ours = answer.winner.copied();
        // The router is a function of the routes: what vulcand answered was never seen to vary.
        assert_eq!(vector["stable"], true, "{vector}");
        if ours != vector["winner"].as_str() {
            mismatches.push(format!(
                "{routes:?}\n  {request:?}\n  vulcand: {}, ours: {ours:?} ({:?})",
                vector["winner"], answer.why
            ));
        }
    }
    assert_none(mismatches);
}
