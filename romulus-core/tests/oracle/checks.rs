//! What no state of a vulcand may show while a plan is carried out.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use romulus_core::key::ObjectKind;
use romulus_core::testing::vulcand::{FrontendState, State};
use romulus_core::vulcand::route::{Request, Route, RouteTable};

use crate::watch::Course;

/// Whether requests go where their frontends say: nothing is detached, no two share a route.
pub(crate) fn is_in_order(state: &State) -> bool {
    let routes: BTreeSet<&str> = state
        .frontends
        .values()
        .map(|f| f.value.route.as_str())
        .collect();
    routes.len() == state.frontends.len()
        && state.frontends.values().all(|frontend| frontend.follows)
}

/// Everything that is wrong with a state; `deleted` are the frontends whose deletion it has seen.
pub(crate) fn state(state: &State, course: &Course, deleted: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, frontend) in state.answering() {
        if !can_match(&frontend.value.route) {
            continue;
        }
        wrong.extend(strange_server(id, frontend, course));
        wrong.extend(unguarded(id, frontend, course, deleted));
    }
    wrong.extend(fewer_servers(state, course));
    wrong.extend(no_answer(state, course));
    wrong.extend(wrong_frontend(state));
    wrong
}

/// Whether any request can match: vulcand cuts the host of a request at the first colon.
fn can_match(route: &str) -> bool {
    let host = route
        .split("Host(`")
        .nth(1)
        .and_then(|rest| rest.split('`').next());
    !host.is_some_and(|host| host.contains(':'))
}

/// No request reaches a server that is not of the backend its frontend names.
fn strange_server(id: &str, frontend: &FrontendState, course: &Course) -> Option<String> {
    let none = BTreeSet::new();
    let own = course
        .servers
        .get(&frontend.value.backend_id)
        .unwrap_or(&none);
    let strange: Vec<_> = frontend
        .servers
        .difference(own)
        .map(ToString::to_string)
        .collect();
    (!strange.is_empty()).then(|| {
        format!(
            "{id} sends requests to {strange:?}, not of its backend {}",
            frontend.value.backend_id
        )
    })
}

/// No request reaches a server before the middlewares of its frontend stand, or after they went.
fn unguarded(
    id: &str,
    frontend: &FrontendState,
    course: &Course,
    deleted: &BTreeSet<String>,
) -> Option<String> {
    if frontend.servers.is_empty() {
        return None;
    }
    let names = |state: &State| -> BTreeSet<String> {
        let frontend = state.frontends.get(id);
        frontend
            .map(|frontend| frontend.middlewares.keys().cloned().collect())
            .unwrap_or_default()
    };
    let (before, after) = (names(&course.before), names(&course.after));
    let goes = course
        .deleted
        .contains(&(ObjectKind::Frontend, id.to_owned()));
    let was = course.before.frontends.get(id);
    let wanted = match was {
        // It is new, or is there again.
        None => after,
        Some(_) if deleted.contains(id) => after,
        Some(_) if goes => before,
        // Its new route opens to other requests.
        Some(was) if was.value.route != frontend.value.route => after,
        Some(_) => before.intersection(&after).cloned().collect(),
    };
    let missing: Vec<_> = wanted
        .iter()
        .filter(|name| !frontend.middlewares.contains_key(*name))
        .collect();
    (!missing.is_empty())
        .then(|| format!("{id} answers {} without {missing:?}", frontend.value.route))
}

/// Never fewer servers than before or after the plan, whichever is less. A backend that a frontend
/// kept from moving out of a longer root stands under both: there a vulcand can't be spared the
/// delete.
fn fewer_servers(state: &State, course: &Course) -> Vec<String> {
    let mut wrong = Vec::new();
    let is_hit = |kind: ObjectKind, id: &String| match kind {
        ObjectKind::Backend => course.hit.contains(id),
        ObjectKind::Frontend => {
            let frontend = state.frontends.get(id);
            frontend.is_some_and(|f| course.hit.contains(&f.value.backend_id))
        }
    };
    let mut compare = |kind: ObjectKind, [before, now, after]: [BTreeMap<&String, usize>; 3]| {
        for (id, before) in before {
            let Some(after) = after.get(id) else { continue };
            let now = now.get(id).copied().unwrap_or_default();
            let spared = course.deleted.contains(&(kind, id.clone())) || is_hit(kind, id);
            if now < before.min(*after) && !spared {
                wrong.push(format!(
                    "{kind} {id} has {now} servers, {before} before and {after} after"
                ));
            }
        }
    };
    let states = [&course.before, state, &course.after];
    compare(
        ObjectKind::Backend,
        states.map(|state| {
            let urls = |servers: &BTreeMap<_, _>| servers.values().collect::<BTreeSet<_>>().len();
            state
                .backends
                .iter()
                .map(|(id, (_, servers))| (id, urls(servers)))
                .collect()
        }),
    );
    compare(
        ObjectKind::Frontend,
        states.map(|state| {
            state
                .frontends
                .iter()
                .map(|(id, frontend)| (id, frontend.servers.len()))
                .collect()
        }),
    );
    wrong
}

/// A frontend that stays answers its route, old or new, all the time.
fn no_answer(state: &State, course: &Course) -> Vec<String> {
    let stays = |id: &String| {
        course.after.frontends.contains_key(id)
            && !course.deleted.contains(&(ObjectKind::Frontend, id.clone()))
    };
    let silent = |id: &&String| !state.routes.values().any(|answering| answering == *id);
    let stay = course.before.frontends.keys().filter(|id| stays(id));
    stay.filter(silent)
        .map(|id| format!("{id} answers nothing"))
        .collect()
}

/// No request reaches a frontend whose route it does not match: vulcand merges neighbours among
/// its routes, so each two are tried as neighbours.
fn wrong_frontend(state: &State) -> Vec<String> {
    let routes: Vec<&String> = state.routes.keys().collect();
    let pairs = routes.iter().enumerate().flat_map(|(position, one)| {
        routes[position + 1..]
            .iter()
            .map(move |other| (*one, *other))
    });
    pairs
        .flat_map(|(one, other)| disturbance(one, other))
        .collect()
}

thread_local! {
    /// Pairs of routes that were tried: there are few.
    static TRIED: RefCell<BTreeMap<(String, String), Option<String>>> = RefCell::default();
}

/// How two routes disturb each other.
fn disturbance(one: &str, other: &str) -> Option<String> {
    let pair = (one.to_owned(), other.to_owned());
    if let Some(known) = TRIED.with_borrow(|tried| tried.get(&pair).cloned()) {
        return known;
    }
    let parse = |text: &str| text.parse::<Route>().ok();
    let found = match (parse(one), parse(other)) {
        (Some(a), Some(b)) => disturbed_request(&a, &b),
        _ => Some(format!("no routes: {one}, {other}")),
    };
    TRIED.with_borrow_mut(|tried| tried.insert(pair, found.clone()));
    found
}

fn disturbed_request(a: &Route, b: &Route) -> Option<String> {
    let both = RouteTable::new([(0, a.clone()), (1, b.clone())]);
    let alone = [(0, a), (1, b)].map(|(id, route)| RouteTable::new([(id, route.clone())]));
    requests().into_iter().find_map(|request| {
        let matching: Vec<&i32> = alone
            .iter()
            .filter_map(|table| table.winner(&request))
            .collect();
        let right = match both.winner(&request) {
            Some(winner) => matching.contains(&winner),
            None => matching.is_empty(),
        };
        let (a, b) = (a.as_str(), b.as_str());
        (!right).then(|| format!("{request:?} goes astray where both {a} and {b} are"))
    })
}

/// Requests of the alphabet of random worlds.
fn requests() -> Vec<Request> {
    let mut requests = Vec::new();
    for host in [
        "a.example",
        "b.example",
        "c.example",
        "admin.example",
        "legacy.example",
    ] {
        for path in ["/x", "/http", "/users/7", "/p/q", "/r/s"] {
            for method in ["GET", "POST"] {
                for stage in [None, Some("canary")] {
                    let request = Request::new(method, host, path);
                    requests.push(match stage {
                        Some(stage) => request.header("X-Stage", stage),
                        None => request,
                    });
                }
            }
        }
    }
    requests
}
