//! Laws of routes: what is written is safe, and what is called harmless is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken strategy ends the test"
)]

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use romulus_core::vulcand::route::{
    Danger, Matcher, Request, Route, RouteParts, RouteTable, dangerous_pair, quote,
};

const HOSTS: [&str; 10] = [
    "a",
    "b.a",
    "1.a",
    "<s>.a",
    "<t>.a",
    "a.<s>",
    "<s>",
    "<int:n>.a",
    "a.<int:n>",
    "<s>.<t>",
];
const PATHS: [&str; 14] = [
    "/",
    "/a",
    "/1",
    "/a/b",
    "GET",
    "/<x>",
    "/<y>",
    "/a/<x>",
    "/<x>/b",
    "/<int:n>/b",
    "/<int:n>",
    "/a<x>",
    "/<x>-",
    "/<int:n><x>",
];
const METHODS: [&str; 3] = ["GET", "POST", "<m>"];
const VALUES: [&str; 4] = ["1", "<v>", "t/<v>", "/a"];
const REGEXPS: [&str; 5] = ["", "^/a", "a$", "GET|POST", "^1$"];

fn requests() -> Vec<Request> {
    let mut requests = Vec::new();
    for host in ["a", "b.a", "1.a", ".a", "a.", "a.5", "12", "", "x.y", "a.a"] {
        for path in [
            "/", "/a", "/a/", "/a/b", "/1", "/12", "/1/b", "//b", "/ab", "/x-", "*",
        ] {
            for method in ["GET", "POST"] {
                for value in [None, Some("1"), Some("t/h"), Some("/a"), Some("q")] {
                    let request = Request::new(method, host, path);
                    requests.push(match value {
                        Some(value) => request.header("X-A", value),
                        None => request,
                    });
                }
            }
        }
    }
    requests
}

/// Whether a route matches some of [`requests`] alone, and not by an accident of the router: digits
/// beside another parameter, or a parameter that reads on into the next part.
fn is_sound(route: &Route) -> bool {
    let source = |matcher: &Matcher| matcher.pattern().unwrap().source().to_string();
    let (_, inner) = route.matchers().split_last().unwrap();
    !route.as_str().contains("><")
        && !inner.iter().any(|matcher| source(matcher).ends_with('>'))
        && requests()
            .iter()
            .any(|request| alone(route).winner(request).is_some())
}

/// A route that ranks below this one and shares all of its trie before it goes on.
fn third_route(route: &Route) -> Route {
    let (last, matchers) = route.matchers().split_last().unwrap();
    let mut terms: Vec<_> = matchers.iter().map(ToString::to_string).collect();
    let source = last.pattern().unwrap().source().to_string();
    let separator = match last {
        Matcher::Host(_) => ".",
        Matcher::Method(_) => " ",
        _ => "/",
    };
    terms.push(
        last.to_string()
            .replace(&source, &format!("{source}{separator}zz")),
    );
    format!("/*0*/ {}", terms.join(" && ")).parse().unwrap()
}

/// A judge of requests by one route alone.
fn alone(route: &Route) -> RouteTable<()> {
    RouteTable::new([((), route.clone())])
}

/// Of routes in ascending order, the last one whose conditions a request fulfils.
fn ideal<'r>(routes: &'r [(Route, Vec<RouteTable<()>>)], request: &Request) -> Option<&'r str> {
    let fits =
        |conditions: &[RouteTable<()>]| conditions.iter().all(|c| c.winner(request).is_some());
    let best = routes.iter().rev().find(|(_, conditions)| fits(conditions));
    best.map(|(route, _)| route.as_str())
}

fn table<'r>(routes: impl IntoIterator<Item = &'r Route>) -> RouteTable<String> {
    RouteTable::new(
        routes
            .into_iter()
            .map(|route| (route.as_str().to_owned(), route.clone())),
    )
}

/// The values that the routes of one case have in common, few enough to meet.
#[derive(Debug, Clone)]
struct Pool {
    hosts: Vec<&'static str>,
    paths: Vec<&'static str>,
    methods: Vec<&'static str>,
    values: Vec<&'static str>,
    /// Which parts literal routes have, in which order.
    shapes: Vec<Vec<usize>>,
}

fn pool() -> impl Strategy<Value = Pool> {
    let shape = (
        subsequence(vec![0, 1, 2, 3], 1..=4),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(mut shape, reverse)| {
            if reverse {
                shape.reverse();
            }
            shape
        });
    (
        subsequence(HOSTS.to_vec(), 1..=2),
        subsequence(PATHS.to_vec(), 1..=3),
        subsequence(METHODS.to_vec(), 1..=2),
        subsequence(VALUES.to_vec(), 1..=2),
        prop::collection::vec(shape, 1..=2),
    )
        .prop_map(|(hosts, paths, methods, values, shapes)| Pool {
            hosts,
            paths,
            methods,
            values,
            shapes,
        })
}

/// A part that is absent, literal or a regular expression.
fn part(literals: Vec<&'static str>) -> impl Strategy<Value = Option<(bool, &'static str)>> {
    prop_oneof![
        4 => Just(None),
        8 => select(literals).prop_map(|text| Some((true, text))),
        1 => select(&REGEXPS[..]).prop_map(|text| Some((false, text))),
    ]
}

fn route_parts(pool: Pool) -> impl Strategy<Value = RouteParts> {
    (
        part(pool.hosts),
        part(pool.paths),
        part(pool.methods),
        part(pool.values),
        select(vec![None, None, Some(100), Some(200)]),
    )
        .prop_filter_map(
            "a route has a part",
            |(host, path, method, header, priority)| {
                let mut parts = RouteParts::new();
                parts = match host {
                    Some((true, text)) => parts.host(text).unwrap(),
                    Some((false, text)) => parts.host_regexp(text).unwrap(),
                    None => parts,
                };
                parts = match path {
                    Some((true, text)) => parts.path(text).unwrap(),
                    Some((false, text)) => parts.path_regexp(text).unwrap(),
                    None => parts,
                };
                parts = match method {
                    Some((true, text)) => parts.method(text).unwrap(),
                    Some((false, text)) => parts.method_regexp(text).unwrap(),
                    None => parts,
                };
                parts = match header {
                    Some((true, text)) => parts.header("X-A", text).unwrap(),
                    Some((false, text)) => parts.header_regexp("X-A", text).unwrap(),
                    None => parts,
                };
                parts = match priority {
                    Some(priority) => parts.priority(priority).unwrap(),
                    None => parts,
                };
                (!parts.is_empty()).then_some(parts)
            },
        )
}

/// The route as it is printed, and each of its conditions alone.
fn printed(parts: &RouteParts) -> (Route, Vec<RouteTable<()>>) {
    let condition = |text: String| alone(&text.parse().unwrap());
    let conditions = parts
        .matchers()
        .map(|matcher| condition(matcher.to_string()))
        .collect();
    (parts.print().unwrap().parse().unwrap(), conditions)
}

/// Routes of literals, sometimes in comments and parentheses.
fn literal_route(pool: Pool) -> impl Strategy<Value = Route> {
    let form = select(vec![
        "{}",
        "{}",
        "/*1*/ {}",
        "/*2*/ {}",
        "{} /* x */",
        "({})",
    ]);
    (select(pool.shapes.clone()), any::<[Index; 4]>(), form).prop_map(
        move |(shape, values, form)| {
            let value = |kind: usize, literals: &[&str]| quote(values[kind].get::<&str>(literals));
            let terms: Vec<_> = shape
                .iter()
                .map(|&kind| match kind {
                    0 => format!("Host({})", value(0, &pool.hosts)),
                    1 => format!("Path({})", value(1, &pool.paths)),
                    2 => format!("Method({})", value(2, &pool.methods)),
                    _ => format!("Header(`X-A`, {})", value(3, &pool.values)),
                })
                .collect();
            form.replace("{}", &terms.join(" && ")).parse().unwrap()
        },
    )
}

proptest! {
    /// Whatever is written together, each request goes to the route that ranks highest among those
    /// whose conditions it fulfils.
    #[test]
    fn written_routes_are_safe(all in pool().prop_flat_map(|pool| prop::collection::vec(route_parts(pool), 1..8))) {
        let mut routes: Vec<_> = all.iter().map(printed).collect();
        routes.sort_by(|(a, _), (b, _)| a.cmp(b));
        routes.dedup_by(|(a, _), (b, _)| a == b);
        let table = table(routes.iter().map(|(route, _)| route));
        for request in requests() {
            let winner = table.winner(&request).map(String::as_str);
            prop_assert_eq!(winner, ideal(&routes, &request), "{:?}", request);
        }
        for (a, _) in &routes {
            for (b, _) in routes.iter().filter(|(b, _)| a != b) {
                prop_assert_eq!(dangerous_pair(a, b), None, "{} {}", a.as_str(), b.as_str());
            }
        }
    }

    /// Where no pair is dangerous, each request goes to the route that ranks highest among those
    /// that match it alone.
    #[test]
    fn harmless_routes_are(all in pool().prop_flat_map(|pool| prop::collection::vec(literal_route(pool), 2..12))) {
        let mut routes: Vec<Route> = Vec::new();
        for route in all {
            if routes.iter().all(|known| dangerous_pair(known, &route).is_none()) {
                routes.push(route);
            }
        }
        routes.sort();
        let table = table(&routes);
        let routes: Vec<_> = routes.into_iter().map(|r| (r.clone(), vec![alone(&r)])).collect();
        for request in requests() {
            let winner = table.winner(&request).map(String::as_str);
            prop_assert_eq!(winner, ideal(&routes, &request), "{:?}", request);
        }
    }

    /// Of a pair that is called dangerous, one gets what it should not have, or loses what it
    /// should have, at the latest beside a third route.
    #[test]
    fn dangerous_routes_are(
        (a, b) in pool().prop_flat_map(|pool| (literal_route(pool.clone()), literal_route(pool))),
    ) {
        if let Some(danger) = dangerous_pair(&a, &b) {
            if danger == Danger::SameText || !is_sound(&a) || !is_sound(&b) {
                return Ok(());
            }
            let thirds = [third_route(&a), third_route(&b)].map(Some);
            let shown = std::iter::once(None).chain(thirds).any(|third| {
                let mut routes: Vec<Route> = [a.clone(), b.clone()].into_iter().chain(third).collect();
                routes.sort();
                routes.dedup();
                let table = table(&routes);
                let routes: Vec<_> = routes.iter().map(|r| (r.clone(), vec![alone(r)])).collect();
                let requests = requests();
                requests.iter().any(|request| {
                    table.winner(request).map(String::as_str) != ideal(&routes, request)
                })
            });
            prop_assert!(shown, "{:?}: {} {}", danger, a.as_str(), b.as_str());
        }
    }
}

proptest! {
    #[test]
    fn what_never_matches_matches_nothing(
        pattern in "[/.a1]{0,2}(<x>|<int:x>)[/.a1-]{0,2}(<y>|<int:y>)?[/.a1]{0,1}",
        text in "[/.a1-]{0,6}",
    ) {
        for matcher in ["Host", "Path", "Method"] {
            let route: Route = format!("{matcher}({})", quote(&pattern)).parse().unwrap();
            if route.matchers()[0].never_matches() {
                let request = Request::new(text.clone(), &text, &format!("/{text}"));
                prop_assert!(!route.matches(&request), "{route} {text}");
            }
        }
    }
}
