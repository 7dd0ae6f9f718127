//! The brake: absence proves little.

use romulus_core::cluster::{ClusterChange, Endpoints, Kind, Object, ObjectName, Scope, Service};
use romulus_core::config::Config;
use romulus_core::diagnostic::Code;
use romulus_core::testing::{Harness, MapStore};
use serde_json::json;

fn service(number: usize) -> Object {
    let service: Service = serde_json::from_value(json!({
        "metadata": {
            "name": format!("s{number}"),
            "annotations": {"romulus/host": format!("h{number}.example")},
        },
        "spec": {"ports": [{"port": 80}]},
    }))
    .expect("a Service");
    Object::Service(service)
}

fn slice(number: usize, addresses: &[&str]) -> Object {
    let endpoints: Vec<_> = addresses
        .iter()
        .map(|a| json!({"addresses": [a]}))
        .collect();
    let slice: romulus_core::cluster::SliceJson = serde_json::from_value(json!({
        "metadata": {
            "name": format!("s{number}-x"),
            "labels": {"kubernetes.io/service-name": format!("s{number}")},
        },
        "endpoints": endpoints,
        "ports": [{"port": 80}],
    }))
    .expect("a slice");
    Object::Endpoints(Endpoints::from(slice))
}

/// Services and one server each.
fn cluster(numbers: impl IntoIterator<Item = usize>) -> Vec<Object> {
    let both = |number| {
        [
            service(number),
            slice(number, &[&format!("10.0.0.{number}")]),
        ]
    };
    numbers.into_iter().flat_map(both).collect()
}

/// A romulus that has published so many Services.
fn published(count: usize) -> Harness {
    let mut harness = Harness::with(Config::new("vulcand".parse().unwrap()), MapStore::default());
    harness.list_objects(&cluster(1..=count));
    harness.sync();
    assert_eq!(harness.world.owned(), 2 * count);
    harness
}

fn withheld(harness: &Harness) -> usize {
    harness
        .world
        .diagnostics()
        .filter(|found| found.code == Code::DeletionWithheld)
        .count()
}

fn delete(harness: &mut Harness, number: usize) {
    let name = ObjectName::new("default", format!("s{number}"));
    harness
        .world
        .apply([ClusterChange::Delete(Kind::Service, name)]);
}

#[test]
fn a_start_that_misses_too_many_services_deletes_nothing_and_does_everything_else() {
    let before = published(5);
    let mut harness = before.restart();
    let mut objects = cluster(1..=3);
    objects.push(service(6));
    objects.push(slice(1, &["10.0.0.99"]));
    objects.retain(|object| !matches!(object, Object::Endpoints(e) if e.name.name() == "s1-x" && e.sets[0].endpoints[0].address.to_string() == "10.0.0.1"));
    harness.list_objects(&objects);
    harness.sync();
    assert_eq!(withheld(&harness), 4, "{}", harness.diagnostics());
    let (before, after) = (before.store.contents(), harness.store.contents());
    let gone: Vec<_> = before
        .keys()
        .filter(|key| !after.contains_key(*key))
        .collect();
    assert_eq!(gone, ["vulcand/backends/s1.default/servers/10.0.0.1"]);
    assert!(after.contains_key("vulcand/frontends/s6.default/frontend"));
    assert!(after.contains_key("vulcand/backends/s1.default/servers/10.0.0.99"));
}

#[test]
fn an_empty_list_after_a_full_one_deletes_nothing() {
    let mut harness = published(5);
    let before = harness.store.contents();
    harness.list_objects(&[]);
    assert_eq!(harness.sync(), []);
    assert_eq!(harness.store.contents(), before);
    // Ten objects; the servers of a backend that is withheld stay with it.
    assert_eq!(withheld(&harness), 10, "{}", harness.diagnostics());
}

#[test]
fn services_that_come_back_one_by_one_do_not_release_the_rest() {
    let mut harness = published(5);
    let before = harness.store.contents();
    harness.list_objects(&[]);
    for number in 1..=5 {
        assert_eq!(harness.sync(), [], "with {number} missing");
        assert_eq!(withheld(&harness), 2 * (6 - number));
        harness
            .world
            .apply(cluster([number]).into_iter().map(ClusterChange::Apply));
    }
    assert_eq!(harness.sync(), []);
    assert_eq!(withheld(&harness), 0);
    assert_eq!(harness.store.contents(), before);
    // All came back, so the brake is off: one missing Service of five is below the limit.
    harness.list_objects(&cluster(1..=4));
    harness.sync();
    assert_eq!(harness.world.owned(), 8);
}

#[test]
fn what_is_below_the_limit_or_of_a_small_owner_is_deleted() {
    // 2 of 10 objects are 20 %.
    let mut harness = published(5);
    harness.list_objects(&cluster(1..=4));
    harness.sync();
    assert_eq!(harness.world.owned(), 8);
    // Of fewer than 10, every share may go.
    harness.list_objects(&[]);
    harness.sync();
    assert_eq!(harness.world.owned(), 0);
    assert_eq!(harness.store.contents().len(), 0);
}

#[test]
fn exactly_the_limit_is_not_too_many() {
    // 6 of 20 objects are 30 %.
    let mut harness = published(10);
    harness.list_objects(&cluster(1..=7));
    harness.sync();
    assert_eq!(harness.world.owned(), 14);
}

#[test]
fn deletions_that_are_seen_pass() {
    let mut harness = published(5);
    for number in 1..=5 {
        delete(&mut harness, number);
    }
    harness.sync();
    assert_eq!(harness.store.contents().len(), 0);
}

#[test]
fn a_confirmed_start_deletes() {
    let before = published(5);
    let mut config = before.world.config().clone();
    config.max_delete_percent = 100;
    let mut harness = Harness::with(config, before.store.clone());
    harness.list_objects(&[]);
    harness.sync();
    assert_eq!(harness.store.contents().len(), 0);
}

#[test]
fn an_incomplete_list_infers_nothing() {
    let mut harness = published(5);
    let before = harness.store.contents();
    let scope = Scope::all(Kind::Service);
    let restart = |complete| {
        let services = cluster(1..=4)
            .into_iter()
            .filter(|o| o.kind() == Kind::Service);
        std::iter::once(ClusterChange::ListStart(scope.clone()))
            .chain(services.map(ClusterChange::Apply))
            .chain([ClusterChange::ListEnd {
                scope: scope.clone(),
                complete,
            }])
            .collect::<Vec<_>>()
    };
    // While it runs, and at a start: the fifth may be what could not be read.
    harness.world.apply(restart(false));
    assert_eq!(harness.sync(), []);
    let mut fresh = harness.restart();
    let slices: Vec<Object> = cluster(1..=5)
        .into_iter()
        .filter(|o| o.kind() == Kind::Endpoints)
        .collect();
    fresh.list_objects(&slices);
    fresh.world.apply(restart(false));
    assert_eq!(fresh.sync(), []);
    assert_eq!(withheld(&fresh), 2);
    assert_eq!(fresh.store.contents(), before);
    // The object was corrected: now its absence counts.
    fresh.world.apply(restart(true));
    fresh.sync();
    assert_eq!(fresh.world.owned(), 8);
}

#[test]
fn last_servers_that_vanish_from_a_list_count_as_losses_and_are_kept() {
    let mut harness = published(5);
    let before = harness.store.contents();
    let services: Vec<Object> = (1..=5).map(service).collect();
    // Five of ten objects would lose what they are for.
    harness.list_objects(&services);
    assert_eq!(harness.sync(), []);
    assert_eq!(harness.store.contents(), before);
    assert_eq!(withheld(&harness), 5, "{}", harness.diagnostics());
    // So does a start that misses them.
    let mut fresh = harness.restart();
    fresh.list_objects(&services);
    assert_eq!(fresh.sync(), []);
    assert_eq!(fresh.store.contents(), before);
    // What is seen to go, goes.
    let mut harness = published(5);
    for number in 1..=5 {
        let name = ObjectName::new("default", format!("s{number}-x"));
        harness
            .world
            .apply([ClusterChange::Delete(Kind::Endpoints, name)]);
    }
    assert_eq!(harness.sync().iter().map(|t| t.ops.len()).sum::<usize>(), 5);
    assert_eq!(harness.world.owned(), 10);
}

#[test]
fn a_withheld_service_can_still_be_deleted_once_it_is_seen_to_go() {
    let mut harness = published(5);
    harness.list_objects(&[]);
    assert_eq!(harness.sync(), []);
    // It comes back and is deleted: that was no mistake of a list.
    harness.world.apply([ClusterChange::Apply(service(1))]);
    harness.sync();
    delete(&mut harness, 1);
    harness.sync();
    assert_eq!(harness.world.owned(), 8);
    assert_eq!(withheld(&harness), 8);
}
