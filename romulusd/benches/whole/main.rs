//! romulusd as a whole, against the least that could do the same: `make bench`.
//!
//! Every figure is a ratio of two things measured in one run, side by side, because machines are
//! noisy. A real etcd and an API server stub run on the loopback; romulusd is the real program.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a benchmark tells a person, and stops where it was set up wrongly"
)]

mod bare;
mod churn;
mod cluster;
mod cold_sync;
mod cost;
mod daemon;
mod diff;
mod memory;
mod propagation;
mod report;
mod restart;
mod stage;
mod watcher;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use report::Report;

/// Measures romulusd as a whole.
#[derive(Debug, Parser)]
struct Args {
    /// What to measure; everything, where nothing is named
    scenarios: Vec<Scenario>,
    /// How many Services the large cluster has
    #[arg(long, default_value_t = 10_000)]
    services: usize,
    /// How often what is short is measured; medians count
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Where the figures go, as JSON
    #[arg(long, default_value = "bench.json")]
    json: PathBuf,
    /// A part of the benchmark that runs as a process of its own
    #[arg(long, hide = true, num_args = 1..)]
    role: Vec<String>,
    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    ColdSync,
    Propagation,
    Churn,
    Restart,
    Cost,
    Memory,
    Diff,
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    if let [role, rest @ ..] = args.role.as_slice() {
        return bare::play(role, rest).await;
    }
    let mut report = Report::default();
    let scenarios = if args.scenarios.is_empty() {
        Scenario::value_variants()
    } else {
        &args.scenarios
    };
    for scenario in scenarios {
        eprintln!("{scenario:?} ...");
        match scenario {
            Scenario::ColdSync => cold_sync::run(&args, &mut report).await,
            Scenario::Propagation => propagation::run(&args, &mut report).await,
            Scenario::Churn => churn::run(&args, &mut report).await,
            Scenario::Restart => restart::run(&args, &mut report).await,
            Scenario::Cost => cost::run(&args, &mut report).await,
            Scenario::Memory => memory::run(&args, &mut report).await,
            Scenario::Diff => diff::run(&args, &mut report).await,
        }
    }
    println!("{report}");
    report.save(&args.json);
}
