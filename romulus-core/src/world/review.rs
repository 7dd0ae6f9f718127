//! What is not wrong with any one object, and surprises all the same: for people who look at a
//! cluster or at manifests as a whole.

use std::collections::BTreeMap;

use crate::cluster::Service;
use crate::config::Prune;
use crate::diagnostic::{Code, Diagnostic, Subject};
use crate::key::{ObjectKind, ObjectRef, Root};
use crate::vulcand::route::{Route, dangerous_pair, shadowed};

use super::World;
use super::service::{PortState, ServiceState};
use super::tree::Tree;

/// A stored frontend with its route.
struct Routed {
    object: ObjectRef,
    route: Route,
    is_ours: bool,
}

impl World {
    /// Looks for routes that never answer or disturb each other, ids that begin with each other,
    /// and ports without endpoints, in what is stored once every plan has been carried out.
    ///
    /// It costs what the whole world costs, so nobody should call it after every change.
    pub fn review(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (root, tree) in &self.trees {
            let routes = self.routes(root, tree);
            self.review_routes(&routes, &mut found);
        }
        for name in self.services() {
            let known = self.services.get(name).zip(self.cluster.service(name));
            let Some((state, service)) = known else {
                continue;
            };
            for port in &state.ports {
                found.extend(self.review_id(service, state, port));
                found.extend(self.review_endpoints(service, state, port));
            }
        }
        found.sort();
        found
    }

    fn routes(&self, root: &Root, tree: &Tree) -> Vec<Routed> {
        let frontends = tree
            .iter()
            .filter(|(kind, ..)| *kind == ObjectKind::Frontend);
        let routed = frontends.filter_map(|(kind, id, object)| {
            Some(Routed {
                route: object.stored_frontend()?.route.parse().ok()?,
                is_ours: object.is_owned_by(&self.config.owner),
                object: ObjectRef {
                    root: root.clone(),
                    kind,
                    id: id.clone(),
                },
            })
        });
        routed.collect()
    }

    fn review_routes(&self, routes: &[Routed], found: &mut Vec<Diagnostic>) {
        let numbered = routes.iter().enumerate();
        for (low, high) in shadowed(numbered.map(|(index, routed)| (index, &routed.route))) {
            let (low, high) = (&routes[low], &routes[high]);
            if !low.is_ours && !high.is_ours {
                continue;
            }
            let message = format!(
                "{} never answers: the route {} of {} ranks above its route {}, and matches \
                 whatever that matches",
                low.object, high.route, high.object, low.route
            );
            let found_here = self.about_pair(Code::ShadowedRoute, low, high, message);
            let help = "make the other route narrower";
            found.push(found_here.help(help));
        }
        // What romulus writes is safe beside what it writes.
        for ours in routes.iter().filter(|routed| routed.is_ours) {
            for other in routes.iter().filter(|routed| !routed.is_ours) {
                let Some(danger) = dangerous_pair(&ours.route, &other.route) else {
                    continue;
                };
                let message = format!(
                    "the route {} of {} and the route {} of {}, which romulus did not write: {danger}",
                    ours.route, ours.object, other.route, other.object
                );
                let found_here = self.about_pair(Code::DangerousPair, ours, other, message);
                let help =
                    "write the other one with a regular expression, which vulcand never merges";
                found.push(found_here.help(help));
            }
        }
    }

    fn about_pair(
        &self,
        code: Code,
        first: &Routed,
        second: &Routed,
        message: String,
    ) -> Diagnostic {
        let mut found = Diagnostic::new(code, self.subject_of(&first.object), message);
        for (routed, note) in [(first, ""), (second, "this is the other route")] {
            for key in self.route_keys(&routed.object) {
                found = found.see(self.subject_of(&routed.object), key.as_str(), note);
            }
        }
        found
    }

    /// The Service that claims an object, else the object itself.
    fn subject_of(&self, object: &ObjectRef) -> Subject {
        match self.object(object).and_then(|object| object.claim.as_ref()) {
            Some(claim) => Subject::Service(claim.service.clone()),
            None => Subject::Object(object.clone()),
        }
    }

    /// The annotations that the route of a frontend comes from.
    pub(super) fn route_keys(&self, frontend: &ObjectRef) -> &[String] {
        let keys = || {
            let claim = self.object(frontend)?.claim.as_ref()?;
            let port = self.services.get(&claim.service)?.ports.get(claim.port)?;
            let frontend = port.blueprint.frontend.as_ref()?.valid()?;
            Some(&*frontend.route_keys)
        };
        keys().unwrap_or_default()
    }

    fn review_id(
        &self,
        service: &Service,
        state: &ServiceState,
        port: &PortState,
    ) -> Option<Diagnostic> {
        let (id, moved) = (&port.blueprint.id, &port.backend);
        if id == moved {
            return None;
        }
        let tree = self.trees.get(state.root.as_ref()?)?;
        let other = tree.longer(id.as_str()).find(|other| *other != moved)?;
        let message = format!(
            "`{id}` is the beginning of the backend id `{other}`, whose servers a vulcand that \
             starts would mix up with its own: the backend is written as `{moved}`"
        );
        let subject = Subject::Service(service.name.clone());
        Some(Diagnostic::new(Code::SiblingIds, subject, message))
    }

    fn review_endpoints(
        &self,
        service: &Service,
        state: &ServiceState,
        port: &PortState,
    ) -> Option<Diagnostic> {
        // Manifests seldom hold endpoints; what says nothing about them does not say there are none.
        let is_known = state.has_endpoints || self.config.prune != Prune::Listed;
        if !port.servers.is_empty() || !is_known {
            return None;
        }
        let wanted = &port.blueprint.port.name;
        let what = match wanted.as_str() {
            "" => "the port".to_owned(),
            name => format!("port `{name}`"),
        };
        let mut offered: BTreeMap<&str, usize> = BTreeMap::new();
        for set in self.cluster.endpoints(&service.name).flat_map(|e| &e.sets) {
            for name in set.ports.iter().map(|port| port.name.as_str()) {
                *offered.entry(name).or_default() += set.endpoints.len();
            }
        }
        let shown = |name: &&str| match *name {
            "" => "one without a name".to_owned(),
            name => format!("`{name}`"),
        };
        let names: Vec<String> = offered.keys().map(shown).collect();
        let (why, help) = if offered.is_empty() {
            (
                "there are none".to_owned(),
                "see why the Service has no endpoints",
            )
        } else if offered.contains_key(wanted.as_str()) {
            (
                "none of them is ready".to_owned(),
                "see why no pod is ready",
            )
        } else {
            let why = format!("they are of {}", names.join(", "));
            (
                why,
                "give the port of the Service and that of its endpoints the same name",
            )
        };
        let message = format!("{what} has no endpoints: {why}; vulcand answers with an error");
        let subject = Subject::Service(service.name.clone());
        let found = Diagnostic::new(Code::NoEndpoints, subject.clone(), message).help(help);
        let is_it = |port: &crate::cluster::ServicePort| port.name == *wanted;
        Some(match service.ports.iter().position(is_it) {
            Some(index) if !wanted.is_empty() => {
                found.see(subject, format!("spec.ports[{index}].name"), "")
            }
            Some(index) => found.see(subject, format!("spec.ports[{index}].port"), ""),
            None => found,
        })
    }

    /// The Services that take part.
    pub fn services(&self) -> impl Iterator<Item = &crate::cluster::ObjectName> {
        let mut names: Vec<_> = self.services.keys().collect();
        names.sort_unstable();
        names.into_iter()
    }

    /// The tree that a Service is written to.
    pub fn root_of(&self, service: &crate::cluster::ObjectName) -> Option<&Root> {
        self.services.get(service)?.root.as_ref()
    }
}
