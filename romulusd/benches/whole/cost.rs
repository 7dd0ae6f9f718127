//! What one change costs romulusd, in clusters of several sizes.

use crate::Args;
use crate::cluster::{Shape, endpoints, server_key};
use crate::report::Report;
use crate::stage::Stage;
use crate::watcher::Watcher;

const CHANGES: usize = 3000;

pub(crate) async fn run(args: &Args, report: &mut Report) {
    let mut costs = Vec::new();
    for services in [args.services / 100, args.services / 10, args.services] {
        let shape = Shape {
            services,
            endpoints: 10,
        };
        let stage = Stage::set(shape).await;
        let mut daemon = stage.daemon().await;
        daemon.in_step().await;
        let mut watcher = Watcher::start(stage.etcd.endpoint(), "vulcand/").await;
        let before = daemon.cpu();
        for n in 0..CHANGES {
            let service = n * 7 % services;
            let comes = (n / services).is_multiple_of(2);
            stage
                .stub
                .apply(&endpoints(service, shape.endpoints + usize::from(comes)));
            watcher
                .sees(&server_key(service, shape.endpoints), comes)
                .await;
        }
        #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
        let cost = (daemon.cpu() - before).as_secs_f64() * 1e6 / CHANGES as f64;
        report.figure(
            &format!("processor time of a change at {services} Services"),
            cost,
            "us",
            None,
        );
        costs.push(cost);
    }
    let most = costs.iter().copied().fold(f64::MIN, f64::max);
    let least = costs.iter().copied().fold(f64::MAX, f64::min);
    report.ratio(
        "processor time of a change, dearest to cheapest",
        most,
        least,
        "us",
        1.2,
    );
}
