//! Leadership: silence and restarts.

use std::time::{Duration, Instant};

use romulus_etcd::testing::EtcdProcess;
use romulus_etcd::{Outcome, Store};

use crate::support::{put, soon, store};

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
