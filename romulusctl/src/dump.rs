//! One consistent snapshot of a store, as a file.

use std::path::Path;

use anyhow::Context as _;
use romulus_core::stored::{Entry, Snapshot};
use serde::{Deserialize, Serialize};

/// What a dump file holds: every key under the prefixes that were read, at one revision.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Dump {
    revision: i64,
    entries: Vec<DumpedEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct DumpedEntry {
    key: String,
    value: String,
    revision: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    lease: i64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_zero(lease: &i64) -> bool {
    *lease == 0
}

impl Dump {
    /// Reads a file that `romulusctl dump` wrote.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is not what `romulusctl dump` writes", path.display()))
    }
}

impl From<Dump> for Snapshot {
    fn from(dump: Dump) -> Self {
        let entry = |entry: DumpedEntry| {
            let DumpedEntry {
                key,
                value,
                revision,
                lease,
            } = entry;
            (
                key,
                Entry {
                    value,
                    revision,
                    lease,
                },
            )
        };
        Self {
            revision: dump.revision,
            entries: dump.entries.into_iter().map(entry).collect(),
        }
    }
}
