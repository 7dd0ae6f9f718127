//! `romulusctl diff`: what would change.

mod fields;
mod machine;
mod meaning;
mod report;
mod settings;
mod text;

use std::io::Write;

use anyhow::bail;
use clap::ValueEnum;

use crate::input::{self, Against, InputArgs};
use crate::{Ended, change, document};
use report::Report;
use text::Detail;

/// What `diff` compares.
#[derive(Debug, Clone, clap::Args)]
pub struct DiffArgs {
    /// What the keys are compared with
    #[arg(long, value_name = "empty|etcd|FILE", default_value = "etcd")]
    pub against: Against,

    /// With -f: the files are everything there is; what else this owner has written would go
    #[arg(long, requires = "filename")]
    pub prune: bool,

    /// Only what the changes mean, without keys
    #[arg(long)]
    pub summary: bool,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,

    /// What is looked at.
    #[command(flatten)]
    pub input: InputArgs,
}

/// How changes are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// For people: what the changes mean, by Service and object, and the keys with their fields.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For programs.
    Yaml,
    /// A line per key, after +, ~ or -.
    Keys,
}

pub(crate) async fn run(
    args: &DiffArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<Ended> {
    if args.summary && args.output == Output::Keys {
        bail!("--summary leaves the keys out, so -o keys has nothing to print: give one of them");
    }
    let (mut world, problems) = input::cluster(&args.input, args.prune).await?;
    for problem in &problems {
        writeln!(err, "error: {problem}")?;
    }
    input::store(&args.input, &args.against, &mut world).await?;
    let changes = change::changes(&mut world);
    let report = Report::of(&world, changes);
    let ended = match (problems.is_empty(), report.is_in_step()) {
        (false, _) => Ended::Partial,
        (true, true) => Ended::Same,
        (true, false) => Ended::Differs,
    };
    if args.output == Output::Text {
        let detail = if args.summary {
            Detail::Meaning
        } else {
            Detail::Keys
        };
        text::print(&report, detail, ended, out, err)?;
        return Ok(ended);
    }
    for diagnostic in &report.diagnostics {
        writeln!(err, "{diagnostic}")?;
    }
    let form = || machine::Form::of(&report, !args.summary);
    match args.output {
        Output::Json => document::json(&form(), out)?,
        Output::Yaml => document::yaml(&form(), out)?,
        Output::Keys | Output::Text => machine::keys(&report, out)?,
    }
    out.flush()?;
    Ok(ended)
}
