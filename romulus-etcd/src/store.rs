//! The interface every store has.

use std::time::Duration;

use async_trait::async_trait;
use romulus_core::plan::Transaction;
use romulus_core::stored::{Entry, Snapshot};

use crate::{StoreError, Watch};

/// A key that must hold a value for a write to be applied: how a leader that lost its lease is kept
/// from writing by the store itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The leader's key.
    pub key: String,
    /// The value of the present term, random.
    pub value: String,
}

impl Fence {
    /// The fence of a new term under this key.
    pub fn random(key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: format!("{:032x}", rand::random::<u128>()),
        }
    }
}

/// How a transaction ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Applied.
    Committed {
        /// The revision of every write in it; where nothing changed (no operation, or deletes of
        /// keys that are not there) the revision of the store, as in etcd.
        revision: i64,
    },
    /// A guard did not hold; nothing was written.
    Refused {
        /// The store's revision when it refused.
        revision: i64,
        /// What the guarded keys hold; a guarded key that is not here does not exist.
        current: Vec<(String, Entry)>,
    },
    /// The fence did not hold: another leader has taken over. Nothing was written.
    Fenced,
}

/// A term of leadership. Dropping it without [`resign`](Leadership::resign) leaves the lease to
/// expire.
#[async_trait]
pub trait Leadership: Send + Sync {
    /// What every write of the term compares with.
    fn fence(&self) -> &Fence;
    /// The revision at which the leader's key was written.
    fn revision(&self) -> i64;
    /// Returns when the term is over: the lease was lost, or could not be renewed in time.
    async fn lost(&self);
    /// Gives the leadership up at once.
    async fn resign(self: Box<Self>);
}

/// A key-value store in which vulcand's keys live.
///
/// Every call ends by the store's own deadline; none waits for ever, but [`lead`](Store::lead),
/// whose very purpose is to wait. Dropping a call ends it; a write dropped so has an unknown
/// outcome, as one whose answer got lost.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Reads all keys under each of the prefixes, at one revision.
    async fn load(&self, prefixes: &[String]) -> Result<Snapshot, StoreError>;

    /// Delivers every change of a key under the prefix after the revision.
    ///
    /// A revision the store has not reached yet, as after a restore from a backup, is answered
    /// with [`Reloaded`](crate::WatchEvent::Reloaded).
    async fn watch(&self, prefix: &str, after: i64) -> Result<Watch, StoreError>;

    /// Applies a transaction whose guards all have known revisions, if they and the fence hold.
    async fn commit(
        &self,
        transaction: &Transaction,
        fence: Option<&Fence>,
    ) -> Result<Outcome, StoreError>;

    /// Becomes the leader under this key: waits until nobody else is, then returns the term.
    ///
    /// A leader that disappears is replaced after `ttl` (whole seconds; etcd may raise it). An
    /// error ends the candidature: try again.
    async fn lead(&self, key: &str, ttl: Duration) -> Result<Box<dyn Leadership>, StoreError>;
}
