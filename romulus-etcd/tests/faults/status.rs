//! Looking at a cluster some of whose endpoints are dead, and at its keys without their values.

use romulus_etcd::testing::EtcdProcess;

use crate::support::{put, store, write};

#[tokio::test]
async fn every_endpoint_is_asked_and_a_dead_one_is_no_error_of_the_others() {
    let (etcd, other) = (EtcdProcess::start().await, EtcdProcess::start().await);
    let dead = "http://127.0.0.1:1";
    let store = store(&[dead, etcd.endpoint(), other.endpoint()]);
    let status = store.status().await.unwrap();
    let [(first, gone), (second, up), (third, stranger)] = &status[..] else {
        panic!("{status:?}");
    };
    assert_eq!(
        [first, second, third],
        [dead, etcd.endpoint(), other.endpoint()]
    );
    let error = gone.as_ref().unwrap_err().to_string();
    assert!(
        error.starts_with("etcd at http://127.0.0.1:1: its status: "),
        "{error}"
    );
    let (up, stranger) = (up.as_ref().unwrap(), stranger.as_ref().unwrap());
    assert!(up.version.starts_with("3."), "{up:?}");
    assert!(up.has_leader && up.complaints.is_empty(), "{up:?}");
    assert_ne!(up.cluster, stranger.cluster, "two clusters, one by mistake");
}

#[tokio::test]
async fn keys_are_found_one_after_another() {
    let etcd = EtcdProcess::start().await;
    let store = etcd.store();
    assert_eq!(store.next_key("").await.unwrap(), None);
    for key in ["/vulcand/b", "vulcand/a", "vulcand/b"] {
        write(&store, &put(key, "x")).await;
    }
    let next = async |from: &str| store.next_key(from).await.unwrap();
    assert_eq!(next("").await.as_deref(), Some("/vulcand/b"));
    assert_eq!(next("/vulcand/b").await.as_deref(), Some("/vulcand/b"));
    assert_eq!(next("/vulcand0").await.as_deref(), Some("vulcand/a"));
    assert_eq!(next("vulcand/a\0").await.as_deref(), Some("vulcand/b"));
    assert_eq!(next("vulcand0").await, None);
}
