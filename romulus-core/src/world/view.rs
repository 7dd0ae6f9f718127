//! What is known of single objects, for those who show plans.

use crate::cluster::ObjectName;
use crate::key::{ObjectKind, ObjectRef, Segment};

use super::{Record, World};

/// What the cluster wants of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// No Service wants it.
    Nobody,
    /// It is to be written.
    Valid,
    /// It is wanted, and held because something about it does not validate.
    Held,
}

impl World {
    /// The Service behind an object: the one that wants it, else the one its record names.
    pub fn service_behind(&self, object: &ObjectRef) -> Option<ObjectName> {
        let object = self.object(object)?;
        let claim = object.claim.as_ref().map(|claim| claim.service.clone());
        let recorded = || object.record.as_ref()?.0.service_name();
        claim.or_else(recorded)
    }

    /// The record of a stored object; `None` where no romulus wrote it.
    pub fn record(&self, object: &ObjectRef) -> Option<&Record> {
        self.object(object)?
            .record
            .as_ref()
            .map(|(record, _)| record)
    }

    /// Every backend and frontend that is stored or wanted.
    pub fn objects(&self) -> impl Iterator<Item = ObjectRef> {
        self.trees.iter().flat_map(|(root, tree)| {
            tree.iter().map(|(kind, id, _)| ObjectRef {
                root: root.clone(),
                kind,
                id: id.clone(),
            })
        })
    }

    /// Whether a Service wants an object, and whether what it asks for validates.
    pub fn wish(&self, object: &ObjectRef) -> Wish {
        let claim = self.object(object).and_then(|object| object.claim.as_ref());
        let port = claim.and_then(|claim| {
            let service = self.services.get(&claim.service)?;
            service.ports.get(claim.port)
        });
        let Some(port) = port else {
            return Wish::Nobody;
        };
        let blueprint = &port.blueprint;
        let is_valid = match object.kind {
            ObjectKind::Backend => blueprint.backend.settings.valid().is_some(),
            ObjectKind::Frontend => {
                let frontend = blueprint.frontend.as_ref();
                frontend.is_none_or(|frontend| frontend.valid().is_some())
            }
        };
        if is_valid { Wish::Valid } else { Wish::Held }
    }

    /// The route and the backend that are wanted for a frontend, as far as they are valid.
    pub fn wanted_links(&self, frontend: &ObjectRef) -> (Option<&str>, Option<&Segment>) {
        let object = self.object(frontend);
        let claim = object.and_then(|object| object.claim.as_ref());
        claim.map_or((None, None), |claim| {
            (claim.links.route.as_deref(), claim.links.backend.as_ref())
        })
    }

    /// Whether any EndpointSlice or Endpoints object of a Service is known.
    pub fn has_endpoints(&self, service: &ObjectName) -> bool {
        let state = self.services.get(service);
        state.is_some_and(|state| state.has_endpoints)
    }

    /// The names of its stored servers or middlewares.
    pub fn children(&self, object: &ObjectRef) -> impl Iterator<Item = &Segment> {
        let children = self.object(object).map(|object| object.children.keys());
        children.into_iter().flatten()
    }

    /// The frontends that are stored and refer to a backend, foreign ones included.
    pub fn referers(&self, backend: &ObjectRef) -> impl Iterator<Item = ObjectRef> {
        let ids = self
            .trees
            .get(&backend.root)
            .map(|tree| tree.referers(&backend.id));
        let frontend = |id: &Segment| ObjectRef {
            root: backend.root.clone(),
            kind: ObjectKind::Frontend,
            id: id.clone(),
        };
        let refers = |frontend: &ObjectRef| {
            let stored = self
                .object(frontend)
                .and_then(|object| object.stored_frontend());
            stored.is_some_and(|stored| stored.backend_id == backend.id.as_str())
        };
        ids.into_iter().flatten().map(frontend).filter(refers)
    }
}
