//! A store in the memory of the process.

mod state;
mod term;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use romulus_core::plan::{Op, Transaction};
use romulus_core::stored::{Entry, Snapshot};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use self::state::{Next, State};
use self::term::MemoryTerm;
use crate::{Fence, Leadership, Outcome, Store, StoreError, Watch, WatchEvent, WatchFeed, limits};

/// A store in the memory of the process, with etcd's rules: revisions, history and its
/// compaction, watches from a past revision, guards, fences and leases.
///
/// Clones are handles of the same store. What others write (another program, a person with
/// `etcdctl`) is played with [`write`](Self::write), what goes wrong with
/// [`fail_next_commit`](Self::fail_next_commit).
///
/// ```
/// use romulus_etcd::MemoryStore;
///
/// let store = MemoryStore::new();
/// let other = store.clone();
/// other.put("vulcand/backends/b/backend", "{}");
/// assert_eq!(store.entries()["vulcand/backends/b/backend"].value, "{}");
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    faults: Mutex<VecDeque<Fault>>,
    /// Tells watches that the revision has changed.
    revision: watch::Sender<i64>,
}

struct Fault {
    error: StoreError,
    applied: bool,
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore")
            .field("revision", &self.revision())
            .finish_non_exhaustive()
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// A state is whole whenever its lock is free, even after a panic of whoever held it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryStore {
    /// Revisions the history keeps by default.
    pub const HISTORY: usize = 10_000;

    /// An empty store.
    pub fn new() -> Self {
        Self::with_history(Self::HISTORY)
    }

    /// An empty store that compacts its history to this many revisions by itself.
    pub fn with_history(revisions: usize) -> Self {
        let state = State::new(revisions);
        let revision = watch::Sender::new(state.revision());
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                faults: Mutex::default(),
                revision,
            }),
        }
    }

    /// The present revision.
    pub fn revision(&self) -> i64 {
        lock(&self.shared.state).revision()
    }

    /// Everything in the store.
    pub fn entries(&self) -> BTreeMap<String, Entry> {
        lock(&self.shared.state).entries().clone()
    }

    /// Writes at one revision, unguarded, as another program would; returns the revision.
    pub fn write(&self, ops: &[Op]) -> i64 {
        self.change(|state| state.write(ops, 0))
    }

    /// Puts one key; returns the revision.
    pub fn put(&self, key: impl Into<String>, value: impl Into<String>) -> i64 {
        self.write(&[Op::Put {
            key: key.into(),
            value: value.into(),
        }])
    }

    /// Deletes one key; returns the revision.
    pub fn delete(&self, key: impl Into<String>) -> i64 {
        self.write(&[Op::Delete { key: key.into() }])
    }

    /// Ends a lease, as if it had expired: its keys are deleted.
    pub fn revoke_lease(&self, lease: i64) {
        self.change(|state| state.revoke(lease));
    }

    /// Forgets the history up to and including this revision. Watches that still need it get
    /// [`WatchEvent::Reloaded`].
    pub fn compact(&self, revision: i64) {
        lock(&self.shared.state).compact(revision);
    }

    /// Makes a coming commit fail with this error, after it was `applied` or without; several
    /// queue up.
    pub fn fail_next_commit(&self, error: StoreError, applied: bool) {
        lock(&self.shared.faults).push_back(Fault { error, applied });
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = lock(&self.shared.state);
        let result = change(&mut state);
        // Under the lock, so that revisions are told in their order.
        self.shared.revision.send_replace(state.revision());
        result
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, prefixes: &[String]) -> Result<Snapshot, StoreError> {
        Ok(lock(&self.shared.state).snapshot(prefixes.iter().map(String::as_str)))
    }

    async fn watch(&self, prefix: &str, after: i64) -> Result<Watch, StoreError> {
        let (feed, watch) = Watch::channel();
        tokio::spawn(follow(self.clone(), prefix.to_owned(), after, feed));
        Ok(watch)
    }

    async fn commit(
        &self,
        transaction: &Transaction,
        fence: Option<&Fence>,
    ) -> Result<Outcome, StoreError> {
        limits::check(transaction, fence)?;
        let fault = lock(&self.shared.faults).pop_front();
        if let Some(Fault {
            error,
            applied: false,
        }) = fault
        {
            return Err(error);
        }
        let outcome = self.change(|state| state.commit(transaction, fence));
        fault.map_or(Ok(outcome), |fault| Err(fault.error))
    }

    async fn lead(&self, key: &str, ttl: Duration) -> Result<Box<dyn Leadership>, StoreError> {
        Ok(Box::new(MemoryTerm::begin(self.clone(), key, ttl).await))
    }
}

/// Feeds a watch from the history until nobody reads it.
async fn follow(store: MemoryStore, prefix: String, mut after: i64, feed: WatchFeed) {
    let mut revisions = store.shared.revision.subscribe();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = after;
    // The revision of which progress is to be told, once everything up to it is delivered.
    let mut asked: Option<i64> = None;
    loop {
        revisions.mark_unchanged();
        let next = lock(&store.shared.state).after(&prefix, after);
        let reached = after;
        let events = match next {
            Next::Reloaded(snapshot) => {
                after = snapshot.revision;
                vec![WatchEvent::Reloaded(snapshot)]
            }
            Next::Changes { revisions, up_to } => {
                after = up_to;
                revisions.into_iter().map(WatchEvent::Changes).collect()
            }
        };
        for event in events {
            if !feed.send(event).await {
                return;
            }
        }
        if asked.is_some_and(|revision| after >= revision) {
            (asked, told) = (None, after);
            if !feed.send(WatchEvent::Progress { revision: after }).await {
                return;
            }
        }
        if after != reached {
            continue;
        }
        tokio::select! {
            () = feed.closed() => return,
            changed = revisions.changed() => if changed.is_err() { return },
            () = feed.asked() => asked = Some(store.revision()),
            _ = tick.tick() => asked = asked.or((after > told).then_some(after)),
        }
    }
}
