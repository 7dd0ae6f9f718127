use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};

use crate::key::{Key, ObjectKind, Segment};
use crate::map::{self, Host, Scheme, ServerAddress};
use crate::stored::Entry;
use crate::vulcand;

use super::cluster::{self, Few};
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

/// What a plan that is being carried out leaves to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flight {
    /// Once it is through, everything is as it is wanted.
    Whole,
    /// Whoever hangs together with it is to be looked at again.
    Part,
}

/// A backend or frontend: what is stored of it, and who wants it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object {
    pub(crate) head: Option<StoredHead>,
    pub(crate) children: BTreeMap<Segment, StoredChild>,
    pub(crate) record: Option<(Record, i64)>,
    pub(crate) claim: Option<Claim>,
    /// That nothing wants it any more was seen as it happened, not inferred from absence.
    pub(crate) unclaimed_live: bool,
    /// It is stored, and a vulcand that reads its tree has dropped it.
    pub(crate) is_lost: bool,
    /// The same of single servers or middlewares.
    pub(crate) lost_children: BTreeSet<Segment>,
    /// A plan that touches it is being carried out.
    pub(crate) flight: Option<Flight>,
    /// Everything stored under it up to this revision is known.
    pub(crate) known_at: i64,
}

impl Object {
    pub(crate) fn is_gone(&self) -> bool {
        self.claim.is_none() && !self.is_stored() && self.flight.is_none()
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
            .map(|(name, server)| (name.clone(), server.address()))
    }
}

/// A stored server or middleware.
#[derive(Debug, Clone)]
pub(crate) struct StoredChild {
    content: ChildContent,
    pub(crate) revision: i64,
}

/// There are many servers, and nearly all were written by romulus: their text is not kept.
#[derive(Debug, Clone, PartialEq)]
enum ChildContent {
    /// A server as romulus writes it.
    Server(Scheme, IpAddr, u16),
    /// Anything else.
    Text(Box<str>),
}

impl StoredChild {
    fn new(kind: ObjectKind, entry: &Entry) -> Self {
        let server = || {
            let server = ChildContent::server(&entry.value)?;
            (server.text() == entry.value).then_some(server)
        };
        let server = if kind == ObjectKind::Backend {
            server()
        } else {
            None
        };
        Self {
            content: server.unwrap_or_else(|| ChildContent::Text(entry.value.as_str().into())),
            revision: entry.revision,
        }
    }

    /// The stored text.
    pub(crate) fn value(&self) -> Cow<'_, str> {
        self.content.text()
    }

    /// Where the URL of a server leads, if it leads to a port.
    pub(crate) fn address(&self) -> Option<ServerAddress> {
        match &self.content {
            ChildContent::Server(_, ip, port) => Some(ServerAddress {
                host: Host::Ip(*ip),
                port: *port,
            }),
            ChildContent::Text(text) => server_address(text),
        }
    }

    /// Whether it is a server exactly as romulus writes it for this address.
    pub(crate) fn is_server(&self, scheme: Scheme, address: &ServerAddress) -> bool {
        match (&self.content, &address.host) {
            (ChildContent::Server(stored, ip, port), Host::Ip(wanted)) => {
                (*stored, ip, *port) == (scheme, wanted, address.port)
            }
            _ => false,
        }
    }

    /// How a server is spoken to.
    pub(crate) fn scheme(&self) -> Option<Scheme> {
        match &self.content {
            ChildContent::Server(scheme, ..) => Some(*scheme),
            ChildContent::Text(text) => {
                let server = vulcand::Server::parse(text).value?;
                Some(match server.url.scheme() {
                    "https" => Scheme::Https,
                    _ => Scheme::Http,
                })
            }
        }
    }
}

impl ChildContent {
    /// A server that may have been written by romulus.
    fn server(value: &str) -> Option<Self> {
        let url = value.strip_prefix("{\"URL\":\"")?.strip_suffix("\"}")?;
        let (scheme, address) = url.split_once("://")?;
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return None,
        };
        let address: SocketAddr = address.parse().ok()?;
        Some(Self::Server(scheme, address.ip(), address.port()))
    }

    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Server(scheme, ip, port) => {
                let address = ServerAddress {
                    host: Host::Ip(*ip),
                    port: *port,
                };
                map::server_value(&address.url(*scheme)).into()
            }
            Self::Text(text) => Cow::Borrowed(text),
        }
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
    backends: Objects,
    frontends: Objects,
    /// The backends' ids in order: some begin with others.
    backend_ids: BTreeSet<Segment>,
    /// Frontends that store or want a route.
    routes: HashMap<Box<str>, Few<Segment>>,
    /// Frontends that refer to a backend, or want to.
    referers: HashMap<Segment, Few<Segment>>,
}

/// What became of an object by a change.
pub(crate) struct Updated<R> {
    /// It was not there before.
    pub(crate) is_new: bool,
    /// Nothing is left of it.
    pub(crate) is_gone: bool,
    pub(crate) result: R,
}

type Objects = HashMap<Segment, Box<Object>>;

impl Tree {
    fn objects(&self, kind: ObjectKind) -> &Objects {
        match kind {
            ObjectKind::Backend => &self.backends,
            ObjectKind::Frontend => &self.frontends,
        }
    }

    pub(crate) fn get(&self, kind: ObjectKind, id: &Segment) -> Option<&Object> {
        self.objects(kind).get(id).map(|object| &**object)
    }

    /// For what no index depends on, and what leaves something of the object.
    pub(crate) fn get_mut(&mut self, kind: ObjectKind, id: &Segment) -> Option<&mut Object> {
        let objects = match kind {
            ObjectKind::Backend => &mut self.backends,
            ObjectKind::Frontend => &mut self.frontends,
        };
        objects.get_mut(id).map(|object| &mut **object)
    }

    /// All objects, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ObjectKind, &Segment, &Object)> {
        let of = |kind| {
            let objects = self.objects(kind).iter();
            let mut objects: Vec<_> = objects.map(|(id, object)| (kind, id, &**object)).collect();
            objects.sort_unstable_by_key(|(_, id, _)| *id);
            objects
        };
        let backends = of(ObjectKind::Backend).into_iter();
        backends.chain(of(ObjectKind::Frontend))
    }

    /// The backends' ids, in order.
    pub(crate) fn backend_ids(&self) -> &BTreeSet<Segment> {
        &self.backend_ids
    }

    pub(crate) fn with_route(&self, route: &str) -> impl Iterator<Item = &Segment> {
        self.routes.get(route).into_iter().flat_map(Few::keys)
    }

    pub(crate) fn referers(&self, backend: &Segment) -> impl Iterator<Item = &Segment> {
        self.referers.get(backend).into_iter().flat_map(Few::keys)
    }

    /// Changes an object, which comes to be if it was not there and is dropped if nothing is left
    /// of it; keeps the indexes right.
    pub(crate) fn update<R>(
        &mut self,
        kind: ObjectKind,
        id: &Segment,
        change: impl FnOnce(&mut Object) -> R,
    ) -> Updated<R> {
        let objects = match kind {
            ObjectKind::Backend => &mut self.backends,
            ObjectKind::Frontend => &mut self.frontends,
        };
        let mut is_new = false;
        let object = objects.entry(id.clone()).or_insert_with(|| {
            is_new = true;
            Box::default()
        });
        let linked = (kind == ObjectKind::Frontend).then(|| links(object));
        let result = change(object);
        let is_gone = object.is_gone();
        if let Some(before) = linked {
            let after = links(object);
            if before != after {
                self.unlink(id, &before);
                self.link(id, &after);
            }
        }
        match kind {
            ObjectKind::Backend if is_gone => {
                self.backends.remove(id);
                self.backend_ids.remove(id);
            }
            ObjectKind::Frontend if is_gone => drop(self.frontends.remove(id)),
            ObjectKind::Backend if is_new => drop(self.backend_ids.insert(id.clone())),
            ObjectKind::Backend | ObjectKind::Frontend => {}
        }
        Updated {
            is_new,
            is_gone,
            result,
        }
    }

    fn link(&mut self, id: &Segment, links: &[Links; 2]) {
        for Links { route, backend } in links {
            if let Some(route) = route {
                self.routes
                    .entry(route.clone())
                    .or_insert_with(cluster::one)
                    .insert(id.clone(), ());
            }
            if let Some(backend) = backend {
                self.referers
                    .entry(backend.clone())
                    .or_insert_with(cluster::one)
                    .insert(id.clone(), ());
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

fn remove<K: Eq + Hash>(index: &mut HashMap<K, Few<Segment>>, key: &K, id: &Segment) {
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

impl Object {
    /// Whether a change of a key at `revision` is no news.
    pub(crate) fn knows(&self, key: &Key, is_deleted: bool, revision: i64) -> bool {
        let known = match key {
            Key::Head(_) => self.head.as_ref().map(|head| head.entry.revision),
            Key::Child(_, name) => self.children.get(name).map(|child| child.revision),
            Key::Record(_) => self.record.as_ref().map(|(_, revision)| *revision),
        };
        revision <= self.known_at
            || known.is_some_and(|known| known >= revision)
            || is_deleted && known.is_none()
    }

    /// Takes over what a key holds since `revision`; returns whether that was news.
    pub(crate) fn set(&mut self, key: &Key, entry: Option<Entry>, revision: i64) -> bool {
        if self.knows(key, entry.is_none(), revision) {
            return false;
        }
        let kind = key.object().kind;
        match key {
            Key::Head(_) => {
                self.is_lost = false;
                self.head = entry.map(|entry| StoredHead::new(kind, entry));
            }
            Key::Child(_, name) => {
                self.lost_children.remove(name);
                match entry {
                    Some(entry) => {
                        let child = StoredChild::new(kind, &entry);
                        self.children.insert(name.clone(), child);
                    }
                    None => drop(self.children.remove(name)),
                }
            }
            Key::Record(_) => {
                self.record =
                    entry.and_then(|e| Record::parse(&e.value).map(|record| (record, e.revision)));
            }
        }
        true
    }
}
