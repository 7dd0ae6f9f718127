use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Guard, Op, Revision, Transaction};
use crate::stored::{Entry, KeyChange, Snapshot};

/// A store that is only a map, with etcd's revisions, limits and rules of transactions.
#[derive(Debug, Clone, Default)]
pub struct MapStore {
    revision: i64,
    entries: BTreeMap<String, Entry>,
    log: Vec<KeyChange>,
}

/// A guard did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub Guard);

impl MapStore {
    /// The present revision.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// Every change there ever was, in its order.
    pub fn log(&self) -> &[KeyChange] {
        &self.log
    }

    /// What a key holds.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Keys and values.
    pub fn contents(&self) -> BTreeMap<String, String> {
        self.entries
            .iter()
            .map(|(key, entry)| (key.clone(), entry.value.clone()))
            .collect()
    }

    /// Keys and values as lines, `romulus/` left out.
    pub fn tree(&self) -> String {
        let lines = self
            .entries
            .iter()
            .filter(|(key, _)| !key.starts_with("romulus/"));
        lines
            .map(|(key, entry)| format!("{key} {}\n", entry.value))
            .collect()
    }

    /// Everything under a prefix.
    pub fn snapshot(&self, prefix: &str) -> Snapshot {
        let under = self
            .entries
            .range(prefix.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix));
        let entries = under
            .map(|(key, entry)| (key.clone(), entry.clone()))
            .collect();
        Snapshot {
            revision: self.revision,
            entries,
        }
    }

    /// Puts a key as somebody else would.
    pub fn put(&mut self, key: &str, value: &str) {
        let op = Op::Put {
            key: key.into(),
            value: value.into(),
        };
        self.commit(&Transaction {
            guards: Vec::new(),
            ops: vec![op],
        })
        .expect("no guard");
    }

    /// Deletes a key as somebody else would.
    pub fn delete(&mut self, key: &str) {
        let op = Op::Delete { key: key.into() };
        self.commit(&Transaction {
            guards: Vec::new(),
            ops: vec![op],
        })
        .expect("no guard");
    }

    /// Applies a transaction as etcd would. Panics where etcd would refuse the request itself.
    pub fn commit(&mut self, transaction: &Transaction) -> Result<i64, Refused> {
        let keys: BTreeSet<&str> = transaction.ops.iter().map(Op::key).collect();
        assert_eq!(
            keys.len(),
            transaction.ops.len(),
            "a key twice in one transaction: {transaction:?}"
        );
        assert!(
            transaction.ops.len() <= Transaction::MAX_OPS,
            "too many operations"
        );
        assert!(
            transaction.guards.len() < Transaction::MAX_OPS,
            "too many guards"
        );
        assert!(
            transaction.bytes() <= Transaction::MAX_BYTES,
            "too many bytes"
        );
        for guard in &transaction.guards {
            let holds = match guard {
                Guard::Absent { key } => !self.entries.contains_key(key),
                Guard::Unchanged {
                    key,
                    revision: Revision::Known(revision),
                } => self
                    .entries
                    .get(key)
                    .is_some_and(|entry| entry.revision == *revision),
                Guard::Unchanged { .. } => panic!("an unresolved revision: {transaction:?}"),
            };
            if !holds {
                return Err(Refused(guard.clone()));
            }
        }
        self.revision += 1;
        let revision = self.revision;
        for op in &transaction.ops {
            match op {
                Op::Put { key, value } => {
                    let entry = Entry {
                        value: value.clone(),
                        revision,
                        lease: 0,
                    };
                    self.entries.insert(key.clone(), entry.clone());
                    self.log.push(KeyChange::Put {
                        key: key.clone(),
                        entry,
                    });
                }
                Op::Delete { key } => {
                    if self.entries.remove(key).is_some() {
                        self.log.push(KeyChange::Delete {
                            key: key.clone(),
                            revision,
                        });
                    }
                }
            }
        }
        Ok(revision)
    }
}
