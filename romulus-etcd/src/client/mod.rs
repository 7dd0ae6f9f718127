//! etcd v3.

mod commit;
mod discovery;
mod endpoints;
mod history;
mod lead;
mod load;
mod options;
mod request;
mod status;
mod verdict;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use romulus_core::plan::Transaction;
use romulus_core::stored::Snapshot;

pub use self::discovery::Discovery;
use self::endpoints::Endpoints;
use self::history::History;
#[cfg(feature = "testing")]
pub(crate) use self::load::range;
pub use self::options::EtcdOptions;
pub use self::request::REQUESTS_TARGET;
pub use self::status::{EndpointStatus, MemberStatus};
use crate::{Fence, Leadership, Outcome, Store, StoreError, Watch};

/// A store in etcd v3.
///
/// It connects when first used. With several endpoints, one that is down or silent costs time, not
/// errors: what may be sent twice is tried on each within the deadline of the call. Clones share
/// the connections.
///
/// ```no_run
/// use romulus_etcd::{EtcdOptions, EtcdStore, Store};
///
/// # async fn example() -> Result<(), romulus_etcd::StoreError> {
/// let store = EtcdStore::new(EtcdOptions::new(["http://127.0.0.1:2379"])?);
/// let snapshot = store.load(&["vulcand/".to_owned()]).await?;
/// println!("{} keys at revision {}", snapshot.entries.len(), snapshot.revision);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EtcdStore {
    endpoints: Arc<Endpoints>,
    history: Arc<History>,
}

impl fmt::Debug for EtcdStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EtcdStore")
            .field(self.endpoints.options())
            .finish()
    }
}

impl EtcdStore {
    /// A store that connects when it is first used.
    pub fn new(options: EtcdOptions) -> Self {
        Self {
            endpoints: Arc::new(Endpoints::new(options)),
            history: Arc::default(),
        }
    }
}

#[async_trait]
impl Store for EtcdStore {
    async fn load(&self, prefixes: &[String]) -> Result<Snapshot, StoreError> {
        self.load_all(prefixes).await
    }

    async fn watch(&self, prefix: &str, after: i64) -> Result<Watch, StoreError> {
        self.follow(prefix, after).await
    }

    async fn commit(
        &self,
        transaction: &Transaction,
        fence: Option<&Fence>,
    ) -> Result<Outcome, StoreError> {
        self.transact(transaction, fence).await
    }

    async fn lead(&self, key: &str, ttl: Duration) -> Result<Box<dyn Leadership>, StoreError> {
        self.campaign(key, ttl).await
    }
}
