//! What a watch delivers, and the two ends of one.

use std::sync::Arc;

use romulus_core::stored::{KeyChange, Snapshot};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

/// What a watch delivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchEvent {
    /// Changes of one or more revisions, in the store's order. All changes of one revision arrive
    /// in one event, in the order of their transaction.
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
    /// The events; bounded, so that a slow reader slows the watch, never grows the memory. `None`
    /// means that the runtime shuts down.
    pub events: mpsc::Receiver<WatchEvent>,
    /// Ends the watch when dropped.
    pub guard: DropGuard,
    /// Asks for [`WatchEvent::Progress`].
    pub progress: ProgressRequest,
}

impl Watch {
    /// Events that wait for a slow reader; more wait in the store.
    pub const CAPACITY: usize = 16;

    /// A watch, and the end a store feeds it from.
    pub fn channel() -> (WatchFeed, Self) {
        let (sender, events) = mpsc::channel(Self::CAPACITY);
        let ended = CancellationToken::new();
        let progress = ProgressRequest::default();
        let feed = WatchFeed {
            sender,
            ended: ended.clone(),
            progress: progress.clone(),
        };
        (
            feed,
            Self {
                events,
                guard: ended.drop_guard(),
                progress,
            },
        )
    }
}

/// Asks a watch to say how far it is. Cheap to clone; asking a watch that has ended does nothing.
#[derive(Debug, Clone, Default)]
pub struct ProgressRequest(Arc<Notify>);

impl ProgressRequest {
    /// Makes the watch deliver a [`WatchEvent::Progress`] of a revision that is not older than
    /// this call, as soon as it can. Without asking, progress comes about once a second, when there
    /// is any.
    pub fn ask(&self) {
        self.0.notify_one();
    }
}

/// The store's end of a [`Watch`].
#[derive(Debug)]
pub struct WatchFeed {
    sender: mpsc::Sender<WatchEvent>,
    ended: CancellationToken,
    progress: ProgressRequest,
}

impl WatchFeed {
    /// Delivers an event, waiting for a slow reader; false when nobody reads any more.
    pub async fn send(&self, event: WatchEvent) -> bool {
        tokio::select! {
            () = self.ended.cancelled() => false,
            sent = self.sender.send(event) => sent.is_ok(),
        }
    }

    /// Returns when nobody reads any more.
    pub async fn closed(&self) {
        tokio::select! {
            () = self.ended.cancelled() => {}
            () = self.sender.closed() => {}
        }
    }

    /// Returns when the reader asks for progress.
    pub async fn asked(&self) {
        self.progress.0.notified().await;
    }
}
