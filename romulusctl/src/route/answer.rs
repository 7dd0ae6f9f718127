//! What one tree's vulcand makes of a request.

use std::collections::{BTreeMap, BTreeSet};

use romulus_core::key::{Root, Segment};
use romulus_core::stored::Snapshot;
use romulus_core::vulcand::route::{Route, RouteTable, Why};
use romulus_core::vulcand::{Environment, MiddlewareSpec};
use serde::Serialize;

use super::request::Asked;
use crate::proxy::{ProxyFrontend, ProxyTree};

/// What the vulcand of one tree does with a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TreeAnswer {
    pub(super) root: String,
    /// Why it is this frontend, or none.
    pub(super) why: &'static str,
    #[serde(skip)]
    pub(super) reason: &'static str,
    pub(super) frontend: Option<Answering>,
    /// Who else matched, the highest route text first.
    pub(super) lost: Vec<Lost>,
    /// Frontends that vulcand does not take, so that nothing of them can match.
    pub(super) refused: Vec<Refused>,
}

/// The frontend that answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answering {
    pub(super) id: String,
    /// The Service behind it, where a romulus has written it.
    pub(super) service: Option<String>,
    pub(super) route: String,
    /// From the outermost to the innermost.
    pub(super) middlewares: Vec<Passed>,
    pub(super) backend: String,
    pub(super) servers: Vec<String>,
    /// Backends whose servers a vulcand that starts adds to this one, since their ids begin with
    /// its id.
    pub(super) mixed_with: Vec<String>,
}

/// A middleware that the request passes.
#[derive(Debug, Serialize)]
pub(super) struct Passed {
    pub(super) name: String,
    pub(super) priority: i64,
    #[serde(rename = "type")]
    pub(super) kind: String,
}

/// A frontend that would answer, were the one that does not there.
#[derive(Debug, Serialize)]
pub(super) struct Lost {
    pub(super) id: String,
    pub(super) route: String,
    pub(super) why: &'static str,
    #[serde(skip)]
    pub(super) reason: &'static str,
}

/// A frontend that vulcand does not take.
#[derive(Debug, Serialize)]
pub(super) struct Refused {
    pub(super) id: String,
    pub(super) problem: String,
}

impl TreeAnswer {
    /// `None` where the tree has no frontend at all.
    pub(super) fn of(
        root: &Root,
        snapshot: &Snapshot,
        environment: &Environment,
        asked: &Asked,
    ) -> Option<Self> {
        let tree = ProxyTree::read(root, snapshot, environment);
        let (mut refused, mut routes) = (Vec::new(), Vec::new());
        let mut sharing: BTreeMap<Route, Vec<&Segment>> = BTreeMap::new();
        for (id, frontend) in &tree.frontends {
            let Some((_, checked)) = &frontend.head else {
                continue;
            };
            let route = checked
                .value
                .as_ref()
                .and_then(|f| f.route.parse::<Route>().ok());
            let Some(route) = route else {
                let problem = checked.problems.iter().find(|problem| problem.holds());
                let problem = problem.map(|problem| problem.message.clone());
                refused.push(Refused {
                    id: id.to_string(),
                    problem: problem.unwrap_or_default(),
                });
                continue;
            };
            sharing.entry(route.clone()).or_default().push(id);
            routes.push((id, route));
        }
        if routes.is_empty() && refused.is_empty() {
            return None;
        }
        let table = RouteTable::new(routes);
        let answer = table.answer(&asked.request);
        let route_of = |id: &Segment| {
            let frontend = tree
                .frontends
                .get(id.as_str())
                .and_then(ProxyFrontend::frontend);
            frontend.map_or_else(String::new, |frontend| frontend.route.clone())
        };
        let winner = answer.winner.map(|id| route_of(id));
        let mut lost = Vec::new();
        let mut lose = |id: &Segment, route: &str, (why, reason)| {
            lost.push(Lost {
                id: id.to_string(),
                route: route.to_owned(),
                why,
                reason,
            });
        };
        let mut words = words(answer.why);
        for &id in answer.winner.iter().chain(&answer.also_matched) {
            let route = route_of(id);
            let is_winner = Some(*id) == answer.winner.copied();
            if !is_winner {
                lose(id, &route, lost_because(winner.as_deref(), &route));
            }
            // Of those with the same text the table knows one alone.
            let same = route.parse().ok().and_then(|route| sharing.get(&route));
            for other in same.into_iter().flatten().filter(|other| **other != *id) {
                lose(other, &route, SAME_TEXT);
                if is_winner {
                    words = SAME_TEXT;
                }
            }
        }
        Some(Self {
            root: root.to_string(),
            why: words.0,
            reason: words.1,
            frontend: answer.winner.and_then(|id| tree.answering(id)),
            lost,
            refused,
        })
    }

    /// Whether the request reaches a server.
    pub(super) fn is_served(&self) -> bool {
        let frontend = self.frontend.as_ref();
        frontend.is_some_and(|frontend| !frontend.servers.is_empty())
    }
}

impl ProxyTree<'_> {
    fn answering(&self, id: &Segment) -> Option<Answering> {
        let proxied = self.frontends.get(id.as_str())?;
        let frontend = proxied.frontend()?;
        let mut middlewares: Vec<Passed> = proxied
            .middlewares
            .iter()
            .map(|(name, (_, checked))| Passed {
                name: name.to_string(),
                priority: checked.value.as_ref().map_or(0, |m| m.priority),
                kind: checked
                    .value
                    .as_ref()
                    .map_or("refused", |m| kind(&m.spec))
                    .to_owned(),
            })
            .collect();
        middlewares.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        let backend = &*frontend.backend_id;
        let servers = self.backends.get(backend).map(|backend| &backend.servers);
        // Those with the same URL are one to vulcand.
        let servers: BTreeSet<String> = servers
            .into_iter()
            .flatten()
            .filter_map(|(_, (_, checked))| Some(checked.value.as_ref()?.url.to_string()))
            .collect();
        let longer = |id: &&Segment| {
            id.as_str() != backend && !backend.is_empty() && id.as_str().starts_with(backend)
        };
        let mixed = self
            .backends
            .iter()
            .filter(|(id, b)| longer(id) && !b.servers.is_empty());
        Some(Answering {
            id: id.to_string(),
            service: proxied
                .record
                .as_ref()
                .map(|record| record.service.to_string()),
            route: frontend.route.clone(),
            middlewares,
            backend: backend.to_owned(),
            servers: servers.into_iter().collect(),
            mixed_with: mixed.map(|(id, _)| id.to_string()).collect(),
        })
    }
}

fn kind(spec: &MiddlewareSpec) -> &str {
    match spec {
        MiddlewareSpec::RateLimit(_) => "ratelimit",
        MiddlewareSpec::ConnLimit(_) => "connlimit",
        MiddlewareSpec::Rewrite(_) => "rewrite",
        MiddlewareSpec::CBreaker(_) => "cbreaker",
        MiddlewareSpec::Trace(_) => "trace",
        MiddlewareSpec::Other { type_name, .. } => type_name,
        _ => "unknown",
    }
}

/// The stable word, and the sentence.
fn words(why: Why) -> (&'static str, &'static str) {
    match why {
        Why::NoMatch => ("no-match", "no route matches"),
        Why::Only => ("only", "no other route matches"),
        Why::First => (
            "first",
            "vulcand tries routes in descending order of their texts, and this one comes first",
        ),
        Why::Trie => (
            "trie",
            "vulcand merges it with one whose text comes first, and finds it before that",
        ),
        Why::WrongMerge => (
            "wrong-merge",
            "its route does NOT match: vulcand merges it with routes of other parts, and compares \
             the wrong ones",
        ),
        Why::LostInMerge => (
            "lost-in-merge",
            "a route matches, but vulcand merges it with routes of other parts and does not find it",
        ),
    }
}

const SAME_TEXT: (&str, &str) = (
    "same-text",
    "two frontends have this route text: after a start the greatest id has it, live the one put last",
);

fn lost_because(winner: Option<&str>, route: &str) -> (&'static str, &'static str) {
    match winner {
        None => (
            "wrong-merge",
            "vulcand merges it with routes of other parts, and compares the wrong ones",
        ),
        Some(winner) if route < winner => (
            "later-text",
            "its text comes after the other's in descending order",
        ),
        Some(_) => (
            "merged",
            "vulcand merges both, and finds the other before it",
        ),
    }
}
