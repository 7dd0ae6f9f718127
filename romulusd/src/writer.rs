use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use romulus_core::plan::Group;
use romulus_etcd::{Fence, GroupResult, Store, commit_group};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Groups that are being committed at the same time; etcd gains nothing from more.
const IN_FLIGHT: usize = 16;

/// A group that is through.
pub(crate) struct Done {
    pub(crate) group: Group,
    pub(crate) result: GroupResult,
    /// Since it was planned.
    pub(crate) took: Duration,
}

/// What a task came to; where it panicked, so does who waits for it.
async fn joined(task: JoinHandle<Done>) -> Done {
    match task.await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Nobody aborts it but the runtime, at its own end.
            Err(_) => std::future::pending().await,
        },
    }
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
            let work = async move {
                let result = commit_group(&*store, &group, fence.as_ref(), settle, &cancel).await;
                Done {
                    group,
                    result,
                    took: planned.elapsed(),
                }
            };
            // Among many, one goes on while the loop plans the next; one alone is spared the way to
            // another thread and back.
            self.running.push(if self.running.is_empty() {
                work.boxed()
            } else {
                joined(tokio::spawn(work)).boxed()
            });
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
