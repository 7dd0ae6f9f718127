//! A romulusd that starts and finds everything in step, against reading the same data.

use std::time::{Duration, Instant};

use crate::Args;
use crate::bare;
use crate::cluster::Shape;
use crate::report::{Report, median};
use crate::stage::Stage;
use crate::watcher::Watcher;

pub(crate) async fn run(args: &Args, report: &mut Report) {
    let shape = Shape {
        services: args.services,
        endpoints: 10,
    };
    let stage = Stage::set(shape).await;
    let mut daemon = stage.daemon().await;
    daemon.in_step().await;
    daemon.stop().await;
    let mut written = Watcher::start(stage.etcd.endpoint(), "vulcand/").await;
    let mut recorded = Watcher::start(stage.etcd.endpoint(), "romulus/objects/").await;
    let (mut ours, mut bares) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds {
        let started = Instant::now();
        let mut daemon = stage.daemon().await;
        ours.push((daemon.in_step().await - started).as_secs_f64());
        daemon.stop().await;
        bares.push(
            bare::run(&["read", &stage.api.url(), stage.etcd.endpoint()])
                .await
                .as_secs_f64(),
        );
    }
    let mut writes = 0;
    for watcher in [&mut written, &mut recorded] {
        while let Some(seen) = watcher.within(Duration::from_millis(500)).await {
            writes += usize::from(!seen.key.ends_with("/heartbeat"));
        }
    }
    report.ratio("restart in step", median(&ours), median(&bares), "s", 1.2);
    #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
    report.figure("restart in step, writes", writes as f64, "", Some(0.0));
}
