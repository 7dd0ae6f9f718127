use std::borrow::Cow;
use std::collections::BTreeMap;

use romulus_core::key::OWN_PREFIX;
use romulus_core::plan::{Op, Transaction};
use romulus_core::world::World;

/// What would happen to one key in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) key: String,
    /// What the store holds.
    pub(crate) old: Option<String>,
    /// What it would hold.
    pub(crate) new: Option<String>,
}

/// Plans until nothing is left to plan, as romulusd would, and tells what it comes to. Nothing
/// leaves this process.
pub(crate) fn changes(world: &mut World) -> Vec<Change> {
    let mut changes: BTreeMap<String, (Option<String>, Option<String>)> = BTreeMap::new();
    let mut revision = i64::MAX / 2;
    loop {
        let plan = world.plan();
        if plan.groups.is_empty() {
            break;
        }
        for group in &plan.groups {
            for step in &group.steps {
                note(&step.transaction, world, &mut changes);
                revision += 1;
                world.committed(&step.transaction, revision);
            }
            world.finished(group, false);
        }
    }
    let change = |(key, (old, new))| Change { key, old, new };
    changes
        .into_iter()
        .map(change)
        .filter(|change| change.old != change.new)
        .collect()
}

fn note(
    transaction: &Transaction,
    world: &World,
    changes: &mut BTreeMap<String, (Option<String>, Option<String>)>,
) {
    for op in &transaction.ops {
        // Records say who owns a key; they follow the keys and say nothing about routing.
        if op.key().starts_with(OWN_PREFIX) {
            continue;
        }
        let new = match op {
            Op::Put { value, .. } => Some(value.clone()),
            Op::Delete { .. } => None,
        };
        let entry = changes.entry(op.key().to_owned());
        entry
            .or_insert_with(|| (world.stored(op.key()).map(Cow::into_owned), None))
            .1 = new;
    }
}
