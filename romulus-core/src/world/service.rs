use std::collections::BTreeMap;

use crate::cluster::{ObjectName, Service};
use crate::diagnostic::{Code, Diagnostic, Subject};
use crate::key::{ObjectKind, ObjectRef, Root, Segment};
use crate::map::{self, Blueprint, Head, PortBlueprint, ServerAddress};

use super::World;
use super::cluster::Seen;
use super::report::Origin;
use super::tree::{Claim, Links};

/// A Service that takes part: what it asks for and the servers it has.
#[derive(Debug)]
pub(super) struct ServiceState {
    pub(super) ports: Vec<PortState>,
    /// The tree; where the label can't be read, the one its stored objects are in.
    pub(super) root: Option<Root>,
    /// The label that names the tree can't be read: everything it has stored stays.
    pub(super) is_held: bool,
    /// Any EndpointSlice or Endpoints object is known of it.
    pub(super) has_endpoints: bool,
    /// How its endpoints came to be what they are.
    pub(super) endpoints_seen: Seen,
}

impl ServiceState {
    /// The objects it asks for, each with its port and the position of that.
    fn objects(&self) -> impl Iterator<Item = (ObjectRef, usize, &PortState)> {
        let ports = || self.ports.iter().enumerate();
        let rooted = self
            .root
            .iter()
            .flat_map(move |root| ports().map(move |port| (root, port)));
        rooted.flat_map(|(root, (position, port))| {
            let object = |kind, id: &Segment| ObjectRef {
                root: root.clone(),
                kind,
                id: id.clone(),
            };
            let backend = object(ObjectKind::Backend, &port.backend);
            let frontend = port.blueprint.frontend.as_ref();
            let frontend = frontend.map(|_| object(ObjectKind::Frontend, &port.blueprint.id));
            let objects = std::iter::once(backend).chain(frontend);
            objects.map(move |object| (object, position, port))
        })
    }
}

/// One published port.
#[derive(Debug)]
pub(super) struct PortState {
    pub(super) blueprint: PortBlueprint,
    /// The id of its backend: the port's id, unless that would be the beginning of another.
    pub(super) backend: Segment,
    /// In order, each once.
    pub(super) servers: Box<[ServerAddress]>,
}

/// Who is older: by creationTimestamp, then by name. Kubernetes writes timestamps in UTC with
/// whole seconds, so their texts sort as their times do; a Service without one is the youngest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank<'s> {
    undated: bool,
    created: Option<&'s str>,
    name: &'s ObjectName,
}

impl<'s> Rank<'s> {
    pub(super) fn of(service: &'s Service) -> Self {
        Self {
            undated: service.created.is_none(),
            created: service.created.as_deref(),
            name: &service.name,
        }
    }
}

impl World {
    /// Reads a Service anew, with its endpoints.
    pub(super) fn read_service(&mut self, name: &ObjectName, seen: Seen, endpoints: Option<Seen>) {
        let service = self.cluster.service(name).filter(|service| {
            service.speaks_to_romulus() && self.config.selector.matches(&service.labels)
        });
        let Some(service) = service else {
            return self.retire(name, seen);
        };
        let mut blueprint = Blueprint::of(service, &self.config);
        let is_held = blueprint.root == Head::Held;
        let root = match blueprint.root.valid() {
            Some(root) => Some(root.clone()),
            None => self.stored_root(name),
        };
        if is_held {
            hold(&mut blueprint);
        }
        let unread = |blueprint: PortBlueprint| PortState {
            backend: self.kept_backend(name, root.as_ref(), &blueprint.id),
            blueprint,
            servers: Box::default(),
        };
        let state = ServiceState {
            ports: blueprint.ports.into_iter().map(unread).collect(),
            root,
            is_held,
            has_endpoints: false,
            endpoints_seen: endpoints.unwrap_or(Seen::Listed),
        };
        let kept_seen = self.services.get(name).map(|state| state.endpoints_seen);
        self.report
            .set(Origin::Service(name.clone()), blueprint.diagnostics);
        let before = self.claims_of(name);
        self.services.insert(name.clone(), Box::new(state));
        self.read_endpoints(name, endpoints.or(kept_seen).unwrap_or(Seen::Listed));
        let after = self.wanted_claims(name);
        for object in before.iter().filter(|object| !after.contains_key(*object)) {
            self.unclaim(object, seen);
        }
        for (object, claim) in after {
            self.claim(&object, claim);
        }
        self.confirm_losses(name, seen);
    }

    /// The Service is gone, or does not take part any more.
    fn retire(&mut self, name: &ObjectName, seen: Seen) {
        for object in self.claims_of(name) {
            self.unclaim(&object, seen);
        }
        self.services.remove(name);
        self.report.set(Origin::Service(name.clone()), Vec::new());
        self.report.set(Origin::Endpoints(name.clone()), Vec::new());
        self.confirm_losses(name, seen);
    }

    /// What the Service has stored and does not want; a live change confirms that it is unwanted.
    fn confirm_losses(&mut self, name: &ObjectName, seen: Seen) {
        for object in self.recorded_of(name).cloned().collect::<Vec<_>>() {
            let Some(state) = self.object(&object) else {
                continue;
            };
            if state.claim.is_none() {
                let live = state.unclaimed_live || seen == Seen::Live;
                self.unclaim(&object, if live { Seen::Live } else { Seen::Listed });
            }
        }
    }

    /// Reads the endpoints of a Service anew.
    pub(super) fn read_endpoints(&mut self, name: &ObjectName, seen: Seen) {
        let Some(service) = self.cluster.service(name) else {
            return;
        };
        let Some(state) = self.services.get_mut(name) else {
            return;
        };
        let mut found = Vec::new();
        let mut changed = Vec::new();
        for port in &mut state.ports {
            let endpoints = self.cluster.endpoints(name);
            let servers = map::servers(service, &port.blueprint.port, endpoints, &mut found);
            if !servers.iter().eq(&port.servers) {
                port.servers = servers.into_iter().collect();
                changed.push(port.backend.clone());
            }
        }
        state.has_endpoints = false;
        for object in self.cluster.endpoints(name) {
            state.has_endpoints = true;
            found.extend(about(object));
        }
        state.endpoints_seen = seen;
        found.sort();
        found.dedup();
        self.report.set(Origin::Endpoints(name.clone()), found);
        let Some(root) = state.root.clone() else {
            return;
        };
        let ports: Vec<_> = state
            .ports
            .iter()
            .map(|port| port.backend.clone())
            .collect();
        for id in ports {
            let backend = ObjectRef {
                root: root.clone(),
                kind: ObjectKind::Backend,
                id,
            };
            if changed.contains(&backend.id) {
                self.dirty.insert(backend.clone());
            }
            self.weigh(&backend);
        }
    }

    /// The objects the Service claims now.
    pub(super) fn claims_of(&self, name: &ObjectName) -> Vec<ObjectRef> {
        let state = self.services.get(name).into_iter();
        let objects = state.flat_map(|state| state.objects());
        objects.map(|(object, _, _)| object).collect()
    }

    /// What the Service asks for.
    pub(super) fn wanted_claims(&self, name: &ObjectName) -> BTreeMap<ObjectRef, Claim> {
        let state = self.services.get(name).into_iter();
        let objects = state.flat_map(|state| state.objects());
        let claim = |(object, position, port): (ObjectRef, usize, &PortState)| {
            let links = self.links(&object, port);
            let service = name.clone();
            let claim = Claim {
                service,
                port: position,
                links,
            };
            (object, claim)
        };
        objects.map(claim).collect()
    }

    /// How others find what a port asks for.
    fn links(&self, object: &ObjectRef, port: &PortState) -> Links {
        let frontend = port.blueprint.frontend.as_ref();
        let Some(frontend) = frontend.filter(|_| object.kind == ObjectKind::Frontend) else {
            return Links::default();
        };
        let frontend = frontend.valid();
        let target = frontend.and_then(|frontend| frontend.target.as_ref());
        Links {
            route: frontend.map(|frontend| frontend.route.clone()),
            backend: Some(match target {
                Some(target) => self.placed_backend(&object.root, &target.id),
                None => port.backend.clone(),
            }),
        }
    }

    /// What is recorded for a Service has changed.
    pub(super) fn lose_track(&mut self, service: ObjectName) {
        if self
            .services
            .get(&service)
            .is_some_and(|state| state.is_held)
        {
            self.untracked.insert(service);
        }
    }

    /// Before a plan: finds the trees of Services that say none, by what is stored of them now.
    pub(super) fn find_trees(&mut self) {
        for name in std::mem::take(&mut self.untracked) {
            self.read_service(&name, Seen::Listed, None);
        }
    }

    /// The tree in which a Service has its stored objects: the one it was in, or the only one.
    fn stored_root(&self, name: &ObjectName) -> Option<Root> {
        let roots = || self.recorded_of(name).map(|object| &object.root);
        let known = self
            .services
            .get(name)
            .and_then(|state| state.root.as_ref());
        if let Some(known) = known.filter(|known| roots().any(|root| root == *known)) {
            return Some(known.clone());
        }
        let first = roots().next()?;
        roots().all(|other| other == first).then(|| first.clone())
    }
}

/// Nothing new is written for a Service whose tree is unknown; its servers still follow.
fn hold(blueprint: &mut Blueprint) {
    for port in &mut blueprint.ports {
        port.backend.settings = Head::Held;
        port.frontend = port.frontend.take().map(|_| Head::Held);
    }
}

/// What the endpoints object says about itself.
fn about(object: &crate::cluster::Endpoints) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let subject = || Subject::Endpoints(object.name.clone());
    if object.truncated {
        let message = "the object was cut at 1000 addresses: some endpoints get no requests";
        found.push(
            Diagnostic::new(Code::TruncatedEndpoints, subject(), message)
                .help("let romulus read EndpointSlices (--endpoints-source slices)"),
        );
    }
    if object.has_names {
        let message =
            "addresses of type FQDN are deprecated and have no defined meaning; they are left out";
        found.push(
            Diagnostic::new(Code::UnreadableAddress, subject(), message)
                .help("use addressType IPv4 or IPv6"),
        );
    }
    found
}
