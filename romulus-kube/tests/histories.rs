//! Whatever happens to a cluster and the way to it, in the end the source has told its state.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, which stop at once"
)]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::Follower;
use proptest::prelude::*;
use romulus_core::cluster::{Kind, ObjectName};
use romulus_kube::testing::{ApiStub, Fault, On, service, slice};
use romulus_kube::{Resource, Selection, WatchSettings};
use serde_json::{Value, json};

const SERVICES: Resource = Resource::Services;
const SLICES: Resource = Resource::EndpointSlices;

#[derive(Debug, Clone)]
enum Step {
    Apply(u8, u8),
    ApplySlice(u8, u8),
    Unreadable(u8),
    Unlabel(u8),
    Delete(Resource, u8),
    Cut,
    Compact,
    Expire(Resource),
    Bookmark(Resource),
    Silence(bool),
    RollBack(u8),
    Fail(On, Fault, usize),
    Wait(u16),
}

fn resource() -> impl Strategy<Value = Resource> {
    prop_oneof![Just(SERVICES), Just(SLICES)]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Status(401)),
        Just(Fault::Status(410)),
        Just(Fault::Status(500)),
        Just(Fault::TooManyRequests(3600)),
        Just(Fault::Html),
        Just(Fault::HalfALine),
        Just(Fault::EndAtOnce),
        Just(Fault::ErrorEvent(410)),
        Just(Fault::ErrorEvent(500)),
        Just(Fault::Hang),
        Just(Fault::HangAfterHeaders),
        Just(Fault::Reset),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let on = prop_oneof![
        Just(On::Any),
        Just(On::Discovery),
        resource().prop_map(On::List),
        (resource(), 1u32..4).prop_map(|(resource, page)| On::Page(resource, page)),
        resource().prop_map(On::Watch),
    ];
    prop_oneof![
        4 => (0u8..6, 0u8..3).prop_map(|(i, version)| Step::Apply(i, version)),
        3 => (0u8..6, 0u8..3).prop_map(|(i, version)| Step::ApplySlice(i, version)),
        1 => (0u8..6).prop_map(Step::Unreadable),
        1 => (0u8..6).prop_map(Step::Unlabel),
        3 => (resource(), 0u8..6).prop_map(|(resource, i)| Step::Delete(resource, i)),
        2 => Just(Step::Cut),
        1 => Just(Step::Compact),
        1 => resource().prop_map(Step::Expire),
        1 => resource().prop_map(Step::Bookmark),
        1 => any::<bool>().prop_map(Step::Silence),
        1 => (0u8..8).prop_map(Step::RollBack),
        3 => (on, fault(), 1usize..4).prop_map(|(on, fault, times)| Step::Fail(on, fault, times)),
        4 => (0u16..400).prop_map(Step::Wait),
    ]
}

fn name(i: u8) -> String {
    format!("s{i}")
}

fn labelled(i: u8, version: u8) -> Value {
    service(
        "shop",
        &name(i),
        &json!({"romulus/host": format!("v{version}.example.com")}),
    )
}

/// What the follower should know: of each selected Service the host, of each slice the address.
fn told(follower: &Follower) -> BTreeMap<(Kind, ObjectName), String> {
    use romulus_core::cluster::Object;
    let said = |object: &Object| match object {
        Object::Service(service) => service
            .annotations
            .get("romulus/host")
            .cloned()
            .unwrap_or_default(),
        Object::Endpoints(endpoints) => endpoints.sets[0].endpoints[0].address.to_string(),
    };
    follower
        .objects
        .iter()
        .map(|(key, object)| (key.clone(), said(object)))
        .collect()
}

async fn run(steps: Vec<Step>) {
    let stub = ApiStub::new();
    let selection = Selection {
        selector: "type=external".parse().unwrap(),
        ..Selection::default()
    };
    let settings = WatchSettings {
        page_size: 2,
        ..WatchSettings::default()
    };
    let mut follower = Follower::with(&stub, &selection, &settings);
    for step in steps {
        match step {
            Step::Apply(i, version) => stub.apply(&labelled(i, version)),
            Step::ApplySlice(i, version) => {
                let address = format!("10.0.0.{version}");
                stub.apply(&slice("shop", &name(i), &name(i), &[&address], 80));
            }
            Step::Unreadable(i) => {
                let mut object = labelled(i, 0);
                object["spec"]["ports"] = json!("none");
                stub.apply(&object);
            }
            Step::Unlabel(i) => {
                let mut object = labelled(i, 0);
                object["metadata"]["labels"] = json!({});
                stub.apply(&object);
            }
            Step::Delete(resource, i) => {
                if stub.has(resource, "shop", &name(i)) {
                    stub.delete(resource, "shop", &name(i));
                }
            }
            Step::Cut => stub.cut_watches(),
            Step::Compact => stub.compact(),
            Step::Expire(resource) => stub.expire_watches(resource),
            Step::Bookmark(resource) => stub.bookmark(resource),
            Step::Silence(silent) => stub.silence_watches(silent),
            Step::RollBack(by) => {
                stub.roll_back(stub.revision() - u64::from(by).min(stub.revision() - 100))
            }
            Step::Fail(on, fault, times) => stub.fail(on, fault, times),
            Step::Wait(seconds) => follower.for_(Duration::from_secs(seconds.into())).await,
        }
    }
    stub.heal();
    stub.silence_watches(false);
    // The last state, written so that nothing unreadable is left.
    let mut expected = BTreeMap::new();
    for i in 0..6 {
        if i % 2 == 0 {
            stub.apply(&labelled(i, 9));
            let key = (Kind::Service, ObjectName::new("shop", name(i)));
            expected.insert(key, "v9.example.com".to_owned());
        } else if stub.has(SERVICES, "shop", &name(i)) {
            stub.delete(SERVICES, "shop", &name(i));
        }
        if stub.has(SLICES, "shop", &name(i)) {
            stub.apply(&slice("shop", &name(i), &name(i), &["10.0.0.9"], 80));
            let key = (Kind::Endpoints, ObjectName::new("shop", name(i)));
            expected.insert(key, "10.0.0.9".to_owned());
        }
    }
    follower
        .until(&format!("{expected:?}"), |follower| {
            told(follower) == expected
        })
        .await;
    // And it stays so, through the next lists.
    follower.for_(Duration::from_secs(1300)).await;
    assert_eq!(told(&follower), expected);
    let complete = |lists: &Vec<bool>| lists.last() == Some(&true);
    assert!(
        follower.lists.values().all(complete),
        "{:?}",
        follower.lists
    );
}

proptest! {
    #![proptest_config(ProptestConfig {  failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_any_history_the_source_has_told_the_state_of_the_cluster(
        steps in proptest::collection::vec(step(), 0..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(steps));
    }
}
