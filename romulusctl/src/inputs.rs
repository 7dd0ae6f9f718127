//! What a command looks at: the cluster or manifests, and the store.

use anyhow::{Context as _, bail};
use romulus_core::config::{Config, Prune};
use romulus_core::stored::Snapshot;
use romulus_core::world::World;
use romulus_kube::{Outcome, SourceEvent, SourceProblem, WatchSettings};
use tokio_util::sync::CancellationToken;

use crate::args::{Against, DiffArgs};
use crate::reader::Reader;

/// A world that knows the cluster, and what of it could not be read.
pub(crate) async fn cluster(args: &DiffArgs) -> anyhow::Result<(World, Vec<SourceProblem>)> {
    if args.filename.is_empty() {
        return live(args).await;
    }
    let selection = args.kube.selection();
    let loaded = romulus_kube::manifests::load(&args.filename, &selection);
    let mut config = config(args, "default");
    if !args.prune {
        config.prune = Prune::Listed;
    }
    let mut world = World::new(config);
    world.apply(loaded.changes);
    let unread = |problem: &SourceProblem| problem.outcome != Outcome::Noted;
    Ok((world, loaded.problems.into_iter().filter(unread).collect()))
}

fn config(args: &DiffArgs, owner: &str) -> Config {
    let selection = args.kube.selection();
    let scopes = if args.filename.is_empty() {
        selection.scopes()
    } else {
        Vec::new()
    };
    args.config.config(owner, selection.selector, scopes)
}

async fn live(args: &DiffArgs) -> anyhow::Result<(World, Vec<SourceProblem>)> {
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
    while !world.is_listed() {
        match source.next().await {
            Some(SourceEvent::Changes(changes)) => world.apply(changes),
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

/// Tells the world what the store holds.
pub(crate) async fn store(args: &DiffArgs, world: &mut World) -> anyhow::Result<()> {
    let reader = Reader::open(&args.etcd)?;
    loop {
        let missing = world.missing_prefixes();
        if missing.is_empty() {
            return Ok(());
        }
        let snapshot = match args.against {
            Against::Empty => Snapshot::default(),
            Against::Etcd => reader.load(&missing).await.context("reading the store")?,
        };
        for prefix in &missing {
            world.load(prefix, &snapshot);
        }
    }
}
