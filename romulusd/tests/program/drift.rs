//! What others do to the store, and what happens to the store itself.

use romulus_core::stored::KeyChange;
use romulus_etcd::{Store as _, WatchEvent};
use serde_json::{Value, json};

use crate::cluster::{Setting, WEB, many};
use crate::daemon::eventually;

const BACKEND: &str = "vulcand/backends/web.shop/backend";
const SERVER: &str = "vulcand/backends/web.shop/servers/10.0.0.1";
const FRONTEND: &str = "vulcand/frontends/web.shop/frontend";

/// What a key of [`WEB`] holds.
fn value(key: &str) -> Option<&'static str> {
    WEB.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
}

/// The annotations of `shop/web` with a middleware.
fn limited() -> Value {
    let limit = r#"{"Priority":1,"Type":"connlimit","Middleware":{"Connections":3,"Variable":"client.ip"}}"#;
    json!({
        "romulus/backendSettings": "{}",
        "romulus/host": "www.example.com",
        "romulus/middleware.limit": limit,
    })
}

#[tokio::test]
async fn what_others_do_to_owned_keys_is_undone_and_their_own_is_theirs() {
    let setting = Setting::with_web().await;
    let foreign = [
        (
            "vulcand/backends/foreign/backend",
            r#"{"Id":"foreign","Type":"http"}"#,
        ),
        (
            "vulcand/backends/foreign/servers/s",
            r#"{"URL":"http://10.9.9.9:1"}"#,
        ),
        (
            "vulcand/frontends/foreign/frontend",
            r#"{"Id":"foreign","Type":"http","BackendId":"foreign","Route":"Path(`/f`)"}"#,
        ),
        ("vulcand/hosts/h/host", r#"{"Name":"h"}"#),
        ("vulcand/listeners/l", "{}"),
        ("vulcand/backends/web.shop", "a key nobody knows"),
    ];
    for (key, value) in foreign {
        setting.keys.put(key, value).await;
    }
    let revision = |all: &romulus_core::stored::Snapshot| {
        foreign.map(|(key, _)| all.entries.get(key).map(|e| e.revision))
    };
    let before = revision(&setting.keys.snapshot().await);

    let daemon = setting.romulusd(&[]);
    for key in [BACKEND, SERVER, FRONTEND] {
        setting.keys.become_value(key, value(key), &daemon).await;
    }
    for key in [SERVER, FRONTEND, BACKEND] {
        setting.keys.delete(key).await;
        setting.keys.become_value(key, value(key), &daemon).await;
    }
    for (key, other) in [
        (SERVER, r#"{"URL":"http://10.6.6.6:666"}"#),
        (
            FRONTEND,
            r#"{"Id":"web.shop","Type":"http","BackendId":"foreign","Route":"Host(`www.example.com`)"}"#,
        ),
        (
            BACKEND,
            r#"{"Id":"web.shop","Type":"http","Settings":{"KeepAlive":{"Period":"1s"}}}"#,
        ),
        (BACKEND, "no JSON"),
    ] {
        setting.keys.put(key, other).await;
        setting.keys.become_value(key, value(key), &daemon).await;
    }
    for stray in [
        "vulcand/backends/web.shop/servers/stray",
        "vulcand/frontends/web.shop/middlewares/stray",
    ] {
        setting
            .keys
            .put(stray, r#"{"URL":"http://10.6.6.6:666"}"#)
            .await;
        setting.keys.become_value(stray, None, &daemon).await;
    }
    // Foreign formatting is no drift.
    let formatted = r#"{ "Type":"http", "Id":"web.shop" }"#;
    setting.keys.put(BACKEND, formatted).await;
    setting.publish(
        "web",
        &json!({"romulus/host": "www.example.com"}),
        &["10.0.0.1", "10.0.0.2"],
    );
    let second = "vulcand/backends/web.shop/servers/10.0.0.2";
    setting
        .keys
        .become_value(second, Some(r#"{"URL":"http://10.0.0.2:8080"}"#), &daemon)
        .await;
    assert_eq!(setting.keys.all().await[BACKEND], formatted);
    assert_eq!(
        revision(&setting.keys.snapshot().await),
        before,
        "foreign keys were not touched"
    );
    daemon.stop().await;
}

#[tokio::test]
async fn an_etcd_that_was_away_is_brought_in_step() {
    let mut setting = Setting::new().await;
    setting.publish_many(&["10.0.0.1"]);
    let daemon = setting.romulusd(&["--etcd-timeout", "1s", "--lease-ttl", "2s"]);
    setting
        .keys
        .become_tree(&many(&["10.0.0.1"]), &daemon)
        .await;
    setting.etcd.stop();
    setting.publish_many(&["10.0.0.2"]);
    daemon.logs("trying again").await;
    setting.publish_many(&["10.0.0.3"]);
    setting.etcd.restart().await;
    // And while it comes back.
    setting.publish_many(&["10.0.0.4", "10.0.0.5"]);
    setting
        .keys
        .become_tree(&many(&["10.0.0.4", "10.0.0.5"]), &daemon)
        .await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_new_frontend_on_a_live_backend_serves_after_its_middlewares_stand() {
    let setting = Setting::new().await;
    setting.publish(
        "web",
        &json!({"romulus/backendSettings": "{}"}),
        &["10.0.0.1"],
    );
    let daemon = setting.romulusd(&["--settle", "300ms"]);
    setting
        .keys
        .become_value(SERVER, value(SERVER), &daemon)
        .await;

    let revision = setting.keys.snapshot().await.revision;
    let mut watch = setting.keys.0.watch("vulcand/", revision).await.unwrap();
    setting.publish("web", &limited(), &["10.0.0.1"]);
    setting
        .keys
        .become_value(FRONTEND, value(FRONTEND), &daemon)
        .await;

    let mut seen = Vec::new();
    while seen.len() < 3 {
        match watch.events.recv().await.unwrap() {
            WatchEvent::Changes(changes) => seen.extend(changes),
            WatchEvent::Progress { .. } => {}
            WatchEvent::Reloaded(_) => panic!("events were missed"),
        }
    }
    let told: String = seen
        .iter()
        .map(|change| match change {
            KeyChange::Put { key, entry } => format!("{key} {}\n", entry.value),
            KeyChange::Delete { key, .. } => format!("{key} is deleted\n"),
        })
        .collect();
    insta::assert_snapshot!(told);
    let revisions: Vec<i64> = seen.iter().map(KeyChange::revision).collect();
    assert!(
        revisions[1] < revisions[2],
        "the route follows in a transaction of its own: {revisions:?}"
    );
    daemon.stop().await;
}

#[tokio::test]
async fn an_etcd_that_lost_everything_is_filled_again() {
    let mut setting = Setting::with_web().await;
    let daemon = setting.romulusd(&["--etcd-timeout", "1s", "--lease-ttl", "2s"]);
    setting.keys.become_tree(WEB, &daemon).await;
    setting.etcd.restart_empty().await;
    setting.keys.become_tree(WEB, &daemon).await;
    let uid = setting.api.cluster_uid();
    let scope = "romulus/owners/default/scope";
    setting.keys.become_value(scope, Some(&uid), &daemon).await;
    assert_eq!(setting.keys.owned().await, 2);
    daemon.stop().await;
}

/// What a signal leaves half done, the next romulusd finishes; returns the exit code.
async fn interrupt_while_settling(signal: &str) -> Option<i32> {
    let setting = Setting::new().await;
    setting.publish(
        "web",
        &json!({"romulus/backendSettings": "{}"}),
        &["10.0.0.1"],
    );
    setting.romulusd(&["--once"]).finish().await.exited(0);
    setting.publish("web", &limited(), &["10.0.0.1"]);
    let daemon = setting.romulusd(&["--settle", "1h", "--lease-ttl", "2s"]);
    let middleware = "vulcand/frontends/web.shop/middlewares/limit";
    eventually("the middleware", async || {
        let all = setting.keys.all().await;
        if all.contains_key(middleware) {
            Ok(())
        } else {
            Err(daemon.log())
        }
    })
    .await;
    daemon.signal(signal);
    let ended = daemon.finish().await;
    let frontend = setting.keys.all().await.remove(FRONTEND);
    let is_settling = |value: &String| value.contains("Host(`settling:web.shop`)");
    assert!(frontend.as_ref().is_some_and(is_settling), "{frontend:?}");

    setting.romulusd(&["--once"]).finish().await.exited(0);
    let all = setting.keys.all().await;
    assert_eq!(all.get(FRONTEND).map(String::as_str), value(FRONTEND));
    ended.status.code()
}

#[tokio::test]
async fn a_settle_pause_does_not_hold_up_the_end_and_is_taken_up_again() {
    assert_eq!(interrupt_while_settling("-TERM").await, Some(0));
}

#[tokio::test]
async fn what_a_killed_romulusd_left_half_done_is_finished_by_the_next() {
    assert_eq!(interrupt_while_settling("-KILL").await, None);
}

#[tokio::test]
async fn an_edit_war_is_told_and_left_alone_for_ever_longer() {
    let setting = Setting::with_web().await;
    let daemon = setting.romulusd(&[]);
    setting.keys.become_tree(WEB, &daemon).await;
    let theirs = r#"{"URL":"http://10.6.6.6:666"}"#;
    for _ in 0..3 {
        setting.keys.put(SERVER, theirs).await;
        setting
            .keys
            .become_value(SERVER, value(SERVER), &daemon)
            .await;
    }
    daemon
        .logs("edit war over vulcand/backends/web.shop/servers/10.0.0.1: another writer puts")
        .await;
    let log = daemon.log();
    let told = log
        .lines()
        .find(|line| line.contains("edit war"))
        .unwrap_or_default();
    for part in [
        theirs,
        value(SERVER).unwrap_or_default(),
        "without a lease",
        "for 1s",
    ] {
        assert!(told.contains(part), "{part} is missing: {told}");
    }
    // Their next put stands for a while; what else changes is written at once.
    setting.keys.put(SERVER, theirs).await;
    setting.publish(
        "web",
        &json!({"romulus/host": "www.example.com"}),
        &["10.0.0.1", "10.0.0.2"],
    );
    let second = "vulcand/backends/web.shop/servers/10.0.0.2";
    setting
        .keys
        .become_value(second, Some(r#"{"URL":"http://10.0.0.2:8080"}"#), &daemon)
        .await;
    setting
        .keys
        .become_value(SERVER, value(SERVER), &daemon)
        .await;
    daemon.logs("for 2s").await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_store_that_is_away_costs_no_memory() {
    const ROUNDS: usize = 500;
    let setting = Setting::new().await;
    setting.publish_many(&["10.0.0.1"]);
    let daemon = setting.romulusd(&["--etcd-timeout", "1s", "--lease-ttl", "2s"]);
    setting
        .keys
        .become_tree(&many(&["10.0.0.1"]), &daemon)
        .await;
    let (_, before) = daemon.memory();
    setting.etcd.pause();
    // 40,000 changes of 80 objects.
    for round in 0..ROUNDS {
        let address = format!("10.1.{}.{}", round / 250, round % 250 + 1);
        setting.publish_many(&[&address]);
        tokio::task::yield_now().await;
    }
    setting.publish_many(&["10.0.0.9"]);
    daemon.logs("trying again").await;
    setting.etcd.resume();
    setting
        .keys
        .become_tree(&many(&["10.0.0.9"]), &daemon)
        .await;
    let grown = daemon.memory().1 - before;
    assert!(grown < 32 * 1024, "{grown} KiB more than {before}");
    daemon.stop().await;
}
