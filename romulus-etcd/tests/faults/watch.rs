//! Watches: compaction, restarts, restores, silence, sizes.

use std::collections::BTreeMap;

use etcd_client::Client;
use romulus_core::plan::{Op, Transaction};
use romulus_etcd::testing::EtcdProcess;
use romulus_etcd::{Store, WatchEvent};

use crate::support::{TIMEOUT, next, next_values, put, soon, store, write};

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_from_a_compacted_revision_reloads() {
    let etcd = EtcdProcess::start().await;
    let store = etcd.store();
    let first = write(&store, &put("w/k", "1")).await;
    let last = write(&store, &put("w/k", "2")).await;
    let mut client = Client::connect([etcd.endpoint()], None).await.unwrap();
    client.compact(last, None).await.unwrap();
    let mut watch = store.watch("w/", first - 1).await.unwrap();
    let WatchEvent::Reloaded(snapshot) = next(&mut watch).await else {
        panic!("reloaded")
    };
    assert_eq!(snapshot, store.load(&["w/".to_owned()]).await.unwrap());
    write(&store, &put("w/k", "3")).await;
    assert_eq!(next_values(&mut watch, 1).await, ["3"]);
}

/// A reader so slow that the history it needs is compacted: etcd cancels the watch and leaves its
/// stream open and silent.
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_overtaken_by_compaction_reloads() {
    let etcd = EtcdProcess::start().await;
    let store = etcd.store();
    let before = store.load(&[]).await.unwrap().revision;
    let mut watch = store.watch("w/", before).await.unwrap();
    let mut last = 0;
    for n in 0..1500 {
        last = write(&store, &put("w/k", &format!("{n} {}", "x".repeat(20_000)))).await;
    }
    let mut client = Client::connect([etcd.endpoint()], None).await.unwrap();
    client.compact(last, None).await.unwrap();
    let mut seen = before;
    let snapshot = loop {
        match next(&mut watch).await {
            WatchEvent::Changes(changes) => {
                for change in changes {
                    assert_eq!(change.revision(), seen + 1, "a change is missing");
                    seen = change.revision();
                }
            }
            WatchEvent::Reloaded(snapshot) => break snapshot,
            WatchEvent::Progress { .. } => {}
        }
    };
    assert!(seen < last, "the reader was not slow");
    assert_eq!(snapshot, store.load(&["w/".to_owned()]).await.unwrap());
    write(&store, &put("w/k", "after")).await;
    assert_eq!(next_values(&mut watch, 1).await, ["after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_outlives_its_etcd_without_loss() {
    let mut etcd = EtcdProcess::start().await;
    let store = etcd.store();
    let before = store.load(&[]).await.unwrap().revision;
    let mut watch = store.watch("w/", before).await.unwrap();
    let mut expected = Vec::new();
    for n in 0..3 {
        expected.push(format!("{n} before"));
        write(&store, &put("w/k", &format!("{n} before"))).await;
        etcd.stop();
        etcd.restart().await;
        expected.push(format!("{n} after"));
        write(&store, &put("w/k", &format!("{n} after"))).await;
    }
    assert_eq!(next_values(&mut watch, expected.len()).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_of_an_etcd_that_begins_anew_reloads() {
    let mut etcd = EtcdProcess::start().await;
    let store = etcd.store();
    for n in 0..10 {
        write(&store, &put("w/old", &n.to_string())).await;
    }
    let revision = store.load(&[]).await.unwrap().revision;
    let mut watch = store.watch("w/", revision).await.unwrap();
    etcd.restart_empty().await;
    let WatchEvent::Reloaded(snapshot) = next(&mut watch).await else {
        panic!("reloaded")
    };
    assert_eq!((snapshot.revision, snapshot.entries), (1, BTreeMap::new()));
    write(&store, &put("w/new", "x")).await;
    assert_eq!(next_values(&mut watch, 1).await, ["x"]);
}

/// The same cluster, an older revision: as after the restore of a backup.
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_of_an_etcd_that_went_back_reloads() {
    let mut etcd = EtcdProcess::start().await;
    let store = etcd.store();
    write(&store, &put("w/k", "old")).await;
    let backup = etcd.backup().await;
    let last = write(&store, &put("w/k", "new")).await;
    let mut watch = store.watch("w/", last).await.unwrap();
    etcd.restart_from(&backup).await;
    let WatchEvent::Reloaded(snapshot) = next(&mut watch).await else {
        panic!("reloaded")
    };
    assert_eq!(snapshot.revision, last - 1);
    assert_eq!(snapshot.entries["w/k"].value, "old");
    write(&store, &put("w/k", "after")).await;
    assert_eq!(next_values(&mut watch, 1).await, ["after"]);
}

/// The revision at which the watch resumes exists in the older store too. That the store went back is
/// told by what was written elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_of_an_etcd_that_went_back_unseen_reloads() {
    let mut etcd = EtcdProcess::start().await;
    let store = etcd.store();
    let seen = write(&store, &put("w/k", "old")).await;
    let backup = etcd.backup().await;
    let mut watch = store.watch("w/", seen).await.unwrap();
    write(&store, &put("beside", "x")).await;
    etcd.restart_from(&backup).await;
    let WatchEvent::Reloaded(snapshot) = next(&mut watch).await else {
        panic!("reloaded")
    };
    assert_eq!(snapshot.revision, seen);
    write(&store, &put("w/k", "after")).await;
    assert_eq!(next_values(&mut watch, 1).await, ["after"]);
}

/// The connection stays open; nothing but the silence tells.
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_notices_silence_and_resumes() {
    let etcd = EtcdProcess::start().await;
    let store = store(&[etcd.endpoint()]);
    let before = write(&store, &put("w/k", "before")).await;
    let mut watch = store.watch("w/", before - 1).await.unwrap();
    assert_eq!(next_values(&mut watch, 1).await, ["before"]);
    etcd.pause();
    tokio::time::sleep(3 * TIMEOUT).await;
    etcd.resume();
    soon(async { while store.commit(&put("w/k", "after"), None).await.is_err() {} }).await;
    assert_eq!(next_values(&mut watch, 1).await, ["after"]);
}

/// etcd splits what is larger than 1.5 MiB, also in the middle of a revision.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_revision_arrives_in_one_event() {
    let etcd = EtcdProcess::start().await;
    let store = etcd.store();
    let before = store.load(&[]).await.unwrap().revision;
    for _ in 0..12 {
        let op = |n| Op::Put {
            key: format!("w/{n}"),
            value: "x".repeat(10_000),
        };
        write(
            &store,
            &Transaction {
                guards: vec![],
                ops: (0..128).map(op).collect(),
            },
        )
        .await;
    }
    let mut watch = store.watch("w/", before).await.unwrap();
    let mut revisions = Vec::new();
    while revisions.len() < 12 {
        let WatchEvent::Changes(changes) = next(&mut watch).await else {
            panic!("changes")
        };
        for revision in changes.chunk_by(|a, b| a.revision() == b.revision()) {
            assert_eq!(
                revision.len(),
                128,
                "revision {} is split",
                revision[0].revision()
            );
            revisions.push(revision[0].revision());
        }
    }
    assert_eq!(revisions, (before + 1..=before + 12).collect::<Vec<_>>());
}
