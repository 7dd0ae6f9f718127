use std::sync::Arc;

use romulus_core::stored::Snapshot;
use romulus_etcd::{EtcdArgs, Store, StoreError};

/// A store that can only be read: this program has no way to write.
pub(crate) struct Reader(Arc<dyn Store>);

impl Reader {
    pub(crate) fn open(args: &EtcdArgs) -> Result<Self, StoreError> {
        args.store().map(Self)
    }

    /// Reads all keys under each of the prefixes, at one revision.
    pub(crate) async fn load(&self, prefixes: &[String]) -> Result<Snapshot, StoreError> {
        self.0.load(prefixes).await
    }
}
