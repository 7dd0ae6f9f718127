//! Manifests, or the live cluster, and everything there is to say about them.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use romulus_core::cluster::{
    ClusterChange, Endpoint, EndpointPort, EndpointSet, Endpoints, Object, ObjectName, Service,
};
use romulus_core::config::{Config, Prune};
use romulus_core::diagnostic::{Code, Diagnostic, Severity};
use romulus_core::stored::Snapshot;
use romulus_core::world::World;
use romulus_kube::manifests::Sources;
use romulus_kube::{Loaded, Outcome, Selection, SourceProblem};

use super::finding::Finding;
use super::place::Places;
use crate::change;
use crate::input::{self, Against, InputArgs};
use crate::progress::Progress;

/// What was read.
pub(super) struct Read {
    world: World,
    sources: Sources,
    /// The Services in the files by name.
    names: Vec<ObjectName>,
    problems: Vec<SourceProblem>,
    /// How many Services take part.
    pub(super) services: usize,
}

/// Reads everything, and has the world plan as if it were to be written.
pub(super) async fn read(args: &InputArgs, against: &Against) -> anyhow::Result<Read> {
    let mut read = if args.filename.is_empty() {
        let (world, problems) = input::cluster(args, true).await?;
        Read::new(world, problems, Sources::default(), Vec::new())
    } else {
        let selection = args.kube.selection();
        let progress = Progress::of("reading manifests");
        let tell = |done, of| progress.tell(done, Some(of));
        let (loaded, sources) =
            romulus_kube::manifests::load_with_sources(&args.filename, &selection, tell);
        Read::of_manifests(loaded, sources, input::config(args, "default"))
    };
    input::store(args, against, &mut read.world).await?;
    change::changes(&mut read.world);
    Ok(read)
}

/// Reads one manifest that is in memory, with nothing stored.
pub(super) fn read_text(path: &str, text: &str, config: Config) -> Read {
    let files = [(path.into(), text.as_bytes().to_vec())];
    let (loaded, sources) =
        romulus_kube::manifests::parse_with_sources(files, &Selection::default());
    let mut read = Read::of_manifests(loaded, sources, config);
    input::load_from(&Snapshot::default(), &mut read.world);
    change::changes(&mut read.world);
    read
}

impl Read {
    fn new(
        world: World,
        mut problems: Vec<SourceProblem>,
        sources: Sources,
        names: Vec<ObjectName>,
    ) -> Self {
        problems.retain(|problem| problem.outcome != Outcome::Noted);
        Self {
            services: world.services().count(),
            world,
            sources,
            names,
            problems,
        }
    }

    fn of_manifests(loaded: Loaded, sources: Sources, mut config: Config) -> Self {
        config.prune = Prune::Listed;
        let mut world = World::new(config);
        let names = services(&loaded.changes).map(|service| service.name.clone());
        let names = names.collect();
        let assumed = assumed_endpoints(&loaded.changes);
        world.apply(loaded.changes);
        world.apply(assumed);
        Self::new(world, loaded.problems, sources, names)
    }
}

fn services(changes: &[ClusterChange]) -> impl Iterator<Item = &Service> {
    changes.iter().filter_map(|change| match change {
        ClusterChange::Apply(Object::Service(service)) => Some(service),
        _ => None,
    })
}

/// An endpoint for every Service that has none in the files: they come to be in the cluster, and
/// that they are not written down is no mistake.
fn assumed_endpoints(changes: &[ClusterChange]) -> Vec<ClusterChange> {
    let with_endpoints: BTreeSet<_> = changes
        .iter()
        .filter_map(|change| match change {
            ClusterChange::Apply(Object::Endpoints(endpoints)) => endpoints.service.as_ref(),
            _ => None,
        })
        .collect();
    let without = services(changes).filter(|service| !with_endpoints.contains(&service.name));
    without
        .map(|service| {
            let endpoint = Endpoint {
                // An address for documentation, which no pod has.
                address: Ipv4Addr::new(192, 0, 2, 1).into(),
                ready: true,
                serving: true,
                terminating: false,
            };
            let port = |port: &romulus_core::cluster::ServicePort| EndpointPort {
                name: port.name.clone(),
                port: Some(port.port),
                protocol: port.protocol,
            };
            ClusterChange::Apply(Object::Endpoints(Endpoints {
                name: service.name.clone(),
                service: Some(service.name.clone()),
                sets: vec![EndpointSet {
                    endpoints: vec![endpoint],
                    unreadable: Vec::new(),
                    ports: service.ports.iter().map(port).collect(),
                }],
                has_names: false,
                truncated: false,
            }))
        })
        .collect()
}

impl Read {
    /// Whether nothing was left out.
    pub(super) fn is_whole(&self) -> bool {
        self.problems.is_empty()
    }

    /// Everything there is to say, in the order of files and lines.
    pub(super) fn findings(&self) -> Vec<Finding<'_>> {
        let places = Places::new(&self.sources, &self.world, &self.names);
        let mut diagnostics: Vec<Diagnostic> = self.world.diagnostics().cloned().collect();
        drop_consequences(&mut diagnostics);
        diagnostics.extend(self.world.review());
        let problems = self.problems.iter().map(|problem| places.problem(problem));
        let diagnosed = diagnostics
            .into_iter()
            .map(|found| places.diagnostic(found));
        let mut findings: Vec<_> = problems.chain(diagnosed).collect();
        findings.sort_by(|a, b| a.order().cmp(&b.order()));
        findings
    }
}

/// That a frontend waits needs not be said where it is said what its Service's mistake is.
fn drop_consequences(diagnostics: &mut Vec<Diagnostic>) {
    let causes: BTreeSet<_> = diagnostics
        .iter()
        .filter(|d| d.severity() == Severity::Error && d.code != Code::WaitingForBackend)
        .map(|d| d.subject.clone())
        .collect();
    diagnostics.retain(|d| d.code != Code::WaitingForBackend || !causes.contains(&d.subject));
}
