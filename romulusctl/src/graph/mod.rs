//! `romulusctl graph`: a picture of the routing.

mod dot;
mod layout;
mod mermaid;
mod model;
mod read;
mod svg;

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::Ended;
use crate::input::{Against, InputArgs};

/// What `graph` draws.
#[derive(Debug, Clone, clap::Args)]
pub struct GraphArgs {
    /// The trees as `romulusctl dump` wrote them to this file, instead of those in etcd
    #[arg(long, value_name = "FILE", conflicts_with = "filename")]
    pub from: Option<PathBuf>,

    /// Compare what is stored with what the live cluster wants
    #[arg(long, conflicts_with = "filename")]
    pub drift: bool,

    /// With -f: what is there before the manifests
    #[arg(
        long,
        value_name = "empty|etcd|FILE",
        default_value = "empty",
        requires = "filename"
    )]
    pub against: Against,

    /// The language of the picture
    #[arg(short, long, value_enum, default_value_t)]
    pub output: GraphOutput,

    /// Where the trees are.
    #[command(flatten)]
    pub input: InputArgs,
}

/// How a picture is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum GraphOutput {
    /// For Markdown: GitHub and others draw it.
    #[default]
    Mermaid,
    /// For Graphviz.
    Dot,
    /// A picture, for browsers.
    Svg,
}

pub(crate) async fn run(
    args: &GraphArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<Ended> {
    let (objects, is_whole) = read::read(args, err).await?;
    let graph = model::Graph::of(&objects);
    match args.output {
        GraphOutput::Mermaid => mermaid::print(&graph, out)?,
        GraphOutput::Dot => dot::print(&graph, out)?,
        GraphOutput::Svg => svg::print(&graph, out)?,
    }
    out.flush()?;
    Ok(if is_whole {
        Ended::Same
    } else {
        Ended::Partial
    })
}
