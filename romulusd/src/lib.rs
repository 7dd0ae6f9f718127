//! The daemon: wires sources, the world and the store together and keeps them in step.
//!
//! What is decided is decided in `romulus-core`; what is read and written goes through
//! `romulus-kube` and `romulus-etcd`. Here is only when: what is awaited, retried and given up.
//!
//! This is the program's own crate, not one to build on: embed `romulus-core` and the two adapters
//! instead.

mod admin;
mod args;
mod echo;
mod edit_wars;
mod election;
mod feed;
pub mod logging;
mod pause;
mod scope;
mod syncer;
mod tell;
mod writer;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use romulus_core::world::World;
use romulus_kube::{Source, WatchSettings};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use admin::AdminAddress;
pub use args::{Args, LogLevel};

use admin::{Health, Metrics, Server, TimedStore};
use scope::Scope;
use syncer::{Settings, Syncer};

/// Where probes and metrics are served unless a flag says otherwise.
const DEFAULT_ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 6065);

/// How a run ended that no error ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was told to stop, or everything is in step.
    Well,
    /// With `--once`: something wanted stays unwritten.
    Behind,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Well => Self::SUCCESS,
            Ended::Behind => Self::from(1),
        }
    }
}

/// Runs until a signal, or with `--once` until everything is in step or can't be.
///
/// # Errors
///
/// Flags that can't be used; with `--once`, a store or source that does not answer.
pub async fn run(args: &Args) -> anyhow::Result<Ended> {
    let stop = CancellationToken::new();
    stop_on_signals(stop.clone()).context("signals can't be received")?;
    let sources = CancellationToken::new();
    let _end_sources = sources.clone().drop_guard();

    let (health, metrics) = (Health::new(), Metrics::new());
    let _server = serve(args, &health, &metrics).await?;
    let store = Arc::new(TimedStore::new(args.etcd.store()?, metrics.clone()));
    let (source, scope) = source(args, &sources).await?;
    let selection = args.kube.selection();
    let config = args.config.config(
        args.default_owner(),
        selection.selector.clone(),
        source.scopes().to_vec(),
    );
    info!(
        owner = %config.owner,
        root = %config.root,
        selector = %selection.selector,
        policy = ?config.policy,
        "romulusd {} starts",
        env!("CARGO_PKG_VERSION"),
    );
    let settings = Settings {
        once: args.once,
        election: !args.no_leader_election,
        lease_ttl: args.lease_ttl,
        takeover_scope: args.takeover_scope,
        settle: args.settle,
        heartbeat: args.heartbeat,
        echo: args.etcd.is_memory(),
    };
    let world = World::new(config);
    let syncer = Syncer::new(settings, store, world, source, scope, stop);
    syncer.watched_by(health, metrics).run().await
}

/// Serves probes and metrics, unless nobody would look.
async fn serve(args: &Args, health: &Health, metrics: &Metrics) -> anyhow::Result<Option<Server>> {
    let (address, is_default) = match args.admin {
        Some(AdminAddress::At(address)) => (address, false),
        Some(AdminAddress::None) => return Ok(None),
        None if args.once => return Ok(None),
        None => (DEFAULT_ADMIN, true),
    };
    match Server::start(address, health.clone(), metrics.clone()).await {
        Ok(server) => {
            info!("probes and metrics at http://{}", server.address());
            Ok(Some(server))
        }
        // Two on one machine should not need flags to get along.
        Err(error) if is_default => {
            warn!(
                "no probes and metrics: {address} can't be listened on ({error}); choose another \
                 address with --admin, or none"
            );
            Ok(None)
        }
        Err(error) => Err(anyhow::Error::new(error).context(format!(
            "--admin {address} can't be listened on: choose another address, or none"
        ))),
    }
}

async fn source(args: &Args, cancel: &CancellationToken) -> anyhow::Result<(Source, Scope)> {
    let selection = args.kube.selection();
    if !args.manifests.is_empty() {
        let source = romulus_kube::manifests::follow(&args.manifests, &selection, cancel);
        return Ok((source, Scope::Manifests));
    }
    let connection = args.kube.connect().await?;
    info!("API server {} (from {})", connection.url, connection.origin);
    let source = romulus_kube::watch(
        &connection.client,
        &selection,
        &WatchSettings::default(),
        cancel,
    );
    Ok((source, Scope::Cluster(connection.client)))
}

/// The first SIGINT or SIGTERM stops after the transaction in flight, the second at once.
fn stop_on_signals(stop: CancellationToken) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stop.is_cancelled() {
                std::process::exit(130);
            }
            info!("stopping; keys stay as they are");
            stop.cancel();
        }
    });
    Ok(())
}
