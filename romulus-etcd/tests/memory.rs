//! The suite of every store, on the one in memory.

use std::sync::Arc;

use async_trait::async_trait;
use romulus_etcd::testing::conformance::Subject;
use romulus_etcd::{MemoryStore, Store};

struct Memory(MemoryStore);

#[async_trait]
impl Subject for Memory {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }

    async fn revoke_lease(&self, lease: i64) {
        self.0.revoke_lease(lease);
    }
}

romulus_etcd::conformance!(async { Memory(MemoryStore::new()) });
