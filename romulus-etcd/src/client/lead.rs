//! Leadership, by hand: a key on a lease, created only where there is none.
//!
//! etcd's own election and lock calls may hang, and may return on a lease that is already dead;
//! here every wait has an end that we know.

use std::ops::ControlFlow;
use std::time::Duration;

use async_trait::async_trait;
use etcd_client::proto::PbTxnOpResponse;
use etcd_client::{Compare, CompareOp, LeaseKeepAliveStream, LeaseKeeper, PutOptions, Txn, TxnOp};
use romulus_core::stored::{Entry, KeyChange};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};

use super::endpoints::{Answer, Kind};
use super::load::entry;
use super::request::Request;
use super::{EtcdStore, verdict};
use crate::{Fence, Leadership, Store as _, StoreError, Watch, WatchEvent};

/// A lease and the time until which it lives for certain, counted on this machine's monotonic
/// clock from before the request that renewed it.
#[derive(Debug, Clone, Copy)]
struct Lease {
    id: i64,
    ttl: Duration,
    until: Instant,
}

impl Lease {
    /// When we stop leading if no renewal was heard: a little before etcd lets others in.
    fn demotion(&self) -> Instant {
        self.until - self.ttl / 10
    }
}

struct EtcdTerm {
    store: EtcdStore,
    fence: Fence,
    revision: i64,
    lease: i64,
    lost: CancellationToken,
    alive: DropGuard,
}

#[async_trait]
impl Leadership for EtcdTerm {
    fn fence(&self) -> &Fence {
        &self.fence
    }

    fn revision(&self) -> i64 {
        self.revision
    }

    async fn lost(&self) {
        self.lost.cancelled().await;
    }

    async fn resign(self: Box<Self>) {
        let Self {
            store,
            lease,
            alive,
            ..
        } = *self;
        // Nobody needs to be told that it is lost.
        drop(alive);
        if let Err(error) = store.revoke(lease).await {
            warn!(%error, "the leadership was not handed over; it ends when its lease expires");
        }
    }
}

impl EtcdStore {
    pub(super) async fn campaign(
        &self,
        key: &str,
        ttl: Duration,
    ) -> Result<Box<dyn Leadership>, StoreError> {
        loop {
            let snapshot = self.load_all(&[key.to_owned()]).await?;
            if let Some(leader) = snapshot.entries.get(key) {
                self.wait_for_end(key, leader, snapshot.revision).await?;
                continue;
            }
            let lease = self.grant(ttl).await?;
            let fence = Fence::random(key);
            match self.take(&fence, lease.id).await {
                Ok(Some(revision)) => {
                    let term = self.begin(fence, revision, lease).await?;
                    return Ok(Box::new(term));
                }
                // Another was faster.
                Ok(None) => self.drop_lease(lease.id).await,
                Err(error) => {
                    // It may have been applied; without the lease it is undone.
                    self.drop_lease(lease.id).await;
                    return Err(error);
                }
            }
        }
    }

    async fn begin(
        &self,
        fence: Fence,
        revision: i64,
        lease: Lease,
    ) -> Result<EtcdTerm, StoreError> {
        let watch = match self.watch(&fence.key, revision).await {
            Ok(watch) => watch,
            Err(error) => {
                self.drop_lease(lease.id).await;
                return Err(error);
            }
        };
        let alive = CancellationToken::new();
        let lost = CancellationToken::new();
        let keeper = Keeper {
            store: self.clone(),
            lease,
        };
        let (ended, told, held) = (alive.clone(), lost.clone(), fence.clone());
        tokio::spawn(async move {
            let why = tokio::select! {
                () = ended.cancelled() => return,
                why = keeper.keep() => why,
                why = taken(watch, &held) => why,
            };
            warn!(key = held.key, why, "the leadership is lost");
            told.cancel();
        });
        info!(key = fence.key, revision, "leading");
        let (store, lease, alive) = (self.clone(), lease.id, alive.drop_guard());
        Ok(EtcdTerm {
            store,
            fence,
            revision,
            lease,
            lost,
            alive,
        })
    }

    /// Returns when the key is gone, or may be.
    async fn wait_for_end(
        &self,
        key: &str,
        leader: &Entry,
        revision: i64,
    ) -> Result<(), StoreError> {
        if leader.lease == 0 {
            warn!(
                key,
                "the leader's key has no lease and stays until it is deleted by hand"
            );
        } else {
            info!(key, "waiting: another leads");
        }
        let mut watch = self.watch(key, revision).await?;
        while let Some(event) = watch.events.recv().await {
            let gone = match event {
                WatchEvent::Changes(changes) => changes.iter().any(
                    |change| matches!(change, KeyChange::Delete { key: deleted, .. } if deleted == key),
                ),
                WatchEvent::Reloaded(snapshot) => !snapshot.entries.contains_key(key),
                WatchEvent::Progress { .. } => false,
            };
            if gone {
                break;
            }
        }
        Ok(())
    }

    async fn grant(&self, ttl: Duration) -> Result<Lease, StoreError> {
        let seconds = i64::try_from(ttl.as_secs().max(1)).unwrap_or(i64::MAX);
        let asked = Instant::now();
        let grant = |client: etcd_client::Client| async move {
            client.lease_client().grant(seconds, None).await
        };
        let request = Request::Grant { ttl: seconds };
        let granted = self
            .endpoints
            .call(request, Kind::Idempotent, grant)
            .await?
            .value;
        // etcd raises what is shorter than its own election takes.
        let ttl = Duration::from_secs(granted.ttl().unsigned_abs());
        Ok(Lease {
            id: granted.id(),
            ttl,
            until: asked + ttl,
        })
    }

    /// Creates the key, and says at which revision; none where it exists.
    async fn take(&self, fence: &Fence, lease: i64) -> Result<Option<i64>, StoreError> {
        let key = fence.key.as_str();
        let put = PutOptions::new().with_lease(lease);
        let txn = Txn::new()
            .when([Compare::create_revision(key, CompareOp::Equal, 0)])
            .and_then([TxnOp::put(key, fence.value.as_str(), Some(put))])
            .or_else([TxnOp::get(key, None)]);
        let take = |client: etcd_client::Client| {
            let txn = txn.clone();
            async move { Ok(client.kv_client().txn(txn).await?.0) }
        };
        // The value is ours alone: where the first of two attempts was applied, the second finds
        // it.
        let request = Request::Campaign { fence, lease };
        let response = self
            .endpoints
            .call(request, Kind::Idempotent, take)
            .await?
            .value;
        if response.succeeded {
            return Ok(response.header.map(|header| header.revision));
        }
        let found = response
            .responses
            .into_iter()
            .find_map(|read| match read.response {
                Some(PbTxnOpResponse::ResponseRange(range)) => {
                    range.kvs.into_iter().next().map(entry)
                }
                _ => None,
            });
        Ok(found.and_then(|(_, entry)| (entry.value == fence.value).then_some(entry.revision)))
    }

    async fn revoke(&self, lease: i64) -> Result<(), StoreError> {
        let revoke = |client: etcd_client::Client| async move {
            match client.lease_client().revoke(lease).await {
                Err(error) if !verdict::is_lease_gone(&error) => Err(error),
                _ => Ok(()),
            }
        };
        let request = Request::Revoke { lease };
        self.endpoints
            .call(request, Kind::Idempotent, revoke)
            .await
            .map(|answer| answer.value)
    }

    /// Revokes a lease that is not needed; where that fails it expires.
    async fn drop_lease(&self, lease: i64) {
        if let Err(error) = self.revoke(lease).await {
            info!(%error, "a lease is left to expire");
        }
    }
}

/// Returns when the key does not hold the fence's value any more, and says why.
async fn taken(mut watch: Watch, fence: &Fence) -> &'static str {
    let ours = |entry: &Entry| entry.value == fence.value;
    while let Some(event) = watch.events.recv().await {
        let lost = match event {
            WatchEvent::Changes(changes) => changes.iter().any(|change| change.key() == fence.key),
            WatchEvent::Reloaded(snapshot) => !snapshot.entries.get(&fence.key).is_some_and(ours),
            WatchEvent::Progress { .. } => false,
        };
        if lost {
            return "its key was deleted or overwritten";
        }
    }
    "its watch ended"
}

/// Keeps a lease alive.
struct Keeper {
    store: EtcdStore,
    lease: Lease,
}

const GONE: &str = "its lease has expired or was revoked";

impl Keeper {
    /// Returns when the lease is lost, or was not heard to live on in time, and says why.
    async fn keep(mut self) -> &'static str {
        loop {
            let answer = match timeout_at(self.lease.demotion(), self.open()).await {
                Ok(Some(answer)) => answer,
                Ok(None) => return GONE,
                Err(_) => return "its lease could not be renewed in time",
            };
            let (keeper, replies) = answer.value;
            if self.renew(keeper, replies).await.is_break() {
                return GONE;
            }
            self.store.endpoints.leave(&answer.endpoint).await;
        }
    }

    /// Opens a stream, which renews the lease for the first time; none when the lease is gone.
    async fn open(&mut self) -> Option<Answer<(LeaseKeeper, LeaseKeepAliveStream)>> {
        let id = self.lease.id;
        loop {
            let asked = Instant::now();
            let open = |client: etcd_client::Client| async move {
                match client.lease_client().keep_alive(id).await {
                    Ok(stream) => Ok(Some(stream)),
                    Err(error) if verdict::is_lease_gone(&error) => Ok(None),
                    Err(error) => Err(error),
                }
            };
            let request = Request::KeepAlive { lease: id };
            match self
                .store
                .endpoints
                .call(request, Kind::Idempotent, open)
                .await
            {
                Ok(Answer { value, endpoint }) => {
                    let value = value?;
                    self.lease.until = asked + self.lease.ttl;
                    return Some(Answer { value, endpoint });
                }
                Err(error) => warn!(%error, "a lease is not renewed yet"),
            }
            sleep_until(asked + self.lease.ttl / 10).await;
        }
    }

    /// Renews on a stream until it breaks, or (`Break`) the lease turns out to be gone.
    async fn renew(
        &mut self,
        mut keeper: LeaseKeeper,
        mut replies: LeaseKeepAliveStream,
    ) -> ControlFlow<()> {
        loop {
            sleep(self.lease.ttl / 3).await;
            let asked = Instant::now();
            // Leaves as much time for another endpoint.
            let left = self.lease.demotion().saturating_duration_since(asked);
            let ask = async {
                keeper.keep_alive().await?;
                replies.message().await
            };
            match timeout_at(asked + left / 2, ask).await {
                // Only a reply tells, and only one with time in it.
                Ok(Ok(Some(reply))) if reply.ttl() > 0 => {
                    self.lease.until = asked + self.lease.ttl;
                }
                Ok(Ok(Some(_))) => return ControlFlow::Break(()),
                Ok(Ok(None) | Err(_)) | Err(_) => return ControlFlow::Continue(()),
            }
        }
    }
}
