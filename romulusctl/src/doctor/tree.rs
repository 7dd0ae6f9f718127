//! What of a stored tree would stop a vulcand, or let requests go astray.

use std::collections::BTreeMap;

use romulus_core::key::{Root, Segment};
use romulus_core::vulcand::route::{Danger, Route, dangerous_pair};
use romulus_core::vulcand::{Checked, Environment, Problem, Verdict};

use super::finding::{Harm, Report};
use crate::plain::count;
use crate::proxy::{ProxyFrontend, ProxyTree};
use crate::stored::Stored;

/// Judges a tree; says what it is in a line.
pub(super) fn judge(root: &Root, stored: &Stored, environment: &Environment, report: &mut Report) {
    let tree = ProxyTree::read(root, &stored.snapshot, environment);
    let has_seal_key = environment.seal_key.is_some();
    values(&tree, has_seal_key, report);
    keys(root, &tree, report);
    routes(root, &tree, report);
    servers(root, &tree, report);
    let frontends = tree.frontends.values().filter(|f| f.head.is_some()).count();
    let backends = tree.backends.values().filter(|b| b.head.is_some()).count();
    report.saw(format!(
        "tree {root}: {}, {}",
        count(frontends, "frontend"),
        count(backends, "backend")
    ));
}

/// Every value, as the vulcand that starts next reads it.
fn values(tree: &ProxyTree<'_>, has_seal_key: bool, report: &mut Report) {
    for backend in tree.backends.values() {
        checked(backend.head.as_ref(), report);
        backend
            .servers
            .values()
            .for_each(|s| checked(Some(s), report));
    }
    for frontend in tree.frontends.values() {
        checked(frontend.head.as_ref(), report);
        let middlewares = frontend.middlewares.values();
        middlewares.for_each(|m| checked(Some(m), report));
    }
    for (key, host) in &tree.hosts {
        for problem in &host.problems {
            // Whether a pair can be opened depends on the key, which nobody gave.
            let is_sealed = problem.path.starts_with("Settings.KeyPair");
            let needs_pair = problem.path == "Settings.Default" && host.value.is_some();
            if has_seal_key || !(is_sealed || needs_pair) {
                tell(key, problem, report);
            }
        }
    }
    tree.listeners.iter().for_each(|l| checked(Some(l), report));
    let mut addresses: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, listener) in &tree.listeners {
        let address = listener.value.as_ref().map(|listener| &*listener.address);
        let first = address.and_then(|address| addresses.insert(address, key));
        if let (Some(address), Some(first)) = (address, first) {
            report.find(
                (Harm::Outage, "shared-address"),
                *key,
                format!("it listens on {address}, and so does {first}"),
                "a vulcand that runs ignores it; the next one does not start",
                "give it an address of its own, under a new id",
            );
        }
    }
}

fn checked<T>(value: Option<&(&str, Checked<T>)>, report: &mut Report) {
    if let Some((key, checked)) = value {
        checked
            .problems
            .iter()
            .for_each(|problem| tell(key, problem, report));
    }
}

fn tell(key: &str, problem: &Problem, report: &mut Report) {
    // A syslog socket other than the usual one: only that machine knows.
    let is_of_the_machine = problem.message.contains("syslog socket");
    let (kind, why) = if problem.verdict == Verdict::Rejected && is_of_the_machine {
        let why = "where that is so, the next vulcand does not start";
        ((Harm::Warning, "maybe-refused-value"), why)
    } else if problem.verdict == Verdict::Rejected {
        let why = if problem.message.contains("panic") {
            "it ends a vulcand that runs, and every start"
        } else {
            "a vulcand that runs keeps what it had before; the next one does not start"
        };
        ((Harm::Outage, "refused-value"), why)
    } else if problem.takes_down {
        let why = "requests of its frontend get no answer of a server";
        ((Harm::Error, "closing-value"), why)
    } else {
        let why = "vulcand takes it, and does something else than its author wants";
        ((Harm::Warning, "harmful-value"), why)
    };
    let place = if problem.path.is_empty() {
        key.to_owned()
    } else {
        format!("{key}: {}", problem.path)
    };
    report.find(kind, place, &*problem.message, why, &*problem.help);
}

/// Keys and ids that vulcand mistakes for others.
fn keys(root: &Root, tree: &ProxyTree<'_>, report: &mut Report) {
    for key in &tree.misshapen {
        report.find(
            (Harm::Error, "misshapen-key"),
            *key,
            "it looks like an object and is none",
            "vulcand takes some keys of this shape for events of objects",
            format!("if nobody needs it: etcdctl del -- '{key}'"),
        );
    }
    if tree.backends.contains_key("servers") {
        report.find(
            (Harm::Outage, "servers-id"),
            format!("{root}/backends/servers/"),
            "a backend has the id `servers`",
            "no vulcand can start with this tree",
            "delete it, and give it another id",
        );
    }
    // Whatever begins with an id follows it at once in the order of texts.
    let ids: Vec<&Segment> = tree.backends.keys().collect();
    for (place, id) in ids.iter().enumerate() {
        let longer = ids[place + 1..]
            .iter()
            .take_while(|other| other.as_str().starts_with(id.as_str()))
            .filter(|other| {
                let longer = tree.backends.get(other.as_str());
                longer.is_some_and(|backend| !backend.servers.is_empty())
            })
            .map(|other| other.as_str())
            .collect::<Vec<_>>();
        if !longer.is_empty()
            && tree
                .backends
                .get(id.as_str())
                .is_some_and(|b| b.head.is_some())
        {
            report.find(
                (Harm::Error, "mixed-backends"),
                format!("{root}/backends/{id}/"),
                format!(
                    "ids of other backends begin with its id: {}",
                    longer.join(", ")
                ),
                "a vulcand that starts sends its requests to their servers, too",
                "rename one of them; romulusd does so where both are its own",
            );
        }
    }
}

/// Routes that share an entry, or disturb each other.
fn routes(root: &Root, tree: &ProxyTree<'_>, report: &mut Report) {
    let mut by_text: BTreeMap<Route, Vec<&Segment>> = BTreeMap::new();
    for (id, frontend) in &tree.frontends {
        let route = frontend.frontend().and_then(|f| f.route.parse().ok());
        if let Some(route) = route {
            by_text.entry(route).or_default().push(id);
        }
    }
    for (route, ids) in by_text.iter().filter(|(_, ids)| ids.len() > 1) {
        let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
        report.find(
            (Harm::Error, "same-route"),
            format!("{root}/frontends/"),
            format!("{} have the same route {route}", ids.join(", ")),
            "vulcand keeps one entry for all: who answers changes with its start, and deleting one \
             makes it answer 404",
            "keep one, or give each a route of its own",
        );
    }
    // Only neighbours are merged, now; others may be, once what keeps them apart is gone.
    let mut chains: Vec<(&Route, &Segment)> = Vec::new();
    for (route, ids) in by_text.iter().rev() {
        match (route.chain(), ids.first()) {
            (Some(_), Some(id)) => chains.push((route, id)),
            _ => {
                neighbours(root, &chains, report);
                chains.clear();
            }
        }
    }
    neighbours(root, &chains, report);
}

/// With so many that follow a route is compared: all, but in trees of thousands.
const COMPARED: usize = 100;

/// Of routes that vulcand merges, those that it merges wrongly: each is told with one other.
fn neighbours(root: &Root, chains: &[(&Route, &Segment)], report: &mut Report) {
    for (place, (first, first_id)) in chains.iter().enumerate() {
        let mut following = chains[place + 1..].iter().take(COMPARED);
        let found = following.find_map(|(second, second_id)| {
            Some((second, second_id, dangerous_pair(first, second)?))
        });
        let Some((second, second_id, danger)) = found else {
            continue;
        };
        let harm = match danger {
            Danger::OtherParts | Danger::LastParameter => Harm::Error,
            _ => Harm::Warning,
        };
        report.find(
            (harm, "merged-routes"),
            format!("{root}/frontends/"),
            format!("{first_id} ({first}) and {second_id} ({second}): {danger}"),
            "requests find no frontend, or reach the wrong one",
            "put a term with a regular expression into one of them, e.g. && PathRegexp(``)",
        );
    }
}

/// Frontends that answer 500 since nobody is behind them.
fn servers(root: &Root, tree: &ProxyTree<'_>, report: &mut Report) {
    let routed = |(id, frontend): (_, &ProxyFrontend<'_>)| {
        let backend = frontend.frontend()?.backend_id.clone();
        Some((id, backend))
    };
    for (id, backend) in tree.frontends.iter().filter_map(|(id, f)| routed((id, f))) {
        let known = tree.backends.get(&*backend);
        if known.is_some_and(|backend| backend.servers.is_empty()) {
            let id: &Segment = id;
            report.find(
                (Harm::Warning, "no-servers"),
                format!("{root}/frontends/{id}/"),
                format!("its backend {backend} has no server"),
                "vulcand answers its requests with 500 (newer ones with 503)",
                "see whether the pods behind it are ready",
            );
        }
    }
}
