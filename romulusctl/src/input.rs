//! What a command looks at: the cluster or manifests, and the store.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, bail};
use romulus_core::config::{Config, ConfigArgs, Prune};
use romulus_core::stored::Snapshot;
use romulus_core::world::World;
use romulus_etcd::EtcdArgs;
use romulus_kube::{KubeArgs, Outcome, SourceEvent, SourceProblem, WatchSettings};
use tokio_util::sync::CancellationToken;

use crate::dump::Dump;
use crate::progress::Progress;
use crate::reader::Reader;

/// Manifests or a live cluster, how they are mapped, and the store: the flags every command shares.
#[derive(Debug, Clone, clap::Args)]
pub struct InputArgs {
    /// A manifest, a folder of them, or - for the standard input; may be repeated. Without it, the
    /// live cluster
    #[arg(short, long, value_name = "PATH")]
    pub filename: Vec<PathBuf>,

    /// What is published, where, and under whose name.
    #[command(flatten)]
    pub config: ConfigArgs,

    /// Where Services come from.
    #[command(flatten, next_help_heading = "Kubernetes")]
    pub kube: KubeArgs,

    /// Where keys are.
    #[command(flatten, next_help_heading = "etcd")]
    pub etcd: EtcdArgs,
}

/// A world that knows the cluster, and what of it could not be read.
pub(crate) async fn cluster(
    args: &InputArgs,
    prune: bool,
) -> anyhow::Result<(World, Vec<SourceProblem>)> {
    if args.filename.is_empty() {
        return live(args).await;
    }
    let selection = args.kube.selection();
    let progress = Progress::of("reading manifests");
    let tell = |done, of| progress.tell(done, Some(of));
    let loaded = romulus_kube::manifests::load_telling(&args.filename, &selection, tell);
    drop(progress);
    let mut config = config(args, "default");
    if !prune {
        config.prune = Prune::Listed;
    }
    let mut world = World::new(config);
    world.apply(loaded.changes);
    let unread = |problem: &SourceProblem| problem.outcome != Outcome::Noted;
    Ok((world, loaded.problems.into_iter().filter(unread).collect()))
}

pub(crate) fn config(args: &InputArgs, owner: &str) -> Config {
    let selection = args.kube.selection();
    let scopes = if args.filename.is_empty() {
        selection.scopes()
    } else {
        Vec::new()
    };
    args.config.config(owner, selection.selector, scopes)
}

async fn live(args: &InputArgs) -> anyhow::Result<(World, Vec<SourceProblem>)> {
    let connection = args.kube.connect().await?;
    let cancel = CancellationToken::new();
    let _end = cancel.clone().drop_guard();
    let settings = WatchSettings::default();
    let mut source = romulus_kube::watch(
        &connection.client,
        &args.kube.selection(),
        &settings,
        &cancel,
    );
    let mut world = World::new(config(args, "default"));
    let mut unread = Vec::new();
    let (progress, mut listed) = (Progress::of("listing the cluster"), 0);
    while !world.is_listed() {
        match source.next().await {
            Some(SourceEvent::Changes(changes)) => {
                listed += changes.len();
                progress.tell(listed, None);
                world.apply(changes);
            }
            Some(SourceEvent::Problem(problem)) => match problem.outcome {
                Outcome::Noted => {}
                Outcome::Skipped => unread.push(problem),
                Outcome::Fatal | Outcome::Retrying(_) => {
                    // There will be no next try.
                    let problem = SourceProblem {
                        outcome: Outcome::Fatal,
                        ..problem
                    };
                    bail!("{}: {problem}", connection.url)
                }
            },
            None => bail!(
                "{}: the watch ended before everything was listed",
                connection.url
            ),
        }
    }
    Ok((world, unread))
}

/// Which keys are looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Against {
    /// What etcd holds.
    #[default]
    Etcd,
    /// Nothing.
    Empty,
    /// What `romulusctl dump` wrote to this file.
    File(PathBuf),
}

impl FromStr for Against {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "etcd" => Self::Etcd,
            "empty" => Self::Empty,
            path => Self::File(path.into()),
        })
    }
}

/// Tells the world what the store holds.
pub(crate) async fn store(
    args: &InputArgs,
    against: &Against,
    world: &mut World,
) -> anyhow::Result<()> {
    match against {
        Against::Empty => load_from(&Snapshot::default(), world),
        Against::File(path) => load_from(&dumped(path, world)?, world),
        Against::Etcd => {
            let reader = Reader::open(&args.etcd)?;
            let _progress = Progress::of("reading etcd");
            loop {
                let missing = world.missing_prefixes();
                if missing.is_empty() {
                    break;
                }
                let snapshot = reader.load(&missing).await.context("reading the store")?;
                for prefix in &missing {
                    world.load(prefix, &snapshot);
                }
            }
        }
    }
    Ok(())
}

/// What `--against FILE` holds; it has to hold all trees of the world.
pub(crate) fn dumped(path: &Path, world: &World) -> anyhow::Result<Snapshot> {
    let dump = Dump::read(path)
        .context("--against takes `etcd`, `empty` or a file from `romulusctl dump`")?;
    if let Some(root) = world.roots().find(|root| !dump.covers(&root.prefix())) {
        bail!(
            "{}: the tree {root} was not dumped; write it with `romulusctl dump --vulcan-key \
             {root}`",
            path.display()
        );
    }
    Ok(dump.into())
}

/// Tells the world what a snapshot holds of all its trees; of those, too, that it only hears of by
/// the snapshot's records.
pub(crate) fn load_from(snapshot: &Snapshot, world: &mut World) {
    loop {
        let missing = world.missing_prefixes();
        if missing.is_empty() {
            return;
        }
        for prefix in &missing {
            world.load(prefix, snapshot);
        }
    }
}
