use std::sync::Arc;

use romulus_core::stored::Snapshot;
use romulus_etcd::{EndpointStatus, EtcdArgs, EtcdStore, Store, StoreError};

/// A store that can only be read: this program has no way to write.
pub(crate) struct Reader {
    store: Arc<dyn Store>,
    /// The store, where it is an etcd.
    etcd: Option<EtcdStore>,
}

impl Reader {
    pub(crate) fn open(args: &EtcdArgs) -> Result<Self, StoreError> {
        if args.is_memory() {
            let store = args.store()?;
            return Ok(Self { store, etcd: None });
        }
        let etcd = EtcdStore::new(args.options()?);
        Ok(Self {
            store: Arc::new(etcd.clone()),
            etcd: Some(etcd),
        })
    }

    /// Reads all keys under each of the prefixes, at one revision.
    pub(crate) async fn load(&self, prefixes: &[String]) -> Result<Snapshot, StoreError> {
        self.store.load(prefixes).await
    }

    /// What every endpoint says about itself; there is none where the store is no etcd.
    pub(crate) async fn status(&self) -> Result<Vec<EndpointStatus>, StoreError> {
        match &self.etcd {
            Some(etcd) => etcd.status().await,
            None => Ok(Vec::new()),
        }
    }

    /// The first key that is `from` or comes after it.
    pub(crate) async fn next_key(&self, from: &str) -> Result<Option<String>, StoreError> {
        match &self.etcd {
            Some(etcd) => etcd.next_key(from).await,
            None => Ok(None),
        }
    }
}
