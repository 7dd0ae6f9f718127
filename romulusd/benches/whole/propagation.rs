//! One change after another, from the API server to a watcher of etcd, against a relay.

use std::time::{Duration, Instant};

use crate::Args;
use crate::bare;
use crate::cluster::{Shape, endpoints, server_key};
use crate::report::{Report, median, millis, percentile};
use crate::stage::Stage;
use crate::watcher::Watcher;

/// Of a round.
const CHANGES: usize = 1000;
/// What share of the changes is faster, and the goals.
const SHARES: [(f64, &str, f64); 2] = [(0.5, "p50", 1.3), (0.99, "p99", 2.0)];

pub(crate) async fn run(args: &Args, report: &mut Report) {
    let shape = Shape {
        services: args.services,
        endpoints: 10,
    };
    let (ours, relays) = (Stage::set(shape).await, Stage::set(shape).await);
    let mut daemon = ours.daemon().await;
    daemon.in_step().await;
    // An etcd that holds as much costs both the same.
    let keys = bare::read(&ours.etcd).await;
    bare::write(relays.etcd.endpoint(), &keys).await;
    let _relay = bare::start_ready(&["relay", &relays.api.url(), relays.etcd.endpoint()]).await;
    let mut seen = Watcher::start(ours.etcd.endpoint(), "vulcand/").await;
    let mut relayed = Watcher::start(relays.etcd.endpoint(), "relay/").await;
    let mut shares: [Vec<[f64; 2]>; 2] = Default::default();
    for round in 0..args.rounds {
        let (mut times, mut relay_times) = (Vec::new(), Vec::new());
        // In turn, so that both meet the same noise.
        for n in (0..CHANGES).map(|n| round * CHANGES + n) {
            let service = n * 7 % shape.services;
            // A server comes, the next time it goes.
            let comes = (n / shape.services).is_multiple_of(2);
            let change = endpoints(
                service,
                if comes {
                    shape.endpoints + 1
                } else {
                    shape.endpoints
                },
            );
            let key = server_key(service, shape.endpoints);
            times.push(one(&ours, &change, async || seen.sees(&key, comes).await).await);
            let key = format!(
                "relay/{}",
                change["metadata"]["name"].as_str().expect("a name")
            );
            relay_times.push(one(&relays, &change, async || relayed.sees(&key, true).await).await);
        }
        for (share, values) in SHARES.iter().zip(&mut shares) {
            let both = [&mut times, &mut relay_times];
            values.push(both.map(|times| millis(percentile(times, share.0))));
        }
    }
    for ((_, name, goal), values) in SHARES.iter().zip(shares) {
        let what = format!("propagation of one change, {name}");
        let [ours, relay] = [0, 1].map(|side| {
            let side: Vec<f64> = values.iter().map(|value| value[side]).collect();
            median(&side)
        });
        report.ratio(&what, ours, relay, "ms", *goal);
    }
}

async fn one(
    stage: &Stage,
    change: &serde_json::Value,
    seen: impl AsyncFnOnce() -> Instant,
) -> Duration {
    let started = Instant::now();
    stage.stub.apply(change);
    seen().await - started
}
