//! What goes wrong with a real etcd, and what the store makes of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use etcd_client::{AlarmAction, AlarmOptions, AlarmType, Client};
use romulus_core::plan::{Group, Guard, Op, Step, Transaction};
use romulus_core::stored::KeyChange;
use romulus_etcd::testing::EtcdProcess;
use romulus_etcd::{
    CancellationToken, EtcdOptions, EtcdStore, GroupEnd, Outcome, REQUESTS_TARGET, Store,
    StoreError, Watch, WatchEvent, commit_group,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const TIMEOUT: Duration = Duration::from_secs(1);
/// A call may take its deadline, and what a busy machine adds.
const DEADLINE: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(60);

fn store(endpoints: &[&str]) -> EtcdStore {
    EtcdStore::new(EtcdOptions::new(endpoints).unwrap().with_timeout(TIMEOUT))
}

fn put(key: &str, value: &str) -> Transaction {
    let op = Op::Put {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    Transaction {
        guards: vec![],
        ops: vec![op],
    }
}

async fn write(store: &dyn Store, transaction: &Transaction) -> i64 {
    match store.commit(transaction, None).await.unwrap() {
        Outcome::Committed { revision } => revision,
        other => panic!("{other:?}"),
    }
}

/// Fails a test that waits for what does not come.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it comes in time")
}

async fn next(watch: &mut Watch) -> WatchEvent {
    loop {
        match soon(watch.events.recv()).await.expect("the watch goes on") {
            WatchEvent::Progress { .. } => {}
            event => return event,
        }
    }
}

async fn next_values(watch: &mut Watch, count: usize) -> Vec<String> {
    let mut values = Vec::new();
    while values.len() < count {
        match next(watch).await {
            WatchEvent::Changes(changes) => {
                values.extend(changes.into_iter().map(|change| match change {
                    KeyChange::Put { entry, .. } => entry.value,
                    KeyChange::Delete { key, .. } => panic!("{key} was not deleted"),
                }));
            }
            event => panic!("changes are expected, not {event:?}"),
        }
    }
    values
}

/// Accepts connections and never says a word.
async fn black_hole() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            open.push(connection);
        }
    });
    url
}

/// A port of the loopback interface where nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Between a store and its etcd; muted, it passes requests on and swallows the answers.
struct Proxy {
    url: String,
    muted: Arc<AtomicBool>,
}

impl Proxy {
    async fn start(etcd: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let muted = Arc::new(AtomicBool::new(false));
        let (silent, etcd) = (
            Arc::clone(&muted),
            etcd.strip_prefix("http://").unwrap().to_owned(),
        );
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_etcd, mut to_etcd) =
                    TcpStream::connect(&etcd).await.unwrap().into_split();
                let silent = Arc::clone(&silent);
                tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut from_client, &mut to_etcd).await;
                    // Not closed: etcd finishes what it was asked.
                    std::future::pending::<()>().await;
                });
                tokio::spawn(async move {
                    let mut buffer = vec![0; 1 << 16];
                    while let Ok(read @ 1..) = from_etcd.read(&mut buffer).await {
                        if !silent.load(Ordering::Relaxed)
                            && to_client.write_all(&buffer[..read]).await.is_err()
                        {
                            break;
                        }
                    }
                });
            }
        });
        Self { url, muted }
    }

    fn mute(&self) {
        self.muted.store(true, Ordering::Relaxed);
    }
}

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

#[tokio::test]
async fn an_etcd_that_is_down_is_an_error_that_says_so() {
    let endpoint = nobody().await;
    let expected = |call: &str| {
        format!(
            "etcd at {endpoint}: {call}: can't connect; check that etcd runs and that --etcd names \
             it (nothing was written)"
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

    // One compaction in the middle: it starts over, and reads all of it at the later revision.
    let before = fine.load(&[]).await.unwrap().revision;
    let loading = tokio::spawn(async move { paged.load(&["p/".to_owned()]).await });
    let mut client = Client::connect([etcd.endpoint()], None).await.unwrap();
    let revision = write(&fine, &put("beside", "y")).await;
    client.compact(revision, None).await.unwrap();
    let loaded = soon(loading).await.unwrap().unwrap();
    assert_eq!(
        (loaded.entries.len(), loaded.revision),
        (8 * 128, before + 1)
    );
}

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

/// The term ends before etcd lets others in, counted from the last renewal that was answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_steps_down_before_its_lease_expires() {
    let etcd = EtcdProcess::start().await;
    let store = store(&[etcd.endpoint()]);
    let ttl = Duration::from_secs(4);
    let term = store.lead("l", ttl).await.unwrap();
    // Renewed at least once.
    tokio::time::sleep(ttl / 2).await;
    etcd.pause();
    let silent = Instant::now();
    soon(term.lost()).await;
    let lost = silent.elapsed();
    etcd.resume();
    assert!(lost < ttl, "{lost:?}");
    assert!(lost > ttl / 3, "not for one answer that is late: {lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_outlives_a_restart_of_its_etcd() {
    let mut etcd = EtcdProcess::start().await;
    let store = etcd.store();
    let ttl = Duration::from_secs(20);
    let term = store.lead("l", ttl).await.unwrap();
    let started = Instant::now();
    etcd.stop();
    etcd.restart().await;
    // Longer than the lease lives without a renewal.
    while started.elapsed() < ttl + ttl / 4 {
        let fenced = store
            .commit(&put("k", "x"), Some(term.fence()))
            .await
            .unwrap();
        assert!(matches!(fenced, Outcome::Committed { .. }), "{fenced:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    term.resign().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_etcd_is_told_and_recovers() {
    let etcd = EtcdProcess::start_with(&["--quota-backend-bytes", "4000000"]).await;
    let store = etcd.store();
    let large = put("k", &"x".repeat(1_000_000));
    let error = loop {
        match store.commit(&large, None).await {
            Ok(outcome) => assert!(matches!(outcome, Outcome::Committed { .. })),
            Err(error) => break error,
        }
    };
    let expected = format!(
        "etcd at {}: a transaction: its database is full; compact and defragment it, then `etcdctl \
         alarm disarm` (nothing was written)",
        etcd.endpoint(),
    );
    assert_eq!(error.to_string(), expected);
    let loaded = store.load(&["k".to_owned()]).await.unwrap();
    assert_eq!(loaded.entries["k"].value.len(), 1_000_000);

    let mut client = Client::connect([etcd.endpoint()], None).await.unwrap();
    client.compact(loaded.revision, None).await.unwrap();
    client.defragment().await.unwrap();
    for alarm in client
        .alarm(AlarmAction::Get, AlarmType::Nospace, None)
        .await
        .unwrap()
        .alarms()
    {
        let mut member = AlarmOptions::new();
        member.with_member(alarm.member_id());
        let disarm = client.alarm(AlarmAction::Deactivate, AlarmType::Nospace, Some(member));
        disarm.await.unwrap();
    }
    assert_eq!(write(&store, &put("k", "x")).await, loaded.revision + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_authenticated_again_when_their_token_is_gone() {
    let mut etcd = EtcdProcess::start().await;
    let mut client = Client::connect([etcd.endpoint()], None).await.unwrap();
    client.user_add("root", "hunter2", None).await.unwrap();
    client.role_add("root").await.unwrap();
    client.user_grant_role("root", "root").await.unwrap();
    client.auth_enable().await.unwrap();
    let options = || EtcdOptions::new([etcd.endpoint()]).unwrap();

    let anonymous = EtcdStore::new(options())
        .load(&["k".to_owned()])
        .await
        .unwrap_err();
    assert!(
        anonymous
            .to_string()
            .contains("it wants a user; give --etcd-user"),
        "{anonymous}"
    );
    let wrong = EtcdStore::new(options().with_user("root", "x"));
    let wrong = wrong.load(&["k".to_owned()]).await.unwrap_err();
    assert!(!wrong.is_retryable(), "{wrong}");

    let store = EtcdStore::new(options().with_user("root", "hunter2"));
    let before = store.load(&[]).await.unwrap().revision;
    let mut watch = store.watch("k", before).await.unwrap();
    write(&store, &put("k", "before")).await;
    // Tokens live in the memory of etcd.
    etcd.stop();
    etcd.restart().await;
    write(&store, &put("k", "after")).await;
    assert_eq!(next_values(&mut watch, 2).await, ["before", "after"]);
}

/// What `--debug-etcd` shows.
#[tokio::test]
async fn requests_are_logged_as_commands() {
    let etcd = EtcdProcess::start().await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(format!("{REQUESTS_TARGET}=debug"))
        .with_writer(move || writer.clone())
        .without_time()
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let options = EtcdOptions::new([etcd.endpoint()]).unwrap();
    let silent = EtcdStore::new(options.clone());
    write(&silent, &put("k", "silent")).await;
    let store = EtcdStore::new(options.with_logged_requests(true));
    write(&store, &put("k", "x")).await;
    store.load(&["k/".to_owned()]).await.unwrap();
    drop(guard);
    let expected = "\
DEBUG romulus_etcd::requests: etcdctl --endpoints='URL' txn <<'EOF'

put \"k\" \"x\"


EOF
DEBUG romulus_etcd::requests: etcdctl --endpoints='URL' get --limit=1 -- 'romulus'
DEBUG romulus_etcd::requests: etcdctl --endpoints='URL' get --limit=256 --rev=3 -- 'k/' 'k0'
";
    assert_eq!(log.text().replace(etcd.endpoint(), "URL"), expected);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
