//! A romulusd that goes on running: signals, files that change, heartbeat, logged requests.

use romulus_kube::testing::service;
use serde_json::json;

use crate::cluster::{Setting, WEB};
use crate::daemon::Daemon;

#[tokio::test]
async fn a_signal_stops_it_well_and_keys_stay() {
    let setting = Setting::with_web().await;
    for signal in ["-TERM", "-INT"] {
        let daemon = setting.romulusd(&[]);
        daemon.logs("in step").await;
        daemon.signal(signal);
        let finished = daemon
            .finish()
            .await
            .exited(0)
            .logged(&["stopping; keys stay", "stopped"]);
        assert_eq!(finished.stdout, "", "the daemon prints nothing");
        for level in ["WARN", "ERROR"] {
            assert!(
                !finished.stderr.contains(level),
                "{signal}:\n{}",
                finished.stderr
            );
        }
        assert_eq!(setting.keys.tree().await, WEB, "{signal}");
        let all = setting.keys.all().await;
        assert!(
            !all.contains_key("romulus/owners/default/leader"),
            "{signal}: {all:#?}"
        );
    }
}

#[tokio::test]
async fn a_signal_stops_it_while_nothing_can_be_reached() {
    let args = [
        "--kube",
        "http://127.0.0.1:1",
        "--etcd",
        "http://127.0.0.1:1",
        "--etcd-timeout",
        "500ms",
    ];
    let daemon = Daemon::start(&args);
    daemon.logs("reading the store failed").await;
    daemon
        .stop()
        .await
        .logged(&["check --kube or the kubeconfig"]);
}

#[tokio::test]
async fn a_second_signal_waits_for_nothing() {
    let setting = Setting::with_web().await;
    let daemon = setting.romulusd(&["--etcd-timeout", "10m"]);
    daemon.logs("in step").await;
    // The leadership can't be handed over.
    setting.etcd.pause();
    daemon.signal("-TERM");
    daemon.logs("stopping").await;
    daemon.signal("-TERM");
    daemon.finish().await.exited(130);
    setting.etcd.resume();
}

#[tokio::test]
async fn edits_of_manifests_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let write = |name: &str, host: &str| {
        let manifest = service("shop", "web", &json!({"romulus/host": host}));
        std::fs::write(file(name), manifest.to_string()).unwrap();
    };
    write("web.json", "one.example.com");
    let daemon = Daemon::start(&[
        "--manifests",
        folder.path().to_str().unwrap(),
        "--etcd",
        "memory",
    ]);
    let frontend = |host: &str| {
        format!(
            "vulcand/frontends/web.shop/frontend\n  \
             {{\"Id\":\"web.shop\",\"Type\":\"http\",\"BackendId\":\"web.shop\",\"Route\":\"Host(`{host}`)\"}}\n"
        )
    };
    daemon.prints(&frontend("one.example.com")).await;
    write("web.json", "two.example.com");
    daemon
        .prints(&format!("PUT {}", frontend("two.example.com")))
        .await;

    std::fs::write(file("web.json"), "{ half").unwrap();
    daemon.logs("web.json:").await;
    write("web.json", "three.example.com");
    daemon
        .prints(&format!("PUT {}", frontend("three.example.com")))
        .await;
    assert!(
        !daemon.printed().contains("DELETE"),
        "a file that can't be read deletes nothing"
    );

    std::fs::remove_file(file("web.json")).unwrap();
    daemon
        .prints("DELETE vulcand/backends/web.shop/backend\n")
        .await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_heartbeat_is_put_under_every_root() {
    let setting = Setting::with_web().await;
    let mut other = service(
        "shop",
        "other",
        &json!({"romulus/host": "other.example.com"}),
    );
    other["metadata"]["labels"]["romulus/vulcanKey"] = json!("second");
    setting.api.apply(&other);
    let daemon = setting.romulusd(&["--heartbeat", "50ms"]);
    for root in ["vulcand", "second"] {
        let key = format!("{root}/romulus/heartbeat");
        setting
            .keys
            .become_value(&key, Some(env!("CARGO_PKG_VERSION")), &daemon)
            .await;
    }
    daemon.stop().await;
}

#[tokio::test]
async fn each_request_to_etcd_is_logged_as_a_command_with_secrets_masked() {
    let setting = Setting::new().await;
    let middleware =
        r#"{"Priority":1,"Type":"vault","Middleware":{"Password":"open sesame","Realm":"r"}}"#;
    let annotations = json!({"romulus/host": "h", "romulus/middleware.vault": middleware});
    setting.publish("web", &annotations, &[]);
    let args = [
        "--once",
        "--debug-etcd",
        "--allow-middleware",
        "vault",
        "--log-level",
        "error",
    ];
    let finished = setting.romulusd(&args).finish().await.exited(0);
    let command = format!("etcdctl --endpoints='{}'", setting.etcd.endpoint());
    let finished = finished.logged(&[
        &command,
        " get --limit=",
        " watch --prefix --rev=",
        " lease grant 15",
        "create(\"romulus/owners/default/leader\") = \"0\"",
        "put \"vulcand/backends/web.shop/backend\" \"{\\\"Id\\\":\\\"web.shop\\\",\\\"Type\\\":\\\"http\\\"}\"",
        "\\\"Password\\\":\\\"***\\\"",
        " lease revoke ",
    ]);
    assert!(!finished.stderr.contains("sesame"), "{}", finished.stderr);
    let stored = setting.keys.all().await;
    assert!(stored["vulcand/frontends/web.shop/middlewares/vault"].contains("open sesame"));
}
