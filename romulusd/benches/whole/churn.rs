//! A thousand changes a second, and ten thousand at once.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

use crate::Args;
use crate::cluster::{Shape, endpoints, server_key};
use crate::report::{Report, millis, percentile};
use crate::stage::Stage;
use crate::watcher::Watcher;

const SECONDS: usize = 30;
const PER_SECOND: usize = 1000;

pub(crate) async fn run(args: &Args, report: &mut Report) {
    let shape = Shape {
        services: args.services,
        endpoints: 10,
    };
    let stage = Stage::set(shape).await;
    let mut daemon = stage.daemon().await;
    daemon.in_step().await;
    let mut watcher = Watcher::start(stage.etcd.endpoint(), "vulcand/").await;

    // Made before, so that making them does not compete.
    let changes = SECONDS * PER_SECOND;
    let step = move |n: usize| (n % shape.services, (n / shape.services).is_multiple_of(2));
    let stub = stage.stub.clone();
    let started = Instant::now();
    let writer = tokio::spawn(async move {
        let mut tick = interval(Duration::from_millis(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut sent = Vec::with_capacity(changes);
        for n in 0..changes {
            tick.tick().await;
            let (service, comes) = step(n);
            let change = endpoints(service, shape.endpoints + usize::from(comes));
            sent.push(Instant::now());
            stub.apply(&change);
        }
        sent
    });
    let mut arrived: BTreeMap<String, VecDeque<Instant>> = BTreeMap::new();
    let mut writes = 0;
    while let Some(seen) = watcher.within(Duration::from_secs(3)).await {
        if seen.key.ends_with("/heartbeat") {
            continue;
        }
        writes += 1;
        arrived.entry(seen.key).or_default().push_back(seen.at);
    }
    let sent = writer.await.expect("it does not panic");
    let took = (*sent.last().expect("many") - started).as_secs_f64();
    let mut times = Vec::with_capacity(changes);
    for (n, sent) in sent.iter().enumerate() {
        let (service, _) = step(n);
        let seen = arrived
            .get_mut(&server_key(service, shape.endpoints))
            .and_then(VecDeque::pop_front);
        times.push(seen.unwrap_or_else(|| panic!("change {n} was never written")) - *sent);
    }
    #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
    let (changes, writes) = (changes as f64, f64::from(writes));
    report.figure("churn, changes a second", changes / took, "1/s", None);
    report.figure(
        "churn, p50",
        millis(percentile(&mut times, 0.5)),
        "ms",
        None,
    );
    report.figure(
        "churn, p99",
        millis(percentile(&mut times, 0.99)),
        "ms",
        Some(100.0),
    );
    report.figure("churn, writes a change", writes / changes, "", Some(1.0));

    watcher.drain();
    let burst: Vec<_> = (0..shape.services)
        .map(|n| endpoints(n, shape.endpoints - 1))
        .collect();
    let started = Instant::now();
    burst.iter().for_each(|change| stage.stub.apply(change));
    let (mut last, mut writes) = (started, 0);
    while let Some(seen) = watcher.within(Duration::from_secs(3)).await {
        if !seen.key.ends_with("/heartbeat") {
            (last, writes) = (seen.at, writes + 1);
        }
    }
    let what = format!("burst of {} changes, {writes} writes", shape.services);
    report.figure(&what, (last - started).as_secs_f64() * 1000.0, "ms", None);
    report.figure(
        "burst, writes a change",
        f64::from(writes) / shape.services as f64,
        "",
        None,
    );
}
