//! Several romulusd on one etcd.

use std::time::{Duration, Instant};

use romulus_kube::testing::{ApiStub, service};
use serde_json::json;

use crate::cluster::{Setting, WEB};
use crate::daemon::{Daemon, eventually};

/// What is logged when a term begins.
const LEADING: &str = "leading: this process writes";
/// How long the leases of a [`pair`] live.
const LEASE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn owners_do_not_touch_each_others_keys() {
    let setting = Setting::with_web().await;
    let lab = ApiStub::new();
    let served = lab.serve().await;
    lab.apply(&service(
        "lab",
        "test",
        &json!({"romulus/host": "test.example.com"}),
    ));
    let ours = setting.romulusd(&["--owner-id", "shop"]);
    let url = served.url();
    let theirs = || {
        Daemon::start(&[
            "--kube",
            &url,
            "--etcd",
            setting.etcd.endpoint(),
            "--owner-id",
            "lab",
        ])
    };
    let their = theirs();
    let test = r#"{"Id":"test.lab","Type":"http"}"#;
    setting
        .keys
        .become_value("vulcand/backends/test.lab/backend", Some(test), &their)
        .await;
    their.logs("in step").await;
    ours.logs("in step").await;
    let both = setting.keys.tree().await;
    assert!(WEB.lines().all(|line| both.contains(line)), "{both}");

    // What one of them wants to have where the other has it already stays the other's.
    lab.apply(&service(
        "shop",
        "web",
        &json!({"romulus/host": "lab.example.com"}),
    ));
    their.logs_times("belongs to the owner `shop`", 2).await;
    // Nothing is left in their cluster, and they start again: only their own goes.
    lab.delete(romulus_kube::Resource::Services, "lab", "test");
    lab.delete(romulus_kube::Resource::Services, "shop", "web");
    their.stop().await;
    let their = theirs();
    setting.keys.become_tree(WEB, &their).await;
    their.logs("in step").await;
    for daemon in [ours, their] {
        daemon.stop().await;
    }
}

/// Publishes one more backend, and waits until a daemon has written it.
async fn written_by(setting: &Setting, name: &str, daemon: &Daemon) {
    setting
        .api
        .apply(&service("shop", name, &json!({"romulus/priority": ""})));
    let value = format!("{{\"Id\":\"{name}.shop\",\"Type\":\"http\"}}");
    let key = format!("vulcand/backends/{name}.shop/backend");
    setting.keys.become_value(&key, Some(&value), daemon).await;
    daemon.logs(&format!("put {key}")).await;
}

/// The first leads, the second stands by.
async fn pair(setting: &Setting) -> (Daemon, Daemon) {
    let lease = format!("{}s", LEASE.as_secs());
    let args = ["--lease-ttl", &lease, "--debug"];
    let first = setting.romulusd(&args);
    first.logs(LEADING).await;
    written_by(setting, "one", &first).await;
    let second = setting.romulusd(&args);
    second.logs("waiting: another leads").await;
    (first, second)
}

#[tokio::test]
async fn a_leader_that_is_told_to_stop_hands_over_at_once() {
    let setting = Setting::with_web().await;
    let first = setting.romulusd(&["--debug"]);
    first.logs("in step").await;
    let second = setting.romulusd(&["--debug"]);
    second.logs("waiting: another leads").await;
    let before = setting.keys.snapshot().await;

    let log = first.stop().await.stderr;
    let gone = Instant::now();
    second.logs(LEADING).await;
    let without = gone.elapsed();
    // Its lease would have lasted 15 s.
    assert!(without < Duration::from_secs(1), "{without:?}\n{log}");
    assert!(!log.contains("the leadership is lost"), "{log}");
    second.logs("in step").await;
    written_by(&setting, "two", &second).await;
    second.stop().await;

    // What was there was not written again, but for the heartbeat: it says that the watch of its
    // tree has passed the new leader's key.
    let after = setting.keys.snapshot().await.entries;
    for (key, before) in before.entries {
        let after = after.get(&key);
        match key.as_str() {
            "romulus/owners/default/leader" => assert_eq!(after, None),
            "vulcand/romulus/heartbeat" => {
                assert!(after.is_some_and(|after| after.revision > before.revision));
            }
            _ => assert_eq!(after, Some(&before), "{key}"),
        }
    }
}

#[tokio::test]
async fn a_leader_that_dies_is_replaced_when_its_lease_ends() {
    let setting = Setting::with_web().await;
    let (first, second) = pair(&setting).await;
    first.signal("-KILL");
    let killed = Instant::now();
    second.logs(LEADING).await;
    let without = killed.elapsed();
    assert!(
        without < LEASE + Duration::from_secs(2),
        "{without:?}\n{}",
        second.log()
    );
    written_by(&setting, "two", &second).await;
    second.stop().await;
}

#[tokio::test]
async fn a_leader_that_slept_writes_nothing_any_more() {
    let setting = Setting::with_web().await;
    let (first, second) = pair(&setting).await;
    first.signal("-STOP");
    second.logs(LEADING).await;
    written_by(&setting, "two", &second).await;
    first.signal("-CONT");
    first.logs("waiting: another leads").await;
    written_by(&setting, "three", &second).await;
    let puts = |daemon: &Daemon, name: &str| {
        daemon
            .log()
            .contains(&format!("put vulcand/backends/{name}.shop/"))
    };
    assert_eq!(
        [puts(&first, "two"), puts(&first, "three")],
        [false, false],
        "{}",
        first.log()
    );

    second.stop().await;
    first.logs_times(LEADING, 2).await;
    written_by(&setting, "four", &first).await;
    first.stop().await;
}

/// What a leader that slept finds to do is in nobody else's way: no guard but that of its term keeps
/// it from writing.
#[tokio::test]
async fn a_leader_that_slept_is_kept_from_writing_by_etcd() {
    let setting = Setting::with_web().await;
    let first = setting.romulusd(&["--lease-ttl", "2s"]);
    first.logs("in step").await;
    let second = setting.romulusd(&[]);
    second.logs("waiting: another leads").await;
    first.signal("-STOP");
    second.logs(LEADING).await;
    second.logs("in step").await;
    // It leads for 15 s more, and writes nothing either.
    second.signal("-STOP");
    let late = r#"{"Id":"late.shop","Type":"http"}"#;
    let key = "vulcand/backends/late.shop/backend";
    setting
        .api
        .apply(&service("shop", "late", &json!({"romulus/host": "late"})));
    first.signal("-CONT");
    first.logs("waiting: another leads").await;
    assert!(
        !setting.keys.all().await.contains_key(key),
        "{}",
        first.log()
    );
    second.signal("-CONT");
    setting.keys.become_value(key, Some(late), &second).await;
    assert_eq!(first.log().matches("in step").count(), 1, "{}", first.log());
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn an_owner_of_another_cluster_has_to_be_taken_over() {
    let setting = Setting::with_web().await;
    setting.romulusd(&["--once"]).finish().await.exited(0);
    let folder = tempfile::tempdir().unwrap();
    let manifest = service(
        "shop",
        "other",
        &json!({"romulus/host": "other.example.com"}),
    );
    std::fs::write(folder.path().join("other.json"), manifest.to_string()).unwrap();
    let files = folder.path().to_str().unwrap();
    let from_files = |more: &[&str]| {
        let args = [
            "--etcd",
            setting.etcd.endpoint(),
            "--manifests",
            files,
            "--owner-id",
            "default",
        ];
        Daemon::start(&[&args, more].concat())
    };
    for more in [&["--once"][..], &[]] {
        let refused = from_files(more).finish().await.exited(2);
        let uid = setting.api.cluster_uid();
        refused.logged(&[
            "the owner id `default` belongs to another cluster",
            &uid,
            "--owner-id",
            "--takeover-scope",
        ]);
        assert_eq!(setting.keys.tree().await, WEB);
    }
    let daemon = from_files(&["--takeover-scope"]);
    daemon.logs("now speaks for manifests").await;
    eventually("the files' keys instead of the cluster's", async || {
        let tree = setting.keys.tree().await;
        let ids = [tree.contains("other.shop"), tree.contains("web.shop")];
        if ids == [true, false] {
            Ok(())
        } else {
            Err(tree)
        }
    })
    .await;
    daemon.stop().await;
    // And now the cluster is the other one.
    setting
        .romulusd(&["--once"])
        .finish()
        .await
        .exited(2)
        .logged(&["(manifests, this is "]);
}

#[tokio::test]
async fn a_term_begins_among_many_changes_of_the_cluster() {
    let setting = Setting::with_web().await;
    let api = setting.api.clone();
    // Not for luck: never still, until the test ends.
    let busy = tokio::spawn(async move {
        for n in 0_u64.. {
            api.apply(&service(
                "shop",
                "busy",
                &json!({"romulus/priority": n.to_string()}),
            ));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let daemon = setting.romulusd(&[]);
    let backend = r#"{"Id":"busy.shop","Type":"http"}"#;
    setting
        .keys
        .become_value("vulcand/backends/busy.shop/backend", Some(backend), &daemon)
        .await;
    busy.abort();
    daemon.stop().await;
}

#[tokio::test]
async fn a_standby_looks_again_whose_the_owner_is_when_its_turn_comes() {
    let setting = Setting::with_web().await;
    let first = setting.romulusd(&[]);
    first.logs("in step").await;
    let second = setting.romulusd(&[]);
    second.logs("waiting: another leads").await;
    let scope = "romulus/owners/default/scope";
    setting.keys.put(scope, "another cluster").await;
    first.stop().await;
    let refused = second.finish().await.exited(2);
    refused.logged(&["belongs to another cluster (another cluster, this is"]);

    // Even one that has led before.
    let third = setting.romulusd(&["--takeover-scope"]);
    third.logs("in step").await;
    third.stop().await;
    let fourth = setting.romulusd(&["--lease-ttl", "2s"]);
    fourth.logs("in step").await;
    fourth.signal("-STOP");
    eventually("the end of its lease", async || {
        let all = setting.keys.all().await;
        let leader = all.get("romulus/owners/default/leader");
        leader.map_or(Ok(()), |leader| Err(leader.clone()))
    })
    .await;
    setting.keys.put(scope, "another cluster").await;
    fourth.signal("-CONT");
    let refused = fourth.finish().await.exited(2);
    refused.logged(&["belongs to another cluster (another cluster, this is"]);
    assert_eq!(setting.keys.tree().await, WEB);
}

#[tokio::test]
async fn a_job_does_not_wait_for_ever_for_a_leader_that_lives() {
    let setting = Setting::with_web().await;
    let leader = setting.romulusd(&[]);
    leader.logs("in step").await;
    setting
        .romulusd(&["--once", "--lease-ttl", "1s"])
        .finish()
        .await
        .exited(2)
        .logged(&["another romulusd leads under the owner id `default`: stop it"]);
    leader.stop().await;
}
