//! TLS.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use romulus_etcd::testing::EtcdProcess;
use romulus_etcd::{EtcdArgs, EtcdOptions, EtcdStore, Outcome, Store, StoreError};
use tempfile::TempDir;

use crate::support::{DEADLINE, TIMEOUT, black_hole, next_values, put, write};

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    etcd: EtcdArgs,
}

/// An authority, and a certificate of it for 127.0.0.1.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let cert = cert.signed_by(&key, &ca).unwrap();
        let write = |name, text| std::fs::write(folder.path().join(name), text).unwrap();
        write("ca", ca.pem());
        write("cert", cert.pem());
        write("key", key.serialize_pem());
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn flag(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

fn store(flags: &[&str]) -> Result<std::sync::Arc<dyn Store>, StoreError> {
    Program::parse_from([&["romulusd", "--etcd-timeout", "1s"], flags].concat())
        .etcd
        .store()
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_both_ends_are_checked() {
    let files = Files::new();
    let etcd =
        EtcdProcess::start_tls(&files.path("ca"), &files.path("cert"), &files.path("key")).await;
    let (ca, cert, key) = (files.flag("ca"), files.flag("cert"), files.flag("key"));
    let (ca, cert, key) = (ca.as_str(), cert.as_str(), key.as_str());
    let url = etcd.endpoint();
    let identity = ["--etcd-cert-file", cert, "--etcd-key-file", key];

    let store_of = |flags: &[&str]| store(&[&["--etcd", url], flags].concat()).unwrap();
    let trusted = store_of(&[&["--etcd-ca-file", ca], &identity[..]].concat());
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

    let stranger = Files::new();
    let other = stranger.flag("ca");
    let without_identity = store_of(&["--etcd-ca-file", ca]);
    let another_ca = store_of(&[&["--etcd-ca-file", other.as_str()], &identity[..]].concat());
    let plain = url.replace("https://", "http://");
    let unencrypted = store(&["--etcd", &plain]).unwrap();
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
    let store = EtcdStore::new(options.with_ca(std::fs::read(Files::new().path("ca")).unwrap()));
    let started = Instant::now();
    let error = store.commit(&put("k", "x"), None).await.unwrap_err();
    assert!(started.elapsed() < DEADLINE, "{:?}", started.elapsed());
    assert!(error.is_retryable(), "{error}");
}
