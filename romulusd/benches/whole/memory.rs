//! Resident size: after a cold sync, at rest, and while everything is listed again.

use std::time::Duration;

use romulus_kube::Resource;

use crate::Args;
use crate::cluster::Shape;
use crate::daemon::Daemon;
use crate::report::Report;
use crate::stage::Stage;

pub(crate) async fn run(args: &Args, report: &mut Report) {
    for shape in [
        Shape {
            services: args.services,
            endpoints: 10,
        },
        Shape {
            services: args.services / 10,
            endpoints: 100,
        },
    ] {
        let name = format!("{} x {}", shape.services, shape.endpoints);
        let stage = Stage::set(shape).await;
        let mut daemon = stage.daemon().await;
        daemon.in_step().await;
        let (_, peak) = daemon.memory();
        report.figure(
            &format!("resident at most, cold sync of {name}"),
            peak,
            "MiB",
            Some(128.0),
        );
        report.figure(
            &format!("resident at rest, {name}"),
            at_rest(&daemon).await,
            "MiB",
            Some(64.0),
        );
        daemon.reset_peak();
        let lists = stage.stub.requests().len();
        stage.stub.expire_watches(Resource::Services);
        stage.stub.expire_watches(Resource::EndpointSlices);
        // A list of each, then watches again.
        while stage.stub.requests()[lists..]
            .iter()
            .filter(|request| request.is_watch())
            .count()
            < 2
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let rest = at_rest(&daemon).await;
        let (_, peak) = daemon.memory();
        report.figure(
            &format!("resident at most, relist of {name}"),
            peak,
            "MiB",
            Some(128.0),
        );
        report.figure(
            &format!("resident at rest after a relist, {name}"),
            rest,
            "MiB",
            Some(64.0),
        );
        daemon.stop().await;
        let mut daemon = stage.daemon().await;
        daemon.in_step().await;
        let (_, peak) = daemon.memory();
        report.figure(
            &format!("resident at most, restart of {name}"),
            peak,
            "MiB",
            Some(128.0),
        );
        report.figure(
            &format!("resident at rest after a restart, {name}"),
            at_rest(&daemon).await,
            "MiB",
            Some(64.0),
        );
        daemon.stop().await;
    }
}

/// The resident size once it does not change any more.
async fn at_rest(daemon: &Daemon) -> f64 {
    let mut before = daemon.memory().0;
    loop {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let now = daemon.memory().0;
        if (now - before).abs() < 1.0 {
            return now;
        }
        before = now;
    }
}
