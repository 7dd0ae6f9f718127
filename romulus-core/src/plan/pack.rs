//! Fewer, fuller transactions: small groups share one.

use super::{Group, Step, Transaction};

/// Merges groups of a single transaction, in their order, as long as the limits allow. Groups of
/// several steps stay alone, and so do those for which `alone` says so.
pub(crate) fn pack(groups: Vec<Group>, alone: impl Fn(&Group) -> bool) -> Vec<Group> {
    let mut packed = Vec::with_capacity(groups.len());
    let mut open: Option<(Group, usize)> = None;
    for group in groups {
        let [step] = group.steps.as_slice() else {
            packed.push(group);
            continue;
        };
        if step.settle || alone(&group) {
            packed.push(group);
            continue;
        }
        let bytes = step.transaction.bytes();
        match &mut open {
            Some((into, size)) if fits(into, *size, &step.transaction, bytes) => {
                *size += bytes;
                merge(into, group);
            }
            _ => packed.extend(open.replace((group, bytes)).map(|(full, _)| full)),
        }
    }
    packed.extend(open.map(|(group, _)| group));
    packed
}

fn fits(into: &Group, size: usize, transaction: &Transaction, bytes: usize) -> bool {
    let Some(Step {
        transaction: present,
        ..
    }) = into.steps.first()
    else {
        return false;
    };
    present.ops.len() + transaction.ops.len() <= Transaction::MAX_OPS
        && present.guards.len() + transaction.guards.len() < Transaction::MAX_OPS
        && size + bytes <= Transaction::MAX_BYTES
}

fn merge(into: &mut Group, group: Group) {
    into.objects.extend(group.objects);
    let steps = into.steps.iter_mut().zip(group.steps);
    for (into, step) in steps {
        into.transaction.guards.extend(step.transaction.guards);
        into.transaction.ops.extend(step.transaction.ops);
    }
}
