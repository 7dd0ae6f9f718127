//! Previews what romulusd would write, without ever writing.
//!
//! Everything up to the plan is shared with romulusd; here it is shown instead of committed. No
//! code that writes to a store can be reached from here.

mod args;
mod change;
mod diff;
mod doctor;
mod document;
mod draw;
mod dump;
mod explain;
mod get;
mod graph;
mod input;
mod inventory;
mod lint;
mod member;
mod plain;
mod planned;
mod program;
mod progress;
mod proxy;
mod reader;
mod render;
mod route;
mod stored;
mod tree;

use std::io::Write;
use std::process::ExitCode;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

pub use args::{Args, Command};
pub use diff::{DiffArgs, Output};
pub use doctor::{DoctorArgs, DoctorOutput};
pub use dump::DumpArgs;
pub use explain::ExplainArgs;
pub use get::{GetArgs, Kind, Output as GetOutput};
pub use graph::{GraphArgs, GraphOutput};
pub use input::{Against, InputArgs};
pub use inventory::InventoryArgs;
pub use lint::{LintArgs, LintOutput};
pub use program::{CompletionsArgs, ManArgs};
pub use render::{Output as RenderOutput, RenderArgs};
pub use route::{Header, RouteArgs, RouteOutput};
pub use tree::TreeArgs;

/// How a command ended that no error ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// There is nothing to do.
    Same,
    /// Something would change, or something that is wanted stays unwritten; something was found.
    Differs,
    /// Something that was asked for could not be read, so the answer is not the whole one.
    Partial,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Same => Self::SUCCESS,
            Ended::Differs => Self::from(1),
            Ended::Partial => Self::from(2),
        }
    }
}

/// What libraries have to say goes to the standard error.
pub fn start_logging() {
    // kube logs answers that fail, bodies and all; the error that ends the command says the same.
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("kube_client", LevelFilter::OFF)
        // Silent unless --debug-etcd asks for it.
        .with_target(romulus_etcd::REQUESTS_TARGET, LevelFilter::DEBUG);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time();
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .init();
}

/// Whether the reader of the output went away (`| head`), which is nobody's mistake.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let causes = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    causes
        .into_iter()
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Runs a command.
///
/// # Errors
///
/// Flags that can't be used; an API server or an etcd that does not answer; an output that can't
/// be written.
pub async fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> anyhow::Result<Ended> {
    match &args.command {
        Command::Diff(args) => diff::run(args, out, err).await,
        Command::Lint(args) => lint::run(args, out, err).await,
        Command::Explain(args) => explain::run(args, out),
        Command::Dump(args) => dump::run(args, out, err).await,
        Command::Render(args) => render::run(args, out, err).await,
        Command::Get(args) => get::run(args, out, err).await,
        Command::Tree(args) => tree::run(args, out, err).await,
        Command::Route(args) => route::run(args, out, err).await,
        Command::Graph(args) => graph::run(args, out, err).await,
        Command::Doctor(args) => doctor::run(args, out, err).await,
        Command::Completions(args) => program::completions(args, out),
        Command::Man(args) => program::man(args, out, err),
    }
}
