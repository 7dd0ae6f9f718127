use std::collections::BTreeSet;

use super::Op;

/// Why one write comes before another. vulcand applies events one by one, drops what it can't
/// apply and never retries; each reason below was found on a running one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A frontend that is put before its backend is lost.
    BackendBeforeFrontend,
    /// A middleware that is put before its frontend is lost.
    FrontendBeforeMiddleware,
    /// A frontend serves as soon as its backend has a server: its middlewares stand before.
    MiddlewareBeforeServer,
    /// The head comes first where an object is created, so that later transactions can compare
    /// with it.
    HeadBeforeChildren,
    /// Without the new server or middleware in place, removing the old one leaves a gap.
    NewBeforeOld,
    /// A route that changes opens to other requests: new middlewares stand before it opens.
    MiddlewareBeforeRoute,
    /// Old middlewares guard the old route until it is gone.
    RouteBeforeOldMiddleware,
    /// A frontend that is switched to a backend finds its servers there.
    ServersBeforeSwitch,
    /// A middleware deleted before its frontend leaves it unguarded for a moment.
    FrontendGoesFirst,
    /// A backend that loses its servers or itself while a frontend refers to it answers 5xx, and
    /// is never followed again.
    ReferenceGoesFirst,
    /// Servers are deleted before their backend: afterwards vulcand logs errors about them.
    ServersBeforeBackend,
    /// Two frontends with one route text share an entry: it is released before it is taken.
    RouteReleased,
    /// Backends whose ids begin with each other are never there together, but while one moves.
    IdReleased,
    /// A delete under a root takes an object of the same id out of the trees whose roots it begins
    /// with: it comes before the object is written there. And in a transaction of its own: a
    /// vulcand that starts handles the events of the last one again, on top of what it has loaded.
    SiblingDeleted,
    /// What is deleted to be created again: the events of one transaction would cancel out.
    Recreated,
    /// vulcand has applied what comes before when the settle pause is over.
    Settled,
}

/// How far apart two writes must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    /// The same transaction will do, in this order.
    Order,
    /// A later transaction.
    Later,
    /// A later transaction, after the settle pause.
    Settle,
}

/// What of an object a write is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Head,
    Child,
    Record,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    /// Which of the changes it belongs to.
    pub(crate) change: usize,
    pub(crate) part: Part,
    /// The ownership record that goes into the same transaction.
    pub(crate) record: Option<Op>,
}

#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) gap: Gap,
    #[expect(
        dead_code,
        reason = "shown by Debug, to whoever wonders about an order"
    )]
    pub(crate) reason: Reason,
}

/// Writes, and what must come before what.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
    /// Nodes that wait for the settle pause though nothing in the graph comes before them.
    pub(crate) settled: BTreeSet<usize>,
}

/// Writes that may share a transaction, in their order.
#[derive(Debug, Default)]
pub(crate) struct Level {
    pub(crate) settle: bool,
    pub(crate) nodes: Vec<usize>,
}

impl Graph {
    pub(crate) fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    pub(crate) fn edge(&mut self, from: usize, to: usize, gap: Gap, reason: Reason) {
        self.edges.push(Edge {
            from,
            to,
            gap,
            reason,
        });
    }

    /// Puts all of the first nodes before all of the second. Both are given in the order in which
    /// they were added, and each becomes a chain: as many edges as there are nodes.
    pub(crate) fn edges(&mut self, from: &[usize], to: &[usize], reason: Reason) {
        let (Some(last), Some(first)) = (from.last(), to.first()) else {
            return;
        };
        for chain in [from, to] {
            for pair in chain.windows(2) {
                self.edge(pair[0], pair[1], Gap::Order, reason);
            }
        }
        self.edge(*last, *first, Gap::Order, reason);
    }

    /// Sorts the writes into levels; or gives the nodes of the cycles that make it impossible.
    pub(crate) fn levels(&self) -> Result<Vec<Level>, Vec<usize>> {
        let mut waits_for = vec![0usize; self.nodes.len()];
        let mut out: Vec<Vec<&Edge>> = Vec::new();
        out.resize_with(self.nodes.len(), Vec::new);
        for edge in &self.edges {
            waits_for[edge.to] += 1;
            out[edge.from].push(edge);
        }
        let mut ready: BTreeSet<usize> = (0..self.nodes.len())
            .filter(|node| waits_for[*node] == 0)
            .collect();
        let mut at = vec![0usize; self.nodes.len()];
        let mut levels: Vec<Level> = Vec::new();
        let mut settled = self.settled.clone();
        let mut placed = 0;
        // The smallest node first: nodes are added in the order a reader would write them down.
        while let Some(node) = ready.pop_first() {
            placed += 1;
            if levels.len() <= at[node] {
                levels.resize_with(at[node] + 1, Level::default);
            }
            levels[at[node]].nodes.push(node);
            for edge in &out[node] {
                let gap = usize::from(edge.gap > Gap::Order);
                at[edge.to] = at[edge.to].max(at[node] + gap);
                if edge.gap == Gap::Settle {
                    settled.insert(edge.to);
                }
                waits_for[edge.to] -= 1;
                if waits_for[edge.to] == 0 {
                    ready.insert(edge.to);
                }
            }
        }
        if placed < self.nodes.len() {
            let stuck = (0..self.nodes.len())
                .filter(|node| waits_for[*node] > 0)
                .collect();
            return Err(self.cycles(stuck));
        }
        for node in settled {
            levels[at[node]].settle = true;
        }
        Ok(levels)
    }

    /// Of nodes that can't be placed, those that do not merely depend on others: the members of
    /// cycles, and what lies between two cycles.
    fn cycles(&self, mut stuck: BTreeSet<usize>) -> Vec<usize> {
        loop {
            let leads_on = |node: &usize| {
                self.edges
                    .iter()
                    .any(|edge| edge.from == *node && stuck.contains(&edge.to))
            };
            let (kept, ends): (BTreeSet<usize>, BTreeSet<usize>) =
                stuck.iter().partition(|n| leads_on(n));
            if ends.is_empty() {
                return kept.into_iter().collect();
            }
            stuck = kept;
        }
    }
}
