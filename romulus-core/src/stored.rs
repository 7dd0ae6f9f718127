//! Keys as a store holds them, and changes of them.

use std::collections::BTreeMap;

/// The value of a key, with what etcd knows about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value. Bytes that are not UTF-8 are replaced; vulcand would read no JSON in them either.
    pub value: String,
    /// The revision of the last put.
    pub revision: i64,
    /// The lease the key is attached to; 0 is none.
    pub lease: i64,
}

/// All keys under some prefixes at one revision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// The revision of the store the keys were read at.
    pub revision: i64,
    /// The keys.
    pub entries: BTreeMap<String, Entry>,
}

/// One change of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChange {
    /// The key was put.
    Put {
        /// The key.
        key: String,
        /// What it holds now; `entry.revision` is the revision of this change.
        entry: Entry,
    },
    /// The key was deleted, by a request or with its lease.
    Delete {
        /// The key.
        key: String,
        /// The revision of the deletion.
        revision: i64,
    },
}

impl KeyChange {
    /// The key changed.
    pub fn key(&self) -> &str {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } => key,
        }
    }

    /// The revision of the change.
    pub fn revision(&self) -> i64 {
        match self {
            Self::Put { entry, .. } => entry.revision,
            Self::Delete { revision, .. } => *revision,
        }
    }
}
