//! Previews what romulusd would write, without ever writing.
//!
//! Everything up to the plan is shared with romulusd; here it is shown instead of committed. No
//! code that writes to a store can be reached from here.

mod args;
mod change;
mod diff;
mod dump;
mod input;
mod reader;

use std::io::Write;
use std::process::ExitCode;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

pub use args::{Args, Command};
pub use diff::{DiffArgs, Output};
pub use input::{Against, InputArgs};

/// How a command ended that no error ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// There is nothing to do.
    Same,
    /// Something would change, or something that is wanted stays unwritten.
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
        .with_target("kube_client", LevelFilter::OFF);
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
    }
}
