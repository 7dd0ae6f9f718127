use std::collections::{BTreeMap, HashMap};

use litemap::LiteMap;

use crate::cluster::{ClusterChange, Endpoints, Kind, Object, ObjectName, Scope, Service};

/// A set that mostly has one member.
pub(crate) type Few<T> = LiteMap<T, ()>;

/// An empty set with room for one member.
pub(crate) fn one<T>() -> Few<T> {
    Few::with_capacity(1)
}

/// How we know of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It was seen as it happened.
    Live,
    /// It was inferred by comparing a list with what was known before.
    Listed,
}

/// What a change of the cluster touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Touched {
    /// The Service itself.
    Service(ObjectName, Seen),
    /// The endpoints of a Service.
    Endpoints(ObjectName, Seen),
}

#[derive(Debug)]
struct Tracked<T> {
    object: T,
    /// How many lists had begun when it was last shown.
    list: u64,
}

/// Where the listing of a scope stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Listing {
    /// A list has reached its end.
    listed: bool,
    /// The last list that reached its end could not be read as a whole.
    incomplete: bool,
    /// A list runs; objects that show up since carry at least this number.
    running: Option<u64>,
}

/// The Services and endpoints of the cluster, as the sources last told them.
#[derive(Debug)]
pub(crate) struct Cluster {
    services: HashMap<ObjectName, Box<Tracked<Service>>>,
    endpoints: HashMap<ObjectName, Box<Tracked<Endpoints>>>,
    /// Endpoints objects by the Service they belong to.
    behind: HashMap<ObjectName, Few<ObjectName>>,
    scopes: BTreeMap<Scope, Listing>,
    /// Counts lists, so that a sweep knows what its list has shown.
    lists: u64,
}

impl Cluster {
    pub(crate) fn new(scopes: &[Scope]) -> Self {
        Self {
            services: HashMap::new(),
            endpoints: HashMap::new(),
            behind: HashMap::new(),
            scopes: scopes
                .iter()
                .map(|scope| (scope.clone(), Listing::default()))
                .collect(),
            lists: 0,
        }
    }

    /// Whether every scope has been listed to its end once.
    pub(crate) fn is_listed(&self) -> bool {
        self.scopes.values().all(|listing| listing.listed)
    }

    /// Whether the last list of every scope could be read as a whole.
    pub(crate) fn is_complete(&self) -> bool {
        !self.scopes.values().any(|listing| listing.incomplete)
    }

    pub(crate) fn service(&self, name: &ObjectName) -> Option<&Service> {
        self.services.get(name).map(|tracked| &tracked.object)
    }

    /// Everything known of the addresses behind a Service.
    pub(crate) fn endpoints(&self, service: &ObjectName) -> impl Iterator<Item = &Endpoints> {
        let objects = self.behind.get(service).into_iter().flat_map(LiteMap::keys);
        objects
            .filter_map(|name| self.endpoints.get(name))
            .map(|tracked| &tracked.object)
    }

    /// Takes over a change and says what it touches; nothing, where it says what was known.
    pub(crate) fn apply(&mut self, change: ClusterChange, touched: &mut Vec<Touched>) {
        match change {
            ClusterChange::ListStart(scope) => {
                self.lists += 1;
                self.scopes.entry(scope).or_default().running = Some(self.lists);
            }
            ClusterChange::ListEnd { scope, complete } => {
                let listing = self.scopes.entry(scope.clone()).or_default();
                let since = listing.running;
                *listing = Listing {
                    listed: true,
                    incomplete: !complete,
                    running: None,
                };
                if let Some(since) = since.filter(|_| complete) {
                    self.sweep(&scope, since, touched);
                }
            }
            ClusterChange::Apply(object) => {
                let seen = self.seen(object.kind(), object.name());
                match object {
                    Object::Service(service) => self.apply_service(service, seen, touched),
                    Object::Endpoints(endpoints) => self.apply_endpoints(endpoints, seen, touched),
                }
            }
            ClusterChange::Delete(kind, name) => self.delete(kind, &name, Seen::Live, touched),
        }
    }

    /// While a list of the object's scope runs, what comes is a listing.
    fn seen(&self, kind: Kind, name: &ObjectName) -> Seen {
        let running = |(scope, listing): (&Scope, &Listing)| {
            scope.kind == kind && scope.covers(name) && listing.running.is_some()
        };
        if self.scopes.iter().any(running) {
            Seen::Listed
        } else {
            Seen::Live
        }
    }

    fn apply_service(&mut self, service: Service, seen: Seen, touched: &mut Vec<Touched>) {
        let name = service.name.clone();
        let tracked = Tracked {
            object: service,
            list: self.lists,
        };
        let before = self.services.insert(name.clone(), Box::new(tracked));
        let now = self.services.get(&name).map(|t| &t.object);
        if before.as_ref().map(|t| &t.object) != now {
            touched.push(Touched::Service(name, seen));
        }
    }

    fn apply_endpoints(&mut self, endpoints: Endpoints, seen: Seen, touched: &mut Vec<Touched>) {
        let name = endpoints.name.clone();
        let service = endpoints.service.clone();
        let tracked = Tracked {
            object: endpoints,
            list: self.lists,
        };
        let before = self
            .endpoints
            .insert(name.clone(), Box::new(tracked))
            .map(|t| t.object);
        if before.as_ref() == self.endpoints.get(&name).map(|t| &t.object) {
            return;
        }
        let left = before
            .and_then(|before| before.service)
            .filter(|old| Some(old) != service.as_ref());
        if let Some(left) = left {
            self.unlink(&left, &name);
            touched.push(Touched::Endpoints(left, seen));
        }
        if let Some(service) = service {
            self.behind
                .entry(service.clone())
                .or_insert_with(one)
                .insert(name, ());
            touched.push(Touched::Endpoints(service, seen));
        }
    }

    fn delete(&mut self, kind: Kind, name: &ObjectName, seen: Seen, touched: &mut Vec<Touched>) {
        match kind {
            Kind::Service => {
                if self.services.remove(name).is_some() {
                    touched.push(Touched::Service(name.clone(), seen));
                }
            }
            Kind::Endpoints => {
                let service = self.endpoints.remove(name).and_then(|t| t.object.service);
                if let Some(service) = service {
                    self.unlink(&service, name);
                    touched.push(Touched::Endpoints(service, seen));
                }
            }
        }
    }

    fn unlink(&mut self, service: &ObjectName, endpoints: &ObjectName) {
        if let Some(objects) = self.behind.get_mut(service) {
            objects.remove(endpoints);
            if objects.is_empty() {
                self.behind.remove(service);
            }
        }
    }

    /// Removes what the list of the scope has not shown.
    fn sweep(&mut self, scope: &Scope, since: u64, touched: &mut Vec<Touched>) {
        let unseen = match scope.kind {
            Kind::Service => {
                let services = self.services.iter();
                unseen(services.map(|(name, t)| (name, t.list)), scope, since)
            }
            Kind::Endpoints => {
                let endpoints = self.endpoints.iter();
                unseen(endpoints.map(|(name, t)| (name, t.list)), scope, since)
            }
        };
        for name in unseen {
            self.delete(scope.kind, &name, Seen::Listed, touched);
        }
    }
}

/// Those of the scope that no list has shown since.
fn unseen<'o>(
    objects: impl Iterator<Item = (&'o ObjectName, u64)>,
    scope: &Scope,
    since: u64,
) -> Vec<ObjectName> {
    let old = objects.filter(|(name, list)| *list < since && scope.covers(name));
    let mut unseen: Vec<ObjectName> = old.map(|(name, _)| name.clone()).collect();
    unseen.sort_unstable();
    unseen
}
