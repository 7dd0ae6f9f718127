//! What a real cluster went through, step by step, from its API server to etcd.

use romulus_core::config::Config;
use romulus_core::testing::{Harness, MapStore};
use serde_json::Value;

use crate::cluster::Setting;

const STEPS: [&str; 8] = [
    "1-services-created",
    "2-pods-not-ready",
    "3-pods-ready",
    "4-rolling-one-terminating",
    "5-rolled",
    "6-annotations-and-ports-changed",
    "7-vulcankey-removed-and-one-deselected",
    "8-deleted-and-no-endpoints",
];
const RESTARTED_AFTER: &str = STEPS[6];
const LAST: &str = STEPS[7];

/// How many backends and frontends are owned after each step.
const OWNED: [usize; 8] = [12, 12, 12, 12, 12, 12, 10, 6];

/// A list as the API server gave it.
fn recorded(step: &str, resource: &str) -> Value {
    let data = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../romulus-core/tests/data/kube"
    );
    let text = std::fs::read_to_string(format!("{data}/{step}-{resource}.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Brings the cluster to a step; the watches see what it takes.
fn replay(setting: &Setting, step: &str) {
    let [services, slices, endpoints] =
        ["services", "endpointslices", "endpoints"].map(|resource| recorded(step, resource));
    setting.api.replace_all(&[&services, &slices, &endpoints]);
}

/// The keys the core decides on for a step, without any process or network.
fn expected(step: &str, kind: &str, resource: &str) -> String {
    let mut config = Config::new("vulcand".parse().unwrap());
    config.selector = "type=external".parse().unwrap();
    let mut harness = Harness::with(config, MapStore::default());
    let mut objects = Vec::new();
    for (kind, mut list) in [
        ("Service", recorded(step, "services")),
        (kind, recorded(step, resource)),
    ] {
        let Value::Array(mut items) = list["items"].take() else {
            panic!("{step}: no items")
        };
        items.iter_mut().for_each(|item| item["kind"] = kind.into());
        objects.append(&mut items);
    }
    harness.list(&objects);
    harness.sync();
    harness.store.tree()
}

/// Follows all steps with one romulusd; returns the keys after each.
async fn follow(setting: &Setting, kind: &str, resource: &str) -> String {
    replay(setting, STEPS[0]);
    let daemon = setting.romulusd(&["-s", "type=external"]);
    let mut told = String::new();
    for (step, owned) in STEPS.into_iter().zip(OWNED) {
        replay(setting, step);
        setting
            .keys
            .become_tree(&expected(step, kind, resource), &daemon)
            .await;
        assert_eq!(setting.keys.owned().await, owned, "{step}");
        told += &format!("## {step}: {owned} owned\n{}\n", setting.keys.tree().await);
    }
    let log = daemon.stop().await.stderr;
    assert!(
        !log.contains("deletion-withheld"),
        "what the watches saw go is no matter of the brake:\n{log}"
    );
    told
}

#[tokio::test]
async fn the_recorded_steps_from_slices() {
    let setting = Setting::new().await;
    insta::assert_snapshot!(follow(&setting, "EndpointSlice", "endpointslices").await);
}

#[tokio::test]
async fn the_recorded_steps_from_endpoints() {
    let setting = Setting::new().await;
    setting.api.serve_slices(false);
    insta::assert_snapshot!(follow(&setting, "Endpoints", "endpoints").await);
}

#[tokio::test]
async fn what_a_restart_does_not_find_any_more_is_withheld_until_it_is_confirmed() {
    let setting = Setting::new().await;
    let selected = ["-s", "type=external"];
    let before = expected(RESTARTED_AFTER, "EndpointSlice", "endpointslices");
    let after = expected(LAST, "EndpointSlice", "endpointslices");

    replay(&setting, RESTARTED_AFTER);
    let daemon = setting.romulusd(&selected);
    setting.keys.become_tree(&before, &daemon).await;
    daemon.stop().await;

    // Nobody sees four objects deleted and a backend left without servers.
    replay(&setting, LAST);
    let daemon = setting.romulusd(&selected);
    daemon.logs("in step").await;
    let log = daemon.stop().await.stderr;
    assert_eq!(setting.keys.tree().await, before, "{log}");
    let withheld: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split_once("[deletion-withheld]: "))
        .map(|(_, text)| text)
        .collect();
    insta::assert_snapshot!(withheld.join("\n"));

    let once = setting
        .romulusd(&[&selected[..], &["--once"]].concat())
        .finish()
        .await;
    once.exited(1);
    assert_eq!(setting.keys.tree().await, before);

    let confirmed = ["--max-delete-percent", "100"];
    let daemon = setting.romulusd(&[selected, confirmed].concat());
    setting.keys.become_tree(&after, &daemon).await;
    daemon.stop().await;
    assert_eq!(setting.keys.owned().await, 6);
}
