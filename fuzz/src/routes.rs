//! Routes, and which of them answers a request.
//!
//! The input is a list of texts with NUL bytes between them, which no route can have. Those that
//! are routes make a tree; each other one is a request: method, host, target and at most one
//! header, with blanks between them.

use std::collections::BTreeSet;

use romulus_core::vulcand::route::{Danger, Request, Route, RouteTable, Why, dangerous_pair};

use crate::assert_within;

/// Pairs of routes are compared, so there are not many.
const MOST: usize = 8;

/// Routes are printed as what they were read as; dangers are mutual; and where no two routes are
/// dangerous together, the one with the highest text answers of those that match alone.
pub fn check(text: &str) {
    let mut routes = BTreeSet::new();
    let mut requests = vec![Request::new("GET", "a.test", "/")];
    for text in text.split('\0').take(2 * MOST) {
        match text.parse::<Route>() {
            Ok(route) => drop(routes.insert(route)),
            Err(error) => {
                assert_within(text, error.offset, error.offset, &error);
                requests.push(request(text));
            }
        }
    }
    let routes: Vec<Route> = routes.into_iter().take(MOST).collect();
    for route in &routes {
        round_trip(route, &requests);
    }
    let table = RouteTable::new(routes.iter().cloned().enumerate());
    let is_harmless = is_harmless(&routes);
    for request in &requests {
        answer(&routes, &table, is_harmless, request);
    }
}

fn request(text: &str) -> Request {
    let mut words = text.splitn(5, ' ');
    let mut next = || words.next().unwrap_or_default();
    let (method, host, target) = (next(), next(), next());
    let request = Request::new(method, host, target);
    match (next(), next()) {
        ("", _) => request,
        (name, value) => request.header(name, value),
    }
}

fn round_trip(route: &Route, requests: &[Request]) {
    let printed = route.to_string();
    let again: Route = match printed.parse() {
        Ok(again) => again,
        Err(error) => panic!("{route:?} is printed as {printed:?}: {error}"),
    };
    assert_eq!(
        again.matchers(),
        route.matchers(),
        "{route:?} is printed as {printed:?}"
    );
    assert!(
        again.groups().eq(route.groups()),
        "{route:?} is printed as {printed:?}"
    );
    assert_eq!(again.to_string(), printed, "{route:?}");
    for request in requests {
        let (one, other) = (route.matches(request), again.matches(request));
        assert_eq!(
            one, other,
            "{route:?} is printed as {printed:?}, {request:?}"
        );
    }
}

/// Whether no two of the routes disturb each other.
fn is_harmless(routes: &[Route]) -> bool {
    let mut is_harmless = true;
    for (index, route) in routes.iter().enumerate() {
        assert_eq!(dangerous_pair(route, route), Some(Danger::SameText));
        for other in &routes[index + 1..] {
            let danger = dangerous_pair(route, other);
            assert_eq!(
                danger,
                dangerous_pair(other, route),
                "{route:?} and {other:?}"
            );
            is_harmless &= danger.is_none();
        }
    }
    is_harmless
}

/// `routes` are in ascending order of their texts, and their ids are their places.
fn answer(routes: &[Route], table: &RouteTable<usize>, is_harmless: bool, request: &Request) {
    let answer = table.answer(request);
    let winner = answer.winner.copied();
    let alone: Vec<usize> = (0..routes.len())
        .rev()
        .filter(|&id| routes[id].matches(request))
        .collect();
    let context = || format!("{routes:?}, {request:?}, {answer:?}");
    assert_eq!(table.winner(request).copied(), winner, "{}", context());
    let lost: Vec<usize> = answer.also_matched.iter().map(|id| **id).collect();
    let expected: Vec<usize> = alone
        .iter()
        .copied()
        .filter(|id| Some(*id) != winner)
        .collect();
    assert_eq!(lost, expected, "{}", context());
    let is_right = winner == alone.first().copied();
    let says_so = matches!(answer.why, Why::NoMatch | Why::Only | Why::First);
    assert_eq!(says_so, is_right, "{}", context());
    assert!(is_right || !is_harmless, "{}", context());
}
