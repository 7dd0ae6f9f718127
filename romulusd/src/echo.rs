use std::io::Write as _;

use romulus_core::key::{OWN_PREFIX, Root};
use romulus_core::plan::{Op, Transaction};
use romulus_core::stored::Snapshot;

/// Shows what the embedded store holds: nobody else can look into it.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    has_shown_tree: bool,
}

impl Echo {
    /// The whole tree, once; afterwards the changes are enough.
    pub(crate) fn tree<'r>(&mut self, snapshot: &Snapshot, roots: impl Iterator<Item = &'r Root>) {
        if std::mem::replace(&mut self.has_shown_tree, true) {
            return;
        }
        let heartbeats: Vec<String> = roots.map(Root::heartbeat).collect();
        let shown = snapshot
            .entries
            .iter()
            .filter(|(key, _)| !key.starts_with(OWN_PREFIX) && !heartbeats.contains(key));
        let lines: String = shown
            .map(|(key, entry)| format!("{key}\n  {}\n", entry.value))
            .collect();
        print(&lines);
    }

    pub(crate) fn has_shown_tree(&self) -> bool {
        self.has_shown_tree
    }

    /// What a transaction changes.
    pub(crate) fn changes(&self, transaction: &Transaction) {
        if !self.has_shown_tree {
            return;
        }
        let ops = transaction
            .ops
            .iter()
            .filter(|op| !op.key().starts_with(OWN_PREFIX));
        let lines: String = ops
            .map(|op| match op {
                Op::Put { key, value } => format!("PUT {key}\n  {value}\n"),
                Op::Delete { key } => format!("DELETE {key}\n"),
            })
            .collect();
        print(&lines);
    }
}

/// A reader that went away is no reason to stop.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
