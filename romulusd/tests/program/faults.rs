//! A store that fails in ways that only the whole program can show.

use std::time::Duration;

use romulus_etcd::testing::{EtcdProcess, Fault, FaultProxy};
use romulus_etcd::{Store as _, WatchEvent};
use serde_json::json;

use crate::cluster::{Setting, WEB};
use crate::daemon::Daemon;

const LEADER: &str = "romulus/owners/default/leader";
const SECOND: &str = "vulcand/backends/web.shop/servers/10.0.0.2";
const SECOND_VALUE: &str = r#"{"URL":"http://10.0.0.2:8080"}"#;

/// Publishes `shop/web` with one pod more than at first.
fn scale_up(setting: &Setting) {
    let host = json!({"romulus/host": "www.example.com"});
    setting.publish("web", &host, &["10.0.0.1", "10.0.0.2"]);
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_not_made_twice() {
    let setting = Setting::with_web().await;
    let proxy = FaultProxy::start(setting.etcd.endpoint(), 0).await;
    let (kube, etcd) = (setting.server.url(), proxy.url());
    let daemon = Daemon::start(&[
        "--kube",
        &kube,
        "--etcd",
        &etcd,
        "--etcd-timeout",
        "1s",
        "--heartbeat",
        "0s",
    ]);
    daemon.logs("in step").await;
    let before = setting.keys.snapshot().await.revision;
    let mut watch = setting.keys.0.watch(SECOND, before).await.unwrap();

    proxy.set(Fault::Mute);
    scale_up(&setting);
    setting
        .keys
        .become_value(SECOND, Some(SECOND_VALUE), &daemon)
        .await;
    daemon.logs("whether it was applied is not known").await;
    proxy.set(Fault::Pass);
    // What comes after it is written, so what is known of it is right.
    setting.publish_web();
    setting.keys.become_value(SECOND, None, &daemon).await;
    let mut changes = Vec::new();
    while changes.len() < 2 {
        match watch.events.recv().await.unwrap() {
            WatchEvent::Changes(more) => changes.extend(more),
            WatchEvent::Progress { .. } => {}
            WatchEvent::Reloaded(_) => panic!("events were missed"),
        }
    }
    let revisions: Vec<i64> = changes.iter().map(|change| change.revision()).collect();
    assert_eq!(
        revisions,
        [before + 1, before + 2],
        "put once, deleted once"
    );
    daemon.stop().await;
}

#[tokio::test]
async fn an_etcd_that_went_back_is_brought_forward() {
    let mut setting = Setting::with_web().await;
    let daemon = setting.romulusd(&["--etcd-timeout", "1s", "--lease-ttl", "2s"]);
    setting.keys.become_tree(WEB, &daemon).await;
    let foreign = ("vulcand/hosts/h/host", r#"{"Name":"h"}"#);
    setting.keys.put(foreign.0, foreign.1).await;
    let backup = setting.etcd.backup().await;
    // What is not in the backup: a server more, a Service more, one of others.
    scale_up(&setting);
    setting.publish("late", &json!({"romulus/host": "late"}), &["10.0.0.3"]);
    let late = "vulcand/frontends/late.shop/frontend";
    setting
        .keys
        .become_value(SECOND, Some(SECOND_VALUE), &daemon)
        .await;
    daemon.logs_times("in step", 2).await;
    let wanted = setting.keys.tree().await;
    assert!(wanted.contains(late), "{wanted}");

    setting.etcd.restart_from(&backup).await;
    setting.keys.become_tree(&wanted, &daemon).await;
    assert_eq!(setting.keys.owned().await, 4);
    daemon.stop().await;
}

#[tokio::test]
async fn a_full_etcd_keeps_its_leader_is_told_and_recovers() {
    let etcd = EtcdProcess::start_with(&["--quota-backend-bytes", "4000000"]).await;
    let setting = Setting::on(etcd).await;
    setting.publish_web();
    let daemon = setting.romulusd(&["--lease-ttl", "2s"]);
    setting.keys.become_tree(WEB, &daemon).await;
    let leader = setting.keys.all().await[LEADER].clone();
    let large = "x".repeat(1_000_000);
    while setting.keys.try_put("filler", &large).await.is_ok() {}
    scale_up(&setting);
    daemon
        .logs("its database is full; compact and defragment it")
        .await;
    // Well beyond the lease.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let all = setting.keys.all().await;
    assert_eq!(all.get(LEADER), Some(&leader));
    assert_eq!(all.get(SECOND), None);
    setting.etcd.make_room().await;
    setting
        .keys
        .become_value(SECOND, Some(SECOND_VALUE), &daemon)
        .await;
    assert_eq!(setting.keys.all().await[LEADER], leader);
    daemon.stop().await;
}
