use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use romulus_core::config::ConfigArgs;
use romulus_etcd::EtcdArgs;
use romulus_kube::KubeArgs;

/// Previews the vulcand keys that romulusd would write. Never writes.
#[derive(Debug, Clone, Parser)]
#[command(name = "romulusctl", version, max_term_width = 100)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// A command.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Show which keys would change
    ///
    /// Exit codes, as of kubectl diff: 0 in step, 1 something would change or stays unwritten, 2 and
    /// up an error.
    #[command(
        after_help = "Examples:\n  romulusctl diff -f deploy/ --against empty\n  \
        kubectl get svc,endpointslices -o yaml | romulusctl diff -f -\n  romulusctl diff --kube http://127.0.0.1:8001 -o json"
    )]
    Diff(Box<DiffArgs>),
}

/// What `diff` compares.
#[derive(Debug, Clone, clap::Args)]
pub struct DiffArgs {
    /// A manifest, a folder of them, or - for the standard input; may be repeated. Without it, the
    /// live cluster
    #[arg(short, long, value_name = "PATH")]
    pub filename: Vec<PathBuf>,

    /// What the keys are compared with
    #[arg(long, value_enum, default_value_t)]
    pub against: Against,

    /// With -f: the files are everything there is; what else this owner has written would go
    #[arg(long, requires = "filename")]
    pub prune: bool,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,

    /// What is published, where, and under whose name.
    #[command(flatten)]
    pub config: ConfigArgs,

    /// Where Services come from.
    #[command(flatten, next_help_heading = "Kubernetes")]
    pub kube: KubeArgs,

    /// Where keys are.
    #[command(flatten, next_help_heading = "etcd")]
    pub etcd: EtcdArgs,
}

/// What the keys are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Against {
    /// What etcd holds.
    #[default]
    Etcd,
    /// Nothing: shows everything that is wanted.
    Empty,
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
