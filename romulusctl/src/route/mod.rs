//! `romulusctl route`: which frontend answers a request.

mod answer;
mod request;
mod show;

use std::io::Write;
use std::path::PathBuf;

use anyhow::bail;
use clap::ValueEnum;
use romulus_core::key::Root;

use crate::input::{Against, InputArgs};
use crate::{Ended, planned, proxy, stored};
use answer::TreeAnswer;
use request::Asked;
pub use request::Header;

/// What `route` asks, and of what.
#[derive(Debug, Clone, clap::Args)]
pub struct RouteArgs {
    /// What is asked for: http://host/path, or host/path
    #[arg(value_name = "URL")]
    pub url: String,

    /// The method of the request, as it is sent
    #[arg(short = 'X', long = "request", value_name = "METHOD", default_value = "GET", value_parser = request::method)]
    pub method: String,

    /// A header of the request; may be repeated. Host stands for the URL's host
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub header: Vec<Header>,

    /// Only the tree of this root [default: that of --vulcan-key, and those a romulus writes]
    #[arg(long, value_name = "ROOT")]
    pub root: Option<Root>,

    /// The trees as `romulusctl dump` wrote them to this file, instead of those in etcd
    #[arg(long, value_name = "FILE", conflicts_with = "filename")]
    pub from: Option<PathBuf>,

    /// With -f: what is there before the manifests
    #[arg(
        long,
        value_name = "empty|etcd|FILE",
        default_value = "empty",
        requires = "filename"
    )]
    pub against: Against,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t)]
    pub output: RouteOutput,

    /// Where the trees are.
    #[command(flatten)]
    pub input: InputArgs,
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum RouteOutput {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

pub(crate) async fn run(
    args: &RouteArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<Ended> {
    let asked = Asked::new(&args.url, &args.method, &args.header)?;
    let (stored, is_whole) = if args.input.filename.is_empty() {
        let mut named = vec![args.input.config.vulcan_key.clone()];
        named.extend(args.root.clone());
        let from = args.from.as_deref();
        (stored::trees(from, &args.input.etcd, &named).await?, true)
    } else {
        planned::trees(&args.input, &args.against, err).await?
    };
    let environment = proxy::environment(&args.input.config);
    let roots = match &args.root {
        Some(root) => vec![root],
        None => stored.roots.iter().collect(),
    };
    let answers: Vec<TreeAnswer> = roots
        .iter()
        .filter_map(|root| TreeAnswer::of(root, &stored.snapshot, &environment, &asked))
        .collect();
    if let Some(root) = stored.undumped.iter().find(|root| roots.contains(root))
        && (answers.is_empty() || args.root.is_some())
    {
        bail!(
            "the tree {root} was not dumped, so who answers in it is not known; write it with \
             `romulusctl dump --vulcan-key {root}`"
        );
    }
    match args.output {
        RouteOutput::Text => show::text(&asked, &answers, &roots, out, err)?,
        RouteOutput::Json => show::json(&asked, &answers, out)?,
    }
    out.flush()?;
    Ok(
        match (is_whole, answers.iter().any(TreeAnswer::is_served)) {
            (false, _) => Ended::Partial,
            (true, true) => Ended::Same,
            (true, false) => Ended::Differs,
        },
    )
}
