//! Carrying out a group of a plan.

use std::time::Duration;

use backon::BackoffBuilder as _;
use romulus_core::plan::{Group, Guard, Revision, Transaction};
use romulus_core::stored::Entry;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{Fence, Outcome, Store, StoreError};

/// How far a group came.
#[derive(Debug)]
pub struct GroupResult {
    /// The revisions at which its steps were committed, from the first on.
    pub committed: Vec<i64>,
    /// How it ended, after those.
    pub end: GroupEnd,
}

/// How a group ended. Where a step did not go through, it is step `committed.len()`; the steps
/// after it were not tried.
#[derive(Debug)]
pub enum GroupEnd {
    /// Every step is committed.
    Done,
    /// A guard of the step did not hold: someone else wrote. Plan again from what is there.
    Refused {
        /// The store's revision when it refused.
        revision: i64,
        /// What the guarded keys hold; one that is not here does not exist.
        current: Vec<(String, Entry)>,
    },
    /// Another leader has taken over. Stop writing.
    Fenced,
    /// The step may or may not have been applied. Read its keys again before planning.
    Unknown(StoreError),
    /// The step was not applied, in spite of retries where they could help.
    Failed(StoreError),
    /// Told to stop before the step.
    Cancelled,
}

impl GroupResult {
    /// Whether every step is committed.
    pub fn is_done(&self) -> bool {
        matches!(self.end, GroupEnd::Done)
    }
}

/// Commits the steps of a group in their order.
///
/// Before a step that asks for it the `settle` pause is made. An error after which nothing was
/// written and which may pass is retried up to seven times, with pauses of some 20 seconds in all. On `cancel` the
/// transaction in flight is finished and no further step begins; pauses are cut short.
///
/// ```
/// use std::time::Duration;
/// use romulus_core::plan::{Group, Guard, Op, Revision, Step, Transaction};
/// use romulus_etcd::{CancellationToken, MemoryStore, commit_group};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let key = "vulcand/frontends/f/frontend".to_owned();
/// let put = |value: &str| vec![Op::Put { key: key.clone(), value: value.to_owned() }];
/// let create = Transaction { guards: vec![Guard::Absent { key: key.clone() }], ops: put("1") };
/// let change = Transaction {
///     guards: vec![Guard::Unchanged { key: key.clone(), revision: Revision::OfStep(0) }],
///     ops: put("2"),
/// };
/// let group = Group {
///     objects: vec![],
///     steps: vec![
///         Step { transaction: create, settle: false },
///         Step { transaction: change, settle: true },
///     ],
/// };
///
/// let store = MemoryStore::new();
/// let settle = Duration::from_millis(1);
/// let result = commit_group(&store, &group, None, settle, &CancellationToken::new()).await;
/// assert!(result.is_done());
/// assert_eq!(store.entries()[&key].revision, result.committed[1]);
/// # }
/// ```
pub async fn commit_group(
    store: &dyn Store,
    group: &Group,
    fence: Option<&Fence>,
    settle: Duration,
    cancel: &CancellationToken,
) -> GroupResult {
    let mut committed = Vec::with_capacity(group.steps.len());
    for step in &group.steps {
        if cancel.is_cancelled() || (step.settle && !pause(settle, cancel).await) {
            return GroupResult {
                committed,
                end: GroupEnd::Cancelled,
            };
        }
        let outcome = match resolve(&step.transaction, &committed) {
            Ok(transaction) => commit(store, &transaction, fence, cancel).await,
            Err(error) => Err(error),
        };
        let end = match outcome {
            Ok(Outcome::Committed { revision }) => {
                committed.push(revision);
                continue;
            }
            Ok(Outcome::Refused { revision, current }) => GroupEnd::Refused { revision, current },
            Ok(Outcome::Fenced) => GroupEnd::Fenced,
            Err(error) if error.may_have_applied() => GroupEnd::Unknown(error),
            Err(error) => GroupEnd::Failed(error),
        };
        return GroupResult { committed, end };
    }
    GroupResult {
        committed,
        end: GroupEnd::Done,
    }
}

/// Puts the revisions of earlier steps where guards ask for them.
fn resolve(transaction: &Transaction, committed: &[i64]) -> Result<Transaction, StoreError> {
    let mut resolved = transaction.clone();
    for guard in &mut resolved.guards {
        let Guard::Unchanged { key, revision } = guard else {
            continue;
        };
        let Revision::OfStep(step) = *revision else {
            continue;
        };
        let Some(&known) = committed.get(step) else {
            let reason = format!(
                "the guard of {key:?} waits for step {step}, which does not come before step {}",
                committed.len(),
            );
            return Err(StoreError::InvalidTransaction { reason });
        };
        *revision = Revision::Known(known);
    }
    Ok(resolved)
}

/// Commits one transaction, again where it is known that the last try wrote nothing.
async fn commit(
    store: &dyn Store,
    transaction: &Transaction,
    fence: Option<&Fence>,
    cancel: &CancellationToken,
) -> Result<Outcome, StoreError> {
    let mut pauses = backon::ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_max_times(7)
        .with_jitter()
        .build();
    loop {
        let error = match store.commit(transaction, fence).await {
            Err(error) if error.is_retryable() && !error.may_have_applied() => error,
            done => return done,
        };
        match pauses.next() {
            Some(next) if pause(next, cancel).await => debug!(%error, "a transaction is retried"),
            _ => return Err(error),
        }
    }
}

/// False when it was cut short.
async fn pause(length: Duration, cancel: &CancellationToken) -> bool {
    tokio::select! {
        biased;
        () = cancel.cancelled() => false,
        () = tokio::time::sleep(length) => true,
    }
}

#[cfg(test)]
mod tests {
    use romulus_core::plan::{Op, Step};
    use romulus_core::stored::Snapshot;

    use super::*;
    use crate::{Leadership, MemoryStore, Watch};

    const SETTLE: Duration = Duration::from_millis(250);

    fn put(key: &str, value: &str) -> Vec<Op> {
        vec![Op::Put {
            key: key.to_owned(),
            value: value.to_owned(),
        }]
    }

    fn step(guards: Vec<Guard>, ops: Vec<Op>, settle: bool) -> Step {
        Step {
            transaction: Transaction { guards, ops },
            settle,
        }
    }

    fn unavailable() -> StoreError {
        StoreError::Unavailable {
            endpoint: "e".to_owned(),
            call: "c",
            problem: "p".to_owned(),
            cause: None,
        }
    }

    fn unknown() -> StoreError {
        StoreError::UnknownOutcome {
            endpoint: "e".to_owned(),
            call: "c",
            problem: "p".to_owned(),
            cause: None,
        }
    }

    fn absent(key: &str) -> Guard {
        Guard::Absent {
            key: key.to_owned(),
        }
    }

    /// Creates `a`, then `b`, then, after a pause, changes `a`.
    fn group() -> Group {
        let of_step_0 = Guard::Unchanged {
            key: "a".to_owned(),
            revision: Revision::OfStep(0),
        };
        Group {
            objects: vec![],
            steps: vec![
                step(vec![absent("a")], put("a", "1"), false),
                step(vec![absent("b")], put("b", "1"), false),
                step(vec![of_step_0], put("a", "2"), true),
            ],
        }
    }

    async fn run(store: &MemoryStore) -> GroupResult {
        commit_group(store, &group(), None, SETTLE, &CancellationToken::new()).await
    }

    #[tokio::test(start_paused = true)]
    async fn steps_follow_each_other_and_settle() {
        let store = MemoryStore::new();
        let started = tokio::time::Instant::now();
        let result = run(&store).await;
        assert!(result.is_done());
        assert_eq!(result.committed, [2, 3, 4]);
        assert_eq!(store.entries()["a"].value, "2");
        assert_eq!(started.elapsed(), SETTLE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_tells_what_is_there_and_ends_the_group() {
        let store = MemoryStore::new();
        let revision = store.put("b", "theirs");
        let result = run(&store).await;
        assert_eq!(result.committed, [3]);
        let GroupEnd::Refused {
            revision: at,
            current,
        } = result.end
        else {
            panic!("refused")
        };
        assert_eq!((at, current[0].1.revision), (3, revision));
        assert_eq!(store.entries()["a"].value, "1");
    }

    #[tokio::test(start_paused = true)]
    async fn a_fence_ends_the_group() {
        let store = MemoryStore::new();
        let fence = Fence::random("leader");
        let cancel = CancellationToken::new();
        let result = commit_group(&store, &group(), Some(&fence), SETTLE, &cancel).await;
        assert!(matches!(result.end, GroupEnd::Fenced));
        assert!(result.committed.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_wrote_nothing_is_retried_with_growing_pauses() {
        let store = MemoryStore::new();
        for _ in 0..3 {
            store.fail_next_commit(unavailable(), false);
        }
        let started = tokio::time::Instant::now();
        assert!(run(&store).await.is_done());
        let waited = started.elapsed() - SETTLE;
        // 100, 200 and 400ms, each with a jitter of up to as much.
        assert!(waited >= Duration::from_millis(700), "{waited:?}");
        assert!(waited <= Duration::from_millis(1400), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn retries_have_an_end() {
        let store = MemoryStore::new();
        for _ in 0..8 {
            store.fail_next_commit(unavailable(), false);
        }
        let result = run(&store).await;
        assert!(matches!(
            result.end,
            GroupEnd::Failed(StoreError::Unavailable { .. })
        ));
        assert!(store.entries().is_empty());
    }

    /// The transaction was applied and its answer lost: sent again it would be refused, or applied
    /// twice.
    #[tokio::test(start_paused = true)]
    async fn an_unknown_outcome_is_never_sent_again() {
        for applied in [true, false] {
            let store = MemoryStore::new();
            store.fail_next_commit(unknown(), applied);
            let result = run(&store).await;
            assert!(matches!(result.end, GroupEnd::Unknown(_)));
            assert!(result.committed.is_empty());
            assert_eq!(store.entries().contains_key("a"), applied);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_guard_that_waits_for_a_later_step_is_a_mistake() {
        let later = Guard::Unchanged {
            key: "a".to_owned(),
            revision: Revision::OfStep(1),
        };
        let group = Group {
            objects: vec![],
            steps: vec![
                step(vec![], put("a", "1"), false),
                step(vec![later], vec![], false),
            ],
        };
        let store = MemoryStore::new();
        let result = commit_group(&store, &group, None, SETTLE, &CancellationToken::new()).await;
        let GroupEnd::Failed(error) = result.end else {
            panic!("failed")
        };
        assert_eq!(
            error.to_string(),
            "a transaction can't be sent: the guard of \"a\" waits for step 1, which does not come \
             before step 1"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn cancelling_cuts_the_settle_pause_short() {
        let store = MemoryStore::new();
        let cancel = CancellationToken::new();
        let (other, at) = (cancel.clone(), SETTLE / 2);
        tokio::spawn(async move {
            tokio::time::sleep(at).await;
            other.cancel();
        });
        let started = tokio::time::Instant::now();
        let result = commit_group(&store, &group(), None, SETTLE, &cancel).await;
        assert!(matches!(result.end, GroupEnd::Cancelled));
        assert_eq!(result.committed, [2, 3]);
        assert_eq!(started.elapsed(), SETTLE / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn cancelled_before_the_start_writes_nothing() {
        let store = MemoryStore::new();
        let cancel = CancellationToken::new();
        cancel.cancel();
        let result = commit_group(&store, &group(), None, SETTLE, &cancel).await;
        assert!(matches!(result.end, GroupEnd::Cancelled));
        assert!(store.entries().is_empty());
    }

    /// A store that takes its time.
    struct Slow(MemoryStore);

    #[async_trait::async_trait]
    impl Store for Slow {
        async fn load(&self, prefixes: &[String]) -> Result<Snapshot, StoreError> {
            self.0.load(prefixes).await
        }

        async fn watch(&self, prefix: &str, after: i64) -> Result<Watch, StoreError> {
            self.0.watch(prefix, after).await
        }

        async fn commit(
            &self,
            transaction: &Transaction,
            fence: Option<&Fence>,
        ) -> Result<Outcome, StoreError> {
            tokio::time::sleep(Duration::from_secs(2)).await;
            self.0.commit(transaction, fence).await
        }

        async fn lead(&self, key: &str, ttl: Duration) -> Result<Box<dyn Leadership>, StoreError> {
            self.0.lead(key, ttl).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn cancelling_finishes_the_transaction_in_flight() {
        let store = Slow(MemoryStore::new());
        let cancel = CancellationToken::new();
        let other = cancel.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            other.cancel();
        });
        let result = commit_group(&store, &group(), None, SETTLE, &cancel).await;
        assert!(matches!(result.end, GroupEnd::Cancelled));
        assert_eq!(result.committed, [2]);
        assert_eq!(store.0.entries()["a"].value, "1");
    }
}
