use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use romulus_core::plan::Group;
use romulus_etcd::{Fence, GroupResult, Store, commit_group};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Groups that are being committed at the same time; etcd gains nothing from more.
const IN_FLIGHT: usize = 8;

/// A group that is through.
pub(crate) struct Done {
    pub(crate) group: Group,
    pub(crate) result: GroupResult,
    /// Since it was planned.
    pub(crate) took: Duration,
}

/// Carries out groups, several at a time, each in its own order.
pub(crate) struct Writer {
    store: Arc<dyn Store>,
    settle: Duration,
    waiting: VecDeque<(Group, Instant)>,
    running: FuturesUnordered<BoxFuture<'static, Done>>,
    /// Ends what runs after the transaction it is at.
    cancel: CancellationToken,
    fence: Option<Fence>,
}

impl Writer {
    pub(crate) fn new(store: Arc<dyn Store>, settle: Duration) -> Self {
        Self {
            store,
            settle,
            waiting: VecDeque::new(),
            running: FuturesUnordered::new(),
            cancel: CancellationToken::new(),
            fence: None,
        }
    }

    /// What every write compares with from now on.
    pub(crate) fn begin_term(&mut self, fence: Option<Fence>) {
        self.cancel = CancellationToken::new();
        self.fence = fence;
    }

    /// Writes nothing more but the transactions in flight; returns what was not begun.
    pub(crate) fn end_term(&mut self) -> Vec<Group> {
        self.cancel.cancel();
        self.waiting.drain(..).map(|(group, _)| group).collect()
    }

    pub(crate) fn add(&mut self, groups: Vec<Group>) {
        let now = Instant::now();
        self.waiting
            .extend(groups.into_iter().map(|group| (group, now)));
        self.start();
    }

    fn start(&mut self) {
        while self.running.len() < IN_FLIGHT {
            let Some((group, planned)) = self.waiting.pop_front() else {
                return;
            };
            let (store, settle) = (self.store.clone(), self.settle);
            let (fence, cancel) = (self.fence.clone(), self.cancel.clone());
            self.running.push(Box::pin(async move {
                let result = commit_group(&*store, &group, fence.as_ref(), settle, &cancel).await;
                Done {
                    group,
                    result,
                    took: planned.elapsed(),
                }
            }));
        }
    }

    /// Whether more groups would soon begin.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < IN_FLIGHT
    }

    /// How many groups have not begun.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    /// The next group that is through; never, where none runs.
    pub(crate) async fn next(&mut self) -> Done {
        match self.running.next().await {
            Some(done) => {
                self.start();
                done
            }
            None => std::future::pending().await,
        }
    }
}
