//! What is known of single objects, for those who show plans.

use crate::cluster::ObjectName;
use crate::key::{ObjectKind, ObjectRef, Segment};

use super::{Record, World};

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
