//! One suite for every store: what the rest of romulus relies on.
//!
//! ```text
//! romulus_etcd::conformance!(async { MySubject::new() });
//! ```

mod commit;
mod lead;
mod load;
mod watch;

pub use commit::*;
pub use lead::*;
pub use load::*;
pub use watch::*;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use romulus_core::plan::{Guard, Op, Revision, Transaction};
use romulus_core::stored::{Entry, KeyChange};

use crate::{Outcome, Store, Watch, WatchEvent};

/// A store to be tried, empty, and what the trial needs beside it.
#[async_trait]
pub trait Subject: Send + Sync {
    /// A handle of the store.
    fn store(&self) -> Arc<dyn Store>;
    /// Ends a lease at once, as if it had expired.
    async fn revoke_lease(&self, lease: i64);
}

/// How long one test may take before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Declares one test per item of the suite; each gets a fresh [`Subject`] from the future.
#[macro_export]
macro_rules! conformance {
    ($subject:expr) => {
        $crate::conformance! { @ $subject;
            load_reads_several_prefixes_at_one_revision
            load_of_nothing_tells_the_revision
            load_reads_more_than_a_message_holds
            load_tells_revision_and_lease_of_a_key
            watch_delivers_changes_in_the_order_of_their_operations
            watch_starts_at_a_past_revision
            watch_sees_nothing_beside_its_prefix
            watch_of_an_unheard_of_revision_reloads
            watch_tells_progress_without_changes_of_its_own
            watch_answers_when_asked_for_progress
            watch_of_a_slow_reader_is_bounded_and_complete
            watch_ends_when_dropped
            commit_creates_only_what_is_absent
            commit_changes_only_what_is_unchanged
            commit_refused_writes_nothing_and_tells_what_is_there
            commit_is_fenced_by_another_value
            commit_of_no_change_keeps_the_revision
            commit_takes_128_operations
            commit_takes_1400000_bytes
            commit_says_what_is_beyond_the_limits
            lead_is_exclusive
            lead_is_handed_over_at_once
            lead_is_lost_with_its_lease
            lead_is_lost_when_its_key_is_overwritten
            lead_passes_on_when_a_leader_disappears
            lead_can_be_given_up_while_waiting
        }
    };
    (@ $subject:expr; $($name:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let subject = $subject.await;
            let test = $crate::testing::conformance::$name(&subject);
            let limit = $crate::testing::conformance::PATIENCE;
            assert!(tokio::time::timeout(limit, test).await.is_ok(), "hangs: {limit:?}");
        }
    )*};
}

fn put(key: &str, value: &str) -> Op {
    Op::Put {
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

fn delete(key: &str) -> Op {
    Op::Delete {
        key: key.to_owned(),
    }
}

fn absent(key: &str) -> Guard {
    Guard::Absent {
        key: key.to_owned(),
    }
}

fn unchanged(key: &str, revision: i64) -> Guard {
    Guard::Unchanged {
        key: key.to_owned(),
        revision: Revision::Known(revision),
    }
}

fn entry(value: &str, revision: i64) -> Entry {
    Entry {
        value: value.to_owned(),
        revision,
        lease: 0,
    }
}

fn was_put(key: &str, value: &str, revision: i64) -> KeyChange {
    KeyChange::Put {
        key: key.to_owned(),
        entry: entry(value, revision),
    }
}

fn was_deleted(key: &str, revision: i64) -> KeyChange {
    KeyChange::Delete {
        key: key.to_owned(),
        revision,
    }
}

async fn commit(store: &dyn Store, guards: Vec<Guard>, ops: Vec<Op>) -> Outcome {
    store
        .commit(&Transaction { guards, ops }, None)
        .await
        .expect("the store works")
}

/// Writes unguarded; the revision.
async fn write(store: &dyn Store, ops: Vec<Op>) -> i64 {
    match commit(store, vec![], ops).await {
        Outcome::Committed { revision } => revision,
        other => panic!("an unguarded write is always applied, not {other:?}"),
    }
}

/// The next event that is not progress.
async fn next(watch: &mut Watch) -> WatchEvent {
    loop {
        match watch.events.recv().await.expect("the watch goes on") {
            WatchEvent::Progress { .. } => {}
            event => return event,
        }
    }
}

/// Changes until there are as many.
async fn changes(watch: &mut Watch, count: usize) -> Vec<KeyChange> {
    let mut seen = Vec::new();
    while seen.len() < count {
        match next(watch).await {
            WatchEvent::Changes(changes) => seen.extend(changes),
            event => panic!("changes are expected, not {event:?}"),
        }
    }
    seen
}
