//! From changes of objects to the order of their writes.

use std::collections::BTreeMap;

use crate::key::{ObjectKind, ObjectRef};

use super::Op;
use super::change::{HeadChange, ObjectChange, RecordChange};
use super::graph::{Gap, Graph, Level, Node, Part, Reason};

/// The nodes of one change.
#[derive(Debug, Default)]
struct Nodes {
    /// The head goes, to come back later.
    early_delete: Option<usize>,
    /// The first put of the head: where it is created with a placeholder, the placeholder.
    put: Option<usize>,
    /// The put of what is finally wanted.
    last_put: Option<usize>,
    /// The head goes for good.
    delete: Option<usize>,
    child_puts: Vec<usize>,
    child_deletes: Vec<usize>,
}

impl Nodes {
    /// What makes a frontend let go of its stored route and backend.
    fn release(&self) -> Option<usize> {
        self.early_delete.or(self.last_put).or(self.delete)
    }
}

/// The graph of all changes, and its levels. Frontends whose orders contradict each other (two
/// that swap routes, say) are deleted first and created again in a later transaction.
pub(crate) fn order(changes: &mut [ObjectChange]) -> (Graph, Vec<Level>) {
    loop {
        let graph = Builder::new(changes).build();
        let cycle = match graph.levels() {
            Ok(levels) => return (graph, levels),
            Err(cycle) => cycle,
        };
        let is_frontend = |change: &ObjectChange| change.object.kind == ObjectKind::Frontend;
        let mut members: Vec<usize> = cycle.iter().map(|node| graph.nodes[*node].change).collect();
        members.sort_unstable();
        let broken = members
            .into_iter()
            .find(|change| is_frontend(&changes[*change]) && changes[*change].recreate());
        if broken.is_none() {
            // Without a frontend that can make way there is no cycle: every edge between objects
            // begins or ends at one. Should that ever be wrong, the natural order is the best left.
            let nodes = (0..graph.nodes.len()).collect();
            return (
                graph,
                vec![Level {
                    settle: false,
                    nodes,
                }],
            );
        }
    }
}

struct Builder<'c> {
    changes: &'c [ObjectChange],
    nodes: Vec<Nodes>,
    graph: Graph,
}

impl<'c> Builder<'c> {
    fn new(changes: &'c [ObjectChange]) -> Self {
        let nodes = changes.iter().map(|_| Nodes::default()).collect();
        Self {
            changes,
            nodes,
            graph: Graph::default(),
        }
    }

    fn build(mut self) -> Graph {
        for position in self.natural_order() {
            self.add_nodes(position);
        }
        for position in 0..self.changes.len() {
            self.order_within(position);
        }
        self.order_references();
        self.order_routes();
        self.order_ids();
        self.order_siblings();
        self.graph
    }

    /// The order in which a reader would write the changes down; it decides between writes that
    /// may stand in any order: what is created backend first, what goes frontend first.
    fn natural_order(&self) -> Vec<usize> {
        let mut positions: Vec<usize> = (0..self.changes.len()).collect();
        let rank = |change: &ObjectChange| match (change.object.kind, &change.head) {
            (ObjectKind::Frontend, HeadChange::Delete | HeadChange::Recreate(_)) => 0,
            (ObjectKind::Backend, HeadChange::Put(_) | HeadChange::Recreate(_)) => 1,
            (ObjectKind::Frontend, _) => 2,
            (ObjectKind::Backend, HeadChange::Keep) => 3,
            (ObjectKind::Backend, HeadChange::Delete) => 4,
        };
        positions.sort_by_key(|position| rank(&self.changes[*position]));
        positions
    }

    fn node(&mut self, change: usize, op: Op, part: Part, record: Option<Op>) -> usize {
        self.graph.add(Node {
            op,
            change,
            part,
            record,
        })
    }

    fn add_nodes(&mut self, position: usize) {
        let changes = self.changes;
        let change = &changes[position];
        let object = &change.object;
        let head_key = object.head_key();
        let put = |value: &str| Op::Put {
            key: head_key.clone(),
            value: value.to_owned(),
        };
        let mut record = record_op(change);
        let mut nodes = Nodes::default();
        match &change.head {
            HeadChange::Keep => {}
            HeadChange::Put(text) | HeadChange::Recreate(text) => {
                if let HeadChange::Recreate(_) = change.head {
                    let delete = Op::Delete {
                        key: head_key.clone(),
                    };
                    nodes.early_delete = Some(self.node(position, delete, Part::Head, None));
                }
                if change.settles() {
                    let first = put(&change.links.placeholder);
                    nodes.put = Some(self.node(position, first, Part::Head, record.take()));
                } else {
                    nodes.put = Some(self.node(position, put(text), Part::Head, record.take()));
                    nodes.last_put = nodes.put;
                }
            }
            HeadChange::Delete => {}
        }
        for child in change.puts() {
            let key = object.child_key(&child.name);
            let op = Op::Put {
                key,
                value: child.value.text(),
            };
            nodes
                .child_puts
                .push(self.node(position, op, Part::Child, None));
        }
        if let (true, HeadChange::Put(text) | HeadChange::Recreate(text)) =
            (change.settles(), &change.head)
        {
            nodes.last_put = Some(self.node(position, put(text), Part::Head, None));
        }
        let deletes_first = object.kind == ObjectKind::Frontend;
        let delete = Op::Delete {
            key: head_key.clone(),
        };
        let goes = change.head == HeadChange::Delete;
        if goes && deletes_first {
            nodes.delete = Some(self.node(position, delete.clone(), Part::Head, record.take()));
        }
        for name in &change.strays {
            let op = Op::Delete {
                key: object.child_key(name),
            };
            nodes
                .child_deletes
                .push(self.node(position, op, Part::Child, None));
        }
        if goes && !deletes_first {
            nodes.delete = Some(self.node(position, delete, Part::Head, record.take()));
        }
        if let Some(record) = record {
            // A record on its own: an adopted object, a Service that came back with another uid,
            // or what is left of an object whose head is gone.
            self.node(position, record, Part::Record, None);
        }
        self.nodes[position] = nodes;
    }

    fn order_within(&mut self, position: usize) {
        let change = &self.changes[position];
        let nodes = &self.nodes[position];
        let frontend = change.object.kind == ObjectKind::Frontend;
        let graph = &mut self.graph;
        graph.edges(
            &nodes.child_puts,
            &nodes.child_deletes,
            Reason::NewBeforeOld,
        );
        if let Some(put) = nodes.put {
            if change.creates() {
                let reason = if frontend {
                    Reason::FrontendBeforeMiddleware
                } else {
                    Reason::HeadBeforeChildren
                };
                graph.edges(&[put], &nodes.child_puts, reason);
            } else if frontend {
                graph.edges(&nodes.child_puts, &[put], Reason::MiddlewareBeforeRoute);
                graph.edges(
                    &[put],
                    &nodes.child_deletes,
                    Reason::RouteBeforeOldMiddleware,
                );
            }
        }
        if let (Some(first), Some(last)) = (nodes.put, nodes.last_put)
            && first != last
        {
            graph.edge(first, last, Gap::Settle, Reason::Settled);
            for put in &nodes.child_puts {
                graph.edge(*put, last, Gap::Settle, Reason::Settled);
            }
            graph.edges(&[first], &nodes.child_deletes, Reason::FrontendGoesFirst);
        }
        if let (true, Some(last)) = (
            change.links.is_settling && !change.creates(),
            nodes.last_put,
        ) {
            graph.settled.insert(last);
            for put in &nodes.child_puts {
                graph.edge(*put, last, Gap::Settle, Reason::Settled);
            }
        }
        if let (Some(early), Some(put)) = (nodes.early_delete, nodes.put) {
            graph.edge(early, put, Gap::Later, Reason::Recreated);
            graph.edges(&[early], &nodes.child_deletes, Reason::FrontendGoesFirst);
        }
        if let Some(delete) = nodes.delete {
            if frontend {
                graph.edges(&[delete], &nodes.child_deletes, Reason::FrontendGoesFirst);
            } else {
                graph.edges(
                    &nodes.child_deletes,
                    &[delete],
                    Reason::ServersBeforeBackend,
                );
            }
        }
    }

    /// Orders between frontends and the backends they leave and come to.
    fn order_references(&mut self) {
        let backends: BTreeMap<&ObjectRef, usize> = self
            .changes
            .iter()
            .enumerate()
            .filter(|(_, change)| change.object.kind == ObjectKind::Backend)
            .map(|(position, change)| (&change.object, position))
            .collect();
        let find = |frontend: &ObjectRef, id: &Option<crate::key::Segment>| {
            let id = id.clone()?;
            let backend = ObjectRef {
                root: frontend.root.clone(),
                kind: ObjectKind::Backend,
                id,
            };
            backends.get(&backend).copied()
        };
        for (position, change) in self.changes.iter().enumerate() {
            if change.object.kind != ObjectKind::Frontend {
                continue;
            }
            let frontend = &self.nodes[position];
            if let Some(backend) = find(&change.object, &change.links.new_backend) {
                let target = &self.nodes[backend];
                come_to(
                    &mut self.graph,
                    change,
                    frontend,
                    &self.changes[backend],
                    target,
                );
            }
            if let Some(backend) = find(&change.object, &change.links.old_backend) {
                leave(
                    &mut self.graph,
                    change,
                    frontend,
                    &self.changes[backend],
                    &self.nodes[backend],
                );
            }
        }
    }

    /// A route is released before it is taken.
    fn order_routes(&mut self) {
        let mut released: BTreeMap<(&crate::key::Root, &str), Vec<(usize, usize)>> =
            BTreeMap::new();
        for (position, change) in self.changes.iter().enumerate() {
            let links = &change.links;
            let leaves =
                links.old_route != links.new_route || self.nodes[position].early_delete.is_some();
            if let (Some(route), Some(node), true) =
                (&links.old_route, self.nodes[position].release(), leaves)
            {
                let slot = (&change.object.root, route.as_str());
                released.entry(slot).or_default().push((position, node));
            }
        }
        for (position, change) in self.changes.iter().enumerate() {
            let Some(route) = &change.links.new_route else {
                continue;
            };
            // Before the placeholder even: a vulcand that lags beyond the settle pause reads the real
            // route in its place.
            let Some(take) = self.nodes[position].put else {
                continue;
            };
            let releases = released.get(&(&change.object.root, route.as_str()));
            for (other, node) in releases.into_iter().flatten() {
                if *other != position {
                    self.graph
                        .edge(*node, take, Gap::Order, Reason::RouteReleased);
                }
            }
        }
    }

    /// A backend goes before another is created whose id begins with its own, or the reverse.
    fn order_ids(&mut self) {
        for (deleted, change) in self.changes.iter().enumerate() {
            let Some(delete) = self.nodes[deleted].delete else {
                continue;
            };
            if change.object.kind != ObjectKind::Backend {
                continue;
            }
            let gone = change.object.id.as_str();
            for (created, other) in self.changes.iter().enumerate() {
                let Some(put) = self.nodes[created].put else {
                    continue;
                };
                let id = other.object.id.as_str();
                let mixed = other.object.kind == ObjectKind::Backend
                    && other.object.root == change.object.root
                    && (id.starts_with(gone) || gone.starts_with(id));
                // A backend that moves is written in its new place before the old one goes.
                let moves = id.strip_prefix(gone) == Some("_");
                if mixed && !moves && other.creates() {
                    self.graph.edge(delete, put, Gap::Order, Reason::IdReleased);
                }
            }
        }
    }

    /// Deletes under a longer root come before the same object is written under a shorter one.
    fn order_siblings(&mut self) {
        for (here, change) in self.changes.iter().enumerate() {
            for (there, other) in self.changes.iter().enumerate() {
                let (object, longer) = (&change.object, &other.object);
                if object.kind != longer.kind
                    || object.id != longer.id
                    || !object.root.sees(&longer.root)
                {
                    continue;
                }
                let (ours, theirs) = (&self.nodes[here], &self.nodes[there]);
                let mut deletes: Vec<usize> = theirs.child_deletes.clone();
                deletes.extend(theirs.early_delete.iter().chain(&theirs.delete));
                deletes.sort_unstable();
                let mut puts: Vec<usize> = ours.child_puts.clone();
                puts.extend(ours.put.iter().chain(&ours.last_put));
                puts.sort_unstable();
                puts.dedup();
                for put in puts {
                    for delete in &deletes {
                        self.graph
                            .edge(*delete, put, Gap::Later, Reason::SiblingDeleted);
                    }
                }
            }
        }
    }
}

fn record_op(change: &ObjectChange) -> Option<Op> {
    let key = change.object.record_key();
    match &change.record {
        RecordChange::Keep => None,
        RecordChange::Put(value) => Some(Op::Put {
            key,
            value: value.clone(),
        }),
        RecordChange::Delete => Some(Op::Delete { key }),
    }
}

/// A frontend comes to a backend that changes in the same plan.
fn come_to(
    graph: &mut Graph,
    change: &ObjectChange,
    frontend: &Nodes,
    backend_change: &ObjectChange,
    backend: &Nodes,
) {
    if let (Some(backend_put), Some(put)) = (backend.put, frontend.put) {
        graph.edges(&[backend_put], &[put], Reason::BackendBeforeFrontend);
    }
    if let HeadChange::Recreate(_) = change.head
        && backend_change.creates()
        && let (Some(early), Some(backend_put)) = (frontend.early_delete, backend.put)
    {
        // A frontend that outlives its backend never follows the new one's servers.
        graph.edges(&[early], &[backend_put], Reason::ReferenceGoesFirst);
    }
    if change.creates() {
        if !change.settles() {
            graph.edges(
                &frontend.child_puts,
                &backend.child_puts,
                Reason::MiddlewareBeforeServer,
            );
        }
        if backend_change.creates()
            && !change.links.target_serves
            && let Some(put) = frontend.put
        {
            graph.edges(&[put], &backend.child_puts, Reason::MiddlewareBeforeServer);
        }
    } else if change.links.old_backend != change.links.new_backend
        && let Some(put) = frontend.put
    {
        graph.edges(&backend.child_puts, &[put], Reason::ServersBeforeSwitch);
    }
}

/// A frontend leaves a backend that changes in the same plan.
fn leave(
    graph: &mut Graph,
    change: &ObjectChange,
    frontend: &Nodes,
    backend_change: &ObjectChange,
    backend: &Nodes,
) {
    let goes = backend_change.head == HeadChange::Delete;
    if !goes && change.links.new_backend == change.links.old_backend {
        return;
    }
    let mut before: Vec<usize> = frontend.release().into_iter().collect();
    if frontend.delete.is_some() {
        before.extend(&frontend.child_deletes);
    }
    let gone: Vec<usize> = backend.delete.into_iter().collect();
    graph.edges(&before, &backend.child_deletes, Reason::ReferenceGoesFirst);
    graph.edges(&before, &gone, Reason::ReferenceGoesFirst);
}
