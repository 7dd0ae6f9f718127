//! What is known of the store: loaded, watched, and written by ourselves.

use crate::key::{Key, ObjectKind, ObjectRef, RECORDS_PREFIX, Root, Segment};
use crate::plan::{Op, Transaction};
use crate::stored::{Entry, KeyChange, Snapshot};

use super::World;
use super::tree::{Flight, Object};

/// What becomes of what is known, where a snapshot says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It stays, if its revision is newer.
    UnlessNewer,
    /// It goes.
    Outdated,
}

impl World {
    /// Takes over everything there is under a prefix, whatever was known of it: a store that was
    /// restored from a backup, or emptied, counts its revisions anew.
    pub fn load(&mut self, prefix: &str, snapshot: &Snapshot) {
        if prefix == RECORDS_PREFIX {
            self.records_loaded = true;
        }
        let of_prefix: Vec<Root> = self
            .trees
            .keys()
            .filter(|root| root.prefix() == prefix)
            .cloned()
            .collect();
        for root in &of_prefix {
            if let Some(tree) = self.trees.get_mut(root) {
                tree.loaded = true;
            }
        }
        let everywhere = prefix == RECORDS_PREFIX;
        let objects: Vec<ObjectRef> = self
            .trees
            .iter()
            .filter(|(root, _)| everywhere || of_prefix.contains(root))
            .flat_map(|(root, tree)| {
                let reference = |(kind, id, _): (ObjectKind, &Segment, &Object)| ObjectRef {
                    root: root.clone(),
                    kind,
                    id: id.clone(),
                };
                tree.iter().map(reference)
            })
            .collect();
        self.tombstones
            .retain(|_, deleted| *deleted <= snapshot.revision);
        for object in &objects {
            self.change(object, |state| {
                state.known_at = state.known_at.min(snapshot.revision - 1)
            });
        }
        self.replace(&objects, snapshot, Known::Outdated, |key| match key {
            Key::Record(_) => everywhere,
            Key::Head(object) | Key::Child(object, _) => of_prefix.contains(&object.root),
        });
    }

    /// Takes over everything that is stored of some objects, after a write whose outcome is
    /// unknown or that was refused. The snapshot holds their keys and records.
    pub fn refresh(&mut self, objects: &[ObjectRef], snapshot: &Snapshot) {
        self.replace(objects, snapshot, Known::UnlessNewer, |key| {
            objects.contains(key.object())
        });
        for object in objects {
            self.change(object, |state| {
                state.known_at = state.known_at.max(snapshot.revision)
            });
        }
    }

    /// Prefixes under which everything of an object is stored.
    pub fn prefixes_of(object: &ObjectRef) -> [String; 2] {
        let folder = format!(
            "{}{}/{}/",
            object.root.prefix(),
            object.kind.folder(),
            object.id
        );
        [folder, object.record_key()]
    }

    /// Sets what the snapshot shows of the keys in scope, and removes what it doesn't show of the
    /// objects known.
    fn replace(
        &mut self,
        objects: &[ObjectRef],
        snapshot: &Snapshot,
        known: Known,
        in_scope: impl Fn(&Key) -> bool,
    ) {
        let since = |revision| match known {
            Known::UnlessNewer => revision,
            Known::Outdated => i64::MAX,
        };
        for (text, entry) in &snapshot.entries {
            for key in self.keys(text) {
                if in_scope(&key) {
                    self.see(&key, Some(entry.clone()), since(entry.revision));
                }
            }
        }
        for reference in objects {
            let Some(object) = self.object(reference) else {
                continue;
            };
            let head = object.head.is_some().then(|| Key::Head(reference.clone()));
            let record = object
                .record
                .is_some()
                .then(|| Key::Record(reference.clone()));
            let children = object.children.keys();
            let children = children.map(|name| Key::Child(reference.clone(), name.clone()));
            let keys: Vec<Key> = head.into_iter().chain(record).chain(children).collect();
            for key in keys {
                if in_scope(&key) && !snapshot.entries.contains_key(&key.to_string()) {
                    self.see(&key, None, since(snapshot.revision));
                }
            }
        }
    }

    /// Takes over a change that the store's watch delivered. Returns whether it is news about an
    /// object of ours that we are not writing ourselves: somebody else's doing.
    pub fn observe(&mut self, change: &KeyChange) -> bool {
        if let Some(deleted) = self.tombstones.get(change.key()) {
            let is_news = change.revision() > *deleted;
            if change.revision() >= *deleted {
                self.tombstones.remove(change.key());
            }
            if !is_news {
                return false;
            }
        }
        let entry = match change {
            KeyChange::Put { entry, .. } => Some(entry),
            KeyChange::Delete { .. } => None,
        };
        let mut others = false;
        for key in self.keys(change.key()) {
            let news = self.see(&key, entry.cloned(), change.revision());
            others |= news
                && self.object(key.object()).is_some_and(|object| {
                    object.is_owned_by(&self.config.owner) && object.flight.is_none()
                });
            if entry.is_none() && self.is_in_flight(key.object()) {
                // What we put before may only be told later.
                let deleted = change.revision();
                self.tombstones.insert(change.key().to_owned(), deleted);
            }
        }
        others
    }

    /// Leaves a key as others put it, until it is [resumed](Self::resume): for when somebody puts
    /// it again and again.
    pub fn pause(&mut self, key: &str) {
        self.paused.insert(key.to_owned());
    }

    /// Puts a key that was [paused](Self::pause) back with the next plan, if it is to be.
    pub fn resume(&mut self, key: &str) {
        self.paused.remove(key);
        for key in self.keys(key) {
            self.dirty.insert(key.object().clone());
        }
    }

    /// Takes over a transaction of ours that the store applied.
    pub fn committed(&mut self, transaction: &Transaction, revision: i64) {
        let mut writes = Vec::with_capacity(transaction.ops.len());
        for op in &transaction.ops {
            // Somebody may have deleted it since.
            let deleted = self.tombstones.get(op.key());
            if deleted.is_some_and(|deleted| *deleted > revision) {
                continue;
            }
            if let Op::Delete { key } = op {
                self.tombstones.insert(key.clone(), revision);
            }
            writes.extend(self.keys(op.key()).into_iter().map(|key| (key, op)));
        }
        let of_one = |one: &(Key, &Op), other: &(Key, &Op)| one.0.object() == other.0.object();
        for writes in writes.chunk_by(of_one) {
            let Some((first, _)) = writes.first() else {
                continue;
            };
            let is_whole = self
                .object(first.object())
                .is_some_and(|object| object.flight == Some(Flight::Whole));
            let entry = |op: &Op| match op {
                Op::Put { value, .. } => Some(Entry {
                    value: value.clone(),
                    revision,
                    lease: 0,
                }),
                Op::Delete { .. } => None,
            };
            let changes = writes.iter().map(|(key, op)| (key, entry(op)));
            if self.set(first.object(), changes.collect(), revision) && !is_whole {
                self.dirty.insert(first.object().clone());
            }
        }
    }

    /// The keys a text stands for: at most one, unless roots lie within each other.
    pub(super) fn keys(&self, text: &str) -> Vec<Key> {
        if text.starts_with(RECORDS_PREFIX) {
            return Key::record(text).into_iter().collect();
        }
        self.trees
            .keys()
            .filter_map(|root| Key::in_tree(root, text))
            .collect()
    }

    /// Sets what a key holds since a revision, by somebody's doing that may ask for ours. Returns
    /// whether that is news.
    fn see(&mut self, key: &Key, entry: Option<Entry>, revision: i64) -> bool {
        let object = key.object();
        // Nearly everything that a watch delivers is our own doing.
        let is_known = self
            .object(object)
            .is_some_and(|state| state.knows(key, entry.is_none(), revision));
        if is_known || !self.set(object, vec![(key, entry)], revision) {
            return false;
        }
        self.dirty.insert(object.clone());
        true
    }

    /// Sets what keys of an object hold since a revision. Returns whether any of it is news.
    fn set(&mut self, object: &ObjectRef, keys: Vec<(&Key, Option<Entry>)>, revision: i64) -> bool {
        let has = |is: fn(&Key) -> bool| keys.iter().any(|(key, _)| is(key));
        if has(|key| matches!(key, Key::Record(_))) {
            // A record may be the first we hear of a tree.
            self.trees.entry(object.root.clone()).or_default();
        }
        let left = if has(|key| matches!(key, Key::Head(_))) {
            self.linked(object)
        } else {
            Vec::new()
        };
        let news: Vec<(&Key, bool)> = self.change(object, |state| {
            let set = |(key, entry): (_, Option<Entry>)| {
                let is_deleted = entry.is_none();
                state.set(key, entry, revision).then_some((key, is_deleted))
            };
            keys.into_iter().filter_map(set).collect()
        });
        for (key, is_deleted) in &news {
            if *is_deleted {
                self.lose_siblings(key);
            }
        }
        if news.iter().any(|(key, _)| matches!(key, Key::Head(_))) {
            // Somebody may wait for the route or the backend that a frontend has left.
            self.dirty.extend(left);
        }
        !news.is_empty()
    }
}
