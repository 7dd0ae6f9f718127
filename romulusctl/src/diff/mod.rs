//! `romulusctl diff`: which keys would change.

mod show;

use std::io::Write;

use clap::ValueEnum;
use romulus_core::diagnostic::Severity;

use crate::input::{self, Against, InputArgs};
use crate::{Ended, change};

/// What `diff` compares.
#[derive(Debug, Clone, clap::Args)]
pub struct DiffArgs {
    /// What is looked at.
    #[command(flatten)]
    pub input: InputArgs,

    /// What the keys are compared with
    #[arg(long, value_name = "empty|etcd|FILE", default_value = "etcd")]
    pub against: Against,

    /// With -f: the files are everything there is; what else this owner has written would go
    #[arg(long, requires = "filename")]
    pub prune: bool,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

/// How changes are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// For people: a line per key, with the changed fields under it.
    #[default]
    Text,
    /// For programs.
    Json,
}

pub(crate) async fn run(
    args: &DiffArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<Ended> {
    let (mut world, problems) = input::cluster(&args.input, args.prune).await?;
    for problem in &problems {
        writeln!(err, "error: {problem}")?;
    }
    input::store(&args.input, &args.against, &mut world).await?;
    let changes = change::changes(&mut world);
    for diagnostic in world.diagnostics() {
        writeln!(err, "{diagnostic}")?;
    }
    let is_unwritten = world.diagnostics().any(|d| d.severity() == Severity::Error);
    let ended = match (problems.is_empty(), changes.is_empty() && !is_unwritten) {
        (false, _) => Ended::Partial,
        (true, true) => Ended::Same,
        (true, false) => Ended::Differs,
    };
    match args.output {
        Output::Text => show::text(&changes, ended == Ended::Same, out, err)?,
        Output::Json => show::json(&changes, world.diagnostics(), out)?,
    }
    out.flush()?;
    Ok(ended)
}
