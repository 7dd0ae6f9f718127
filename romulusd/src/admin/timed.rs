use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use romulus_core::plan::Transaction;
use romulus_core::stored::Snapshot;
use romulus_etcd::{Fence, Leadership, Outcome, Store, StoreError, Watch};
use tokio::time::Instant;

use super::Metrics;
use super::metrics::Request;

/// A store whose calls are timed.
pub(crate) struct TimedStore {
    store: Arc<dyn Store>,
    metrics: Metrics,
}

impl TimedStore {
    pub(crate) fn new(store: Arc<dyn Store>, metrics: Metrics) -> Self {
        Self { store, metrics }
    }

    async fn time<T>(&self, request: &'static str, call: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let answer = call.await;
        let histogram = self
            .metrics
            .request_seconds
            .get_or_create(&Request { request });
        histogram.observe(began.elapsed().as_secs_f64());
        answer
    }
}

#[async_trait]
impl Store for TimedStore {
    async fn load(&self, prefixes: &[String]) -> Result<Snapshot, StoreError> {
        self.time("load", self.store.load(prefixes)).await
    }

    async fn watch(&self, prefix: &str, after: i64) -> Result<Watch, StoreError> {
        self.time("watch", self.store.watch(prefix, after)).await
    }

    async fn commit(
        &self,
        transaction: &Transaction,
        fence: Option<&Fence>,
    ) -> Result<Outcome, StoreError> {
        self.time("commit", self.store.commit(transaction, fence))
            .await
    }

    /// Not timed: it waits for its turn.
    async fn lead(&self, key: &str, ttl: Duration) -> Result<Box<dyn Leadership>, StoreError> {
        self.store.lead(key, ttl).await
    }
}
