//! What the tests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use romulus_core::plan::{Op, Transaction};
use romulus_core::stored::KeyChange;
use romulus_etcd::{EtcdOptions, EtcdStore, Outcome, Store, Watch, WatchEvent};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

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

/// Between a store and its etcd; muted, it passes requests on and swallows the answers.
pub(crate) struct Proxy {
    pub(crate) url: String,
    muted: Arc<AtomicBool>,
}

impl Proxy {
    pub(crate) async fn start(etcd: &str) -> Self {
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

    pub(crate) fn mute(&self) {
        self.muted.store(true, Ordering::Relaxed);
    }
}
