//! `romulusctl doctor`: what is wrong with the whole installation.

mod etcd;
mod finding;
mod http;
mod kube;
mod roots;
mod show;
mod tree;
mod vulcand;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use romulus_core::key::{Root, Segment};
use romulus_core::vulcand::{Environment, SealKey};
use romulus_core::world::World;
use romulus_kube::SourceProblem;

use crate::input::{self, InputArgs};
use crate::reader::Reader;
use crate::stored::{self, Stored};
use crate::{Ended, proxy};
use finding::{Harm, Report};

/// What `doctor` looks at.
#[derive(Debug, Clone, clap::Args)]
pub struct DoctorArgs {
    /// A vulcand's API, such as http://10.0.0.5:8182; may be repeated
    #[arg(long, value_name = "URL")]
    pub vulcand: Vec<String>,

    /// File with vulcand's -sealKey, to look into the key pairs of hosts
    #[arg(long, value_name = "FILE")]
    pub seal_key_file: Option<PathBuf>,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t)]
    pub output: DoctorOutput,

    /// Where everything is.
    #[command(flatten)]
    pub input: InputArgs,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum DoctorOutput {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// How long one small question may take, of an API server or a vulcand.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn run(
    args: &DoctorArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<Ended> {
    if args.input.etcd.is_memory() {
        bail!("--etcd memory is a store of one process alone: there is nothing to look at");
    }
    let environment = Environment {
        seal_key: args.seal_key_file.as_deref().map(seal_key).transpose()?,
        ..proxy::environment(&args.input.config)
    };
    let reader = Reader::open(&args.input.etcd)?;
    let report = look(args, &reader, &environment).await?;
    match args.output {
        DoctorOutput::Text => show::text(&report, out, err)?,
        DoctorOutput::Json => show::json(&report, out)?,
    }
    out.flush()?;
    Ok(match (report.unseen.is_empty(), report.is_healthy()) {
        (false, _) => Ended::Partial,
        (true, true) => Ended::Same,
        (true, false) => Ended::Differs,
    })
}

fn seal_key(path: &Path) -> anyhow::Result<SealKey> {
    let file = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("--seal-key-file {file} can't be read"))?;
    text.trim()
        .parse()
        .with_context(|| format!("--seal-key-file {file}"))
}

/// One look at everything.
async fn look(
    args: &DoctorArgs,
    reader: &Reader,
    environment: &Environment,
) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let wanted = &args.input.config.vulcan_key;
    let (up, mut roots) = match discover(reader, &mut report).await {
        Ok(found) => found,
        Err(error) => {
            unreadable(&error, &mut report);
            (Vec::new(), None)
        }
    };
    let (cluster, world) = cluster(args, &mut report).await;
    if let Some(roots) = &mut roots {
        roots.insert(wanted.clone());
        roots.extend(world.iter().flat_map(|world| world.roots().cloned()));
    }
    let stored = match roots {
        None => None,
        Some(roots) => {
            let named: Vec<Root> = roots.into_iter().collect();
            let stored = stored::trees(None, &args.input.etcd, &named).await;
            match stored {
                Ok(stored) => Some(stored),
                Err(error) => {
                    report.unseen.push(format!("trees: {error:#}"));
                    None
                }
            }
        }
    };
    if let Some(stored) = &stored {
        store(args, wanted, stored, environment, &mut report);
        vulcand::old_store(&up, wanted, PATIENCE, &mut report).await;
        let owner = owner(args);
        if let Some(cluster) = &cluster {
            kube::scope(&owner, cluster, stored, &mut report);
        }
        if let Some(mut world) = world {
            input::load_from(&stored.snapshot, &mut world);
            kube::drift(&mut world, &mut report);
        }
    }
    for url in &args.vulcand {
        vulcand::api(url, wanted, stored.as_ref(), PATIENCE, &mut report).await;
    }
    if args.vulcand.is_empty() {
        let hint = "vulcand; name its API with --vulcand http://HOST:8182";
        report.left_out.push(hint.to_owned());
    }
    Ok(report)
}

/// What is stored, by itself.
fn store(
    args: &DoctorArgs,
    wanted: &Root,
    stored: &Stored,
    environment: &Environment,
    report: &mut Report,
) {
    roots::judge(wanted, stored, report);
    for root in &stored.roots {
        tree::judge(root, stored, environment, report);
    }
    roots::owners(&owner(args), stored, report);
    let has_hosts = stored
        .snapshot
        .entries
        .keys()
        .any(|key| key.ends_with("/host"));
    if has_hosts && environment.seal_key.is_none() {
        let hint = "key pairs of hosts; give vulcand's key with --seal-key-file";
        report.left_out.push(hint.to_owned());
    }
}

fn owner(args: &DoctorArgs) -> Segment {
    let config = &args.input.config;
    config
        .config("default", Default::default(), Vec::new())
        .owner
}

/// The cluster, or the manifests that stand for it, as far as they can be read.
async fn cluster(args: &DoctorArgs, report: &mut Report) -> (Option<kube::Cluster>, Option<World>) {
    let is_live = args.input.filename.is_empty();
    let cluster = if is_live {
        let cluster = kube::cluster(&args.input.kube, PATIENCE, report).await;
        if !cluster.as_ref().is_some_and(|cluster| cluster.is_readable) {
            return (cluster, None);
        }
        cluster
    } else {
        let hint = "the API server; leave -f out for that";
        report.left_out.push(hint.to_owned());
        None
    };
    // Manifests are everything there is, as for romulusd.
    match input::cluster(&args.input, true).await {
        Ok((world, problems)) => {
            for problem in problems {
                unreadable_object(&problem, report);
                if !is_live {
                    report.unseen.push(problem.place.to_string());
                }
            }
            (cluster, Some(world))
        }
        Err(error) => {
            report.unseen.push(format!("the cluster: {error:#}"));
            (cluster, None)
        }
    }
}

fn unreadable_object(problem: &SourceProblem, report: &mut Report) {
    let object = problem.object.iter().map(ToString::to_string);
    let parts = object.chain(problem.field.clone());
    let parts: Vec<String> = parts.chain([problem.reason.clone()]).collect();
    report.find(
        (Harm::Error, "unreadable"),
        problem.place.to_string(),
        parts.join(": "),
        "it is left out, and nothing that is missing is deleted meanwhile",
        &*problem.way_out,
    );
}

/// The endpoints of etcd that answer, and the trees in it.
async fn discover(
    reader: &Reader,
    report: &mut Report,
) -> Result<(Vec<String>, Option<BTreeSet<Root>>), romulus_etcd::StoreError> {
    let up = etcd::endpoints(reader, report).await?;
    if up.is_empty() {
        return Ok((up, None));
    }
    let roots = etcd::trees(reader, report).await?;
    Ok((up, Some(roots)))
}

fn unreadable(error: &romulus_etcd::StoreError, report: &mut Report) {
    report.find(
        (Harm::Outage, "etcd-unreadable"),
        "etcd",
        error.to_string(),
        "romulusd and vulcand may fare the same",
        "check the user and its role: read on the trees and on romulus/",
    );
    report.unseen.push("trees: etcd can't be read".to_owned());
}
