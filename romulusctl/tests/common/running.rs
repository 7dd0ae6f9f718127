//! A romulusd that goes on.

use std::path::Path;
use std::time::Duration;

use clap::Parser as _;
use romulus_etcd::Store as _;
use romulus_etcd::testing::EtcdProcess;
use tokio::task::JoinHandle;

/// How long it may take until it leads, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A romulusd that publishes manifests, until it is dropped. Needs a
/// [`LocalSet`](tokio::task::LocalSet).
pub(crate) struct Running(JoinHandle<()>);

impl Running {
    /// Returns when it leads and its heart beats.
    pub(crate) async fn start(manifests: &Path, etcd: &EtcdProcess) -> Self {
        let args = [
            "romulusd",
            "--owner-id",
            "default",
            "--admin",
            "none",
            "--heartbeat",
            "50ms",
            "--manifests",
            manifests.to_str().unwrap(),
            "--etcd",
            etcd.endpoint(),
        ];
        let args = romulusd::Args::parse_from(args);
        let task = tokio::task::spawn_local(async move {
            romulusd::run(&args).await.unwrap();
        });
        let (store, heartbeat) = (etcd.store(), "vulcand/romulus/heartbeat".to_owned());
        let beats = async {
            let prefixes = std::slice::from_ref(&heartbeat);
            while store.load(prefixes).await.unwrap().entries.is_empty() {}
        };
        tokio::time::timeout(PATIENCE, beats)
            .await
            .expect("it leads");
        Self(task)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}
