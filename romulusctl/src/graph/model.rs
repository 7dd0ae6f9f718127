//! Boxes and arrows, whatever they are drawn with.

use std::collections::{BTreeMap, BTreeSet};

use romulus_core::key::{ObjectKind, Root};
use romulus_core::vulcand::route::{Matcher, Route};

use super::read::{Object, Objects, State};
use crate::plain::visible;

/// What a box stands for; the columns of a picture, from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Column {
    /// A host, or what of a host a route asks for.
    Host,
    /// A frontend with the rest of its route.
    Frontend,
    /// A backend.
    Backend,
    /// A server.
    Server,
}

/// A box.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) column: Column,
    /// Its text, without control characters.
    pub(super) lines: Vec<String>,
    pub(super) state: State,
}

/// An arrow between two boxes of a tree, by their positions in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) state: State,
}

/// The boxes of one vulcand tree: each column in the order in which it is drawn.
#[derive(Debug)]
pub(super) struct TreeGraph {
    pub(super) root: String,
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
}

/// The picture.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) trees: Vec<TreeGraph>,
}

impl State {
    /// What a legend says; nothing where there is nothing to say.
    pub(super) fn meaning(self) -> Option<&'static str> {
        Some(match self {
            Self::Plain => return None,
            Self::InStep => "in step",
            Self::Added => "would be added",
            Self::Changed => "would change",
            Self::Deleted => "would be deleted",
            Self::Held => "held, or in conflict",
            Self::NoServers => "no servers",
        })
    }

    /// One word, for names of classes.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::InStep => "instep",
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::Held => "held",
            Self::NoServers => "noservers",
        }
    }

    /// The colours of a box: inside, and its border.
    pub(super) fn colours(self) -> (&'static str, &'static str) {
        match self {
            Self::Plain => ("#f6f8fa", "#57606a"),
            Self::InStep => ("#dafbe1", "#1a7f37"),
            Self::Added => ("#ddf4ff", "#0969da"),
            Self::Changed => ("#fff8c5", "#9a6700"),
            Self::Deleted => ("#eaeef2", "#8c959f"),
            Self::Held => ("#ffebe9", "#cf222e"),
            Self::NoServers => ("#fbefff", "#8250df"),
        }
    }

    /// Whether it is drawn with broken lines.
    pub(super) fn is_broken(self) -> bool {
        matches!(self, Self::Deleted | Self::Held)
    }
}

impl Graph {
    pub(super) fn of(objects: &Objects) -> Self {
        let roots: BTreeSet<&Root> = objects.keys().map(|object| &object.root).collect();
        let trees = roots.into_iter().map(|root| TreeGraph::of(root, objects));
        Self {
            trees: trees.collect(),
        }
    }

    /// The states that occur, for a legend.
    pub(super) fn states(&self) -> BTreeSet<State> {
        let nodes = self.trees.iter().flat_map(|tree| &tree.nodes);
        nodes.map(|node| node.state).collect()
    }
}

impl TreeGraph {
    fn of(root: &Root, objects: &Objects) -> Self {
        let mut tree = Self {
            root: visible(root.as_str()).into_owned(),
            nodes: Vec::new(),
            edges: Vec::new(),
        };
        let of_kind = |kind: ObjectKind| {
            let objects = objects.iter();
            objects.filter(move |(object, _)| object.root == *root && object.kind == kind)
        };
        // Frontends in the order of their hosts, so that few arrows cross.
        let mut frontends: Vec<_> = of_kind(ObjectKind::Frontend)
            .map(|(reference, object)| {
                let (host, rest) = split(object.route.as_deref());
                (host, rest, reference, object)
            })
            .collect();
        frontends.sort_by(|a, b| (&a.0, a.2).cmp(&(&b.0, b.2)));
        let mut hosts: BTreeMap<String, usize> = BTreeMap::new();
        let mut order: Vec<&str> = Vec::new();
        let mut wired = Vec::new();
        for (host, rest, reference, object) in &frontends {
            let host = *hosts.entry(host.clone()).or_insert_with(|| {
                // A host has no state of its own.
                tree.add(Column::Host, vec![host.clone()], State::Plain)
            });
            let mut lines = vec![reference.id.to_string()];
            lines.extend(rest.clone());
            for (name, (kind, _)) in &object.children {
                lines.push(format!("+ {name} ({kind})"));
            }
            let frontend = tree.add(Column::Frontend, lines, object.state);
            tree.edges.push(Edge {
                from: host,
                to: frontend,
                state: object.state,
            });
            if let Some(backend) = object.backend.as_deref() {
                order.push(backend);
                wired.push((frontend, backend, object.state));
            }
        }
        let stored: BTreeMap<&str, &Object> = of_kind(ObjectKind::Backend)
            .map(|(reference, object)| (reference.id.as_str(), object))
            .collect();
        let mut backends: BTreeMap<&str, usize> = BTreeMap::new();
        for id in order.into_iter().chain(stored.keys().copied()) {
            if backends.contains_key(id) {
                continue;
            }
            let Some(object) = stored.get(id) else {
                let lines = vec![id.to_owned(), "does not exist".to_owned()];
                backends.insert(id, tree.add(Column::Backend, lines, State::Held));
                continue;
            };
            let mut lines = vec![id.to_owned()];
            if object.state == State::NoServers {
                lines.push("no servers".to_owned());
            }
            let backend = tree.add(Column::Backend, lines, object.state);
            backends.insert(id, backend);
            for (name, (url, state)) in &object.children {
                let mut lines = vec![url.clone()];
                if !url.contains(name.as_str()) {
                    lines.push(name.clone());
                }
                let server = tree.add(Column::Server, lines, *state);
                tree.edges.push(Edge {
                    from: backend,
                    to: server,
                    state: *state,
                });
            }
        }
        for (frontend, backend, state) in wired {
            if let Some(backend) = backends.get(backend) {
                tree.edges.push(Edge {
                    from: frontend,
                    to: *backend,
                    state,
                });
            }
        }
        tree
    }

    fn add(&mut self, column: Column, lines: Vec<String>, state: State) -> usize {
        let lines = lines.iter().map(|line| visible(line).into_owned());
        self.nodes.push(Node {
            column,
            lines: lines.collect(),
            state,
        });
        self.nodes.len() - 1
    }
}

/// What a route says about the host, and the rest of it.
fn split(route: Option<&str>) -> (String, Option<String>) {
    let Some(text) = route else {
        return ("no valid route".to_owned(), None);
    };
    let Ok(route) = text.parse::<Route>() else {
        return ("unreadable route".to_owned(), Some(text.to_owned()));
    };
    let is_host = |matcher: &&Matcher| matches!(matcher, Matcher::Host(_) | Matcher::HostRegexp(_));
    let host = route
        .matchers()
        .iter()
        .find(is_host)
        .map(|matcher| match matcher {
            Matcher::Host(pattern) => pattern.source().to_string(),
            other => other.to_string(),
        });
    let comment = text.split_once("*/").filter(|_| text.starts_with("/*"));
    let priority = comment.map(|(comment, _)| format!("{comment}*/"));
    let rest = route.matchers().iter().filter(|matcher| !is_host(matcher));
    let rest: Vec<String> = rest.map(ToString::to_string).collect();
    let rest = [priority, (!rest.is_empty()).then(|| rest.join(" && "))];
    let rest: Vec<String> = rest.into_iter().flatten().collect();
    let rest = (!rest.is_empty()).then(|| rest.join(" "));
    (host.unwrap_or_else(|| "any host".to_owned()), rest)
}
