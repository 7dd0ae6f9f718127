use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::{BoxStream, SelectAll};
use romulus_core::key::{OWN_PREFIX, RECORDS_PREFIX};
use romulus_core::stored::Snapshot;
use romulus_etcd::{ProgressRequest, Store, StoreError, WatchEvent};
use tokio_stream::wrappers::ReceiverStream;

/// What is watched for the changes of a prefix.
///
/// For the records that is everything of ours: so the key of a new leader, which is among them,
/// tells by itself that what came before has been seen.
fn watched(prefix: &str) -> &str {
    if prefix == RECORDS_PREFIX {
        OWN_PREFIX
    } else {
        prefix
    }
}

/// What the store holds, prefix by prefix: loaded once, then watched.
pub(crate) struct Feed {
    store: Arc<dyn Store>,
    watches: SelectAll<BoxStream<'static, (Arc<str>, WatchEvent)>>,
    prefixes: BTreeMap<Arc<str>, Followed>,
}

struct Followed {
    /// Everything up to this revision has been seen.
    passed: i64,
    progress: ProgressRequest,
}

impl Feed {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            watches: SelectAll::new(),
            prefixes: BTreeMap::new(),
        }
    }

    /// Reads everything under the prefixes, and watches them from there on.
    pub(crate) async fn load(&mut self, prefixes: &[String]) -> Result<Snapshot, StoreError> {
        let snapshot = self.store.load(prefixes).await?;
        // All of them or none: where one can't be opened, those opened before it end here.
        let mut opened = Vec::with_capacity(prefixes.len());
        for prefix in prefixes {
            let watch = self.store.watch(watched(prefix), snapshot.revision).await?;
            opened.push((prefix, watch));
        }
        for (prefix, watch) in opened {
            let prefix: Arc<str> = prefix.as_str().into();
            let followed = Followed {
                passed: snapshot.revision,
                progress: watch.progress,
            };
            self.prefixes.insert(prefix.clone(), followed);
            let guard = watch.guard;
            let events = ReceiverStream::new(watch.events).map(move |event| {
                // The watch lives as long as its stream.
                let _ = &guard;
                (prefix.clone(), event)
            });
            self.watches.push(events.boxed());
        }
        Ok(snapshot)
    }

    /// Reads everything that is watched anew, at one revision.
    pub(crate) async fn reload(&self) -> Result<(Vec<String>, Snapshot), StoreError> {
        let prefixes: Vec<String> = self
            .prefixes
            .keys()
            .map(|prefix| (**prefix).to_owned())
            .collect();
        let snapshot = self.store.load(&prefixes).await?;
        Ok((prefixes, snapshot))
    }

    /// The next event of any prefix; never, where none is watched.
    pub(crate) async fn next(&mut self) -> (Arc<str>, WatchEvent) {
        match self.watches.next().await {
            Some((prefix, event)) => {
                self.pass(&prefix, &event);
                (prefix, event)
            }
            None => std::future::pending().await,
        }
    }

    fn pass(&mut self, prefix: &str, event: &WatchEvent) {
        let revision = match event {
            WatchEvent::Changes(changes) => changes.last().map(|change| change.revision()),
            WatchEvent::Progress { revision } => Some(*revision),
            WatchEvent::Reloaded(snapshot) => Some(snapshot.revision),
        };
        if let (Some(followed), Some(revision)) = (self.prefixes.get_mut(prefix), revision) {
            followed.passed = revision;
        }
    }

    /// Whether every watch has delivered everything up to a revision.
    pub(crate) fn has_passed(&self, revision: i64) -> bool {
        self.prefixes
            .values()
            .all(|followed| followed.passed >= revision)
    }

    /// Asks the watches how far they are.
    pub(crate) fn ask(&self) {
        for followed in self.prefixes.values() {
            followed.progress.ask();
        }
    }
}
