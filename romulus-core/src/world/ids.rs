//! World rule 2: no backend id of a tree is the beginning of another.
//!
//! A vulcand that starts (not one that is running) gives a backend the servers of every backend
//! whose id begins with its own; found on a running vulcand, on etcd v3. A backend whose id is the
//! beginning of another moves to its id with an underscore, which no id made of Kubernetes names
//! has, and stays there while its Service lives.

use std::ops::Bound;

use crate::cluster::ObjectName;
use crate::key::{ObjectKind, ObjectRef, Root, Segment};

use crate::plan::{HeadChange, ObjectChange};

use super::World;
use super::cluster::Seen;
use super::tree::Tree;

/// What ends an id that had to move.
const MOVED: char = '_';

pub(super) fn moved(id: &Segment) -> Option<Segment> {
    Segment::new(&format!("{id}{MOVED}"))
}

pub(super) fn unmoved(id: &Segment) -> Option<Segment> {
    Segment::new(id.as_str().strip_suffix(MOVED)?)
}

impl Tree {
    /// The other backends whose ids begin with this one.
    pub(super) fn longer<'t>(&'t self, id: &'t str) -> impl Iterator<Item = &'t Segment> {
        let after = (Bound::Excluded(id), Bound::Unbounded);
        let rest = self.backend_ids().range::<str, _>(after);
        rest.take_while(move |other| other.as_str().starts_with(id))
    }

    /// The other backends whose ids this one begins with.
    pub(super) fn shorter<'t>(&'t self, id: &'t str) -> impl Iterator<Item = &'t Segment> {
        // Whatever is the beginning of the id and stands before another id that sorts before it,
        // is also the beginning of what the two have in common.
        let before = |bound: Bound<&str>| {
            let range = (Bound::Unbounded, bound);
            self.backend_ids().range::<str, _>(range).next_back()
        };
        let mut bound = Bound::Excluded(id);
        std::iter::from_fn(move || {
            loop {
                let found = before(bound)?;
                let common = common_beginning(found.as_str(), id);
                if common == found.as_str() {
                    bound = Bound::Excluded(common);
                    return Some(found);
                }
                bound = Bound::Included(common);
            }
        })
    }
}

impl World {
    /// The id under which the backend of a port is kept: where it has moved, it stays for as long
    /// as something is stored there, or its plain id is the beginning of another.
    pub(super) fn kept_backend(
        &self,
        service: &ObjectName,
        root: Option<&Root>,
        id: &Segment,
    ) -> Segment {
        let stays = || {
            let root = root?;
            let target = moved(id)?;
            let backend = backend_in(root, &target);
            let stored = self
                .recorded
                .get(service)
                .is_some_and(|objects| objects.contains_key(&backend));
            let waits = || {
                let claimed = self.services.get(service).is_some_and(|state| {
                    state.root.as_ref() == Some(root)
                        && state.ports.iter().any(|port| port.backend == target)
                });
                let in_flight = || self.is_in_flight(&backend);
                claimed && (in_flight() || self.is_crowded(root, id))
            };
            (stored || waits()).then_some(target)
        };
        stays().unwrap_or_else(|| id.clone())
    }

    /// Whether an id is the beginning of another backend's, besides the one it moves to.
    fn is_crowded(&self, root: &Root, id: &Segment) -> bool {
        let own = moved(id);
        let is_other = |other: &Segment| Some(other) != own.as_ref();
        let tree = self.trees.get(root);
        tree.is_some_and(|tree| tree.longer(id.as_str()).any(is_other))
    }

    /// The id under which a port's backend is to be found, given the port's id.
    pub(super) fn placed_backend(&self, root: &Root, id: &Segment) -> Segment {
        let claimed = |id: &Segment| {
            let backend = self
                .trees
                .get(root)
                .and_then(|tree| tree.get(ObjectKind::Backend, id));
            backend.is_some_and(|object| object.claim.is_some())
        };
        moved(id).filter(claimed).unwrap_or_else(|| id.clone())
    }

    /// Before a plan: moves backends whose ids have become the beginning of another, and those
    /// back that never had to.
    pub(super) fn settle_ids(&mut self) {
        for backend in std::mem::take(&mut self.vanished) {
            self.move_back(&backend);
        }
        for backend in std::mem::take(&mut self.appeared) {
            let Some(tree) = self.trees.get(&backend.root) else {
                continue;
            };
            if tree.get(ObjectKind::Backend, &backend.id).is_none() {
                continue; // it has gone again
            }
            let mut crowded: Vec<Segment> = tree
                .shorter(backend.id.as_str())
                .filter(|shorter| moved(shorter).as_ref() != Some(&backend.id))
                .cloned()
                .collect();
            if self.is_crowded(&backend.root, &backend.id) {
                crowded.push(backend.id.clone());
            }
            crowded.extend(self.moved_before(&backend));
            for id in crowded {
                if let Some(target) = moved(&id) {
                    self.move_claim(&backend.root, &id, &target);
                }
            }
        }
    }

    /// A backend is no longer stored: those that were to move out of its way, and have not yet,
    /// need not.
    fn move_back(&mut self, gone: &ObjectRef) {
        let text = gone.id.as_str();
        let cuts = (1..=text.len()).filter(|cut| text.is_char_boundary(*cut));
        let plain: Vec<Segment> = cuts.filter_map(|cut| Segment::new(&text[..cut])).collect();
        for id in plain.into_iter().chain(unmoved(&gone.id)) {
            let Some(target) = moved(&id) else {
                continue;
            };
            let claim = self.object(&backend_in(&gone.root, &target));
            let Some(claim) = claim.and_then(|object| object.claim.as_ref()) else {
                continue;
            };
            if self.kept_backend(&claim.service, Some(&gone.root), &id) == id {
                self.move_claim(&gone.root, &target, &id);
            }
        }
    }

    /// The id whose claim is to follow a stored backend that moved in an earlier life of ours.
    fn moved_before(&self, backend: &ObjectRef) -> Option<Segment> {
        let id = unmoved(&backend.id)?;
        let object = self
            .object(backend)
            .filter(|object| object.is_owned_by(&self.config.owner))?;
        let service = object.record.as_ref()?.0.service_name()?;
        let claim = self
            .object(&ObjectRef {
                id: id.clone(),
                ..backend.clone()
            })?
            .claim
            .as_ref()?;
        (claim.service == service).then_some(id)
    }

    /// Lets the claim of a backend move to its id with the underscore, or back.
    fn move_claim(&mut self, root: &Root, from: &Segment, to: &Segment) {
        let backend = backend_in(root, from);
        let Some(claim) = self
            .object(&backend)
            .and_then(|object| object.claim.clone())
        else {
            return;
        };
        let Some(state) = self.services.get_mut(&claim.service) else {
            return;
        };
        match state.ports.get_mut(claim.port) {
            // What has moved once has the underscore already.
            Some(port) if [from, to].contains(&&port.blueprint.id) => port.backend = to.clone(),
            _ => return,
        }
        self.unclaim(&backend, Seen::Live);
        let mut services = vec![claim.service];
        if let Some(tree) = self.trees.get(root) {
            let referers = tree.referers(from);
            let claims =
                referers.filter_map(|id| tree.get(ObjectKind::Frontend, id)?.claim.as_ref());
            services.extend(claims.map(|claim| claim.service.clone()));
        }
        for service in services {
            for (object, claim) in self.wanted_claims(&service) {
                self.claim(&object, claim);
            }
        }
    }
}

/// What both texts begin with; a part of the second.
fn common_beginning<'t>(text: &str, other: &'t str) -> &'t str {
    let same = |(one, another): &((usize, char), char)| one.1 == *another;
    let pairs = other.char_indices().zip(text.chars());
    let last = pairs.take_while(same).last();
    let end = last.map_or(0, |((at, c), _)| at + c.len_utf8());
    &other[..end]
}

fn backend_in(root: &Root, id: &Segment) -> ObjectRef {
    ObjectRef {
        root: root.clone(),
        kind: ObjectKind::Backend,
        id: id.clone(),
    }
}

/// Backends that would be created beside another that stays, when the id of one begins with that
/// of the other; with that other.
pub(super) fn conflicts(world: &World, changes: &[ObjectChange]) -> Vec<(ObjectRef, ObjectRef)> {
    let is_backend = |change: &&ObjectChange| change.object.kind == ObjectKind::Backend;
    let backends = || changes.iter().filter(is_backend);
    let creates =
        |change: &ObjectChange| change.head_revision.is_none() && change.head != HeadChange::Keep;
    let mut conflicts = Vec::new();
    for change in backends().filter(|change| creates(change)) {
        let object = &change.object;
        let Some(tree) = world.trees.get(&object.root) else {
            continue;
        };
        let id = object.id.as_str();
        let stays = |other: &Segment| {
            let mut of_other =
                backends().filter(|c| c.object.root == object.root && c.object.id == *other);
            match of_other.next() {
                Some(change) => change.head != HeadChange::Delete,
                None => tree
                    .get(ObjectKind::Backend, other)
                    .is_some_and(|o| o.is_stored()),
            }
        };
        let foreign = |other: &Segment| {
            let other = tree.get(ObjectKind::Backend, other);
            other.is_some_and(|o| o.is_foreign_to(&world.config.owner))
        };
        // For as long as a backend moves, both of its ids are there: with the same servers.
        let moves = |short: &Segment, long: &Segment| moved(short).as_ref() == Some(long);
        let shorter = tree
            .shorter(id)
            .filter(|o| !moves(o, &object.id) || foreign(o));
        let longer = tree
            .longer(id)
            .filter(|o| !moves(&object.id, o) || foreign(o));
        if let Some(other) = shorter.chain(longer).find(|other| stays(other)) {
            conflicts.push((
                object.clone(),
                ObjectRef {
                    id: other.clone(),
                    ..object.clone()
                },
            ));
        }
    }
    conflicts
}
