//! The program's own name, and what is generated from its flags: completions and man pages.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches as _};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::{Args, Ended};

const NAME: &str = "romulusctl";
/// What kubectl looks for when it is asked for `kubectl romulus`.
const PLUGIN: &str = "kubectl-romulus";
const AS_PLUGIN: &str = "kubectl romulus";

/// Which shell completions are for.
#[derive(Debug, Clone, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// Where man pages go.
#[derive(Debug, Clone, clap::Args)]
pub struct ManArgs {
    /// The folder in which each command gets its page [default: the program's page is printed]
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

impl Args {
    /// Reads a command line, whose first part is the program's path. Where that is
    /// `kubectl-romulus`, help speaks of `kubectl romulus`.
    ///
    /// # Errors
    ///
    /// A command line that can't be used, and requests for help: clap prints and ends both.
    pub fn from_command_line(
        line: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, clap::Error> {
        let mut line = line.into_iter().peekable();
        let mut command = Self::command();
        if line.peek().is_some_and(|program| is_plugin(program)) {
            command = plugin(command);
        }
        let matches: ArgMatches = command.try_get_matches_from_mut(line)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

fn is_plugin(program: &OsStr) -> bool {
    Path::new(program)
        .file_stem()
        .is_some_and(|name| name == PLUGIN)
}

/// The command as kubectl runs it: examples are ones to type, too.
fn plugin(command: Command) -> Command {
    let rename = |command: Command| match command.get_after_help() {
        Some(help) => {
            let help = help.to_string().replace(NAME, AS_PLUGIN);
            command.after_help(help)
        }
        None => command,
    };
    rename(command).bin_name(AS_PLUGIN).mut_subcommands(rename)
}

pub(crate) fn completions(args: &CompletionsArgs, out: &mut dyn Write) -> anyhow::Result<Ended> {
    // The generator takes a writer that fails for a reason to panic.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), NAME, &mut script);
    out.write_all(&script)?;
    out.flush()?;
    Ok(Ended::Same)
}

pub(crate) fn man(
    args: &ManArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<Ended> {
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    let Some(dir) = &args.dir else {
        page(command).render(out)?;
        out.flush()?;
        return Ok(Ended::Same);
    };
    let subcommands: Vec<Command> = command.get_subcommands().cloned().collect();
    std::fs::create_dir_all(dir)
        .and_then(|()| {
            let mut pages = [command].into_iter().chain(subcommands).map(page);
            pages.try_for_each(|page| page.generate_to(dir).map(drop))
        })
        .with_context(|| format!("man pages can't be written to {}", dir.display()))?;
    writeln!(
        err,
        "man pages are in {}; see them with `man -l`",
        dir.display()
    )?;
    Ok(Ended::Same)
}

fn page(command: Command) -> Man {
    Man::new(command)
        .source(concat!("romulus ", env!("CARGO_PKG_VERSION")))
        .manual("romulus")
}
