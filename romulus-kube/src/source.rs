//! Where cluster changes come from, whatever it is.
use std::collections::BTreeSet;
use std::time::Duration;

use romulus_core::cluster::{ClusterChange, Scope};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::problem::SourceProblem;

/// Batches on their way. When the consumer is slow the tasks wait, so memory stays bounded.
const CHANNEL: usize = 16;

/// One thing a source says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceEvent {
    /// Changes, in their order. A list comes whole, in one batch: `ListStart`, every object,
    /// `ListEnd`. A list that breaks off on its way is started again and not told at all.
    Changes(Vec<ClusterChange>),
    /// Something a person should know.
    Problem(SourceProblem),
}

/// What a source says once: every scope listed whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// One whole list for each scope.
    pub changes: Vec<ClusterChange>,
    /// What was met on the way, in its order.
    pub problems: Vec<SourceProblem>,
}

/// A running source of cluster changes; its tasks end when its [`CancellationToken`] is cancelled
/// or when it is dropped.
///
/// Each of its [`scopes`](Self::scopes) is listed once at the start, then again whenever the
/// source can't be sure to have seen every change. Only when every scope had its first `ListEnd`
/// is the cluster known.
#[derive(Debug)]
pub struct Source {
    scopes: Vec<Scope>,
    events: mpsc::Receiver<SourceEvent>,
}

impl Source {
    /// A source without tasks yet, and the end they send to.
    pub(crate) fn new(scopes: Vec<Scope>) -> (Self, Sender) {
        let (sender, events) = mpsc::channel(CHANNEL);
        (Self { scopes, events }, Sender(sender))
    }

    /// What the source lists.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// The next event; `None` once the source has ended. Cancel safe.
    pub async fn next(&mut self) -> Option<SourceEvent> {
        self.events.recv().await
    }

    /// Waits until every scope has been listed, and returns all that came meanwhile: for who wants
    /// to look once. What passes by itself is waited for, so wrap it in a timeout.
    ///
    /// # Errors
    ///
    /// The first problem that will not pass by itself, or `None` if the source ended.
    pub async fn listed(&mut self) -> Result<Loaded, Option<Box<SourceProblem>>> {
        let mut unlisted: BTreeSet<Scope> = self.scopes.iter().cloned().collect();
        let mut loaded = Loaded::default();
        while !unlisted.is_empty() {
            match self.next().await {
                None => return Err(None),
                Some(SourceEvent::Problem(problem)) if problem.is_fatal() => {
                    return Err(Some(Box::new(problem)));
                }
                Some(SourceEvent::Problem(problem)) => loaded.problems.push(problem),
                Some(SourceEvent::Changes(changes)) => {
                    for change in &changes {
                        if let ClusterChange::ListEnd { scope, .. } = change {
                            unlisted.remove(scope);
                        }
                    }
                    loaded.changes.extend(changes);
                }
            }
        }
        Ok(loaded)
    }

    /// The next event, if one is there already: to take in what came meanwhile before planning.
    pub fn try_next(&mut self) -> Option<SourceEvent> {
        self.events.try_recv().ok()
    }
}

/// The consumer is gone; whoever sees this ends.
#[derive(Debug)]
pub(crate) struct Closed;

/// The tasks' end of a source.
#[derive(Debug, Clone)]
pub(crate) struct Sender(mpsc::Sender<SourceEvent>);

impl Sender {
    pub(crate) async fn changes(&self, changes: Vec<ClusterChange>) -> Result<(), Closed> {
        if changes.is_empty() {
            return Ok(());
        }
        self.0
            .send(SourceEvent::Changes(changes))
            .await
            .map_err(|_| Closed)
    }

    pub(crate) async fn problem(&self, problem: SourceProblem) -> Result<(), Closed> {
        self.0
            .send(SourceEvent::Problem(problem))
            .await
            .map_err(|_| Closed)
    }
}

/// Runs a task until it ends by itself, the consumer goes or the token is cancelled. A task that
/// panics is a defect; it is begun anew after a pause, which for a source means a new list, so
/// that a daemon left alone goes on.
pub(crate) fn supervise<F, T>(
    cancel: CancellationToken,
    what: String,
    mut task: F,
) -> JoinHandle<()>
where
    F: FnMut() -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    const PAUSE: Duration = Duration::from_secs(5);
    tokio::spawn(async move {
        loop {
            let mut running = tokio::spawn(task());
            let ended = tokio::select! {
                () = cancel.cancelled() => {
                    running.abort();
                    let _ = running.await;
                    return;
                }
                ended = &mut running => ended,
            };
            match ended {
                Ok(()) => return,
                // Nobody aborts it but the runtime, at its own end.
                Err(error) if error.is_cancelled() => return,
                Err(error) => tracing::error!(%error, "{what}: a defect of romulus; starting anew"),
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_is_begun_anew_and_one_that_ends_is_not() {
        let (done, mut ended) = mpsc::channel(1);
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        supervise(CancellationToken::new(), "test".to_owned(), move || {
            let run = counted.fetch_add(1, Ordering::SeqCst);
            let done = done.clone();
            async move {
                assert_ne!(run, 0, "the first run panics");
                done.send(run).await.unwrap();
            }
        });
        assert_eq!(ended.recv().await, Some(1));
        assert_eq!(ended.recv().await, None, "the task and its sender are gone");
        assert_eq!(runs.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn cancelling_ends_the_tasks_and_the_source() {
        let cancel = CancellationToken::new();
        let (mut source, sender) = Source::new(Vec::new());
        supervise(cancel.clone(), "test".to_owned(), move || {
            let sender = sender.clone();
            async move {
                std::future::pending::<()>().await;
                drop(sender);
            }
        });
        cancel.cancel();
        assert_eq!(source.next().await, None);
    }
}
