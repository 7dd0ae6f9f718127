//! The stored trees, from etcd or from a dump.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use romulus_core::key::{Key, OWN_PREFIX, Root};
use romulus_core::stored::Snapshot;
use romulus_etcd::EtcdArgs;

use crate::dump::Dump;
use crate::progress::Progress;
use crate::reader::Reader;

/// What is stored, at one revision.
#[derive(Debug)]
pub(crate) struct Stored {
    /// Every key of the trees, and what romulus keeps for itself.
    pub(crate) snapshot: Snapshot,
    /// The trees.
    pub(crate) roots: BTreeSet<Root>,
    /// Those of them of which a dump tells nothing.
    pub(crate) undumped: BTreeSet<Root>,
}

/// Reads the named trees, and every tree in which a romulus owns something: from the file of
/// `romulusctl dump` if there is one, else from etcd.
pub(crate) async fn trees(
    from: Option<&Path>,
    etcd: &EtcdArgs,
    named: &[Root],
) -> anyhow::Result<Stored> {
    let mut roots: BTreeSet<Root> = named.iter().cloned().collect();
    if let Some(path) = from {
        let dump = Dump::read(path).context("--from takes a file from `romulusctl dump`")?;
        let is_undumped = |root: &&Root| !dump.covers(&root.prefix());
        let undumped = roots.iter().filter(is_undumped).cloned().collect();
        roots.extend(dump.roots());
        let snapshot = Snapshot::from(dump);
        roots.extend(recorded(&snapshot));
        return Ok(Stored {
            snapshot,
            roots,
            undumped,
        });
    }
    let reader = Reader::open(etcd)?;
    let _progress = Progress::of("reading etcd");
    loop {
        let read = reader.load(&prefixes(&roots)).await;
        let snapshot = read.context("reading the store")?;
        // The records name trees, and what is read is of one revision: with them, or again.
        let before = roots.len();
        roots.extend(recorded(&snapshot));
        if roots.len() == before {
            return Ok(Stored {
                snapshot,
                roots,
                undumped: BTreeSet::new(),
            });
        }
    }
}

/// What has to be read for these trees.
pub(crate) fn prefixes(roots: &BTreeSet<Root>) -> Vec<String> {
    let trees = roots.iter().map(Root::prefix);
    [OWN_PREFIX.to_owned()].into_iter().chain(trees).collect()
}

/// The trees that records name.
fn recorded(snapshot: &Snapshot) -> impl Iterator<Item = Root> {
    let keys = snapshot.entries.keys();
    keys.filter_map(|key| Some(Key::record(key)?.object().root.clone()))
}
