//! Logs: to the standard error, one line each.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::args::{Args, LogLevel};

/// The target of what ends the program: logged at every level.
const FATAL: &str = "romulusd::fatal";

/// Logs the error that ends the program.
pub fn fatal(error: &anyhow::Error) {
    tracing::error!(target: FATAL, "{error:#}");
}

/// Starts logging as the flags say.
pub fn start(args: &Args) {
    let level = match args.log_level {
        _ if args.debug => LevelFilter::DEBUG,
        LogLevel::Fatal => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    // What libraries have to say matters from warnings on.
    let mut filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(["romulusd", "romulus_etcd", "romulus_kube"].map(|target| (target, level)))
        // It logs answers that fail, bodies and all; the sources say the same in their own words.
        .with_target("kube_client", LevelFilter::OFF)
        .with_target(FATAL, LevelFilter::ERROR);
    let requests = if args.etcd.debug_etcd {
        LevelFilter::DEBUG
    } else {
        LevelFilter::OFF
    };
    filter = filter.with_target(romulus_etcd::REQUESTS_TARGET, requests);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_target(false)
        .with_filter(filter);
    tracing_subscriber::registry().with(lines).init();
}
