//! What becomes of each object of a component, with the whole of it in view: ownership first, then
//! backends, frontends and their routes, and at last the backends nobody needs any more.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::Service;
use crate::config::{Policy, Prune};
use crate::diagnostic::{Code, Diagnostic, Subject};
use crate::key::{ObjectKind, ObjectRef, Segment};
use crate::map::{self, Head, Scheme};
use crate::plan::{Child, ChildValue, FrontendLinks, HeadChange, ObjectChange, RecordChange};
use crate::vulcand;

use super::World;
use super::brake::Withheld;
use super::frontends;
use super::ids;
use super::record::Record;
use super::service::{PortState, ServiceState};
use super::tree::{Content, Object, StoredChild};

/// The outcome for a component.
#[derive(Debug, Default)]
pub(super) struct Decision {
    pub(super) changes: Vec<ObjectChange>,
    pub(super) diagnostics: BTreeMap<ObjectRef, Vec<Diagnostic>>,
    /// Once the changes are carried out, everything is as it is wanted, and nothing is left to say.
    pub(super) is_whole: bool,
}

/// Whose object it is, and whether anything wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Not ours, and not to be touched.
    Foreign,
    /// A Service claims it.
    Claimed,
    /// It goes.
    Doomed,
    /// It is ours, nothing claims it, and yet it stays.
    Kept,
    /// Nothing is stored and nothing claims it.
    Nothing,
}

pub(super) fn decide(world: &World, component: &BTreeSet<ObjectRef>) -> Decision {
    let mut blocked = BTreeMap::new();
    loop {
        let decision = decide_unless(world, component, &blocked);
        let conflicts = ids::conflicts(world, &decision.changes);
        let before = blocked.len();
        for (backend, other) in conflicts {
            blocked.entry(backend).or_insert(other);
        }
        if blocked.len() == before {
            return decision;
        }
    }
}

/// Decides without creating the blocked backends: their ids and those of others that stay begin
/// with each other.
fn decide_unless(
    world: &World,
    component: &BTreeSet<ObjectRef>,
    blocked: &BTreeMap<ObjectRef, ObjectRef>,
) -> Decision {
    let mut decider = Decider {
        world,
        component,
        blocked,
        decision: Decision::default(),
        standing: BTreeMap::new(),
    };
    for object in component {
        let standing = decider.judge(object);
        decider.standing.insert(object.clone(), standing);
    }
    let frontends = frontends::decide(&mut decider);
    for object in component
        .iter()
        .filter(|object| object.kind == ObjectKind::Backend)
    {
        decider.backend(object, &frontends);
    }
    for (_, change) in frontends {
        decider.push(change);
    }
    decider.decision.is_whole = decider.is_whole();
    decider.decision
}

pub(super) struct Decider<'w> {
    pub(super) world: &'w World,
    pub(super) component: &'w BTreeSet<ObjectRef>,
    blocked: &'w BTreeMap<ObjectRef, ObjectRef>,
    pub(super) decision: Decision,
    standing: BTreeMap<ObjectRef, Standing>,
}

impl<'w> Decider<'w> {
    /// Whether nothing is left to do or to say about the component once the changes are carried
    /// out. Where anything is said, or goes, another look may find more.
    fn is_whole(&self) -> bool {
        let is_plain = |change: &ObjectChange| {
            let stays = matches!(change.head, HeadChange::Keep | HeadChange::Put(_));
            stays && (change.strays.is_empty() || !change.children.is_empty())
        };
        let mut standing = self.standing.values();
        standing.all(|standing| *standing == Standing::Claimed)
            && self.decision.diagnostics.is_empty()
            && self.decision.changes.iter().all(is_plain)
    }

    pub(super) fn standing(&self, object: &ObjectRef) -> Standing {
        self.standing
            .get(object)
            .copied()
            .unwrap_or(Standing::Nothing)
    }

    pub(super) fn object(&self, object: &ObjectRef) -> Option<&'w Object> {
        self.world.object(object)
    }

    /// The Service and port that claim an object.
    pub(super) fn claim(&self, object: &ObjectRef) -> Option<(&'w ServiceState, &'w PortState)> {
        let claim = self.object(object)?.claim.as_ref()?;
        let service = self.world.services.get(&claim.service)?;
        Some((service, service.ports.get(claim.port)?))
    }

    /// The Service that claims an object, as the cluster has it.
    pub(super) fn service(&self, object: &Object) -> Option<&'w Service> {
        self.world.cluster.service(&object.claim.as_ref()?.service)
    }

    pub(super) fn subject(&self, object: &ObjectRef) -> Subject {
        match self.object(object).and_then(|o| o.claim.as_ref()) {
            Some(claim) => Subject::Service(claim.service.clone()),
            None => Subject::Object(object.clone()),
        }
    }

    pub(super) fn say(&mut self, object: &ObjectRef, diagnostic: Diagnostic) {
        self.decision
            .diagnostics
            .entry(object.clone())
            .or_default()
            .push(diagnostic);
    }

    fn push(&mut self, mut change: ObjectChange) {
        self.spare_paused(&mut change);
        if !change.is_empty() {
            self.decision.changes.push(change);
        }
    }

    /// Whether a key is left as others put it.
    pub(super) fn is_paused(&self, key: impl FnOnce() -> String) -> bool {
        !self.world.paused.is_empty() && self.world.paused.contains(&key())
    }

    /// Leaves single servers and middlewares as others put them, where their object stays.
    fn spare_paused(&self, change: &mut ObjectChange) {
        if self.world.paused.is_empty() || change.head == HeadChange::Delete {
            return;
        }
        let (object, stored) = (&change.object, self.object(&change.object));
        let is_stored = |name| stored.is_some_and(|object| object.children.contains_key(name));
        for child in &mut change.children {
            child.in_step |=
                is_stored(&child.name) && self.is_paused(|| object.child_key(&child.name));
        }
        change
            .strays
            .retain(|name| !self.is_paused(|| object.child_key(name)));
    }

    fn judge(&mut self, reference: &ObjectRef) -> Standing {
        let Some(object) = self.object(reference) else {
            return Standing::Nothing;
        };
        let config = &self.world.config;
        let adopts = config.adopt && object.record.is_none();
        if object.claim.is_some() {
            if object.is_foreign_to(&config.owner) && !adopts {
                self.foreign(reference, object);
                return Standing::Foreign;
            }
            return Standing::Claimed;
        }
        if !object.is_owned_by(&config.owner) {
            return if object.is_stored() {
                Standing::Foreign
            } else {
                Standing::Nothing
            };
        }
        if !self.world.is_prunable(object) {
            return Standing::Kept;
        }
        if config.policy == Policy::UpsertOnly {
            let message = "nothing wants it any more; the policy `upsert-only` keeps it";
            let found = Diagnostic::new(Code::Kept, Subject::Object(reference.clone()), message);
            self.say(
                reference,
                found.help("start with --policy sync to have it deleted"),
            );
            return Standing::Kept;
        }
        if let Some(withheld) = self.world.is_withheld(reference) {
            self.withheld(reference, withheld, "it would be deleted");
            return Standing::Kept;
        }
        Standing::Doomed
    }

    fn foreign(&mut self, reference: &ObjectRef, object: &Object) {
        let whose = match &object.record {
            Some((record, _)) => format!(
                "it belongs to the owner `{}` (Service {})",
                record.owner, record.service
            ),
            None => "no romulus wrote it".into(),
        };
        let help = match &object.record {
            Some(_) => "publish the Service under one owner only",
            None => "start with --adopt to take it over, or remove its keys",
        };
        let message = format!("{reference} exists and {whose}: it is left alone");
        let found = Diagnostic::new(Code::ForeignObject, self.subject(reference), message).at(
            reference.head_key(),
            object.head.as_ref().map_or("", |head| &head.entry.value),
        );
        self.say(reference, found.help(help));
    }

    fn withheld(&mut self, reference: &ObjectRef, withheld: Withheld, what: &str) {
        let (why, help) = match withheld {
            Withheld::TooMany { losses, owned } => (
                format!("{losses} of {owned} owned objects would be lost at once"),
                "if that is meant, start once with --max-delete-percent 100",
            ),
            Withheld::Incomplete => (
                "a source could not be read as a whole".into(),
                "correct what the source reports",
            ),
        };
        let subject = self.subject(reference);
        let object = match subject {
            Subject::Object(_) => String::new(),
            _ => format!("{reference}: "),
        };
        let message =
            format!("{object}{what} because it was not listed, and {why}: it is withheld");
        let found = Diagnostic::new(Code::DeletionWithheld, subject, message);
        self.say(reference, found.help(help));
    }

    /// Whether a backend will be there after this plan, for a frontend of ours to refer to.
    pub(super) fn is_available(&self, backend: &ObjectRef) -> bool {
        let Some(object) = self.object(backend) else {
            return false;
        };
        let valid = self
            .claim(backend)
            .is_some_and(|(_, port)| port.blueprint.backend.settings.valid().is_some());
        self.standing(backend) == Standing::Claimed
            && !self.blocked.contains_key(backend)
            && (object.head.is_some() || valid)
    }

    /// Whether a backend has servers now.
    pub(super) fn serves(&self, backend: &ObjectRef) -> bool {
        self.object(backend)
            .is_some_and(|object| !object.children.is_empty())
    }

    /// The revision of a stored head.
    pub(super) fn head_revision(&self, object: &ObjectRef) -> Option<i64> {
        self.object(object)?
            .head
            .as_ref()
            .map(|head| head.entry.revision)
    }

    /// Whether vulcand has lost a backend that we keep: its head key is gone, or was never there.
    pub(super) fn is_to_be_created(&self, backend: &ObjectRef) -> bool {
        (self.is_available(backend) || self.standing(backend) == Standing::Doomed)
            && self
                .object(backend)
                .is_some_and(|object| object.head.is_none() || object.is_lost)
    }

    /// The record of a claimed object.
    pub(super) fn record(&self, object: &Object) -> RecordChange {
        let Some(service) = self.service(object) else {
            return RecordChange::Keep;
        };
        let owner = &self.world.config.owner;
        match &object.record {
            Some((record, _)) if record.is_of(owner, service) => RecordChange::Keep,
            _ => RecordChange::Put(Record::of(owner, service).to_string()),
        }
    }

    fn backend(&mut self, reference: &ObjectRef, frontends: &BTreeMap<ObjectRef, ObjectChange>) {
        let Some(object) = self.object(reference) else {
            return;
        };
        let mut change = untouched(reference, object);
        match self.standing(reference) {
            Standing::Claimed => {
                let Some((service, port)) = self.claim(reference) else {
                    return;
                };
                if let Some(other) = self.blocked.get(reference) {
                    let message = format!(
                        "{reference} is not written: its id and that of {other} begin with each other, and vulcand would mix their servers at its next start"
                    );
                    let found = Diagnostic::new(Code::IdConflict, self.subject(reference), message);
                    self.say(
                        reference,
                        found.help("rename one of them, or remove the other"),
                    );
                }
                if !self.is_available(reference) {
                    return;
                }
                let is_paused = object.head.is_some() && self.is_paused(|| reference.head_key());
                if !is_paused {
                    change.head = backend_head(reference, object, port);
                }
                change.record = self.record(object);
                self.servers(reference, object, service, port, &mut change);
            }
            Standing::Doomed => {
                change.strays = object.children.keys().cloned().collect();
                match self.remaining_referer(reference, frontends) {
                    None => {
                        if object.head.is_some() {
                            change.head = HeadChange::Delete;
                        }
                        change.record = RecordChange::Delete;
                    }
                    Some(frontend) => {
                        // Where it only moves, its servers follow in both places.
                        if let Some((service, port)) = self.successor(reference) {
                            change.strays.clear();
                            self.servers(reference, object, service, port, &mut change);
                        }
                        if object.head.is_none() || object.is_lost {
                            // Lost to somebody else: without it no vulcand starts.
                            let stored = object.head.as_ref().map(|head| head.entry.value.clone());
                            change.head = HeadChange::Put(
                                stored.unwrap_or_else(|| map::backend_value(&reference.id, None)),
                            );
                        }
                        let message = format!(
                            "nothing wants {reference} any more, but {frontend} refers to it: it stays, without servers"
                        );
                        let found = Diagnostic::new(
                            Code::StillReferenced,
                            Subject::Object(reference.clone()),
                            message,
                        );
                        self.say(
                            reference,
                            found.help("point the frontend to another backend, or remove it"),
                        );
                    }
                }
            }
            // What keeps it does not keep its servers from following, where it only moves.
            Standing::Kept => match self.successor(reference) {
                Some((service, port)) if object.head.is_some() => {
                    self.servers(reference, object, service, port, &mut change);
                }
                _ => return,
            },
            Standing::Foreign | Standing::Nothing => return,
        }
        self.push(change);
    }

    /// Where a backend is to be found that a frontend has stored, and that moves.
    pub(super) fn moved_backend(&self, frontend: &ObjectRef, id: &Segment) -> Option<Segment> {
        let backend = self.world.backend_of(frontend, id);
        let moved = ids::moved(id)?;
        let moves = self.standing(&backend) == Standing::Doomed
            && self.successor(&backend).is_some()
            && self.is_available(&self.world.backend_of(frontend, &moved));
        moves.then_some(moved)
    }

    /// The claim of a backend that has moved to another id.
    fn successor(&self, backend: &ObjectRef) -> Option<(&'w ServiceState, &'w PortState)> {
        let id = ids::moved(&backend.id)?;
        self.claim(&self.world.backend_of(backend, &id))
    }

    /// The backend under the id that this one has moved from.
    fn predecessor(&self, backend: &ObjectRef) -> Option<&'w Object> {
        let id = ids::unmoved(&backend.id)?;
        self.object(&self.world.backend_of(backend, &id))
    }

    /// A frontend that will still refer to the backend after this plan.
    fn remaining_referer(
        &self,
        backend: &ObjectRef,
        frontends: &BTreeMap<ObjectRef, ObjectChange>,
    ) -> Option<ObjectRef> {
        let tree = self.world.trees.get(&backend.root)?;
        tree.referers(&backend.id).find_map(|id| {
            let frontend = ObjectRef {
                root: backend.root.clone(),
                kind: ObjectKind::Frontend,
                id: id.clone(),
            };
            let refers = match frontends.get(&frontend) {
                Some(change) => match &change.head {
                    HeadChange::Delete => false,
                    HeadChange::Put(_) | HeadChange::Recreate(_) => {
                        change.links.new_backend.as_ref() == Some(&backend.id)
                    }
                    HeadChange::Keep => change.links.old_backend.as_ref() == Some(&backend.id),
                },
                None => self
                    .object(&frontend)
                    .and_then(Object::stored_frontend)
                    .is_some_and(|stored| stored.backend_id == backend.id.as_str()),
            };
            refers.then_some(frontend)
        })
    }

    fn servers(
        &mut self,
        reference: &ObjectRef,
        object: &Object,
        service: &ServiceState,
        port: &PortState,
        change: &mut ObjectChange,
    ) {
        if self.world.config.prune == Prune::Listed && !service.has_endpoints {
            return self.keep_children(object, change);
        }
        if port.servers.is_empty()
            && !object.children.is_empty()
            && let Some(withheld) = self.world.is_withheld(reference)
        {
            self.withheld(reference, withheld, "its last servers would go");
            return self.keep_children(object, change);
        }
        let scheme = match port.blueprint.backend.scheme {
            Head::Valid(scheme) => Some(scheme),
            Head::Held => stored_scheme(object),
        };
        // Without a scheme to go by, no server can be written; those that are stored stay.
        let Some(scheme) = scheme else {
            return self.keep_children(object, change);
        };
        // While a backend moves, a vulcand that starts mixes both of its ids: the names are the same.
        let named = match self.predecessor(reference) {
            Some(predecessor) if object.children.is_empty() => predecessor,
            _ => object,
        };
        let names = map::server_names(&port.servers, named.servers(), Segment::new);
        for (name, address) in &names {
            let value = ChildValue::Server(scheme, (*address).clone());
            let stored = object
                .children
                .get(name)
                .filter(|_| !object.lost_children.contains(name));
            let in_step = stored.is_some_and(|stored| {
                stored.is_server(scheme, address) || {
                    let (stored, wanted) = (stored.value(), value.text());
                    stored == wanted || same_server(&stored, &wanted)
                }
            });
            change.children.push(Child {
                name: name.clone(),
                value,
                in_step,
            });
        }
        change.strays = object
            .children
            .keys()
            .filter(|name| !names.contains_key(*name))
            .cloned()
            .collect();
    }

    /// The stored children stay; they are put again where the head has to be.
    pub(super) fn keep_children(&self, object: &Object, change: &mut ObjectChange) {
        let kept = object.children.iter();
        change.children = kept
            .map(|(name, child)| Child {
                name: name.clone(),
                value: ChildValue::Text(child.value().into_owned()),
                in_step: true,
            })
            .collect();
    }
}

/// A change that changes nothing yet.
pub(super) fn untouched(reference: &ObjectRef, object: &Object) -> ObjectChange {
    let stored = object.stored_frontend();
    ObjectChange {
        object: reference.clone(),
        head: HeadChange::Keep,
        record: RecordChange::Keep,
        children: Vec::new(),
        strays: BTreeSet::new(),
        head_revision: object.head.as_ref().map(|head| head.entry.revision),
        is_lost: object.is_lost,
        record_revision: object.record.as_ref().map(|(_, revision)| *revision),
        links: FrontendLinks {
            old_route: stored.map(|stored| stored.route.clone()),
            old_backend: stored.and_then(|stored| Segment::new(&stored.backend_id)),
            ..FrontendLinks::default()
        },
    }
}

fn backend_head(reference: &ObjectRef, object: &Object, port: &PortState) -> HeadChange {
    let Head::Valid(settings) = &port.blueprint.backend.settings else {
        return HeadChange::Keep;
    };
    let text = map::backend_value(&reference.id, settings.as_ref().map(|s| s.text.as_str()));
    let Some(stored) = object.head.as_ref().filter(|_| !object.is_lost) else {
        return HeadChange::Put(text);
    };
    let wanted = settings
        .as_ref()
        .map(|s| (*s.parsed).clone())
        .unwrap_or_default();
    let in_step = stored.entry.value == text
        || matches!(&stored.content, Content::Backend(backend) if backend.settings == wanted);
    if in_step {
        HeadChange::Keep
    } else {
        HeadChange::Put(text)
    }
}

fn same_server(stored: &str, wanted: &str) -> bool {
    match (
        vulcand::Server::parse(stored).value,
        vulcand::Server::parse(wanted).value,
    ) {
        (Some(stored), Some(wanted)) => stored == wanted,
        _ => false,
    }
}

/// How the stored servers are spoken to.
fn stored_scheme(object: &Object) -> Option<Scheme> {
    object.children.values().find_map(StoredChild::scheme)
}
