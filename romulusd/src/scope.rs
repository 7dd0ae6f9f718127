//! Which cluster an owner id speaks for: two clusters under one id would delete each other's keys.

use romulus_core::key::{OWN_PREFIX, Segment};
use romulus_core::plan::{Guard, Op, Revision, Transaction};
use romulus_etcd::{Fence, Outcome, Store, StoreError};
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

/// Whether an owner speaks for a scope.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It does.
    Ours,
    /// It speaks for this one.
    Other(String),
    /// It could not be written down: somebody else leads.
    Fenced,
}

/// Makes sure that the owner speaks for this scope, and writes so where nobody did yet.
pub(crate) async fn settle(
    store: &dyn Store,
    owner: &Segment,
    identity: &str,
    takeover: bool,
    fence: Option<&Fence>,
) -> Result<Settled, StoreError> {
    let key = key(owner);
    loop {
        let mut snapshot = store.load(std::slice::from_ref(&key)).await?;
        let guard = match snapshot.entries.remove(&key) {
            Some(entry) if entry.value == identity => return Ok(Settled::Ours),
            Some(entry) if !takeover => return Ok(Settled::Other(entry.value)),
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
                return Ok(Settled::Ours);
            }
            Outcome::Refused { .. } => {} // somebody was faster: look again
            Outcome::Fenced => return Ok(Settled::Fenced),
        }
    }
}

#[cfg(test)]
mod tests {
    use romulus_etcd::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn an_owner_speaks_for_one_scope_until_it_is_taken_over() {
        let store = MemoryStore::new();
        let owner = Segment::new("default").unwrap();
        let settle = async |identity, takeover, fence| {
            let settled = settle(&store, &owner, identity, takeover, fence).await;
            settled.unwrap()
        };
        let other = Fence {
            key: "romulus/owners/default/leader".into(),
            value: "of another's term".into(),
        };
        // Who has lost the leadership meanwhile is no case for giving up.
        assert_eq!(settle("one", false, Some(&other)).await, Settled::Fenced);
        assert_eq!(settle("one", false, None).await, Settled::Ours);
        assert_eq!(settle("one", false, None).await, Settled::Ours);
        let one = Settled::Other("one".into());
        assert_eq!(settle("two", false, None).await, one);
        assert_eq!(settle("two", true, Some(&other)).await, Settled::Fenced);
        assert_eq!(settle("two", true, None).await, Settled::Ours);
    }
}
