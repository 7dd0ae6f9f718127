use std::collections::{BTreeMap, BTreeSet};

use crate::key::{ObjectKind, Segment};
use crate::map::{Host, ServerAddress};
use crate::stored::Entry;
use crate::vulcand;

use super::record::Record;

/// Which part of the world wants an object: a Service and the position of the port in its
/// blueprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) service: crate::cluster::ObjectName,
    pub(crate) port: usize,
    /// What a frontend asks for; kept here because others are found by it.
    pub(crate) links: Links,
}

/// How a frontend is found by others: its route and its backend.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Links {
    pub(crate) route: Option<Box<str>>,
    pub(crate) backend: Option<Segment>,
}

/// The head key of an object as stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredHead {
    pub(crate) entry: Entry,
    pub(crate) content: Content,
}

/// What the head key says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    Backend(Box<vulcand::Backend>),
    Frontend(Box<vulcand::Frontend>),
    /// vulcand would not read it.
    Unreadable,
}

impl StoredHead {
    fn new(kind: ObjectKind, entry: Entry) -> Self {
        let content = match kind {
            ObjectKind::Backend => vulcand::Backend::parse(&entry.value)
                .value
                .map(|b| Content::Backend(Box::new(b))),
            ObjectKind::Frontend => {
                let stock = vulcand::Environment::default();
                vulcand::Frontend::parse(&entry.value, &stock)
                    .value
                    .map(|f| Content::Frontend(Box::new(f)))
            }
        };
        Self {
            entry,
            content: content.unwrap_or(Content::Unreadable),
        }
    }

    pub(crate) fn frontend(&self) -> Option<&vulcand::Frontend> {
        match &self.content {
            Content::Frontend(frontend) => Some(frontend),
            _ => None,
        }
    }

    fn links(&self) -> Links {
        match self.frontend() {
            Some(frontend) => Links {
                route: Some(frontend.route.as_str().into()),
                backend: Segment::new(&frontend.backend_id),
            },
            None => Links::default(),
        }
    }
}

/// A backend or frontend: what is stored of it, and who wants it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object {
    pub(crate) head: Option<StoredHead>,
    pub(crate) children: BTreeMap<Segment, Entry>,
    pub(crate) record: Option<(Record, i64)>,
    pub(crate) claim: Option<Claim>,
    /// That nothing wants it any more was seen as it happened, not inferred from absence.
    pub(crate) unclaimed_live: bool,
    /// It is stored, and a vulcand that reads its tree has dropped it.
    pub(crate) is_lost: bool,
    /// The same of single servers or middlewares.
    pub(crate) lost_children: BTreeSet<Segment>,
    /// A plan that touches it is being carried out.
    pub(crate) in_flight: bool,
    /// Everything stored under it up to this revision is known.
    pub(crate) known_at: i64,
}

impl Object {
    pub(crate) fn is_gone(&self) -> bool {
        self.claim.is_none() && !self.is_stored() && !self.in_flight
    }

    /// Whether any key of it, or its record, is stored.
    pub(crate) fn is_stored(&self) -> bool {
        self.head.is_some() || !self.children.is_empty() || self.record.is_some()
    }

    pub(crate) fn is_owned_by(&self, owner: &Segment) -> bool {
        self.record
            .as_ref()
            .is_some_and(|(record, _)| record.owner == owner.as_str())
    }

    /// Whether keys are stored that no record of this owner covers.
    pub(crate) fn is_foreign_to(&self, owner: &Segment) -> bool {
        self.is_stored() && !self.is_owned_by(owner)
    }

    pub(crate) fn stored_frontend(&self) -> Option<&vulcand::Frontend> {
        self.head.as_ref()?.frontend()
    }

    /// Its stored servers, with where they lead.
    pub(crate) fn servers(&self) -> impl Iterator<Item = (Segment, Option<ServerAddress>)> {
        self.children
            .iter()
            .map(|(name, entry)| (name.clone(), server_address(&entry.value)))
    }
}

/// Where the URL of a stored server leads, if it leads to a port.
pub(crate) fn server_address(value: &str) -> Option<ServerAddress> {
    let server = vulcand::Server::parse(value).value?;
    let (host, port) = server.url.host().rsplit_once(':')?;
    let bare = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    let host = match bare.parse() {
        Ok(ip) => Host::Ip(ip),
        Err(_) => Host::Name(bare.to_lowercase().into()),
    };
    Some(ServerAddress {
        host,
        port: port.parse().ok()?,
    })
}

/// One vulcand tree: its objects, and who is found by which route and backend.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// All its keys have been read.
    pub(crate) loaded: bool,
    backends: BTreeMap<Segment, Object>,
    frontends: BTreeMap<Segment, Object>,
    /// Frontends that store or want a route.
    routes: BTreeMap<Box<str>, BTreeSet<Segment>>,
    /// Frontends that refer to a backend, or want to.
    referers: BTreeMap<Segment, BTreeSet<Segment>>,
}

static NOBODY: BTreeSet<Segment> = BTreeSet::new();

impl Tree {
    fn objects(&self, kind: ObjectKind) -> &BTreeMap<Segment, Object> {
        match kind {
            ObjectKind::Backend => &self.backends,
            ObjectKind::Frontend => &self.frontends,
        }
    }

    pub(crate) fn get(&self, kind: ObjectKind, id: &Segment) -> Option<&Object> {
        self.objects(kind).get(id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ObjectKind, &Segment, &Object)> {
        let of = |kind| {
            self.objects(kind)
                .iter()
                .map(move |(id, object)| (kind, id, object))
        };
        of(ObjectKind::Backend).chain(of(ObjectKind::Frontend))
    }

    /// Backends in the order of their ids.
    pub(crate) fn backends(&self) -> &BTreeMap<Segment, Object> {
        &self.backends
    }

    pub(crate) fn with_route(&self, route: &str) -> &BTreeSet<Segment> {
        self.routes.get(route).unwrap_or(&NOBODY)
    }

    pub(crate) fn referers(&self, backend: &Segment) -> &BTreeSet<Segment> {
        self.referers.get(backend).unwrap_or(&NOBODY)
    }

    /// Changes an object, which comes to be if it was not there and is dropped if nothing is left
    /// of it; keeps the indexes right.
    pub(crate) fn update<R>(
        &mut self,
        kind: ObjectKind,
        id: &Segment,
        change: impl FnOnce(&mut Object) -> R,
    ) -> R {
        let objects = match kind {
            ObjectKind::Backend => &mut self.backends,
            ObjectKind::Frontend => &mut self.frontends,
        };
        let object = objects.entry(id.clone()).or_default();
        if kind == ObjectKind::Backend {
            let result = change(object);
            if object.is_gone() {
                objects.remove(id);
            }
            return result;
        }
        let before = links(object);
        let result = change(object);
        let after = links(object);
        if object.is_gone() {
            objects.remove(id);
        }
        if before != after {
            self.unlink(id, &before);
            self.link(id, &after);
        }
        result
    }

    fn link(&mut self, id: &Segment, links: &[Links; 2]) {
        for Links { route, backend } in links {
            if let Some(route) = route {
                self.routes
                    .entry(route.clone())
                    .or_default()
                    .insert(id.clone());
            }
            if let Some(backend) = backend {
                self.referers
                    .entry(backend.clone())
                    .or_default()
                    .insert(id.clone());
            }
        }
    }

    fn unlink(&mut self, id: &Segment, links: &[Links; 2]) {
        for Links { route, backend } in links {
            if let Some(route) = route {
                remove(&mut self.routes, route, id);
            }
            if let Some(backend) = backend {
                remove(&mut self.referers, backend, id);
            }
        }
    }
}

fn remove<K: Ord>(index: &mut BTreeMap<K, BTreeSet<Segment>>, key: &K, id: &Segment) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

/// How a frontend is found: by what it stores, and by what it wants.
fn links(object: &Object) -> [Links; 2] {
    let stored = object
        .head
        .as_ref()
        .map(StoredHead::links)
        .unwrap_or_default();
    let wanted = object
        .claim
        .as_ref()
        .map(|claim| claim.links.clone())
        .unwrap_or_default();
    [stored, wanted]
}

/// What one key of an object holds after a change; `None` where it does not exist.
pub(crate) enum Slot<'k> {
    Head(Option<Entry>),
    Child(&'k Segment, Option<Entry>),
    Record(Option<Entry>),
}

impl Object {
    /// The revision at which the slot was last seen.
    fn revision(&self, slot: &Slot<'_>) -> Option<i64> {
        match slot {
            Slot::Head(_) => self.head.as_ref().map(|head| head.entry.revision),
            Slot::Child(name, _) => self.children.get(*name).map(|entry| entry.revision),
            Slot::Record(_) => self.record.as_ref().map(|(_, revision)| *revision),
        }
    }

    /// Takes over what a key holds since `revision`; returns whether that was news.
    pub(crate) fn set(&mut self, kind: ObjectKind, slot: Slot<'_>, revision: i64) -> bool {
        if revision <= self.known_at || self.revision(&slot).is_some_and(|known| known >= revision)
        {
            return false;
        }
        let is_absent = matches!(
            &slot,
            Slot::Head(None) | Slot::Child(_, None) | Slot::Record(None)
        );
        if is_absent && self.revision(&slot).is_none() {
            return false;
        }
        match &slot {
            Slot::Head(_) => self.is_lost = false,
            Slot::Child(name, _) => drop(self.lost_children.remove(*name)),
            Slot::Record(_) => {}
        }
        match slot {
            Slot::Head(entry) => {
                self.head = entry.map(|entry| StoredHead::new(kind, entry));
            }
            Slot::Child(name, Some(entry)) => drop(self.children.insert(name.clone(), entry)),
            Slot::Child(name, None) => drop(self.children.remove(name)),
            Slot::Record(entry) => {
                self.record =
                    entry.and_then(|e| Record::parse(&e.value).map(|record| (record, e.revision)));
            }
        }
        true
    }
}
