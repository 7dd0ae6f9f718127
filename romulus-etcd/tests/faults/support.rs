//! What the tests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use romulus_core::plan::{Op, Transaction};
use romulus_core::stored::KeyChange;
use romulus_etcd::{EtcdOptions, EtcdStore, Outcome, Store, Watch, WatchEvent};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) const TIMEOUT: Duration = Duration::from_secs(1);
/// A call may take its deadline, and what a busy machine adds.
pub(crate) const DEADLINE: Duration = Duration::from_secs(3);
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn store(endpoints: &[&str]) -> EtcdStore {
    EtcdStore::new(EtcdOptions::new(endpoints).unwrap().with_timeout(TIMEOUT))
}

pub(crate) fn put(key: &str, value: &str) -> Transaction {
    let op = Op::Put {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    Transaction {
        guards: vec![],
        ops: vec![op],
    }
}

pub(crate) async fn write(store: &dyn Store, transaction: &Transaction) -> i64 {
    match store.commit(transaction, None).await.unwrap() {
        Outcome::Committed { revision } => revision,
        other => panic!("{other:?}"),
    }
}

/// Fails a test that waits for what does not come.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it comes in time")
}

pub(crate) async fn next(watch: &mut Watch) -> WatchEvent {
    loop {
        match soon(watch.events.recv()).await.expect("the watch goes on") {
            WatchEvent::Progress { .. } => {}
            event => return event,
        }
    }
}

pub(crate) async fn next_values(watch: &mut Watch, count: usize) -> Vec<String> {
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
pub(crate) async fn black_hole() -> String {
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
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Between a store and its etcd. Muted, it passes requests on and swallows the answers; held, it
/// keeps answers back beyond a number of bytes.
pub(crate) struct Proxy {
    pub(crate) url: String,
    muted: Arc<AtomicBool>,
    limit: watch::Sender<usize>,
    passed: watch::Sender<usize>,
}

impl Proxy {
    pub(crate) async fn start(etcd: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            muted: Arc::default(),
            limit: watch::Sender::new(usize::MAX),
            passed: watch::Sender::new(0),
        };
        let etcd = etcd.strip_prefix("http://").unwrap().to_owned();
        let (muted, limit) = (Arc::clone(&proxy.muted), proxy.limit.clone());
        let passed = proxy.passed.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mut from_client, to_client) = client.into_split();
                let server = TcpStream::connect(&etcd).await.unwrap();
                let (from_etcd, mut to_etcd) = server.into_split();
                tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut from_client, &mut to_etcd).await;
                    // Not closed: etcd finishes what it was asked.
                    std::future::pending::<()>().await;
                });
                let (muted, limit) = (Arc::clone(&muted), limit.subscribe());
                tokio::spawn(answers(from_etcd, to_client, muted, limit, passed.clone()));
            }
        });
        proxy
    }

    pub(crate) fn mute(&self) {
        self.muted.store(true, Ordering::Relaxed);
    }

    /// Holds answers back once so many more bytes have passed.
    pub(crate) fn hold_after(&self, bytes: usize) {
        self.limit.send_replace(*self.passed.borrow() + bytes);
    }

    /// Returns when answers are held back.
    pub(crate) async fn held(&self) {
        let limit = *self.limit.borrow();
        soon(self.passed.subscribe().wait_for(|&passed| passed >= limit))
            .await
            .unwrap();
    }

    pub(crate) fn release(&self) {
        self.limit.send_replace(usize::MAX);
    }
}

async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    muted: Arc<AtomicBool>,
    mut limit: watch::Receiver<usize>,
    passed: watch::Sender<usize>,
) {
    let mut buffer = [0; 512];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let so_far = *passed.borrow();
        if limit.wait_for(|&limit| so_far < limit).await.is_err() {
            return;
        }
        let muted = muted.load(Ordering::Relaxed);
        if !muted && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
        passed.send_modify(|passed| *passed += read);
    }
}
