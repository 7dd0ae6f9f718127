//! The same as instruction counts, which do not drift: `cargo bench -p romulus-core --bench
//! instructions`, with valgrind and gungraun-runner at hand.
#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark stops where it is set up wrongly"
)]

mod cluster;

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use romulus_core::cluster::{ClusterChange, Endpoints, Object, Service};
use romulus_core::config::Config;
use romulus_core::map::{Blueprint, servers};
use romulus_core::world::{Plan, World};

use cluster::{ENDPOINTS, in_step, listed, service, settle, slice};

#[library_benchmark]
#[bench::with_10_endpoints(service(1), slice(1, ENDPOINTS), Config::new("vulcand".parse().expect("a root")))]
fn map(service: Service, slice: Endpoints, config: Config) -> Blueprint {
    let blueprint = Blueprint::of(black_box(&service), &config);
    let mut found = Vec::new();
    for port in &blueprint.ports {
        black_box(servers(&service, &port.port, [&slice], &mut found));
    }
    blueprint
}

fn changed(services: usize) -> (World, ClusterChange, i64) {
    let mut revision = 0;
    let world = in_step(services, &mut revision);
    (
        world,
        ClusterChange::Apply(Object::Endpoints(slice(7, ENDPOINTS + 1))),
        revision,
    )
}

#[library_benchmark(setup = changed)]
#[bench::of_100(100)]
#[bench::of_1_000(1_000)]
fn change((mut world, change, mut revision): (World, ClusterChange, i64)) -> World {
    world.apply([change]);
    settle(&mut world, &mut revision);
    world
}

#[library_benchmark(setup = listed)]
#[bench::of_1_000(1_000)]
fn from_scratch(mut world: World) -> (World, Plan) {
    let plan = world.plan();
    (world, plan)
}

library_benchmark_group!(name = engine; benchmarks = map, change, from_scratch);
main!(library_benchmark_groups = engine);
