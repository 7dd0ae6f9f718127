//! What a plan comes to, without anybody carrying it out.

use std::borrow::Cow;
use std::collections::BTreeMap;

use romulus_core::cluster::ObjectName;
use romulus_core::key::{Key, OWN_PREFIX, ObjectRef};
use romulus_core::plan::{Group, Op, Step};
use romulus_core::world::{End, World};

use crate::progress::Progress;

/// What would happen to one key in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The key as a text.
    pub(crate) key: String,
    /// What it is a key of.
    pub(crate) part: Key,
    /// The Service that wants it, or wanted it when it was written.
    pub(crate) service: Option<ObjectName>,
    /// What the store holds.
    pub(crate) old: Option<String>,
    /// What it would hold.
    pub(crate) new: Option<String>,
    /// It is deleted first and put again, so that vulcand reads it anew.
    pub(crate) is_recreated: bool,
}

/// Plans until nothing is left to plan, as romulusd would, and tells what it comes to. Nothing
/// leaves this process; the world believes that all of it was written.
pub(crate) fn changes(world: &mut World) -> Vec<Change> {
    let mut changes = BTreeMap::new();
    play(world, |world, group, step| {
        note(world, group, step, &mut changes)
    });
    let is_change = |change: &Change| change.old != change.new || change.is_recreated;
    changes.into_values().filter(is_change).collect()
}

/// Plans until nothing is left to plan, and shows each step before the world takes it for written.
pub(crate) fn play(world: &mut World, mut show: impl FnMut(&World, &Group, &Step)) {
    let mut revision = i64::MAX / 2;
    let (progress, mut planned) = (Progress::of("planning"), 0);
    loop {
        let plan = world.plan();
        if plan.groups.is_empty() {
            return;
        }
        for group in &plan.groups {
            for step in &group.steps {
                show(world, group, step);
                revision += 1;
                world.committed(&step.transaction, revision);
            }
            world.finished(group, End::Complete);
            planned += group.objects.len();
            progress.tell(planned, None);
        }
    }
}

fn note(world: &World, group: &Group, step: &Step, changes: &mut BTreeMap<String, Change>) {
    for op in &step.transaction.ops {
        // Records say who owns a key; they follow the keys and say nothing about routing.
        if op.key().starts_with(OWN_PREFIX) {
            continue;
        }
        let new = match op {
            Op::Put { value, .. } => Some(value.clone()),
            Op::Delete { .. } => None,
        };
        if let Some(change) = changes.get_mut(op.key()) {
            change.is_recreated |= change.old.is_some() && change.new.is_none() && new.is_some();
            change.new = new;
        } else if let Some(part) = part(world, &group.objects, op.key()) {
            let change = Change {
                key: op.key().to_owned(),
                service: world.service_behind(part.object()),
                part,
                old: world.stored(op.key()).map(Cow::into_owned),
                new,
                is_recreated: false,
            };
            changes.insert(op.key().to_owned(), change);
        }
    }
}

/// What a key stands for. Where roots lie within each other, the written objects tell.
fn part(world: &World, objects: &[ObjectRef], key: &str) -> Option<Key> {
    let parts = world.roots().filter_map(|root| Key::in_tree(root, key));
    let mut parts: Vec<Key> = parts.collect();
    if parts.len() > 1 {
        parts.retain(|part| objects.contains(part.object()));
    }
    parts.pop()
}
