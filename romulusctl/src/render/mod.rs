//! `romulusctl render`: the whole tree that is wanted.

mod script;

use std::collections::BTreeMap;
use std::io::Write;

use clap::ValueEnum;
use romulus_core::diagnostic::Severity;
use romulus_core::key::{OWN_PREFIX, Root};
use romulus_core::plan::Op;
use romulus_core::stored::Snapshot;

use crate::draw::Node;
use crate::input::{self, InputArgs};
use crate::plain::visible;
use crate::{Ended, change, document};
use script::Line;

/// What `render` shows.
#[derive(Debug, Clone, clap::Args)]
pub struct RenderArgs {
    /// Also romulus's own records, without which romulusd takes the tree for somebody else's
    #[arg(long)]
    pub records: bool,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,

    /// What is looked at.
    #[command(flatten)]
    pub input: InputArgs,
}

/// How a tree is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Tree,
    /// An object of keys and values, the values as etcd holds them.
    Json,
    /// The same.
    Yaml,
    /// A shell script that puts the tree with etcdctl.
    Etcdctl,
}

pub(crate) async fn run(
    args: &RenderArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<Ended> {
    let (mut world, problems) = input::cluster(&args.input, true).await?;
    for problem in &problems {
        writeln!(err, "error: {problem}")?;
    }
    input::load_from(&Snapshot::default(), &mut world);
    let mut lines = Vec::new();
    change::play(&mut world, |_, _, step| {
        if step.settle {
            lines.push(Line::Settle);
        }
        let ops = step.transaction.ops.iter();
        let shown = ops.filter(|op| args.records || !op.key().starts_with(OWN_PREFIX));
        lines.extend(shown.cloned().map(Line::Write));
    });
    for diagnostic in world.diagnostics() {
        writeln!(err, "{}", visible(&diagnostic.to_string()))?;
    }
    match args.output {
        Output::Etcdctl => script::write(&lines, out)?,
        Output::Json => document::json(&values(&lines), out)?,
        Output::Yaml => document::yaml(&values(&lines), out)?,
        Output::Tree => {
            let roots: Vec<Root> = world.roots().cloned().collect();
            for tree in trees(&values(&lines), &roots) {
                tree.draw(out)?;
            }
        }
    }
    out.flush()?;
    let is_unwritten = world.diagnostics().any(|d| d.severity() == Severity::Error);
    Ok(match (problems.is_empty(), is_unwritten) {
        (false, _) => Ended::Partial,
        (true, true) => Ended::Differs,
        (true, false) => Ended::Same,
    })
}

/// What is stored in the end.
fn values(lines: &[Line]) -> BTreeMap<&str, &str> {
    let mut values = BTreeMap::new();
    for line in lines {
        match line {
            Line::Write(Op::Put { key, value }) => {
                values.insert(key.as_str(), value.as_str());
            }
            Line::Write(Op::Delete { key }) => {
                values.remove(key.as_str());
            }
            Line::Settle => {}
        }
    }
    values
}

/// A drawing of each tree: its keys by the parts between their slashes.
fn trees(values: &BTreeMap<&str, &str>, roots: &[Root]) -> Vec<Node> {
    let mut trees: Vec<Node> = Vec::new();
    for (key, value) in values {
        let in_tree = roots.iter().filter(|root| key.starts_with(&root.prefix()));
        let tree = in_tree.map(Root::as_str).max_by_key(|root| root.len());
        let tree = tree.unwrap_or(OWN_PREFIX.trim_end_matches('/'));
        let mut at = match trees.iter().position(|node| node.label == tree) {
            Some(position) => &mut trees[position],
            None => trees.push_mut(Node::leaf(tree)),
        };
        // Keys come in order, so those of one folder follow each other.
        let path = key.get(tree.len() + 1..).unwrap_or(key);
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            let label = match parts.peek() {
                Some(_) => visible(part).into_owned(),
                None => format!("{} {}", visible(part), visible(value)),
            };
            at = at.child(&label);
        }
    }
    trees
}
