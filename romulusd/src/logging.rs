//! Logs: to the standard error, one line each.

use std::io::IsTerminal as _;

use romulus_core::diagnostic::{Diagnostic, Severity};
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::args::{Args, LogLevel};

/// Starts logging as the flags say.
pub fn start(args: &Args) {
    let level = match args.log_level {
        _ if args.debug => Level::DEBUG,
        LogLevel::Fatal | LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
    };
    // What libraries have to say matters from warnings on.
    let mut filter = Targets::new()
        .with_default(level.min(Level::WARN))
        .with_targets(["romulusd", "romulus_etcd", "romulus_kube"].map(|target| (target, level)));
    let requests = if args.etcd.debug_etcd { LevelFilter::DEBUG } else { LevelFilter::OFF };
    filter = filter.with_target(romulus_etcd::REQUESTS_TARGET, requests);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_target(false)
        .with_filter(filter);
    tracing_subscriber::registry().with(lines).init();
}

/// Logs a diagnostic by its severity.
pub(crate) fn diagnostic(diagnostic: &Diagnostic) {
    // The line begins with the severity of its own; the logger's is said by its level.
    match diagnostic.severity() {
        Severity::Error => tracing::error!("{}", bare(diagnostic)),
        Severity::Warning => tracing::warn!("{}", bare(diagnostic)),
        Severity::Info => tracing::info!("{}", bare(diagnostic)),
    }
}

/// The diagnostic without its severity, which the level of the line says.
pub(crate) fn bare(diagnostic: &Diagnostic) -> String {
    let line = diagnostic.to_string();
    match line.split_once('[') {
        Some((_, rest)) => format!("[{rest}"),
        None => line,
    }
}
