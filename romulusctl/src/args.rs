use clap::{Parser, Subcommand};

use crate::diff::DiffArgs;
use crate::dump::DumpArgs;
use crate::explain::ExplainArgs;
use crate::lint::LintArgs;

/// Previews the vulcand keys that romulusd would write. Never writes.
#[derive(Debug, Clone, Parser)]
#[command(name = "romulusctl", version, max_term_width = 100)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// A command. Each is a module of its own with its arguments and its `run`.
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

    /// Check manifests, and point at what is wrong in them
    ///
    /// Says what romulus would say about the Services in the files, at the line and column of the
    /// offending characters, with the way out. It also finds routes that never answer or disturb
    /// each other, ids and trees that begin with each other, and ports without endpoints.
    ///
    /// Exit codes: 0 clean, 1 errors were found (with --deny warnings also warnings), 2 something
    /// could not be read.
    #[command(after_help = "Examples:\n  romulusctl lint -f deploy/\n  \
        helm template chart/ | romulusctl lint -f - --deny warnings\n  \
        romulusctl lint -f deploy/ -o sarif > romulus.sarif\n  \
        romulusctl lint -f new.yaml --against etcd")]
    Lint(Box<LintArgs>),

    /// Explain an annotation or a diagnostic
    ///
    /// What an annotation is for, an example, and what becomes of it in vulcand's keys; what a
    /// diagnostic means, an example of it, and the way out. Without a name, all of them.
    #[command(after_help = "Examples:\n  romulusctl explain\n  \
        romulusctl explain prefix\n  romulusctl explain route-conflict")]
    Explain(ExplainArgs),

    /// Write the stored trees to a file, at one revision
    ///
    /// Holds the keys of every tree in use and romulus's own records, byte for byte as etcd has
    /// them. Other commands read it in etcd's place: `--against FILE`, `--from FILE`.
    #[command(after_help = "Examples:\n  romulusctl dump before.dump\n  \
        romulusctl diff -f deploy/ --against before.dump\n  \
        romulusctl dump | jq -r '.entries[].key'")]
    Dump(Box<DumpArgs>),
}
