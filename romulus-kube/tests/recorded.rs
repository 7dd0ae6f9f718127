//! The stub says what a real API server said, and the source understands the real one.
//!
//! `tests/data/kube` was recorded from kube-apiserver v1.36.2; its README tells the steps.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, which stop at once"
)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::Follower;
use http_body_util::BodyExt;
use romulus_core::cluster::{Kind, Object, ObjectName};
use romulus_kube::testing::ApiStub;
use romulus_kube::{EndpointsSource, Resource, Selection, WatchSettings};
use serde_json::{Value, json};

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

fn data(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/kube")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn step(step: &str, resource: Resource) -> Value {
    serde_json::from_str(&data(&format!("{step}-{}.json", resource.plural()))).unwrap()
}

fn version(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

fn name(object: &Value) -> String {
    let text = |field: &str| object["metadata"][field].as_str().unwrap().to_owned();
    format!("{}/{}", text("namespace"), text("name"))
}

/// Without what the recordings lost or what differs between two clusters.
fn comparable(object: &Value) -> Value {
    let mut object = object.clone();
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.remove("resourceVersion");
    metadata.remove("managedFields");
    object
}

/// What a run of watch events comes to: for each object the type of event that one change from the
/// state before to the state after makes, and the object.
type Net = BTreeMap<String, (String, Value)>;

fn net<'a>(before: &mut BTreeMap<String, Value>, lines: impl Iterator<Item = &'a Value>) -> Net {
    let mut net = Net::new();
    for line in lines {
        let (object, gone) = (&line["object"], line["type"] == "DELETED");
        let known = before.contains_key(&name(object));
        let kind = match (known, gone) {
            (false, false) => "ADDED",
            (true, false) => "MODIFIED",
            (true, true) => "DELETED",
            (false, true) => panic!("deleted and not there: {line}"),
        };
        net.insert(name(object), (kind.to_owned(), comparable(object)));
    }
    for (name, (kind, object)) in &net {
        if kind == "DELETED" {
            before.remove(name);
        } else {
            before.insert(name.clone(), object.clone());
        }
    }
    net
}

fn lines(text: &str) -> Vec<Value> {
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["type"] != "BOOKMARK").collect()
}

async fn get(stub: &ApiStub, path: &str) -> String {
    let request = http::Request::get(path)
        .body(kube::client::Body::empty())
        .unwrap();
    let body = stub.client().send(request).await.unwrap().into_body();
    String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn path(resource: Resource) -> String {
    let group = match resource {
        Resource::EndpointSlices => "/apis/discovery.k8s.io/v1",
        Resource::Services | Resource::Endpoints => "/api/v1",
    };
    format!("{group}/{}", resource.plural())
}

#[tokio::test(start_paused = true)]
async fn the_stub_replays_the_steps_with_the_watch_events_of_the_real_server() {
    for resource in Resource::ALL {
        let recorded = lines(&data(&format!("watch-{}.jsonl", resource.plural())));
        let first = version(&recorded[0]["object"]);
        let stub = ApiStub::new();
        // What was there before the recording of the watch began.
        let mut list = step(STEPS[0], resource);
        list["items"]
            .as_array_mut()
            .unwrap()
            .retain(|item| version(item) < first);
        stub.replace_all(&[&list]);
        let (mut real, mut ours) = (BTreeMap::new(), BTreeMap::new());
        let mut from = 0;
        for name in STEPS {
            let list = step(name, resource);
            let (to, begun) = (version(&list), stub.revision());
            let window = recorded
                .iter()
                .filter(|l| (from + 1..=to).contains(&version(&l["object"])));
            let expected = net(&mut real, window);
            stub.replace_all(&[&list]);
            let path = path(resource);
            let said = get(
                &stub,
                &format!("{path}?watch=1&resourceVersion={begun}&timeoutSeconds=1"),
            )
            .await;
            let said = net(&mut ours, lines(&said).iter());
            assert_eq!(said, expected, "{name} {resource:?}");
            from = to;
        }
        assert!(recorded.len() > 10, "the recording is not empty");
    }
}

#[tokio::test(start_paused = true)]
async fn the_stub_pages_as_the_real_server() {
    let recorded: Value = serde_json::from_str(&data("page-1.json")).unwrap();
    let stub = ApiStub::new();
    stub.load_list(&recorded);
    for i in 0..35 {
        let mut item = recorded["items"][0].clone();
        item["kind"] = json!("EndpointSlice");
        item["metadata"]["name"] = json!(format!("zzz-{i:05}"));
        stub.apply(&item);
    }
    let page = get(&stub, "/apis/discovery.k8s.io/v1/endpointslices?limit=25").await;
    let page: Value = serde_json::from_str(&page).unwrap();
    let shown = |page: &Value| {
        let items = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(comparable)
            .collect::<Vec<_>>();
        let keys: Vec<_> = page["metadata"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        let rest = page["metadata"]["remainingItemCount"].clone();
        (
            items,
            keys,
            rest,
            page["kind"].clone(),
            page["apiVersion"].clone(),
        )
    };
    assert_eq!(shown(&page), shown(&recorded));

    let token = page["metadata"]["continue"].as_str().unwrap();
    let rest = format!("/apis/discovery.k8s.io/v1/endpointslices?limit=100&continue={token}");
    let next: Value = serde_json::from_str(&get(&stub, &rest).await).unwrap();
    assert_eq!(next["items"].as_array().unwrap().len(), 35);
    assert_eq!(
        next["metadata"],
        json!({"resourceVersion": page["metadata"]["resourceVersion"]})
    );
}

/// Decodes a recorded list directly.
fn decoded(step_name: &str, resource: Resource) -> BTreeMap<(Kind, ObjectName), Object> {
    use romulus_core::cluster::{Endpoints, EndpointsJson, Service, SliceJson};
    let list = step(step_name, resource);
    let objects = list["items"].as_array().unwrap().iter().map(|item| {
        let item = item.clone();
        match resource {
            Resource::Services => Object::Service(serde_json::from_value::<Service>(item).unwrap()),
            Resource::EndpointSlices => {
                Object::Endpoints(serde_json::from_value::<SliceJson>(item).unwrap().into())
            }
            Resource::Endpoints => Object::Endpoints(Endpoints::from(
                serde_json::from_value::<EndpointsJson>(item).unwrap(),
            )),
        }
    });
    objects
        .map(|object| ((object.kind(), object.name().clone()), object))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn following_the_steps_gives_the_recorded_lists() {
    for (endpoints, resource) in [
        (EndpointsSource::Slices, Resource::EndpointSlices),
        (EndpointsSource::Endpoints, Resource::Endpoints),
    ] {
        let stub = ApiStub::new();
        let selection = Selection {
            endpoints,
            ..Selection::default()
        };
        let mut follower = Follower::with(&stub, &selection, &WatchSettings::default());
        follower.until_listed().await;
        for name in STEPS {
            let lists = [step(name, Resource::Services), step(name, resource)];
            stub.replace_all(&[&lists[0], &lists[1]]);
            let mut expected = decoded(name, Resource::Services);
            expected.extend(decoded(name, resource));
            follower
                .until(name, |follower| follower.objects == expected)
                .await;
        }
        assert_eq!(follower.problem_texts(), Vec::<String>::new());
        assert_eq!(
            follower.list_count(Kind::Service),
            1,
            "all of it came by watch"
        );
    }
}
