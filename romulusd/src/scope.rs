//! Which cluster an owner id speaks for: two clusters under one id would delete each other's keys.

use anyhow::bail;
use romulus_core::key::{OWN_PREFIX, Segment};
use romulus_core::plan::{Guard, Op, Revision, Transaction};
use romulus_etcd::{Fence, Outcome, Store};
use tracing::info;

/// Where Services come from.
#[derive(Clone)]
pub(crate) enum Scope {
    /// Manifest files.
    Manifests,
    /// A cluster.
    Cluster(kube::Client),
}

impl Scope {
    /// What stands for it in the store.
    pub(crate) async fn identity(&self) -> Result<String, romulus_kube::ClusterScopeError> {
        match self {
            Self::Manifests => Ok("manifests".into()),
            Self::Cluster(client) => romulus_kube::cluster_scope(client).await,
        }
    }
}

/// The key under which the scope of an owner is kept.
fn key(owner: &Segment) -> String {
    format!("{OWN_PREFIX}owners/{owner}/scope")
}

/// Makes sure that the owner speaks for this scope, and writes so where nobody did yet.
pub(crate) async fn settle(
    store: &dyn Store,
    owner: &Segment,
    identity: &str,
    takeover: bool,
    fence: Option<&Fence>,
) -> anyhow::Result<()> {
    let key = key(owner);
    loop {
        let snapshot = store.load(std::slice::from_ref(&key)).await?;
        let guard = match snapshot.entries.get(&key) {
            Some(entry) if entry.value == identity => return Ok(()),
            Some(entry) if !takeover => bail!(
                "the owner id `{owner}` belongs to another cluster ({}, this is {identity}): give \
                 each cluster an --owner-id of its own, or take this one over with --takeover-scope",
                entry.value
            ),
            Some(entry) => Guard::Unchanged {
                key: key.clone(),
                revision: Revision::Known(entry.revision),
            },
            None => Guard::Absent { key: key.clone() },
        };
        let put = Op::Put {
            key: key.clone(),
            value: identity.into(),
        };
        let transaction = Transaction {
            guards: vec![guard],
            ops: vec![put],
        };
        match store.commit(&transaction, fence).await? {
            Outcome::Committed { .. } => {
                info!("the owner id `{owner}` now speaks for {identity}");
                return Ok(());
            }
            Outcome::Refused { .. } => {} // somebody was faster: look again
            Outcome::Fenced => bail!("the leadership was lost"),
        }
    }
}
