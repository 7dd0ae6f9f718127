//! A cluster of any size, and a world that is in step with it.

use romulus_core::cluster::{ClusterChange, Endpoints, Kind, Object, Scope, Service, SliceJson};
use romulus_core::config::Config;
use romulus_core::stored::Snapshot;
use romulus_core::world::{End, World};
use serde_json::json;

/// Endpoints of each Service.
pub(crate) const ENDPOINTS: usize = 10;

/// The Service of this number.
pub(crate) fn service(n: usize) -> Service {
    let service = json!({
        "metadata": {
            "namespace": format!("team-{:02}", n % 50),
            "name": format!("web-{n:05}"),
            "uid": format!("00000000-0000-4000-8000-{n:012}"),
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"romulus/type": "external"},
            "annotations": {"romulus/host": format!("web-{n:05}.example.com")},
        },
        "spec": {"ports": [{"port": 80}]},
    });
    serde_json::from_value(service).expect("a Service")
}

/// Its slice, with this many addresses.
pub(crate) fn slice(n: usize, count: usize) -> Endpoints {
    let endpoint = |server: usize| {
        json!({"addresses": [format!("10.{server}.{}.{}", n / 250, n % 250)],
               "conditions": {"ready": true}})
    };
    let slice = json!({
        "metadata": {
            "namespace": format!("team-{:02}", n % 50),
            "name": format!("web-{n:05}-x7k2p"),
            "labels": {"kubernetes.io/service-name": format!("web-{n:05}")},
        },
        "addressType": "IPv4",
        "endpoints": (0..count).map(endpoint).collect::<Vec<_>>(),
        "ports": [{"name": "", "port": 8080}],
    });
    serde_json::from_value::<SliceJson>(slice)
        .expect("a slice")
        .into()
}

/// A world that knows a cluster of this many Services and an empty store; nothing is planned yet.
pub(crate) fn listed(services: usize) -> World {
    let mut config = Config::new("vulcand".parse().expect("a root"));
    let scopes = [Scope::all(Kind::Service), Scope::all(Kind::Endpoints)];
    config.scopes = scopes.to_vec();
    let mut world = World::new(config);
    for prefix in world.missing_prefixes() {
        world.load(&prefix, &Snapshot::default());
    }
    let numbers = || 0..services;
    let objects = [
        numbers()
            .map(|n| Object::Service(service(n)))
            .collect::<Vec<_>>(),
        numbers()
            .map(|n| Object::Endpoints(slice(n, ENDPOINTS)))
            .collect(),
    ];
    for (scope, objects) in scopes.into_iter().zip(objects) {
        let start = [ClusterChange::ListStart(scope.clone())];
        let end = [ClusterChange::ListEnd {
            scope,
            complete: true,
        }];
        world.apply(
            start
                .into_iter()
                .chain(objects.into_iter().map(ClusterChange::Apply))
                .chain(end),
        );
    }
    world
}

/// Carries out everything that is to be done, as a store that takes every write.
pub(crate) fn settle(world: &mut World, revision: &mut i64) {
    for group in world.plan().groups {
        for step in &group.steps {
            *revision += 1;
            world.committed(&step.transaction, *revision);
        }
        world.finished(&group, End::Complete);
    }
}

/// A world in step with a cluster of this many Services.
pub(crate) fn in_step(services: usize, revision: &mut i64) -> World {
    let mut world = listed(services);
    settle(&mut world, revision);
    assert!(world.plan().groups.is_empty(), "nothing is left to do");
    world
}
