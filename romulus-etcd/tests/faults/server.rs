//! A full etcd, one with users, and the log of requests.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use etcd_client::Client;
use romulus_etcd::testing::EtcdProcess;
use romulus_etcd::{EtcdOptions, EtcdStore, Outcome, REQUESTS_TARGET, Store};

use crate::support::{next, next_values, put, write};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_etcd_is_told_and_recovers() {
    let etcd = EtcdProcess::start_with(&["--quota-backend-bytes", "4000000"]).await;
    let store = etcd.store();
    let ttl = Duration::from_secs(2);
    let term = store.lead("l", ttl).await.unwrap();
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

    // Who leads goes on leading, well beyond the lease.
    let kept = tokio::time::timeout(2 * ttl, term.lost()).await;
    assert!(kept.is_err(), "the leadership was lost");
    etcd.make_room().await;
    let fenced = store.commit(&put("k", "x"), Some(term.fence())).await;
    let revision = loaded.revision + 1;
    assert_eq!(fenced.unwrap(), Outcome::Committed { revision });
    term.resign().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_authenticated_again_when_their_token_is_gone() {
    let mut etcd = EtcdProcess::start().await;
    let mut client = Client::connect([etcd.endpoint()], None).await.unwrap();
    client.user_add("root", "hunter2", None).await.unwrap();
    client.role_add("root").await.unwrap();
    client.user_grant_role("root", "root").await.unwrap();
    client.user_add("poor", "x", None).await.unwrap();
    client.auth_enable().await.unwrap();
    let options = || EtcdOptions::new([etcd.endpoint()]).unwrap();

    let anonymous = EtcdStore::new(options());
    let read = anonymous.load(&["k".to_owned()]).await.unwrap_err();
    let wrote = anonymous.commit(&put("k", "x"), None).await.unwrap_err();
    let watched = anonymous.watch("k", 1).await.unwrap_err();
    for error in [read, wrote, watched] {
        assert!(
            error
                .to_string()
                .contains("it wants a user; give --etcd-user"),
            "{error}"
        );
        assert!(!error.is_retryable());
    }
    let wrong = EtcdStore::new(options().with_user("root", "x"));
    let wrong = wrong.load(&["k".to_owned()]).await.unwrap_err();
    assert!(!wrong.is_retryable(), "{wrong}");

    let poor = EtcdStore::new(options().with_user("poor", "x"));
    let read = poor.load(&["k".to_owned()]).await.unwrap_err();
    let watched = poor.watch("k", 1).await.unwrap_err();
    for error in [read, watched] {
        assert!(error.to_string().contains("permission denied"), "{error}");
    }

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

/// Tokens expire by themselves, and each change of a user or a role makes all of them invalid.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_expire_and_roles_that_change_cost_no_error() {
    let mut key = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut key, &[b'k'; 32]).unwrap();
    let key = key.path().display();
    let tokens = format!("jwt,priv-key={key},sign-method=HS256,ttl=1s");
    let mut etcd = EtcdProcess::start_with(&["--auth-token", &tokens]).await;
    let prefixes = ["romulus/", "k"];
    etcd.enable_users("romulus", "hunter2", &prefixes).await;
    let options = EtcdOptions::new([etcd.endpoint()]).unwrap();
    let store = EtcdStore::new(options.with_user("romulus", "hunter2"));
    let before = store.load(&["k".to_owned()]).await.unwrap().revision;
    let mut watch = store.watch("k", before).await.unwrap();
    let term = store.lead("k/leader", Duration::from_secs(2)).await;
    let term = term.unwrap();
    next(&mut watch).await;

    let mut expected = Vec::new();
    for n in 0..8 {
        // Longer than a token lives, in all.
        tokio::time::sleep(Duration::from_millis(500)).await;
        if n > 4 {
            etcd.grant("beside").await;
        }
        expected.push(n.to_string());
        let put = put("k", &n.to_string());
        let fenced = store.commit(&put, Some(term.fence())).await;
        assert!(
            matches!(fenced, Ok(Outcome::Committed { .. })),
            "write {n}: {fenced:?}"
        );
    }
    etcd.revoke("k").await;
    let error = store.commit(&put("k", "x"), None).await.unwrap_err();
    assert!(error.to_string().contains("permission denied"), "{error}");
    etcd.grant("k").await;
    write(&store, &put("k", "granted")).await;
    expected.push("granted".to_owned());
    assert_eq!(next_values(&mut watch, 9).await, expected);
    term.resign().await;
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
DEBUG romulus_etcd::requests: etcdctl --endpoints='URL' get --limit=1 -- 'romulus/'
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
