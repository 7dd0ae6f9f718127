//! Calls: deadlines, dead endpoints, lost answers, compaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use etcd_client::Client;
use romulus_core::plan::{Group, Guard, Op, Step, Transaction};
use romulus_etcd::testing::{EtcdProcess, FaultProxy};
use romulus_etcd::{
    CancellationToken, EtcdOptions, EtcdStore, GroupEnd, Store, StoreError, commit_group,
};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::support::{
    DEADLINE, Proxy, TIMEOUT, black_hole, next_values, nobody, put, soon, store, write,
};

/// How each call ends against an endpoint, and that each ends by its deadline.
async fn errors(endpoint: &str) -> [StoreError; 4] {
    let store = store(&[endpoint]);
    let started = Instant::now();
    let load = store.load(&["k".to_owned()]).await.unwrap_err();
    let loaded = started.elapsed();
    let commit = store.commit(&put("k", "x"), None).await.unwrap_err();
    let committed = started.elapsed();
    let watch = store.watch("k", 1).await.unwrap_err();
    let watched = started.elapsed();
    let lead = store
        .lead("l", TIMEOUT)
        .await
        .err()
        .expect("nobody can lead");
    let led = started.elapsed();
    let spent = [
        loaded,
        committed - loaded,
        watched - committed,
        led - watched,
    ];
    assert!(spent.iter().all(|&spent| spent < DEADLINE), "{spent:?}");
    [load, commit, watch, lead]
}

/// etcd answers pings without a stream with GOAWAY, after an hour or so; here it is enough that
/// none is sent within the interval in which an open watch gets one.
#[tokio::test]
async fn an_idle_connection_sends_no_pings() {
    let etcd = EtcdProcess::start().await;
    let proxy = FaultProxy::start(etcd.endpoint(), 0).await;
    let idle = store(&[&proxy.url()]);
    idle.load(&[String::new()]).await.unwrap();
    // What the answer itself makes the client send.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let asked = proxy.asked();
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(
        proxy.asked(),
        asked,
        "bytes were sent while nothing was asked"
    );
    idle.load(&[String::new()]).await.unwrap();
    assert!(proxy.asked() > asked);
}

#[tokio::test]
async fn an_etcd_that_is_down_is_an_error_that_says_so() {
    let endpoint = nobody().await;
    let expected = |call: &str| {
        format!(
            "etcd at {endpoint}: {call}: can't connect (Connection refused (os error 111)); check that \
             etcd runs and that --etcd names it (nothing was written)"
        )
    };
    let found = errors(&endpoint).await;
    let calls = ["reading keys", "a transaction", "a watch", "reading keys"];
    for (error, call) in found.iter().zip(calls) {
        assert_eq!(error.to_string(), expected(call));
        assert!(error.is_retryable() && !error.may_have_applied());
    }
}

#[tokio::test]
async fn a_silent_etcd_ends_each_call_by_its_deadline() {
    let [load, commit, watch, lead] = errors(&black_hole().await).await;
    for read in [load, watch, lead] {
        assert!(matches!(read, StoreError::Unavailable { .. }), "{read}");
    }
    assert!(
        matches!(commit, StoreError::UnknownOutcome { .. }),
        "{commit}"
    );
    assert!(
        commit.to_string().contains("no answer within 1.0s"),
        "{commit}"
    );
}

#[tokio::test]
async fn what_is_no_etcd_is_an_error() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", server.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = server.accept().await {
            let _ = connection
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await;
        }
    });
    for error in errors(&endpoint).await {
        assert!(error.is_retryable(), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_down_costs_no_error() {
    let etcd = EtcdProcess::start().await;
    for dead in [nobody().await, black_hole().await] {
        let store = store(&[&dead, etcd.endpoint()]);
        // Reads find the endpoint that answers; writes follow them.
        let before = store.load(&[]).await.unwrap().revision;
        for n in 0..20 {
            assert_eq!(write(&store, &put("k", "x")).await, before + 1 + n);
        }
        let term = soon(store.lead("l", TIMEOUT)).await.unwrap();
        let mut watch = store.watch("k", before + 19).await.unwrap();
        assert_eq!(next_values(&mut watch, 1).await, ["x"]);
        term.resign().await;
    }
    // Nobody listens there, so that it is known that nothing was written.
    let store = store(&[&nobody().await, etcd.endpoint()]);
    assert!(store.commit(&put("first", "x"), None).await.is_ok());
}

/// The answer is lost, the write is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_without_an_answer_has_an_unknown_outcome_and_is_not_sent_again() {
    let etcd = EtcdProcess::start().await;
    let proxy = Proxy::start(etcd.endpoint()).await;
    let mute = store(&[&proxy.url]);
    let before = mute.load(&[]).await.unwrap().revision;
    let transaction = Transaction {
        guards: vec![Guard::Absent {
            key: "k".to_owned(),
        }],
        ..put("k", "x")
    };
    let step = Step {
        transaction,
        settle: false,
    };
    let group = Group {
        objects: vec![],
        steps: vec![step.clone(), step],
    };
    proxy.mute();
    let cancel = CancellationToken::new();
    let result = commit_group(&mute, &group, None, Duration::ZERO, &cancel).await;
    assert!(matches!(result.end, GroupEnd::Unknown(_)), "{result:?}");
    assert!(result.committed.is_empty());
    let store = etcd.store();
    let mut watch = store.watch("k", before).await.unwrap();
    assert_eq!(next_values(&mut watch, 1).await, ["x"]);
    let loaded = store.load(&["k".to_owned()]).await.unwrap();
    assert_eq!(loaded.revision, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_always_compacted_gives_up_and_says_what_to_do() {
    let etcd = EtcdProcess::start().await;
    let fine = etcd.store();
    for n in 0..8 {
        let op = |m| Op::Put {
            key: format!("p/{n}-{m}"),
            value: "x".to_owned(),
        };
        write(
            &fine,
            &Transaction {
                guards: vec![],
                ops: (0..128).map(op).collect(),
            },
        )
        .await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let compactor = {
        let (store, stop) = (fine.clone(), Arc::clone(&stop));
        let mut client = Client::connect([etcd.endpoint()], None).await.unwrap();
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let revision = write(&store, &put("beside", "x")).await;
                client.compact(revision, None).await.unwrap();
            }
        })
    };
    // A thousand requests, one by one, while history goes at once.
    let options = EtcdOptions::new([etcd.endpoint()])
        .unwrap()
        .with_page_keys(1);
    let paged = EtcdStore::new(options);
    let error = soon(paged.load(&["p/".to_owned()])).await.unwrap_err();
    assert!(error.is_retryable());
    assert!(
        error.to_string().contains("compacted 5 times in a row"),
        "{error}"
    );
    assert!(
        error.to_string().contains("--auto-compaction-retention"),
        "{error}"
    );
    stop.store(true, Ordering::Relaxed);
    compactor.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_compacted_on_its_way_starts_over() {
    let etcd = EtcdProcess::start().await;
    let fine = etcd.store();
    let op = |n| Op::Put {
        key: format!("p/{n}"),
        value: "x".repeat(1000),
    };
    let ops = (0..128).map(op).collect();
    let before = write(
        &fine,
        &Transaction {
            guards: vec![],
            ops,
        },
    )
    .await;

    let proxy = Proxy::start(etcd.endpoint()).await;
    let paged = EtcdStore::new(EtcdOptions::new([&proxy.url]).unwrap().with_page_keys(1));
    // Half of the keys.
    proxy.hold_after(64_000);
    let loading = tokio::spawn(async move { paged.load(&["p/".to_owned()]).await });
    proxy.held().await;
    let revision = write(&fine, &put("p/0", "y")).await;
    let mut client = Client::connect([etcd.endpoint()], None).await.unwrap();
    client.compact(revision, None).await.unwrap();
    proxy.release();

    let loaded = soon(loading).await.unwrap().unwrap();
    assert_eq!((loaded.revision, revision), (before + 1, before + 1));
    assert_eq!(loaded, fine.load(&["p/".to_owned()]).await.unwrap());
    assert_eq!(loaded.entries.len(), 128);
}
