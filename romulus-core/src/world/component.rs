use std::collections::BTreeSet;

use crate::key::{ObjectKind, ObjectRef};

use super::World;

impl World {
    /// The objects that must be decided about together with this one: those of the same Service,
    /// frontends that store or want the same route, frontends and the backends they store or want,
    /// backends whose ids begin with each other.
    pub(super) fn component(&self, seed: &ObjectRef) -> BTreeSet<ObjectRef> {
        let mut component = BTreeSet::from([seed.clone()]);
        let mut open = vec![seed.clone()];
        while let Some(object) = open.pop() {
            for neighbour in self.neighbours(&object) {
                if self.object(&neighbour).is_some() && component.insert(neighbour.clone()) {
                    open.push(neighbour);
                }
            }
        }
        component
    }

    /// What a frontend hangs together with by the route and the backend it has stored.
    pub(super) fn linked(&self, frontend: &ObjectRef) -> Vec<ObjectRef> {
        let stored = self
            .object(frontend)
            .and_then(super::tree::Object::stored_frontend);
        let (Some(tree), Some(stored)) = (self.trees.get(&frontend.root), stored) else {
            return Vec::new();
        };
        let of = |kind, id| ObjectRef {
            root: frontend.root.clone(),
            kind,
            id,
        };
        let same = tree.with_route(&stored.route).cloned();
        let backend = crate::key::Segment::new(&stored.backend_id);
        same.map(|id| of(ObjectKind::Frontend, id))
            .chain(backend.map(|id| of(ObjectKind::Backend, id)))
            .collect()
    }

    pub(super) fn neighbours(&self, reference: &ObjectRef) -> Vec<ObjectRef> {
        let mut neighbours = Vec::new();
        let Some(tree) = self.trees.get(&reference.root) else {
            return neighbours;
        };
        let sibling = |kind, id: &crate::key::Segment| ObjectRef {
            root: reference.root.clone(),
            kind,
            id: id.clone(),
        };
        if reference.kind == ObjectKind::Backend {
            for id in places(&reference.id) {
                let referers = tree.referers(&id);
                neighbours.extend(referers.map(|id| sibling(ObjectKind::Frontend, id)));
            }
            let mixed = tree
                .longer(reference.id.as_str())
                .chain(tree.shorter(reference.id.as_str()));
            neighbours.extend(mixed.map(|id| sibling(ObjectKind::Backend, id)));
        }
        let Some(object) = tree.get(reference.kind, &reference.id) else {
            return neighbours;
        };
        neighbours.extend(self.linked(reference));
        if let Some(claim) = &object.claim {
            if let Some(route) = &claim.links.route {
                let same = tree.with_route(route);
                neighbours.extend(same.map(|id| sibling(ObjectKind::Frontend, id)));
            }
            if let Some(id) = &claim.links.backend {
                let places = places(id);
                neighbours.extend(places.map(|id| sibling(ObjectKind::Backend, &id)));
            }
            neighbours.extend(self.claims_of(&claim.service));
            neighbours.extend(self.recorded_of(&claim.service).cloned());
        }
        let claimant = object.claim.as_ref().map(|claim| &claim.service);
        if let Some((record, _)) = &object.record
            && !claimant.is_some_and(|service| record.names(service))
            && let Some(service) = record.service_name()
        {
            neighbours.extend(self.claims_of(&service));
            neighbours.extend(self.recorded_of(&service).cloned());
        }
        neighbours
    }
}

/// Where a backend may be found: it may have moved since its frontends asked for it, or back.
fn places(id: &crate::key::Segment) -> impl Iterator<Item = crate::key::Segment> {
    let others = [super::ids::moved(id), super::ids::unmoved(id)];
    std::iter::once(id.clone()).chain(others.into_iter().flatten())
}
