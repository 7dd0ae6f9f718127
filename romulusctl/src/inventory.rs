//! What is stored, whose it is, and whether it is what is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;

use anyhow::bail;
use romulus_core::cluster::ObjectName;
use romulus_core::config::Prune;
use romulus_core::diagnostic::Severity;
use romulus_core::key::{Key, ObjectRef, Root};
use romulus_core::stored::{Entry, Snapshot};
use romulus_core::world::{Record, World};

use crate::Ended;
use crate::change;
use crate::input::{self, InputArgs};
use crate::plain::visible;
use crate::stored;

/// Where the stored trees are, and what they are compared with.
#[derive(Debug, Clone, clap::Args)]
pub struct InventoryArgs {
    /// The trees as `romulusctl dump` wrote them to this file, instead of those in etcd
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,

    /// Compare with what is wanted: with the live cluster, or with manifests (-f does so anyway)
    #[arg(long)]
    pub drift: bool,

    /// What is wanted, and where keys are.
    #[command(flatten)]
    pub input: InputArgs,
}

/// How a key is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Drift {
    /// It would be changed.
    Changed,
    /// It should be there, and is not stored.
    Missing,
    /// It would be deleted.
    Unwanted,
}

impl Drift {
    /// One stable word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Unwanted => "unwanted",
        }
    }
}

/// The stored trees.
pub(crate) struct Inventory {
    /// The keys; those that are missing, too.
    snapshot: Snapshot,
    pub(crate) roots: BTreeSet<Root>,
    /// What they were compared with, if they were.
    wanted: Option<World>,
    /// The keys that are not as they should be.
    drift: BTreeMap<String, Drift>,
    /// The Services that want objects of which nothing is stored.
    wanted_by: BTreeMap<ObjectRef, ObjectName>,
    /// Everything that was asked for could be read.
    is_whole: bool,
}

/// Who is behind an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Behind {
    /// The Service it was written for, or that wants it.
    pub(crate) service: Option<String>,
    /// The owner that wrote it; `None` where no romulus did.
    pub(crate) owner: Option<String>,
}

/// A key of a backend or frontend.
pub(crate) struct StoredKey<'i> {
    pub(crate) key: &'i str,
    pub(crate) part: Key,
    pub(crate) entry: &'i Entry,
    /// How it stands to what is wanted, where it is not as it should be.
    pub(crate) drift: Option<Drift>,
}

impl Inventory {
    /// Reads the trees, and what they are compared with if that is asked for.
    pub(crate) async fn read(args: &InventoryArgs, err: &mut dyn Write) -> anyhow::Result<Self> {
        let is_compared = args.drift || !args.input.filename.is_empty();
        let mut named = BTreeSet::from([args.input.config.vulcan_key.clone()]);
        let (mut wanted, mut is_whole) = (None, true);
        if is_compared {
            let (read, problems) = input::cluster(&args.input, false).await?;
            for problem in &problems {
                writeln!(err, "error: {problem}")?;
            }
            is_whole = problems.is_empty();
            named.extend(read.roots().cloned());
            wanted = Some(read);
        }
        let named: Vec<Root> = named.into_iter().collect();
        let stored = stored::trees(args.from.as_deref(), &args.input.etcd, &named).await?;
        if let Some(root) = stored.undumped.iter().next()
            && is_compared
        {
            bail!(
                "the tree {root} was not dumped, so nothing can be compared with it; write it with \
                 `romulusctl dump --vulcan-key {root}`"
            );
        }
        let mut inventory = Self {
            snapshot: stored.snapshot,
            roots: stored.roots,
            wanted: None,
            drift: BTreeMap::new(),
            wanted_by: BTreeMap::new(),
            is_whole,
        };
        if let Some(mut world) = wanted {
            inventory.compare(&mut world);
            let unwritten = world
                .diagnostics()
                .filter(|d| d.severity() == Severity::Error);
            for diagnostic in unwritten {
                writeln!(err, "{}", visible(&diagnostic.to_string()))?;
            }
            inventory.wanted = Some(world);
        }
        Ok(inventory)
    }

    fn compare(&mut self, world: &mut World) {
        input::load_from(&self.snapshot, world);
        for change in change::changes(world) {
            let drift = match (&change.old, change.new) {
                (None, Some(new)) => {
                    let entry = Entry {
                        value: new,
                        revision: 0,
                        lease: 0,
                    };
                    self.snapshot.entries.insert(change.key.clone(), entry);
                    if let Some(service) = change.service {
                        let object = change.part.object().clone();
                        self.wanted_by.insert(object, service);
                    }
                    Drift::Missing
                }
                (Some(_), None) => Drift::Unwanted,
                (old, new) if *old == new => continue, // it is put again, as it is
                _ => Drift::Changed,
            };
            self.drift.insert(change.key, drift);
        }
    }

    /// How a command ends that shows it.
    pub(crate) fn ended(&self) -> Ended {
        match (self.is_whole, self.drift.is_empty()) {
            (false, _) => Ended::Partial,
            (true, true) => Ended::Same,
            (true, false) => Ended::Differs,
        }
    }

    /// The keys of backends and frontends under a root, in order, each with what it is a key of.
    pub(crate) fn keys<'i>(&'i self, root: &'i Root) -> impl Iterator<Item = StoredKey<'i>> {
        self.under(root).filter_map(|(key, entry)| {
            Some(StoredKey {
                part: Key::in_tree(root, key)?,
                key,
                entry,
                drift: self.drift.get(key).copied(),
            })
        })
    }

    /// The other keys under a root, without it: hosts, listeners, and what nobody knows.
    pub(crate) fn other_keys<'i>(&'i self, root: &'i Root) -> impl Iterator<Item = &'i str> {
        let is_other = |key: &&str| Key::in_tree(root, key).is_none();
        let keys = self.under(root).map(|(key, _)| key).filter(is_other);
        keys.filter_map(|key| key.get(root.as_str().len() + 1..))
    }

    fn under(&self, root: &Root) -> impl Iterator<Item = (&str, &Entry)> {
        let prefix = root.prefix();
        let from = self.snapshot.entries.range(prefix.clone()..);
        let under = from.take_while(move |(key, _)| key.starts_with(&prefix));
        under.map(|(key, entry)| (key.as_str(), entry))
    }

    /// Who is behind an object.
    pub(crate) fn behind(&self, object: &ObjectRef) -> Behind {
        let record = self.snapshot.entries.get(&object.record_key());
        match record.and_then(|entry| Record::parse(&entry.value)) {
            Some(record) => Behind {
                service: Some(record.service.into()),
                owner: Some(record.owner.into()),
            },
            None => Behind {
                service: self.wanted_by.get(object).map(ToString::to_string),
                owner: None,
            },
        }
    }

    /// Whether the trees were compared with what is wanted.
    pub(crate) fn is_compared(&self) -> bool {
        self.wanted.is_some()
    }

    /// Whether what is wanted says anything about an object: it is of this owner, and its Service is
    /// known, or its absence counts.
    pub(crate) fn is_judged(&self, behind: &Behind) -> bool {
        let Some(world) = &self.wanted else {
            return false;
        };
        let config = world.config();
        let is_ours = behind
            .owner
            .as_deref()
            .is_none_or(|owner| owner == config.owner.as_str());
        let service = behind
            .service
            .as_ref()
            .and_then(|service| service.split_once('/'));
        service.is_some_and(|(namespace, name)| {
            let name = ObjectName::new(namespace, name);
            is_ours && (config.prune == Prune::Owner || world.service(&name).is_some())
        })
    }

    /// The revision of the store that was read.
    pub(crate) fn revision(&self) -> i64 {
        self.snapshot.revision
    }
}
