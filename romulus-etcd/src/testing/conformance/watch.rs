//! Watching.

use std::collections::BTreeMap;
use std::time::Duration;

use romulus_core::plan::Op;
use romulus_core::stored::{KeyChange, Snapshot};

use super::{Subject, changes, delete, entry, next, put, was_deleted, was_put, write};
use crate::{Watch, WatchEvent};

/// vulcand applies the events of a transaction one by one, in this order.
pub async fn watch_delivers_changes_in_the_order_of_their_operations(subject: &dyn Subject) {
    let store = subject.store();
    let before = write(&*store, vec![put("w/old", "1")]).await;
    let mut watch = store.watch("w/", before).await.expect("the store works");
    let ops = vec![
        put("w/z", "1"),
        delete("w/old"),
        put("w/a", "2"),
        delete("w/none"),
    ];
    let first = write(&*store, ops).await;
    let second = write(&*store, vec![put("w/z", "3")]).await;
    let expected = [
        was_put("w/z", "1", first),
        was_deleted("w/old", first),
        was_put("w/a", "2", first),
        was_put("w/z", "3", second),
    ];
    assert_eq!(changes(&mut watch, 4).await, expected);
}

/// A watch continues where a load ended, whenever it is opened.
pub async fn watch_starts_at_a_past_revision(subject: &dyn Subject) {
    let store = subject.store();
    let mut revisions = Vec::new();
    for n in 0..200 {
        revisions.push(write(&*store, vec![put("w/k", &n.to_string())]).await);
    }
    let mut watch = store
        .watch("w/", revisions[49])
        .await
        .expect("the store works");
    let expected: Vec<_> = (50..200)
        .map(|n| was_put("w/k", &n.to_string(), revisions[n]))
        .collect();
    assert_eq!(changes(&mut watch, 150).await, expected);
}

/// Neither a key that only begins alike, nor the rest of a transaction that touches both.
pub async fn watch_sees_nothing_beside_its_prefix(subject: &dyn Subject) {
    let store = subject.store();
    let before = write(&*store, vec![put("start", "")]).await;
    let mut watch = store.watch("w/", before).await.expect("the store works");
    write(
        &*store,
        vec![put("w", "x"), put("w0", "x"), put("v/w/", "x")],
    )
    .await;
    let both = write(&*store, vec![put("w0", "y"), put("w/", "it"), delete("w")]).await;
    assert_eq!(
        next(&mut watch).await,
        WatchEvent::Changes(vec![was_put("w/", "it", both)])
    );
}

/// After a restore from a backup the store may be behind what its reader knows.
pub async fn watch_of_an_unheard_of_revision_reloads(subject: &dyn Subject) {
    let store = subject.store();
    let revision = write(&*store, vec![put("w/k", "x"), put("beside", "x")]).await;
    let mut watch = store
        .watch("w/", revision + 1000)
        .await
        .expect("the store works");
    let entries = BTreeMap::from([("w/k".to_owned(), entry("x", revision))]);
    assert_eq!(
        next(&mut watch).await,
        WatchEvent::Reloaded(Snapshot { revision, entries })
    );
    let after = write(&*store, vec![put("w/k", "y")]).await;
    assert_eq!(
        next(&mut watch).await,
        WatchEvent::Changes(vec![was_put("w/k", "y", after)])
    );
}

/// A new leader waits for this, on trees where nothing happens.
pub async fn watch_tells_progress_without_changes_of_its_own(subject: &dyn Subject) {
    let store = subject.store();
    let before = write(&*store, vec![put("w/k", "x")]).await;
    let mut watch = store.watch("w/", before).await.expect("the store works");
    let beside = write(&*store, vec![put("beside", "x")]).await;
    reaches(&mut watch, beside).await;
}

/// Asked, it answers also where nothing at all has happened.
pub async fn watch_answers_when_asked_for_progress(subject: &dyn Subject) {
    let store = subject.store();
    let revision = write(&*store, vec![put("w/k", "x")]).await;
    let mut watch = store.watch("w/", revision).await.expect("the store works");
    for _ in 0..2 {
        watch.progress.ask();
        reaches(&mut watch, revision).await;
    }
}

/// Reads until the progress told is of this revision.
async fn reaches(watch: &mut Watch, wanted: i64) {
    loop {
        match watch.events.recv().await.expect("the watch goes on") {
            WatchEvent::Progress { revision } if revision >= wanted => {
                assert_eq!(revision, wanted, "nothing else was written");
                return;
            }
            WatchEvent::Progress { .. } => {}
            event => panic!("nothing changed under the prefix, yet {event:?}"),
        }
    }
}

/// Nothing grows while nobody reads, nothing is lost, and no revision is split.
pub async fn watch_of_a_slow_reader_is_bounded_and_complete(subject: &dyn Subject) {
    let store = subject.store();
    let before = write(&*store, vec![put("start", "")]).await;
    let mut watch = store.watch("w/", before).await.expect("the store works");
    let mut expected: Vec<KeyChange> = Vec::new();
    for n in 0..2 * Watch::CAPACITY {
        let keys: Vec<_> = (0..8).map(|m| format!("w/{n}-{m}")).collect();
        let value = "x".repeat(1024);
        let ops = keys.iter().map(|key| put(key, &value)).collect::<Vec<Op>>();
        let revision = write(&*store, ops).await;
        expected.extend(keys.iter().map(|key| was_put(key, &value, revision)));
    }
    assert!(watch.events.len() <= Watch::CAPACITY);
    let mut seen = Vec::new();
    while seen.len() < expected.len() {
        let WatchEvent::Changes(changes) = next(&mut watch).await else {
            panic!("the history was there");
        };
        let mut revisions = changes.chunk_by(|a, b| a.revision() == b.revision());
        assert!(
            revisions.all(|changes| changes.len() == 8),
            "a revision was split"
        );
        seen.extend(changes);
    }
    assert_eq!(seen, expected);
}

/// The store notices, and stops.
pub async fn watch_ends_when_dropped(subject: &dyn Subject) {
    let store = subject.store();
    let revision = write(&*store, vec![put("w/k", "x")]).await;
    let watch = store.watch("w/", revision).await.expect("the store works");
    let Watch {
        mut events, guard, ..
    } = watch;
    drop(guard);
    let end = async { while events.recv().await.is_some() {} };
    assert!(
        tokio::time::timeout(Duration::from_secs(10), end)
            .await
            .is_ok(),
        "it goes on"
    );
}
