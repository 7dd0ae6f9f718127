//! TLS.

use std::time::{Duration, Instant};

use clap::Parser;
use romulus_etcd::testing::{Certificates, EtcdProcess};
use romulus_etcd::{EtcdArgs, EtcdOptions, EtcdStore, Outcome, Store, StoreError};

use crate::support::{DEADLINE, TIMEOUT, black_hole, next_values, put, write};

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    etcd: EtcdArgs,
}

fn store(url: &str, flags: &[String]) -> Result<std::sync::Arc<dyn Store>, StoreError> {
    let program = ["romulusd", "--etcd-timeout", "1s", "--etcd", url].map(str::to_owned);
    Program::parse_from([&program, flags].concat()).etcd.store()
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_both_ends_are_checked() {
    let certificates = Certificates::new();
    let etcd = EtcdProcess::start_tls(&certificates, &[]).await;
    let url = etcd.endpoint();
    let trusted = store(url, &certificates.flags(true)).unwrap();
    let before = trusted.load(&[]).await.unwrap().revision;
    let mut watch = trusted.watch("k", before).await.unwrap();
    assert_eq!(write(&*trusted, &put("k", "x")).await, before + 1);
    assert_eq!(next_values(&mut watch, 1).await, ["x"]);
    let term = trusted.lead("l", Duration::from_secs(10)).await.unwrap();
    let done = trusted
        .commit(&put("k", "y"), Some(term.fence()))
        .await
        .unwrap();
    assert!(matches!(done, Outcome::Committed { .. }));
    term.resign().await;

    let identity = &certificates.flags(true)[2..];
    let stranger = Certificates::new();
    let without_identity = store(url, &certificates.flags(false)).unwrap();
    let another_ca = store(url, &[&stranger.flags(false), identity].concat()).unwrap();
    let unencrypted = store(&url.replace("https://", "http://"), &[]).unwrap();
    let closed = "does etcd want https:// or a client certificate?";
    let table = [
        (without_identity, closed),
        (another_ca, "can't connect (invalid peer certificate: "),
        (unencrypted, closed),
    ];
    for (store, expected) in table {
        let error = store.load(&[]).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_handshake_that_stalls_ends_by_the_deadline() {
    let url = black_hole().await.replace("http://", "https://");
    let options = EtcdOptions::new([url]).unwrap().with_timeout(TIMEOUT);
    let store = EtcdStore::new(options.with_ca(std::fs::read(Certificates::new().ca()).unwrap()));
    let started = Instant::now();
    let error = store.commit(&put("k", "x"), None).await.unwrap_err();
    assert!(started.elapsed() < DEADLINE, "{:?}", started.elapsed());
    assert!(error.is_retryable(), "{error}");
}
