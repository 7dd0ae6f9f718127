//! `romulusctl lint`: what is wrong with manifests, and where.

mod finding;
mod github;
mod json;
mod place;
mod read;
mod sarif;
mod text;

use std::io::Write;

use clap::ValueEnum;
use romulus_core::config::Config;
use romulus_core::diagnostic::Severity;

use crate::Ended;
use crate::input::{Against, InputArgs};
use crate::plain::count;

/// What `lint` looks at.
#[derive(Debug, Clone, clap::Args)]
pub struct LintArgs {
    /// What is taken for stored: routes and ids of others that yours could disturb
    #[arg(long, value_name = "empty|etcd|FILE", default_value = "empty")]
    pub against: Against,

    /// What ends with exit code 1 like an error
    #[arg(long, value_enum, value_name = "WHAT")]
    pub deny: Option<Deny>,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t)]
    pub output: LintOutput,

    /// What is looked at.
    #[command(flatten)]
    pub input: InputArgs,
}

/// What counts like an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Deny {
    /// Warnings.
    Warnings,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LintOutput {
    /// For people: the source with the offending characters underlined.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For code scanning tools: SARIF 2.1.0.
    Sarif,
    /// For GitHub Actions: workflow commands that become annotations.
    Github,
}

pub(crate) async fn run(
    args: &LintArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<Ended> {
    let read = read::read(&args.input, &args.against).await?;
    let findings = read.findings();
    match args.output {
        LintOutput::Text => text::print(&findings, out)?,
        LintOutput::Json => json::print(&findings, out)?,
        LintOutput::Sarif => sarif::print(&findings, out)?,
        LintOutput::Github => github::print(&findings, out)?,
    }
    out.flush()?;
    let of = |severity| findings.iter().filter(|f| f.severity() == severity).count();
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    writeln!(err, "{}", summary(errors, warnings, read.services))?;
    let is_denied = errors > 0 || (warnings > 0 && args.deny == Some(Deny::Warnings));
    Ok(match (read.is_whole(), is_denied) {
        (false, _) => Ended::Partial,
        (true, true) => Ended::Differs,
        (true, false) => Ended::Same,
    })
}

/// What `lint` says about one manifest that is in memory.
pub(crate) fn say(path: &str, text: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    let read = read::read_text(path, text, Config::new("vulcand".parse()?));
    Ok(text::print(&read.findings(), out)?)
}

fn summary(errors: usize, warnings: usize, services: usize) -> String {
    let services = count(services, "Service");
    match (errors, warnings) {
        (0, 0) => format!("{services} checked: no errors, no warnings"),
        _ => format!(
            "{services} checked: {}, {}",
            count(errors, "error"),
            count(warnings, "warning")
        ),
    }
}
