use clap::{Parser, Subcommand};

use crate::diff::DiffArgs;
use crate::doctor::DoctorArgs;
use crate::dump::DumpArgs;
use crate::explain::ExplainArgs;
use crate::get::GetArgs;
use crate::graph::GraphArgs;
use crate::lint::LintArgs;
use crate::program::{CompletionsArgs, ManArgs};
use crate::render::RenderArgs;
use crate::route::RouteArgs;
use crate::tree::TreeArgs;

/// Shows what vulcand is told, what would change and what is wrong. Never writes.
#[derive(Debug, Clone, Parser)]
#[command(name = "romulusctl", version, max_term_width = 100)]
#[command(
    after_help = "Linked as kubectl-romulus it is `kubectl romulus`. See also \
    `romulusctl COMMAND --help`."
)]
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
    /// Says what the changes mean for requests, by Service and object, then which keys with which fields
    /// change; at last what stays unwritten: conflicts, what is held, and what the brake withholds.
    /// Exit codes, as of kubectl diff: 0 in step, 1 something would change or stays unwritten, 2 and
    /// up an error.
    #[command(
        after_help = "Examples:\n  romulusctl diff -f deploy/ --against empty\n  \
        romulusctl diff -f deploy/ --summary\n  \
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
    /// Holds the keys of every tree in use and romulus's own records, values as etcd has them (bytes
    /// that are no UTF-8 are replaced). Other commands read it in etcd's place: `--against FILE`,
    /// `--from FILE`.
    #[command(after_help = "Examples:\n  romulusctl dump before.dump\n  \
        romulusctl diff -f deploy/ --against before.dump\n  \
        romulusctl dump | jq -r '.entries[].key'")]
    Dump(Box<DumpArgs>),

    /// Show the whole tree that is wanted
    ///
    /// As if nothing were stored: every key that romulusd would write to an empty etcd. Exit codes: 0
    /// well, 1 something that was asked for is not in it, 2 and up an error.
    #[command(
        // Nothing is read from there.
        mut_args(|arg| { let is_etcd = arg.get_help_heading() == Some("etcd"); arg.hide(is_etcd) }),
        after_help = "Examples:\n  romulusctl render -f deploy/\n  \
        romulusctl render -f deploy/ -o json | jq keys\n  \
        romulusctl render --kube http://127.0.0.1:8001 -o etcdctl > put.sh"
    )]
    Render(Box<RenderArgs>),

    /// List what is stored, with owner, Service and drift
    ///
    /// Every tree in use, foreign keys included. Drift is shown where the trees are compared with what
    /// is wanted: `none`, `changed`, `missing` (wanted and not stored), `unwanted` (stored and not
    /// wanted), `servers` or `middlewares` where only those of an object differ, and - for what is not
    /// ours to judge. Exit codes: 0 well, 1 drift, 2 and up an error.
    #[command(
        mut_arg("filename", |arg| arg.help("Compare with these manifests: a file, a folder of them, or \
            - for the standard input; may be repeated")),
        after_help = "Examples:\n  romulusctl get\n  romulusctl get frontends -o wide\n  \
        romulusctl get servers --drift --kube http://127.0.0.1:8001\n  \
        romulusctl get backends --from before.dump -o json | jq -r '.items[].id'"
    )]
    Get(Box<GetArgs>),

    /// Draw what is stored, with owner, Service and drift
    ///
    /// Every key of the trees in use, foreign ones included, with what it says. Drift is marked as
    /// `get` names it. Exit codes: 0 well, 1 drift, 2 and up an error.
    #[command(
        mut_arg("filename", |arg| arg.help("Compare with these manifests: a file, a folder of them, or \
            - for the standard input; may be repeated")),
        after_help = "Examples:\n  romulusctl tree\n  romulusctl tree -f deploy/\n  \
        romulusctl tree --from before.dump"
    )]
    Tree(Box<TreeArgs>),

    /// Show which frontend answers a request, and who else matched and lost
    ///
    /// Says through which middlewares a request goes to which servers, as vulcand's router decides
    /// it, its defects included. Reads the stored trees, or what manifests would make of them.
    /// Exit codes: 0 a server answers, in one of the trees at least; 1 none does (404, or a backend
    /// without servers); 2 and up an error.
    #[command(
        mut_arg("filename", |arg| arg.help("A manifest, a folder of them, or - for the standard \
            input; may be repeated. Without it, what is stored")),
        after_help = "Examples:\n  romulusctl route http://www.example.com/guestbook/\n  \
        romulusctl route api.example.com/v1/items -X POST -H 'X-Env: blue'\n  \
        romulusctl route www.example.com -f deploy/ --against etcd\n  \
        romulusctl route www.example.com --from before.dump -o json | jq '.trees[0].why'"
    )]
    Route(Box<RouteArgs>),

    /// Draw the routing: hosts, frontends, backends and servers
    ///
    /// Draws the stored trees, or what manifests would make of them. Compared with what is stored
    /// (--against, or --drift), colours tell what would be added, changed and deleted; what is held
    /// or conflicts and what has no servers shows always. Exit codes: 0, or 2 and up an error.
    #[command(
        mut_arg("filename", |arg| arg.help("A manifest, a folder of them, or - for the standard \
            input; may be repeated. Without it, what is stored")),
        after_help = "Examples:\n  romulusctl graph -o svg > routing.svg\n  \
        romulusctl graph -f deploy/ --against etcd -o svg > change.svg\n  \
        romulusctl graph -f deploy/ -o mermaid >> README.md\n  \
        romulusctl graph --from before.dump -o dot | dot -Tpng > before.png"
    )]
    Graph(Box<GraphArgs>),

    /// Look at the whole installation, and say what is wrong in the order of harm
    ///
    /// Looks at etcd and every tree in it, foreign values included, at the cluster and the rights
    /// on it, at who leads, at drift, and at vulcand where its API is named. Each finding has a
    /// place, a reason and a way out. Give it the flags that romulusd runs with. With -f it takes
    /// manifests for the cluster, as romulusd --manifests does.
    ///
    /// Exit codes: 0 healthy, 1 something was found, 2 something could not be looked at.
    #[command(
        after_help = "Examples:\n  romulusctl doctor --vulcand http://10.0.0.5:8182\n  \
        romulusctl doctor -o json | jq -r '.findings[] | [.harm, .code, .place] | @tsv'\n  \
        romulusctl doctor -f deploy/ --etcd http://10.0.0.2:2379"
    )]
    Doctor(Box<DoctorArgs>),

    /// Print the completions of a shell
    #[command(after_help = "Examples:\n  \
        romulusctl completions bash > ~/.local/share/bash-completion/completions/romulusctl\n  \
        romulusctl completions zsh > ~/.zfunc/_romulusctl\n  \
        romulusctl completions fish > ~/.config/fish/completions/romulusctl.fish")]
    Completions(CompletionsArgs),

    /// Print the man page, or write those of all commands to a folder
    #[command(
        after_help = "Examples:\n  romulusctl man | man -l -\n  romulusctl man ~/.local/share/man/man1"
    )]
    Man(ManArgs),
}
