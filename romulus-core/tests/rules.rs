//! The world rules and the order of writes, one scenario each.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of a test fail it by panicking"
)]

use romulus_core::config::Config;
use romulus_core::testing::{Harness, MapStore};
use serde_json::{Value, json};

fn service(namespace: &str, name: &str, annotations: Value) -> Value {
    json!({
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "uid": format!("uid-{namespace}-{name}"),
                     "creationTimestamp": "2026-01-01T00:00:00Z", "annotations": annotations},
        "spec": {"ports": [{"port": 80}]},
    })
}

fn slice(namespace: &str, service: &str, addresses: &[&str]) -> Value {
    let endpoints: Vec<_> = addresses
        .iter()
        .map(|a| json!({"addresses": [a]}))
        .collect();
    json!({
        "kind": "EndpointSlice",
        "metadata": {"name": format!("{service}-1"), "namespace": namespace,
                     "labels": {"kubernetes.io/service-name": service}},
        "endpoints": endpoints, "ports": [{"port": 8080}],
    })
}

const LIMIT: &str =
    r#"{"Type":"connlimit","Middleware":{"Connections":9,"Variable":"client.ip"},"Priority":1}"#;

#[test]
fn a_service_is_created_backend_frontend_middlewares_servers() {
    let mut harness = Harness::new("vulcand");
    let annotations = json!({"romulus/host": "a.test", "romulus/middleware.limit": LIMIT});
    harness.list(&[
        service("prod", "web", annotations),
        slice("prod", "web", &["10.0.0.1", "10.0.0.2"]),
    ]);
    insta::assert_snapshot!(harness.narrate());
}

#[test]
fn a_service_is_deleted_frontend_middlewares_servers_backend() {
    let annotations = json!({"romulus/host": "a.test", "romulus/middleware.limit": LIMIT});
    let mut harness = Harness::synced(&[
        service("prod", "web", annotations),
        slice("prod", "web", &["10.0.0.1"]),
    ]);
    harness.delete("Service", "prod", "web");
    insta::assert_snapshot!(harness.narrate());
    assert_eq!(
        harness.store.contents().len(),
        0,
        "{:?}",
        harness.store.contents()
    );
}

#[test]
fn what_is_new_is_put_before_what_is_old_goes() {
    let annotations = json!({"romulus/host": "a.test", "romulus/middleware.limit": LIMIT});
    let mut harness = Harness::synced(&[
        service("prod", "web", annotations),
        slice("prod", "web", &["10.0.0.1"]),
    ]);
    let annotations = json!({"romulus/host": "b.test", "romulus/middleware.other": LIMIT});
    harness.apply(&[
        service("prod", "web", annotations),
        slice("prod", "web", &["10.0.0.2"]),
    ]);
    insta::assert_snapshot!(harness.narrate());
}

#[test]
fn a_frontend_with_middlewares_on_a_live_backend_settles_first() {
    let mut harness = Harness::synced(&[
        service("prod", "web", json!({"romulus/scheme": "http"})),
        slice("prod", "web", &["10.0.0.1"]),
    ]);
    let annotations = json!({"romulus/host": "a.test", "romulus/middleware.limit": LIMIT});
    harness.apply(&[service("prod", "web", annotations)]);
    insta::assert_snapshot!(harness.narrate());
}

#[test]
fn an_interrupted_settling_goes_on_after_a_restart() {
    let objects = [
        service(
            "prod",
            "web",
            json!({"romulus/host": "a.test", "romulus/middleware.limit": LIMIT}),
        ),
        slice("prod", "web", &["10.0.0.1"]),
    ];
    let mut harness = Harness::synced(&[
        service("prod", "web", json!({"romulus/scheme": "http"})),
        slice("prod", "web", &["10.0.0.1"]),
    ]);
    harness.apply(&objects);
    let plan = harness.plan();
    harness.commit_steps(&plan.groups[0], 1);
    let mut fresh = harness.restart();
    fresh.list(&objects);
    insta::assert_snapshot!(fresh.narrate());
}

#[test]
fn two_services_swap_their_routes() {
    let mut harness = Harness::synced(&[
        service("prod", "a", json!({"romulus/host": "a.test"})),
        service("prod", "b", json!({"romulus/host": "b.test"})),
    ]);
    harness.apply(&[
        service("prod", "a", json!({"romulus/host": "b.test"})),
        service("prod", "b", json!({"romulus/host": "a.test"})),
    ]);
    insta::assert_snapshot!(harness.narrate());
}

#[test]
fn the_oldest_service_wins_a_route_and_a_stored_one_keeps_it() {
    let mut old = service("prod", "old", json!({"romulus/host": "a.test"}));
    old["metadata"]["creationTimestamp"] = json!("2020-01-01T00:00:00Z");
    let new = service("prod", "new", json!({"romulus/host": "a.test"}));
    let harness = Harness::synced(&[new.clone(), old.clone()]);
    assert!(harness.store.tree().contains("frontends/old.prod"));
    insta::assert_snapshot!(harness.diagnostics(), @r#"error[route-conflict]: Service prod/new: the route Host(`a.test`) belongs to frontend old.prod in vulcand: frontend new.prod in vulcand is not written (change one of the routes; a stored one keeps its place, then the oldest Service)"#);

    let mut harness = Harness::synced(std::slice::from_ref(&new));
    harness.apply(&[old]);
    harness.sync();
    assert!(harness.store.tree().contains("frontends/new.prod"));
    assert!(!harness.store.tree().contains("frontends/old.prod"));
    // A freed route is handed over.
    harness.delete("Service", "prod", "new");
    insta::assert_snapshot!(harness.narrate());
    assert_eq!(harness.diagnostics(), "");
}

#[test]
fn a_service_that_says_no_tree_is_found_when_what_made_its_tree_unclear_has_gone() {
    let mut harness = Harness::synced(&[service("prod", "web", json!({"romulus/host": "a.test"}))]);
    let elsewhere = "romulus/objects/edge/backends/web.prod";
    let record = r#"{"owner":"default","service":"prod/web","uid":"uid-prod-web"}"#;
    harness.store.put(elsewhere, record);
    let mut held = service("prod", "web", json!({"romulus/host": "a.test"}));
    held["metadata"]["labels"] = json!({"romulus/vulcanKey": "romulus"});
    held["metadata"]["uid"] = json!("another");
    let mut harness = harness.restart();
    harness.list(std::slice::from_ref(&held));
    harness.sync();
    harness.store.delete(elsewhere);
    harness.observe();
    harness.sync();
    let mut fresh = harness.restart();
    fresh.list(&[held]);
    assert_eq!(fresh.narrate(), "");
    let record = &harness.store.contents()["romulus/objects/vulcand/backends/web.prod"];
    assert!(record.contains("another"), "{record}");
}

/// What is wrong with one Service is not in the way of another.
#[test]
fn frontends_that_stay_as_they_are_follow_a_backend_that_moves() {
    let wrong = [
        json!({"romulus/host": "a.test", "romulus/frontendSettings": "no JSON"}),
        json!({"romulus/host": "taken.test"}),
        json!({"romulus/host": "a.test", "romulus/backend": "nobody"}),
    ];
    for wrong in wrong {
        let mut harness = Harness::synced(&[
            service(
                "prod",
                "web",
                json!({"romulus/host": "a.test", "romulus/middleware.limit": LIMIT}),
            ),
            slice("prod", "web", &["10.0.0.1"]),
            service("prod", "other", json!({"romulus/host": "taken.test"})),
        ]);
        harness.apply(&[service("prod", "web", wrong)]);
        harness.apply(&[
            service("prod-eu", "web", json!({"romulus/host": "b.test"})),
            slice("prod-eu", "web", &["10.0.0.2"]),
        ]);
        harness.sync();
        let tree = harness.store.tree();
        let frontend =
            r#"{"Id":"web.prod","Type":"http","BackendId":"web.prod_","Route":"Host(`a.test`)"}"#;
        assert!(tree.contains(frontend), "{tree}");
        assert!(
            tree.contains("vulcand/backends/web.prod-eu/servers/10.0.0.2 "),
            "{tree}"
        );
        assert!(!tree.contains("vulcand/backends/web.prod/"), "{tree}");
        assert!(
            harness.diagnostics().contains("error["),
            "it is wrong still"
        );
    }
}

/// Two that would swap their routes are held up by a third that is older than one of them and
/// never gets the route either.
#[test]
fn whoever_waits_for_a_route_gets_it_when_one_that_never_had_it_gives_up() {
    let first = |host: &str| service("prod", "first", json!({"romulus/host": host}));
    let second = |host: &str| service("prod", "second", json!({"romulus/host": host}));
    let mut oldest = service("prod", "oldest", json!({"romulus/host": "a.test"}));
    oldest["metadata"]["creationTimestamp"] = json!("2020-01-01T00:00:00Z");
    let held_up = || {
        let mut harness = Harness::synced(&[first("a.test"), second("b.test")]);
        harness.apply(std::slice::from_ref(&oldest));
        harness.sync();
        harness.apply(&[first("b.test"), second("a.test")]);
        assert_eq!(harness.narrate(), "");
        harness
    };
    let mut harness = held_up();
    harness.delete("Service", "prod", "oldest");
    harness.sync();
    assert_eq!(harness.diagnostics(), "");

    let mut harness = held_up();
    oldest["metadata"]["annotations"] = json!({"romulus/host": "c.test"});
    harness.apply(&[oldest]);
    harness.sync();
    assert_eq!(harness.diagnostics(), "");
    let first = harness.store.get("vulcand/frontends/first.prod/frontend");
    assert!(first.is_some_and(|entry| entry.value.contains("Host(`b.test`)")));
}

#[test]
fn a_backend_moves_before_one_is_written_whose_id_begins_with_its_own() {
    let mut harness = Harness::synced(&[
        service("prod", "web", json!({"romulus/host": "a.test"})),
        slice("prod", "web", &["10.0.0.1"]),
    ]);
    let others = [
        service("prod-eu", "web", json!({"romulus/host": "b.test"})),
        slice("prod-eu", "web", &["10.0.0.2"]),
    ];
    harness.apply(&others);
    insta::assert_snapshot!("backend_moves", harness.narrate());
    // It stays there when the reason has gone.
    harness.delete("Service", "prod-eu", "web");
    harness.sync();
    insta::assert_snapshot!("backend_stays", harness.store.tree());
}

#[test]
fn a_backend_that_never_moved_need_not_when_the_reason_has_gone() {
    let held = json!({"romulus/host": "a.test", "romulus/backendSettings": "{nonsense"});
    let long = service("prod-eu", "web", json!({"romulus/host": "b.test"}));
    let mut harness = Harness::synced(&[
        service("prod", "web", held),
        slice("prod", "web", &["10.0.0.1"]),
        long.clone(),
    ]);
    assert!(
        harness.diagnostics().contains("web.prod_"),
        "{}",
        harness.diagnostics()
    );
    harness.delete("Service", "prod-eu", "web");
    harness.sync();
    assert!(
        !harness.diagnostics().contains("web.prod_"),
        "{}",
        harness.diagnostics()
    );
    // The next one whose id begins with its own lets it move again.
    harness.apply(&[long]);
    harness.apply(&[service("prod", "web", json!({"romulus/host": "a.test"}))]);
    harness.sync();
    let tree = harness.store.tree();
    assert!(
        tree.contains("vulcand/backends/web.prod_/servers/10.0.0.1"),
        "{tree}"
    );
    assert!(!tree.contains("vulcand/backends/web.prod/"), "{tree}");
}

#[test]
fn a_backend_beside_a_foreign_one_whose_id_it_begins_with_is_not_written() {
    let mut store = MapStore::default();
    store.put("vulcand/backends/web.prod/backend", r#"{"Type":"http"}"#);
    let mut harness = Harness::with(Config::new("vulcand".parse().unwrap()), store);
    harness.list(&[service("prod-eu", "web", json!({"romulus/host": "b.test"}))]);
    assert_eq!(harness.narrate(), "");
    insta::assert_snapshot!(harness.diagnostics());
    harness.store.delete("vulcand/backends/web.prod/backend");
    insta::assert_snapshot!("foreign_backend_gone", harness.narrate());
    assert_eq!(harness.diagnostics(), "");
}

#[test]
fn a_backend_beside_a_foreign_one_whose_id_is_its_own_with_an_underscore_is_not_written() {
    let mut store = MapStore::default();
    store.put("vulcand/backends/web.prod_/backend", r#"{"Type":"http"}"#);
    let mut harness = Harness::with(Config::new("vulcand".parse().unwrap()), store);
    harness.list(&[service("prod", "web", json!({"romulus/host": "b.test"}))]);
    assert_eq!(harness.narrate(), "");
    assert!(
        harness.diagnostics().contains("error[id-conflict]"),
        "{}",
        harness.diagnostics()
    );
}

#[test]
fn a_move_to_the_shorter_root_deletes_first() {
    let mut labelled = service(
        "prod",
        "web",
        json!({"romulus/host": "a.test", "romulus/middleware.limit": LIMIT}),
    );
    labelled["metadata"]["labels"] = json!({"romulus/vulcanKey": "vulcand-test"});
    let endpoints = slice("prod", "web", &["10.0.0.1"]);
    let mut harness = Harness::synced(&[labelled.clone(), endpoints]);
    let mut plain = labelled.clone();
    plain["metadata"]["labels"] = json!({});
    harness.apply(&[plain]);
    insta::assert_snapshot!("move_to_shorter_root", harness.narrate());
    harness.apply(&[labelled]);
    insta::assert_snapshot!("move_to_longer_root", harness.narrate());
}

#[test]
fn what_a_delete_under_a_longer_root_takes_away_is_written_again() {
    let mut store = MapStore::default();
    store.put(
        "vulcand-test/backends/web.prod/backend",
        r#"{"Type":"http"}"#,
    );
    store.put(
        "vulcand-test/frontends/web.prod/frontend",
        r#"{"Type":"http","BackendId":"web.prod","Route":"Host(`t`)"}"#,
    );
    let mut harness = Harness::with(Config::new("vulcand".parse().unwrap()), store);
    let mut other = service("prod", "other", json!({}));
    other["metadata"]["labels"] = json!({"romulus/vulcanKey": "vulcand-test"});
    harness.list(&[
        service(
            "prod",
            "web",
            json!({"romulus/host": "a.test", "romulus/middleware.limit": LIMIT}),
        ),
        slice("prod", "web", &["10.0.0.1"]),
        other,
    ]);
    harness.sync();
    assert_eq!(harness.narrate(), "");
    harness
        .store
        .delete("vulcand-test/frontends/web.prod/frontend");
    insta::assert_snapshot!("lost_frontend", harness.narrate());
    harness
        .store
        .delete("vulcand-test/backends/web.prod/backend");
    insta::assert_snapshot!("lost_backend", harness.narrate());
}

#[test]
fn a_lost_head_is_created_again_with_all_its_children() {
    let mut harness = Harness::synced(&[
        service(
            "prod",
            "web",
            json!({"romulus/host": "a.test", "romulus/middleware.limit": LIMIT}),
        ),
        slice("prod", "web", &["10.0.0.1"]),
    ]);
    harness.store.delete("vulcand/frontends/web.prod/frontend");
    insta::assert_snapshot!("deleted_frontend", harness.narrate());
    harness.store.delete("vulcand/backends/web.prod/backend");
    insta::assert_snapshot!("deleted_backend", harness.narrate());
}

#[test]
fn settings_that_vulcand_would_not_notice_come_with_another_predicate_text() {
    let mut harness = Harness::synced(&[service("prod", "web", json!({"romulus/host": "a.test"}))]);
    harness.apply(&[service(
        "prod",
        "web",
        json!({"romulus/host": "a.test", "romulus/passHostHeader": "true"}),
    )]);
    insta::assert_snapshot!("pass_host_on", harness.narrate());
    harness.apply(&[service("prod", "web", json!({"romulus/host": "a.test"}))]);
    insta::assert_snapshot!("pass_host_off", harness.narrate());
}

#[test]
fn a_blue_green_switch_is_one_write() {
    let blue = service("prod", "blue", json!({"romulus/scheme": "http"}));
    let green = service("prod", "green", json!({"romulus/scheme": "http"}));
    let shop = |backend: &str| {
        let mut shop = service(
            "prod",
            "shop",
            json!({"romulus/host": "a.test", "romulus/backend": backend}),
        );
        shop["spec"]["ports"] = json!([{"port": 80}]);
        shop
    };
    let mut harness = Harness::synced(&[
        blue,
        green,
        shop("blue"),
        slice("prod", "blue", &["10.0.0.1"]),
        slice("prod", "green", &["10.0.0.2"]),
    ]);
    harness.apply(&[shop("green")]);
    insta::assert_snapshot!("switch", harness.narrate());
    harness.apply(&[shop("red")]);
    assert_eq!(harness.narrate(), "");
    insta::assert_snapshot!("no_such_target", harness.diagnostics());
    harness.apply(&[shop("green")]);
    harness.delete("Service", "prod", "blue");
    insta::assert_snapshot!("old_version_removed", harness.narrate());
    // The one in use is not deleted, whatever happens to its Service.
    harness.delete("Service", "prod", "green");
    insta::assert_snapshot!(
        "used_version_removed",
        harness.narrate() + &harness.diagnostics()
    );
}

#[test]
fn a_namespace_claims_the_hosts_it_may_and_no_others() {
    let mut config = Config::new("vulcand".parse().unwrap());
    config.allow_hosts = ["shop=*.shop.test".parse().unwrap()].into_iter().collect();
    let mut harness = Harness::with(config, MapStore::default());
    harness.list(&[
        service("shop", "web", json!({"romulus/host": "www.shop.test"})),
        service("shop", "all", json!({"romulus/path": "/everything"})),
        service("shop", "any", json!({"romulus/hostRegexp": ".*shop.test"})),
        service(
            "blog",
            "web",
            json!({"romulus/host": "www.shop.test", "romulus/path": "/"}),
        ),
    ]);
    harness.sync();
    harness.apply(&[service(
        "shop",
        "web",
        json!({"romulus/host": "shop.test.evil.test"}),
    )]);
    harness.sync();
    let said: Vec<String> = harness
        .world
        .diagnostics()
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!(format!("{}\n{}", harness.store.tree(), said.join("\n")));
}

#[test]
fn a_backend_that_moves_keeps_the_names_of_its_servers() {
    let pods = |port: u16| {
        let mut slice = slice("prod", "web", &["10.0.0.1"]);
        slice["metadata"]["name"] = json!(format!("web-{port}"));
        slice["ports"][0]["port"] = json!(port);
        slice
    };
    let mut harness = Harness::synced(&[
        service("prod", "web", json!({"romulus/host": "a.test"})),
        pods(81),
    ]);
    harness.apply(&[pods(80)]);
    harness.sync();
    harness.apply(&[service("prod-eu", "web", json!({"romulus/host": "b.test"}))]);
    harness.sync();
    let tree = harness.store.tree();
    assert!(
        tree.contains(r#"web.prod_/servers/10.0.0.1 {"URL":"http://10.0.0.1:81"}"#),
        "{tree}"
    );
    assert!(
        tree.contains(r#"web.prod_/servers/10.0.0.1-80 {"URL":"http://10.0.0.1:80"}"#),
        "{tree}"
    );
}

#[test]
fn a_paused_key_is_left_alone_and_its_neighbours_are_not() {
    let host = |host: &str| service("prod", "web", json!({"romulus/host": host}));
    let mut harness = Harness::synced(&[
        host("a.test"),
        slice("prod", "web", &["10.0.0.1", "10.0.0.2"]),
    ]);
    let frontend = "vulcand/frontends/web.prod/frontend";
    let server = "vulcand/backends/web.prod/servers/10.0.0.1";
    let (theirs, other) = (
        r#"{"Type":"http","BackendId":"web.prod","Route":"Path(`/x`)"}"#,
        r#"{"URL":"http://10.6.6.6:1"}"#,
    );
    for key in [frontend, server] {
        harness.world.pause(key);
    }
    harness.store.put(frontend, theirs);
    harness.store.put(server, other);
    harness.apply(&[
        host("b.test"),
        slice("prod", "web", &["10.0.0.1", "10.0.0.3"]),
    ]);
    harness.sync();
    let stored = harness.store.contents();
    assert_eq!(
        (stored[frontend].as_str(), stored[server].as_str()),
        (theirs, other)
    );
    let servers = |harness: &Harness| harness.store.tree().matches("/servers/").count();
    assert_eq!(servers(&harness), 2, "{}", harness.store.tree());
    for key in [frontend, server] {
        harness.world.resume(key);
    }
    harness.sync();
    let stored = harness.store.contents();
    assert!(stored[frontend].contains("b.test"), "{stored:?}");
    assert!(stored[server].contains("10.0.0.1"), "{stored:?}");
    // An object that goes takes its paused keys along.
    harness.world.pause(server);
    harness.delete("Service", "prod", "web");
    harness.sync();
    assert_eq!(harness.store.tree(), "");
}

#[test]
fn servers_follow_where_a_backend_moves_although_its_service_is_held() {
    let mut harness = Harness::synced(&[service("prod", "api", json!({"romulus/host": "a.test"}))]);
    // It does not follow, so the old backend stays.
    harness.world.pause("vulcand/frontends/api.prod/frontend");
    harness.apply(&[service("prod-eu", "api", json!({"romulus/path": "/x"}))]);
    harness.sync();
    let mut held = service("prod", "api", json!({}));
    held["metadata"]["labels"] = json!({"romulus/vulcanKey": "romulus"});
    harness.apply(&[held]);
    harness.apply(&[slice("prod", "api", &["10.0.0.1"])]);
    harness.sync();
    let tree = harness.store.tree();
    for id in ["api.prod", "api.prod_"] {
        let server = format!("vulcand/backends/{id}/servers/10.0.0.1 ");
        assert!(tree.contains(&server), "{tree}");
    }
}
