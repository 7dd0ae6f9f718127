//! The mapping and the engine alone: `cargo bench -p romulus-core --bench engine`.
#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark stops where it is set up wrongly"
)]

mod cluster;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use romulus_core::cluster::{ClusterChange, Object};
use romulus_core::config::Config;
use romulus_core::map::{self, Blueprint};

use cluster::{ENDPOINTS, in_step, listed, service, settle, slice};

fn mapping(c: &mut Criterion) {
    let (service, slice) = (service(1), slice(1, ENDPOINTS));
    let config = Config::new("vulcand".parse().expect("a root"));
    c.bench_function("map one Service with 10 endpoints", |b| {
        b.iter(|| {
            let blueprint = Blueprint::of(black_box(&service), &config);
            let mut found = Vec::new();
            for port in &blueprint.ports {
                black_box(map::servers(&service, &port.port, [&slice], &mut found));
            }
            blueprint
        });
    });
}

fn change(c: &mut Criterion) {
    let mut group = c.benchmark_group("apply one slice change, plan and take over");
    for services in [100, 1_000, 10_000] {
        let mut revision = 0;
        let mut world = in_step(services, &mut revision);
        let changes = [slice(7, ENDPOINTS + 1), slice(7, ENDPOINTS)];
        let mut turn = 0;
        group.bench_function(format!("{services} Services"), |b| {
            b.iter_batched(
                || {
                    turn += 1;
                    ClusterChange::Apply(Object::Endpoints(changes[turn % 2].clone()))
                },
                |change| {
                    world.apply([change]);
                    settle(&mut world, &mut revision);
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn from_scratch(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan from scratch");
    group.sample_size(10);
    for services in [1_000, 10_000] {
        group.bench_function(format!("{services} Services"), |b| {
            b.iter_batched(
                || listed(services),
                |mut world| world.plan(),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, mapping, change, from_scratch);
criterion_main!(benches);
