//! Leadership in memory.

use std::time::Duration;

use async_trait::async_trait;
use romulus_core::plan::Op;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{MemoryStore, lock};
use crate::{Fence, Leadership};

/// A term of leadership in memory: its lease lives as long as the term does, and `ttl` longer.
pub(super) struct MemoryTerm {
    store: MemoryStore,
    fence: Fence,
    revision: i64,
    lease: i64,
    lost: CancellationToken,
    _alive: DropGuard,
}

impl MemoryTerm {
    /// Waits until the key is free, then takes it.
    pub(super) async fn begin(store: MemoryStore, key: &str, ttl: Duration) -> Self {
        let fence = Fence::random(key);
        let put = Op::Put {
            key: fence.key.clone(),
            value: fence.value.clone(),
        };
        let mut revisions = store.shared.revision.subscribe();
        loop {
            revisions.mark_unchanged();
            let taken = store.change(|state| {
                let free = !state.entries().contains_key(key);
                free.then(|| {
                    let lease = state.new_lease();
                    (lease, state.write(std::slice::from_ref(&put), lease))
                })
            });
            if let Some((lease, revision)) = taken {
                let alive = CancellationToken::new();
                let lost = CancellationToken::new();
                tokio::spawn(keep(store.clone(), lease, ttl, alive.clone(), lost.clone()));
                let _alive = alive.drop_guard();
                return Self {
                    store,
                    fence,
                    revision,
                    lease,
                    lost,
                    _alive,
                };
            }
            // The sender lives in the store, which we hold.
            let _ = revisions.changed().await;
        }
    }
}

/// Says when the key of a lease is gone; lets the lease expire when the term is dropped.
async fn keep(
    store: MemoryStore,
    lease: i64,
    ttl: Duration,
    alive: CancellationToken,
    lost: CancellationToken,
) {
    let mut revisions = store.shared.revision.subscribe();
    loop {
        revisions.mark_unchanged();
        if !lock(&store.shared.state)
            .entries()
            .values()
            .any(|entry| entry.lease == lease)
        {
            lost.cancel();
            return;
        }
        tokio::select! {
            _ = revisions.changed() => {}
            () = alive.cancelled() => {
                tokio::time::sleep(ttl).await;
                store.revoke_lease(lease);
                return;
            }
        }
    }
}

#[async_trait]
impl Leadership for MemoryTerm {
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
        self.store.revoke_lease(self.lease);
    }
}
