//! The content of a store and its history, with etcd's rules for revisions.

use std::collections::{BTreeMap, VecDeque};

use romulus_core::plan::{Guard, Op, Revision, Transaction};
use romulus_core::stored::{Entry, KeyChange, Snapshot};

use crate::{Fence, Outcome};

/// What a watch finds when it looks.
pub(super) enum Next {
    /// Changes under its prefix, one item per revision, and how far they reach.
    Changes {
        revisions: Vec<Vec<KeyChange>>,
        up_to: i64,
    },
    /// The history it asks for is gone, or not there yet.
    Reloaded(Snapshot),
}

/// Revisions a watch takes at a time, so that it never holds the lock for long.
const BATCH: usize = 64;

pub(super) struct State {
    revision: i64,
    entries: BTreeMap<String, Entry>,
    /// What happened after `compacted`, one item per revision, none missing.
    history: VecDeque<Vec<KeyChange>>,
    compacted: i64,
    /// Revisions the history keeps.
    keep: usize,
    leases: i64,
}

impl State {
    pub(super) fn new(keep: usize) -> Self {
        Self {
            // As a fresh etcd.
            revision: 1,
            entries: BTreeMap::new(),
            history: VecDeque::new(),
            compacted: 1,
            keep,
            leases: 0,
        }
    }

    pub(super) fn revision(&self) -> i64 {
        self.revision
    }

    pub(super) fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.entries
    }

    pub(super) fn new_lease(&mut self) -> i64 {
        self.leases += 1;
        self.leases
    }

    pub(super) fn snapshot<'a>(&self, prefixes: impl IntoIterator<Item = &'a str>) -> Snapshot {
        let under = |prefix: &'a str| {
            self.entries
                .range(prefix.to_owned()..)
                .take_while(move |(key, _)| key.starts_with(prefix))
                .map(|(key, entry)| (key.clone(), entry.clone()))
        };
        let entries = prefixes.into_iter().flat_map(under).collect();
        Snapshot {
            revision: self.revision,
            entries,
        }
    }

    pub(super) fn commit(&mut self, transaction: &Transaction, fence: Option<&Fence>) -> Outcome {
        let held = |fence: &Fence| {
            self.entries
                .get(&fence.key)
                .is_some_and(|entry| entry.value == fence.value)
        };
        if !fence.is_none_or(held) {
            return Outcome::Fenced;
        }
        let guards = &transaction.guards;
        if !guards.iter().all(|guard| self.holds(guard)) {
            let current = guards
                .iter()
                .filter_map(|guard| self.entries.get_key_value(guard.key()))
                .map(|(key, entry)| (key.clone(), entry.clone()))
                .collect();
            return Outcome::Refused {
                revision: self.revision,
                current,
            };
        }
        Outcome::Committed {
            revision: self.write(&transaction.ops, 0),
        }
    }

    fn holds(&self, guard: &Guard) -> bool {
        match guard {
            Guard::Absent { key } => !self.entries.contains_key(key),
            Guard::Unchanged { key, revision } => {
                // As in etcd, a key that does not exist was last written at revision 0.
                let last = self.entries.get(key).map_or(0, |entry| entry.revision);
                *revision == Revision::Known(last)
            }
        }
    }

    /// Writes at the next revision; the revision stays where nothing changes, as in etcd.
    pub(super) fn write(&mut self, ops: &[Op], lease: i64) -> i64 {
        let revision = self.revision + 1;
        let mut changes = Vec::with_capacity(ops.len());
        for op in ops {
            match op {
                Op::Put { key, value } => {
                    let entry = Entry {
                        value: value.clone(),
                        revision,
                        lease,
                    };
                    self.entries.insert(key.clone(), entry.clone());
                    changes.push(KeyChange::Put {
                        key: key.clone(),
                        entry,
                    });
                }
                Op::Delete { key } => {
                    if self.entries.remove(key).is_some() {
                        changes.push(KeyChange::Delete {
                            key: key.clone(),
                            revision,
                        });
                    }
                }
            }
        }
        if !changes.is_empty() {
            self.revision = revision;
            self.history.push_back(changes);
            if self.history.len() > self.keep {
                self.compact(self.compacted + 1);
            }
        }
        self.revision
    }

    /// Deletes every key of a lease, in one revision.
    pub(super) fn revoke(&mut self, lease: i64) {
        let leased = |(key, entry): (&String, &Entry)| {
            (lease != 0 && entry.lease == lease).then(|| Op::Delete { key: key.clone() })
        };
        let ops: Vec<_> = self.entries.iter().filter_map(leased).collect();
        self.write(&ops, 0);
    }

    /// Forgets the history up to and including a revision.
    pub(super) fn compact(&mut self, revision: i64) {
        while self.compacted < revision.min(self.revision) {
            self.history.pop_front();
            self.compacted += 1;
        }
    }

    /// What happened under a prefix after a revision.
    pub(super) fn after(&self, prefix: &str, after: i64) -> Next {
        if after < self.compacted || after > self.revision {
            return Next::Reloaded(self.snapshot([prefix]));
        }
        let skip = usize::try_from(after - self.compacted).unwrap_or(usize::MAX);
        let mut up_to = after;
        let mut revisions = Vec::new();
        for changes in self.history.iter().skip(skip).take(BATCH) {
            up_to += 1;
            let under: Vec<_> = changes
                .iter()
                .filter(|change| change.key().starts_with(prefix))
                .cloned()
                .collect();
            if !under.is_empty() {
                revisions.push(under);
            }
        }
        Next::Changes { revisions, up_to }
    }
}
