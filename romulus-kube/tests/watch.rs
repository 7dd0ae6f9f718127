//! What a source on an API server tells. Time is paused: the stub is called in process, so what
//! takes hours takes none.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, which stop at once"
)]

mod common;

use std::time::Duration;

use common::{Follower, shop};
use romulus_core::cluster::{Kind, Object, ObjectName, Scope};
use romulus_kube::testing::{Fault, On, service, slice};
use romulus_kube::{EndpointsSource, Resource, Selection, WatchSettings};
use serde_json::json;
use tokio::time::{Instant, timeout};

const ALWAYS: usize = usize::MAX;
const SERVICES: Resource = Resource::Services;

#[tokio::test(start_paused = true)]
async fn lists_then_follows_changes() {
    let stub = shop(&["a", "b"]);
    let mut follower = Follower::of(&stub);
    follower.until_listed().await;
    assert_eq!(follower.services(), ["a", "b"]);
    assert_eq!(follower.names(Kind::Endpoints), ["a-1", "b-1"]);

    stub.apply(&service("shop", "c", &json!({})));
    stub.apply(&service(
        "shop",
        "a",
        &json!({"romulus/host": "new.example.com"}),
    ));
    stub.delete(SERVICES, "shop", "b");
    follower
        .until("b is gone", |f| f.services() == ["a", "c"])
        .await;
    let key = (Kind::Service, ObjectName::new("shop", "a"));
    let Object::Service(changed) = &follower.objects[&key] else {
        panic!("a Service")
    };
    let host = changed.annotations.get("romulus/host");
    assert_eq!(host.map(String::as_str), Some("new.example.com"));
    assert_eq!(
        (follower.list_count(Kind::Service), follower.problems.len()),
        (1, 0)
    );
}

fn unreadable(name: &str) -> serde_json::Value {
    json!({"kind": "Service", "metadata": {"name": name, "namespace": "shop"},
           "spec": {"ports": [{"port": "eighty"}]}})
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_decoded_does_not_block_the_others() {
    for repair in ["corrected", "deleted"] {
        let stub = shop(&["a", "b"]);
        stub.apply(&unreadable("bad"));
        let mut follower = Follower::of(&stub);
        follower.until_listed().await;
        assert_eq!(follower.services(), ["a", "b"]);
        assert_eq!(follower.lists[&Scope::all(Kind::Service)], [false]);
        assert_eq!(
            follower.problem_texts(),
            [
                "GET /api/v1/services: Service shop/bad: spec.ports[0].port: invalid type: string \
                 \"eighty\", expected u16; correct the object; until then its last readable state \
                 counts (left out; nothing is deleted because of it)"
            ]
        );
        if repair == "corrected" {
            stub.apply(&service("shop", "bad", &json!({})));
        } else {
            stub.delete(SERVICES, "shop", "bad");
        }
        let begun = Instant::now();
        follower
            .until("a complete list", |f| {
                f.lists[&Scope::all(Kind::Service)].len() == 2
            })
            .await;
        assert_eq!(
            follower.lists[&Scope::all(Kind::Service)],
            [false, true],
            "{repair}"
        );
        assert!(begun.elapsed() < Duration::from_secs(2));
        let named = follower.services().contains(&"bad".to_owned());
        assert_eq!(named, repair == "corrected");
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_becomes_undecodable_keeps_its_last_state() {
    let stub = shop(&["a", "b"]);
    let mut follower = Follower::of(&stub);
    follower.until_listed().await;
    stub.apply(&unreadable("b"));
    stub.apply(&service("shop", "c", &json!({})));
    follower
        .until("c is there", |f| f.services() == ["a", "b", "c"])
        .await;
    assert_eq!((follower.problems.len(), follower.gone.len()), (1, 0));
    // Nor does a list take it away.
    stub.expire_watches(SERVICES);
    follower
        .until("listed again", |f| f.list_count(Kind::Service) == 2)
        .await;
    assert_eq!(follower.services(), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_stands_still_stops_the_source_and_loses_nothing() {
    let stub = shop(&["a"]);
    let mut follower = Follower::of(&stub);
    follower.until_listed().await;
    for minute in 0..10 {
        for i in 0..100 {
            let host = json!({"romulus/host": format!("{minute}.{i}.example.com")});
            stub.apply(&service("shop", &format!("s{i}"), &host));
            // Each change is a batch of its own: the watch runs between them.
            tokio::time::sleep(Duration::from_millis(600)).await;
        }
    }
    let mut waiting = 0;
    while follower.source.try_next().is_some() {
        waiting += 1;
    }
    assert!(waiting <= 17, "{waiting} batches in memory");
    // What was taken out above is lost to this test alone: a new list shows all.
    stub.expire_watches(SERVICES);
    follower
        .until("all is there", |f| f.services().len() == 101)
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_selector_is_applied_by_the_server_and_leaving_it_is_a_deletion() {
    let stub = shop(&["a", "b"]);
    stub.apply(&json!({"kind": "Service", "metadata": {"name": "other", "namespace": "shop"}}));
    let selection = Selection {
        selector: "type=external".parse().unwrap(),
        ..Selection::default()
    };
    let mut follower = Follower::with(&stub, &selection, &WatchSettings::default());
    follower.until_listed().await;
    assert_eq!(follower.services(), ["a", "b"]);
    assert_eq!(
        follower.names(Kind::Endpoints),
        ["a-1", "b-1"],
        "endpoints come unfiltered"
    );
    stub.apply(&json!({"kind": "Service", "metadata": {"name": "a", "namespace": "shop"}}));
    follower.until("a left", |f| f.services() == ["b"]).await;
    for request in stub.requests() {
        let expected = request.is_for(SERVICES).then_some("romulus/type=external");
        assert_eq!(request.parameter("labelSelector"), expected, "{request:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn namespaces_are_listed_each_by_itself() {
    let stub = shop(&["a"]);
    stub.apply(&service("blog", "b", &json!({})));
    stub.apply(&service("other", "c", &json!({})));
    let namespaces = vec!["shop".to_owned(), "blog".to_owned()];
    let selection = Selection {
        namespaces,
        ..Selection::default()
    };
    let mut follower = Follower::with(&stub, &selection, &WatchSettings::default());
    follower.until_listed().await;
    assert_eq!(follower.services(), ["blog/b", "a"]);
    assert_eq!(follower.source.scopes().len(), 4);
    assert!(
        stub.requests()
            .iter()
            .all(|r| r.path.contains("/namespaces/") || r.path == "/apis/discovery.k8s.io/v1")
    );
}

#[tokio::test(start_paused = true)]
async fn endpoints_come_from_slices_where_there_are_any() {
    let endpoints = json!({"kind": "Endpoints", "metadata": {"name": "a", "namespace": "shop"},
        "subsets": [{"addresses": [{"ip": "10.0.0.9"}], "ports": [{"port": 80}]}]});
    for (source, served, expected) in [
        (EndpointsSource::Auto, true, "a-1"),
        (EndpointsSource::Auto, false, "a"),
        (EndpointsSource::Slices, true, "a-1"),
        (EndpointsSource::Endpoints, true, "a"),
    ] {
        let stub = shop(&["a"]);
        stub.apply(&endpoints);
        stub.serve_slices(served);
        let selection = Selection {
            endpoints: source,
            ..Selection::default()
        };
        let mut follower = Follower::with(&stub, &selection, &WatchSettings::default());
        follower.until_listed().await;
        assert_eq!(
            follower.names(Kind::Endpoints),
            [expected],
            "{source:?} {served}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn discovery_is_asked_again_until_it_answers() {
    for fault in [
        Fault::Status(503),
        Fault::Html,
        Fault::Hang,
        Fault::Status(403),
    ] {
        let stub = shop(&["a"]);
        stub.fail(On::Discovery, fault, 2);
        let mut follower = Follower::of(&stub);
        follower.until_listed().await;
        assert_eq!(follower.names(Kind::Endpoints), ["a-1"]);
        assert_eq!(follower.problems.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn slices_asked_for_where_there_are_none_is_a_problem_with_a_way_out() {
    let stub = shop(&["a"]);
    stub.serve_slices(false);
    let selection = Selection {
        endpoints: EndpointsSource::Slices,
        ..Selection::default()
    };
    let mut follower = Follower::with(&stub, &selection, &WatchSettings::default());
    follower
        .until("a problem", |f| !f.problems.is_empty())
        .await;
    let text = &follower.problem_texts()[0];
    assert!(text.contains("--endpoints-source endpoints"), "{text}");
    assert!(follower.problems[0].is_fatal());
}

#[tokio::test(start_paused = true)]
async fn a_slice_that_moves_to_another_service_comes_under_its_own_name() {
    let stub = shop(&["a", "b"]);
    let mut follower = Follower::of(&stub);
    follower.until_listed().await;
    stub.apply(&slice("shop", "a-1", "b", &["10.0.0.1"], 80));
    let key = (Kind::Endpoints, ObjectName::new("shop", "a-1"));
    follower
        .until("it moved", |f| {
            let Object::Endpoints(endpoints) = &f.objects[&key] else {
                panic!("endpoints")
            };
            endpoints.service == Some(ObjectName::new("shop", "b"))
        })
        .await;
    assert_eq!(follower.names(Kind::Endpoints), ["a-1", "b-1"]);
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_the_source_whatever_it_does() {
    for fault in [None, Some(Fault::Hang), Some(Fault::Status(500))] {
        let stub = shop(&["a"]);
        if let Some(fault) = fault {
            stub.fail(On::Any, fault, ALWAYS);
        }
        let cancel = tokio_util::sync::CancellationToken::new();
        let settings = WatchSettings::default();
        let mut source =
            romulus_kube::watch(&stub.client(), &Selection::default(), &settings, &cancel);
        tokio::time::sleep(Duration::from_secs(10)).await;
        cancel.cancel();
        let ended = timeout(Duration::from_secs(1), async {
            while source.next().await.is_some() {}
        });
        assert_eq!(ended.await, Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn who_looks_once_gets_every_scope_or_the_reason_why_not() {
    let stub = shop(&["a"]);
    stub.fail(On::List(SERVICES), Fault::Status(503), 2);
    let (selection, settings) = (Selection::default(), WatchSettings::default());
    let cancel = tokio_util::sync::CancellationToken::new();
    let mut source = romulus_kube::watch(&stub.client(), &selection, &settings, &cancel);
    let loaded = source.listed().await.unwrap();
    assert_eq!((loaded.changes.len(), loaded.problems.len()), (6, 2));

    stub.fail(On::List(SERVICES), Fault::Status(403), 1);
    let mut source = romulus_kube::watch(&stub.client(), &selection, &settings, &cancel);
    let problem = source.listed().await.unwrap_err().unwrap();
    assert!(problem.to_string().contains("answered 403"), "{problem}");

    let mut source = romulus_kube::watch(&stub.client(), &selection, &settings, &cancel);
    cancel.cancel();
    assert_eq!(source.listed().await, Err(None));
}
