//! From levels of writes to transactions within the limits of etcd.

use std::collections::BTreeMap;

use crate::key::{ObjectKind, ObjectRef};

use super::change::{HeadChange, ObjectChange};
use super::graph::{Graph, Level, Node, Part};
use super::{Group, Guard, Op, Revision, Step, Transaction};

/// Room for the leader's own guard.
const MAX_GUARDS: usize = Transaction::MAX_OPS - 1;

/// What is known of a key at some step of the group.
#[derive(Debug, Clone, Copy)]
enum State {
    Absent,
    At(Revision),
}

impl State {
    fn stored(revision: Option<i64>) -> Self {
        revision.map_or(Self::Absent, |revision| Self::At(Revision::Known(revision)))
    }

    fn guard(self, key: String) -> Guard {
        match self {
            Self::Absent => Guard::Absent { key },
            Self::At(revision) => Guard::Unchanged { key, revision },
        }
    }

    fn after(op: &Op, step: usize) -> Self {
        match op {
            Op::Put { .. } => Self::At(Revision::OfStep(step)),
            Op::Delete { .. } => Self::Absent,
        }
    }
}

struct Emitter<'c> {
    changes: &'c [ObjectChange],
    heads: Vec<State>,
    records: Vec<State>,
    steps: Vec<Step>,
    current: Step,
    bytes: usize,
    /// What of each object the current step guards: its head, and its record.
    guarded: BTreeMap<usize, bool>,
    /// What the current step does to heads and records.
    after: Vec<(usize, Part, State)>,
}

/// The transactions of ordered changes: one per level where it fits.
pub(crate) fn emit(changes: &[ObjectChange], graph: Graph, levels: &[Level]) -> Group {
    let stored = |revision: fn(&ObjectChange) -> Option<i64>| {
        changes
            .iter()
            .map(move |change| State::stored(revision(change)))
            .collect()
    };
    let mut emitter = Emitter {
        changes,
        heads: stored(|change| change.head_revision),
        records: stored(|change| change.record_revision),
        steps: Vec::new(),
        current: Step::default(),
        bytes: 0,
        guarded: BTreeMap::new(),
        after: Vec::new(),
    };
    let mut nodes: Vec<Option<Node>> = graph.nodes.into_iter().map(Some).collect();
    for level in levels {
        emitter.close();
        emitter.current.settle = level.settle;
        // Each is in one level.
        for node in level.nodes.iter().filter_map(|node| nodes[*node].take()) {
            emitter.write(node);
        }
    }
    emitter.close();
    let mut objects: Vec<ObjectRef> = changes.iter().map(|change| change.object.clone()).collect();
    objects.sort();
    Group {
        objects,
        steps: emitter.steps,
    }
}

impl Emitter<'_> {
    fn write(&mut self, node: Node) {
        let has_record = node.record.is_some() || node.part == Part::Record;
        let mut guards = self.missing_guards(node.change, has_record);
        guards.extend(self.target_guard(&node));
        let bytes: usize = size(&node.op)
            + node.record.as_ref().map_or(0, size)
            + guards.iter().map(|guard| guard.key().len()).sum::<usize>();
        let transaction = &self.current.transaction;
        let ops = 1 + usize::from(node.record.is_some());
        let full = transaction.ops.len() + ops > Transaction::MAX_OPS
            || transaction.guards.len() + guards.len() > MAX_GUARDS
            || self.bytes + bytes > Transaction::MAX_BYTES;
        if full && !transaction.ops.is_empty() {
            self.close();
            // What is known of the object may have changed by the step that was just closed.
            return self.write(node);
        }
        self.bytes += bytes;
        self.current.transaction.guards.extend(guards);
        *self.guarded.entry(node.change).or_default() |= has_record;
        let step = self.steps.len();
        let record = node.record.map(|record| (Part::Record, record));
        for (part, op) in [(node.part, node.op)].into_iter().chain(record) {
            if part != Part::Child {
                self.after
                    .push((node.change, part, State::after(&op, step)));
            }
            self.current.transaction.ops.push(op);
        }
    }

    /// What the current step has to guard before it may write the object.
    fn missing_guards(&self, change: usize, with_record: bool) -> Vec<Guard> {
        let object = &self.changes[change].object;
        let guarded = self.guarded.get(&change);
        let mut guards = Vec::new();
        if guarded.is_none() {
            guards.push(self.heads[change].guard(object.head_key()));
        }
        if with_record && guarded != Some(&true) {
            guards.push(self.records[change].guard(object.record_key()));
        }
        guards
    }

    /// A frontend is put only while the backend it refers to is there: one without makes vulcand's
    /// next start fail. A backend that is written in the same group is guarded by its own order.
    fn target_guard(&self, node: &Node) -> Option<Guard> {
        if node.part != Part::Head || !matches!(node.op, Op::Put { .. }) {
            return None;
        }
        let ObjectChange { object, links, .. } = &self.changes[node.change];
        let id = links.new_backend.clone()?;
        let backend = ObjectRef {
            root: object.root.clone(),
            kind: ObjectKind::Backend,
            id,
        };
        let written =
            |change: &&ObjectChange| change.object == backend && change.head != HeadChange::Keep;
        if self.changes.iter().any(|change| written(&change)) {
            return None;
        }
        let revision = Revision::Known(links.target_revision?);
        Some(Guard::Unchanged {
            key: backend.head_key(),
            revision,
        })
    }

    fn close(&mut self) {
        if self.current.transaction.ops.is_empty() {
            return;
        }
        self.steps.push(std::mem::take(&mut self.current));
        self.bytes = 0;
        self.guarded.clear();
        for (change, part, state) in self.after.drain(..) {
            let states = match part {
                Part::Head => &mut self.heads,
                Part::Child | Part::Record => &mut self.records,
            };
            states[change] = state;
        }
    }
}

fn size(op: &Op) -> usize {
    match op {
        Op::Put { key, value } => key.len() + value.len(),
        Op::Delete { key } => key.len(),
    }
}
