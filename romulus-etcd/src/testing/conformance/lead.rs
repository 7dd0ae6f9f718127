//! Leading.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use romulus_core::plan::Transaction;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Subject, next, put, was_deleted, write};
use crate::{Leadership, Outcome, Store, WatchEvent};

const KEY: &str = "romulus/owners/test/leader";
/// Much longer than any hand-over takes.
const LONG: Duration = Duration::from_secs(600);

async fn lead(store: &Arc<dyn Store>, ttl: Duration) -> Box<dyn Leadership> {
    store.lead(KEY, ttl).await.expect("the store works")
}

fn candidate(store: &Arc<dyn Store>, ttl: Duration) -> JoinHandle<Box<dyn Leadership>> {
    let store = Arc::clone(store);
    tokio::spawn(async move { lead(&store, ttl).await })
}

async fn lease(store: &dyn Store) -> i64 {
    let loaded = store
        .load(&[KEY.to_owned()])
        .await
        .expect("the store works");
    loaded.entries[KEY].lease
}

async fn writes(store: &dyn Store, term: &dyn Leadership) -> Outcome {
    let transaction = Transaction {
        guards: vec![],
        ops: vec![put("written", "x")],
    };
    store
        .commit(&transaction, Some(term.fence()))
        .await
        .expect("the store works")
}

/// Of five candidates one leads at a time, and each term has a value of its own.
pub async fn lead_is_exclusive(subject: &dyn Subject) {
    let store = subject.store();
    let (sender, mut terms) = mpsc::channel(5);
    for _ in 0..5 {
        let (store, sender) = (subject.store(), sender.clone());
        tokio::spawn(async move { sender.send(lead(&store, LONG).await).await.is_ok() });
    }
    let mut values = BTreeSet::new();
    let mut last = 0;
    for _ in 0..5 {
        let term = terms.recv().await.expect("a leader");
        // The key in the store is the whole truth: whose value it holds leads.
        let loaded = store
            .load(&[KEY.to_owned()])
            .await
            .expect("the store works");
        assert_eq!(loaded.entries[KEY].value, term.fence().value);
        assert!(terms.is_empty(), "two lead");
        assert!(term.revision() > last);
        last = term.revision();
        assert!(values.insert(term.fence().value.clone()));
        term.resign().await;
    }
}

/// Exit hands over without waiting for the lease.
pub async fn lead_is_handed_over_at_once(subject: &dyn Subject) {
    let store = subject.store();
    let first = lead(&store, LONG).await;
    let fence = first.fence().clone();
    assert!(matches!(
        writes(&*store, &*first).await,
        Outcome::Committed { .. }
    ));
    let waiting = candidate(&store, LONG);
    let started = Instant::now();
    first.resign().await;
    let second = waiting.await.expect("the candidate leads");
    assert!(started.elapsed() < LONG / 10, "the lease was waited for");
    let late = Transaction {
        guards: vec![],
        ops: vec![put("written", "y")],
    };
    let late = store
        .commit(&late, Some(&fence))
        .await
        .expect("the store works");
    assert_eq!(late, Outcome::Fenced);
    assert!(matches!(
        writes(&*store, &*second).await,
        Outcome::Committed { .. }
    ));
    second.resign().await;
}

/// A leader whose lease is gone is told, writes nothing more, and is followed.
pub async fn lead_is_lost_with_its_lease(subject: &dyn Subject) {
    let store = subject.store();
    let first = lead(&store, LONG).await;
    let mut watch = store
        .watch(KEY, first.revision())
        .await
        .expect("the store works");
    let waiting = candidate(&store, LONG);
    subject.revoke_lease(lease(&*store).await).await;
    first.lost().await;
    assert_eq!(writes(&*store, &*first).await, Outcome::Fenced);
    let WatchEvent::Changes(changes) = next(&mut watch).await else {
        panic!("a change")
    };
    assert_eq!(changes[0], was_deleted(KEY, first.revision() + 1));
    waiting.await.expect("the candidate leads").resign().await;
}

/// Whoever puts another value there by hand takes over.
pub async fn lead_is_lost_when_its_key_is_overwritten(subject: &dyn Subject) {
    let store = subject.store();
    let term = lead(&store, LONG).await;
    write(&*store, vec![put(KEY, "by hand")]).await;
    term.lost().await;
    assert_eq!(writes(&*store, &*term).await, Outcome::Fenced);
}

/// A crash costs one time to live.
pub async fn lead_passes_on_when_a_leader_disappears(subject: &dyn Subject) {
    let store = subject.store();
    let first = lead(&store, Duration::from_secs(2)).await;
    let waiting = candidate(&store, LONG);
    drop(first);
    waiting.await.expect("the candidate leads").resign().await;
}

/// A candidate that gave up neither leads nor is in the way.
pub async fn lead_can_be_given_up_while_waiting(subject: &dyn Subject) {
    let store = subject.store();
    let first = lead(&store, LONG).await;
    let waiting = candidate(&store, LONG);
    waiting.abort();
    assert!(waiting.await.is_err_and(|error| error.is_cancelled()));
    first.resign().await;
    lead(&store, LONG).await.resign().await;
}
