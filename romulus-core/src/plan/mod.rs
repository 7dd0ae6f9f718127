//! What to write, in which order, and why.
//!
//! A plan is a graph of writes: `change` says what becomes of each object, `order` says which
//! write must come before which and why, `emit` packs the result into transactions.

mod change;
mod emit;
mod graph;
mod order;
mod pack;
mod transaction;

pub(crate) use change::{Child, ChildValue, FrontendLinks, HeadChange, ObjectChange, RecordChange};
pub(crate) use pack::pack;
pub use transaction::{Group, Guard, Op, Revision, Step, Transaction};

/// The transactions for changes that hang together.
pub(crate) fn group(mut changes: Vec<ObjectChange>) -> Option<Group> {
    changes.retain(|change| !change.is_empty());
    if changes.is_empty() {
        return None;
    }
    let (graph, levels) = order::order(&mut changes);
    let group = emit::emit(&changes, graph, &levels);
    (!group.steps.is_empty()).then_some(group)
}
