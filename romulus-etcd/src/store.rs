use std::time::Duration;

use async_trait::async_trait;
use romulus_core::plan::Transaction;
use romulus_core::stored::{Entry, KeyChange, Snapshot};
use tokio::sync::mpsc;

use crate::StoreError;

/// A key that must hold a value for a write to be applied: how a leader that lost its lease is kept
/// from writing by the store itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The leader's key.
    pub key: String,
    /// The value of the present term, random.
    pub value: String,
}

/// How a transaction ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Applied at this revision.
    Committed {
        /// The revision of every write in it.
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

/// What a watch delivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchEvent {
    /// Changes, in the store's order; all changes of one revision arrive in one event.
    Changes(Vec<KeyChange>),
    /// Everything up to this revision has been delivered.
    Progress {
        /// The revision.
        revision: i64,
    },
    /// Changes were missed (compaction, a restored store): this is all there is now.
    Reloaded(Snapshot),
}

/// A running watch. Dropping it ends it. It survives disconnects by itself; what it can't hide it
/// says ([`WatchEvent::Reloaded`]).
#[derive(Debug)]
pub struct Watch {
    /// The events; bounded, so that a slow reader slows the watch, never grows the memory.
    pub events: mpsc::Receiver<WatchEvent>,
    /// Ends the watch when dropped.
    pub guard: tokio_util::sync::DropGuard,
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
/// Every call ends by the store's own deadline; none waits for ever.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Reads all keys under each of the prefixes, at one revision.
    async fn load(&self, prefixes: &[String]) -> Result<Snapshot, StoreError>;

    /// Delivers every change of a key under the prefix after the revision.
    async fn watch(&self, prefix: &str, after: i64) -> Result<Watch, StoreError>;

    /// Applies a transaction whose guards all have known revisions, if they and the fence hold.
    async fn commit(
        &self,
        transaction: &Transaction,
        fence: Option<&Fence>,
    ) -> Result<Outcome, StoreError>;

    /// Becomes the leader under this key: waits until nobody else is, then returns the term.
    async fn lead(&self, key: &str, ttl: Duration) -> Result<Box<dyn Leadership>, StoreError>;
}
