//! A listed cluster into an empty etcd, against a loop that puts the same keys.

use std::time::{Duration, Instant};

use romulus_etcd::Store as _;

use crate::Args;
use crate::bare;
use crate::cluster::Shape;
use crate::report::{Report, median};
use crate::stage::Stage;

/// The key that another leader holds until romulusd is warm.
const LEADER: &str = "romulus/owners/default/leader";

pub(crate) async fn run(args: &Args, report: &mut Report) {
    let shape = Shape {
        services: args.services,
        endpoints: 10,
    };
    let (mut ours, mut bares, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut stage = Stage::set(shape).await;
    for _ in 0..args.rounds {
        stage.etcd.restart_empty().await;
        let other = stage
            .etcd
            .store()
            .lead(LEADER, Duration::from_secs(60))
            .await
            .expect("nobody leads");
        let mut daemon = stage.daemon().await;
        daemon.warm().await;
        let started = Instant::now();
        other.resign().await;
        let took = (daemon.in_step().await - started).as_secs_f64();
        daemon.stop().await;
        let keys = bare::read(&stage.etcd).await;
        assert_eq!(keys.len(), shape.keys(), "every key is there");
        stage.etcd.restart_empty().await;
        let bare = bare::write(stage.etcd.endpoint(), &keys)
            .await
            .as_secs_f64();
        eprintln!("  {took:.2} s, bare {bare:.2} s, {:.2}", took / bare);
        ours.push(took);
        bares.push(bare);
        ratios.push(took / bare);
    }
    let what = format!("cold sync of {} keys", shape.keys());
    report.ratio(&what, median(&ours), median(&bares), "s", 1.15);
    report.figure(
        "cold sync, median of the ratios of pairs",
        median(&ratios),
        "",
        Some(1.15),
    );
}
