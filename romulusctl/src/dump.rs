//! `romulusctl dump`: one consistent snapshot of a store, as a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use romulus_core::key::Root;
use romulus_core::stored::{Entry, Snapshot};
use romulus_etcd::EtcdArgs;
use serde::{Deserialize, Serialize};

use crate::Ended;
use crate::stored::{self, Stored};

/// What `dump` reads, and where it puts it.
#[derive(Debug, Clone, clap::Args)]
pub struct DumpArgs {
    /// The file to write; - is the standard output
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,

    /// A tree to dump: vulcand's -etcdKey, slashes included; may be given several times
    ///
    /// Every tree in which a romulus owns something is dumped anyway.
    #[arg(
        long,
        value_name = "ROOT",
        env = "VULCAND_KEY",
        default_value = "vulcand"
    )]
    pub vulcan_key: Vec<Root>,

    /// Where keys are.
    #[command(flatten, next_help_heading = "etcd")]
    pub etcd: EtcdArgs,
}

pub(crate) async fn run(
    args: &DumpArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<Ended> {
    let stored = stored::trees(None, &args.etcd, &args.vulcan_key).await?;
    let (revision, keys) = (stored.snapshot.revision, stored.snapshot.entries.len());
    let dump = Dump::from(stored);
    if args.file.as_os_str() == "-" {
        dump.write(out)?;
        out.flush()?;
        return Ok(Ended::Same);
    }
    dump.save(&args.file)
        .with_context(|| format!("{} can't be written", args.file.display()))?;
    writeln!(
        err,
        "{}: {keys} keys at revision {revision}",
        args.file.display()
    )?;
    Ok(Ended::Same)
}

/// What a dump file holds: every key under the prefixes that were read, at one revision.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Dump {
    revision: i64,
    /// What was read. In a file without it, what is not there does not exist.
    #[serde(default)]
    prefixes: Vec<String>,
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

    /// Whether it tells what is stored under a prefix.
    pub(crate) fn covers(&self, prefix: &str) -> bool {
        self.prefixes.is_empty() || self.prefixes.iter().any(|read| prefix.starts_with(read))
    }

    /// The roots of the trees that were read.
    pub(crate) fn roots(&self) -> impl Iterator<Item = Root> {
        let root = |prefix: &String| prefix.strip_suffix('/')?.parse().ok();
        self.prefixes.iter().filter_map(root)
    }

    fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }

    /// Puts it into a file: all of it, or nothing.
    fn save(&self, path: &Path) -> std::io::Result<()> {
        if path.exists() && !path.is_file() {
            // A pipe or a device is written to, not replaced.
            let file = std::fs::OpenOptions::new().write(true).open(path)?;
            let mut file = std::io::BufWriter::new(file);
            self.write(&mut file)?;
            return file.flush();
        }
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new("."));
        folder.metadata()?; // what is wrong with it is said without the name of the file beside
        let file = tempfile::NamedTempFile::new_in(folder)?;
        let mut file = std::io::BufWriter::new(file);
        self.write(&mut file)?;
        file.into_inner()?.persist(path)?;
        Ok(())
    }
}

impl From<Stored> for Dump {
    fn from(stored: Stored) -> Self {
        let entry = |(key, entry): (String, Entry)| DumpedEntry {
            key,
            value: entry.value,
            revision: entry.revision,
            lease: entry.lease,
        };
        Self {
            revision: stored.snapshot.revision,
            prefixes: stored::prefixes(&stored.roots),
            entries: stored.snapshot.entries.into_iter().map(entry).collect(),
        }
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
