//! `--once`: what its exit code says.

use std::collections::BTreeSet;

use romulus_core::plan::Op;
use romulus_core::stored::KeyChange;
use romulus_etcd::{Store as _, WatchEvent};
use romulus_kube::Resource;
use romulus_kube::testing::{Fault, On, service};
use serde_json::{Value, json};

use crate::cluster::{Setting, WEB};
use crate::daemon::{Daemon, Finished};

async fn once(setting: &Setting) -> Finished {
    setting.romulusd(&["--once"]).finish().await
}

/// Warnings and errors, without their times.
fn problems(finished: &Finished) -> String {
    let message = |line: &str| {
        let (_, message) = line
            .split_once("ERROR ")
            .or_else(|| line.split_once(" WARN "))?;
        Some(format!("{message}\n"))
    };
    finished.stderr.lines().filter_map(message).collect()
}

#[tokio::test]
async fn in_step_is_0_and_a_second_time_writes_nothing() {
    let setting = Setting::with_web().await;
    let finished = once(&setting)
        .await
        .exited(0)
        .logged(&["in step: 2 backends and frontends; 5 keys put"]);
    assert_eq!(problems(&finished), "");
    assert_eq!(setting.keys.tree().await, WEB);
    let all = setting.keys.snapshot().await.entries;
    assert!(!all.contains_key("vulcand/romulus/heartbeat"), "{all:#?}");
    assert!(
        !all.contains_key("romulus/owners/default/leader"),
        "{all:#?}"
    );
    once(&setting)
        .await
        .exited(0)
        .logged(&["in step: 2 backends and frontends; 0 keys put, 0 deleted"]);
    assert_eq!(setting.keys.snapshot().await.entries, all);
}

#[tokio::test]
async fn warnings_and_what_is_not_published_by_rule_are_0() {
    let setting = Setting::with_web().await;
    let unrouted = json!({"romulus/backendSettings": "{}}", "romulus/hots": "x.example.com"});
    setting.publish("unrouted", &unrouted, &[]);
    let mut outside = service(
        "shop",
        "outside",
        &json!({"romulus/host": "outside.example.com"}),
    );
    outside["spec"] = json!({"type": "ExternalName", "externalName": "example.org"});
    setting.api.apply(&outside);
    let finished = once(&setting)
        .await
        .exited(0)
        .logged(&["[external-name]", "[no-route]"]);
    insta::assert_snapshot!(problems(&finished));
}

#[tokio::test]
async fn anything_wanted_that_stays_unwritten_is_1_and_nothing_else_suffers() {
    type Prepare = fn(&Setting);
    let table: [(&str, Prepare); 4] = [
        ("a held frontend", |setting| {
            setting.publish(
                "held",
                &json!({"romulus/host": "h", "romulus/frontendSettings": "{nonsense"}),
                &[],
            );
        }),
        ("a held backend, and a frontend waiting for it", |setting| {
            let annotations = json!({"romulus/host": "h", "romulus/backendSettings": r#"{"Timeouts": {"Read": "soon"}}"#});
            setting.publish("waiting", &annotations, &["10.0.0.2"]);
        }),
        ("a lost route", |setting| {
            let mut late = service("shop", "late", &json!({"romulus/host": "www.example.com"}));
            late["metadata"]["creationTimestamp"] = json!("2026-01-02T00:00:00Z");
            setting.api.apply(&late);
        }),
        ("a Service that can't be decoded", |setting| {
            let mut odd = service("shop", "odd", &json!({"romulus/host": "odd.example.com"}));
            odd["spec"]["ports"] = json!("none");
            setting.api.apply(&odd);
        }),
    ];
    let mut told = String::new();
    for (case, prepare) in table {
        let setting = Setting::with_web().await;
        once(&setting).await.exited(0);
        prepare(&setting);
        let finished = once(&setting).await.exited(1);
        told += &format!("## {case}\n{}", problems(&finished));
        let tree = setting.keys.tree().await;
        let missing: Vec<&str> = WEB.lines().filter(|line| !tree.contains(line)).collect();
        assert_eq!(missing, [""; 0], "{case}");
        let others: String = tree
            .lines()
            .filter(|line| !WEB.contains(line))
            .map(|l| format!("+ {l}\n"))
            .collect();
        told += &format!("{others}\n");
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn what_somebody_else_wrote_is_left_alone_or_adopted() {
    let setting = Setting::with_web().await;
    let foreign = r#"{"Id":"web.shop","Type":"http","Settings":{"KeepAlive":{"Period":"9s"}}}"#;
    setting
        .keys
        .put("vulcand/backends/web.shop/backend", foreign)
        .await;
    setting
        .keys
        .put(
            "vulcand/backends/web.shop/servers/mine",
            r#"{"URL":"http://10.9.9.9:1"}"#,
        )
        .await;
    let before = setting.keys.tree().await;
    let finished = once(&setting).await.exited(1);
    insta::assert_snapshot!(problems(&finished));
    assert_eq!(setting.keys.tree().await, before);
    assert_eq!(setting.keys.owned().await, 0);

    setting
        .romulusd(&["--once", "--adopt"])
        .finish()
        .await
        .exited(0);
    assert_eq!(setting.keys.tree().await, WEB);
    assert_eq!(setting.keys.owned().await, 2);
}

/// What the original wrote, in both of its ways to name servers, is taken over without a moment in
/// which the backend has no server.
#[tokio::test]
async fn what_the_original_wrote_is_adopted_without_a_gap() {
    for names in [
        ["10.0.0.1", "10.0.0.2"],
        ["1f2e3d4c.web.shop", "5b6a7988.web.shop"],
    ] {
        let setting = Setting::new().await;
        let host = json!({"romulus/host": "www.example.com"});
        setting.publish("web", &host, &["10.0.0.1", "10.0.0.3"]);
        let put = |key: String, value: String| setting.keys.write(vec![Op::Put { key, value }]);
        let backend = "vulcand/backends/web.shop";
        put(format!("{backend}/backend"), r#"{"Type":"http"}"#.into()).await;
        for (name, address) in names.iter().zip(["10.0.0.1", "10.0.0.2"]) {
            let value = format!(r#"{{"URL":"http://{address}:8080"}}"#);
            put(format!("{backend}/servers/{name}"), value).await;
        }
        let frontend = WEB.lines().find_map(|line| {
            let (key, value) = line.split_once(' ')?;
            key.contains("/frontends/")
                .then(|| (key.to_owned(), value.to_owned()))
        });
        let (key, value) = frontend.expect("a frontend");
        put(key, value).await;
        let start = setting.keys.snapshot().await;
        let mut watch = setting
            .keys
            .0
            .watch(backend, start.revision)
            .await
            .expect("it answers");

        let adopting = setting.romulusd(&["--once", "--adopt"]);
        adopting.finish().await.exited(0);
        let is_server = |key: &str| key.contains("/servers/");
        let mut servers: BTreeSet<String> =
            start.entries.into_keys().filter(|k| is_server(k)).collect();
        let end = setting.keys.snapshot().await;
        let expected: BTreeSet<String> = end.entries.into_keys().filter(|k| is_server(k)).collect();
        let kept = format!("{backend}/servers/{}", names[0]);
        assert!(
            expected.contains(&kept),
            "a server keeps its name: {expected:?}"
        );
        assert_eq!(expected.len(), 2);
        while servers != expected {
            let WatchEvent::Changes(changes) = watch.events.recv().await.expect("it goes on")
            else {
                continue;
            };
            for change in changes.into_iter().filter(|change| is_server(change.key())) {
                match change {
                    KeyChange::Put { key, .. } => drop(servers.insert(key)),
                    KeyChange::Delete { key, .. } => drop(servers.remove(&key)),
                }
                assert!(!servers.is_empty(), "a backend without servers");
            }
        }
        assert_eq!(setting.keys.owned().await, 2);
    }
}

#[tokio::test]
async fn after_downtime_only_what_changed_is_written() {
    let setting = Setting::with_web().await;
    let publish = |name: &str| {
        let host = json!({"romulus/host": name});
        setting.publish(name, &host, &["10.0.0.7"]);
    };
    publish("leaves");
    let daemon = setting.romulusd(&["--heartbeat", "0s"]);
    daemon.logs("in step: 4").await;
    daemon.stop().await;
    let before = setting.keys.snapshot().await.entries;

    setting.api.delete(Resource::Services, "shop", "leaves");
    publish("comes");
    let daemon = setting.romulusd(&["--heartbeat", "0s"]);
    daemon.logs("in step: 4").await;
    daemon.stop().await;
    let after = setting.keys.snapshot().await.entries;
    let of = |name: &str| {
        let of_name = format!("{name}.shop");
        move |key: &&String| key.contains(&of_name)
    };
    assert_eq!(before.keys().filter(of("leaves")).count(), 5);
    assert_eq!(after.keys().filter(of("leaves")).count(), 0);
    assert_eq!(after.keys().filter(of("comes")).count(), 5);
    for (key, entry) in before.iter().filter(|(key, _)| !of("leaves")(key)) {
        assert_eq!(after.get(key), Some(entry), "{key} was written again");
    }
}

#[tokio::test]
async fn withheld_deletions_are_1_until_they_are_confirmed() {
    let setting = Setting::new().await;
    for n in 1..=5 {
        setting.publish(
            &format!("web{n}"),
            &json!({"romulus/host": format!("h{n}")}),
            &["10.0.0.1"],
        );
    }
    once(&setting).await.exited(0);
    let before = setting.keys.tree().await;
    for n in 1..=2 {
        setting
            .api
            .delete(Resource::Services, "shop", &format!("web{n}"));
        setting
            .api
            .delete(Resource::EndpointSlices, "shop", &format!("web{n}-1"));
    }
    once(&setting)
        .await
        .exited(1)
        .logged(&["[deletion-withheld]", "4 of 10 owned objects"]);
    assert_eq!(setting.keys.tree().await, before);
    setting
        .romulusd(&["--once", "--max-delete-percent", "40"])
        .finish()
        .await
        .exited(0);
    assert_eq!(setting.keys.owned().await, 6);
    // Below ten objects the brake does not act.
    setting.api.delete(Resource::Services, "shop", "web3");
    once(&setting).await.exited(0);
    assert_eq!(setting.keys.owned().await, 4);
}

#[tokio::test]
async fn upsert_only_keeps_what_nothing_wants_any_more() {
    let setting = Setting::with_web().await;
    once(&setting).await.exited(0);
    setting.api.delete(Resource::Services, "shop", "web");
    let upsert = setting.romulusd(&["--once", "--policy", "upsert-only"]);
    upsert
        .finish()
        .await
        .exited(0)
        .logged(&["[kept]: backend web.shop in vulcand"]);
    assert_eq!(setting.keys.tree().await, WEB);
    once(&setting).await.exited(0);
    assert_eq!(setting.keys.tree().await, "");
}

#[tokio::test]
async fn an_etcd_that_is_down_is_2() {
    let setting = Setting::new().await;
    let kube = setting.server.url();
    let args = [
        "--once",
        "--kube",
        &kube,
        "--etcd",
        "http://127.0.0.1:1",
        "--etcd-timeout",
        "500ms",
    ];
    let finished = Daemon::start(&args).finish().await.exited(2);
    finished.logged(&["ERROR reading the store failed: ", "http://127.0.0.1:1"]);
}

#[tokio::test]
async fn an_api_server_that_does_not_answer_as_one_is_2_and_nothing_is_deleted() {
    let mut setting = Setting::with_web().await;
    once(&setting).await.exited(0);
    let before = setting.keys.snapshot().await;
    let mut told = String::new();
    for fault in [
        Fault::Status(401),
        Fault::Status(403),
        Fault::Status(404),
        Fault::Status(500),
        Fault::Html,
        Fault::HalfALine,
    ] {
        for resource in [Resource::Services, Resource::EndpointSlices] {
            setting.api.heal();
            setting
                .api
                .fail(On::List(resource), fault.clone(), usize::MAX);
            let finished = once(&setting).await.exited(2);
            told += &format!(
                "## {fault:?} for {}\n{}",
                resource.plural(),
                problems(&finished)
            );
        }
    }
    setting.api.heal();
    setting
        .api
        .fail(On::Namespace, Fault::Status(403), usize::MAX);
    told += &format!(
        "## 403 for the namespace kube-system\n{}",
        problems(&once(&setting).await.exited(2))
    );
    insta::assert_snapshot!(told);
    let (api, port) = (setting.api.clone(), setting.server.url());
    setting.server = api.serve().await;
    drop(api);
    let gone = Daemon::start(&["--once", "--kube", &port, "--etcd", setting.etcd.endpoint()]);
    gone.finish().await.exited(2).logged(&[
        &format!("API server {port}"),
        "check --kube or the kubeconfig",
    ]);
    assert_eq!(setting.keys.snapshot().await.entries, before.entries);
}

fn manifest(name: &str, host: &str) -> Value {
    service("shop", name, &json!({"romulus/host": host}))
}

#[tokio::test]
async fn manifests_in_the_embedded_store_are_printed_as_a_tree() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples");
    let args = [
        "--once",
        "--manifests",
        examples,
        "--etcd",
        "memory",
        "-s",
        "type=external",
    ];
    let finished = Daemon::start(&args).finish().await.exited(0);
    insta::assert_snapshot!(finished.stdout);
}

#[tokio::test]
async fn a_manifest_that_can_not_be_read_is_1_and_the_others_are_published() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    std::fs::write(
        folder.path().join("web.json"),
        manifest("web", "h").to_string(),
    )
    .unwrap();
    std::fs::write(
        folder.path().join("odd.yaml"),
        "kind: Service\nmetadata: {name: [\n",
    )
    .unwrap();
    let args = ["--once", "--manifests", path, "--etcd", "memory"];
    let finished = Daemon::start(&args).finish().await.exited(1).logged(&[
        "odd.yaml:",
        "left out",
        "in step with what could be read: ",
    ]);
    assert!(
        finished
            .stdout
            .contains("vulcand/frontends/web.shop/frontend"),
        "{}",
        finished.stdout
    );

    let nowhere = Daemon::start(&[
        "--once",
        "--manifests",
        "/nowhere/at/all",
        "--etcd",
        "memory",
    ]);
    nowhere
        .finish()
        .await
        .exited(1)
        .logged(&["/nowhere/at/all", "No such file or directory"]);
}

#[tokio::test]
async fn events_are_posted_before_it_ends() {
    let setting = Setting::with_web().await;
    setting.publish(
        "held",
        &json!({"romulus/host": "h", "romulus/frontendSettings": "{nonsense"}),
        &[],
    );
    once(&setting).await.exited(1);
    let reasons: Vec<Value> = setting
        .api
        .posted_events()
        .iter()
        .map(|event| event["reason"].clone())
        .collect();
    assert_eq!(reasons, ["InvalidJson"]);
}
