//! The incremental engine: cluster changes and observed keys in, plans out.

mod brake;
mod cluster;
mod component;
mod counts;
mod decide;
mod frontends;
mod ids;
mod observe;
mod quiet;
mod record;
mod report;
mod review;
mod service;
mod siblings;
mod tree;
mod view;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::cluster::{ClusterChange, ObjectName, Service};
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::key::{Key, ObjectKind, ObjectRef, RECORDS_PREFIX, Root, Segment};
use crate::plan::{self, Group};

use brake::Brake;
use cluster::{Cluster, Few, Seen, Touched};
use report::{Origin, Report};
use service::ServiceState;
use tree::{Claim, Flight, Object, StoredChild, Tree};

pub use counts::Counts;
pub use record::Record;
pub use view::Wish;

/// What to write now, and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Independent groups of transactions.
    pub groups: Vec<Group>,
    /// Diagnostics that are new since the last plan.
    pub raised: Vec<Diagnostic>,
    /// Diagnostics that no longer hold.
    pub cleared: Vec<Diagnostic>,
}

/// How a group ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every step was committed.
    Complete,
    /// It was given up on the way.
    Cut,
    /// A guard of a step did not hold.
    Refused,
}

/// Everything romulus knows: the cluster as its sources tell it, the store as it is watched.
///
/// Feed it with [`apply`](Self::apply), [`load`](Self::load) and [`observe`](Self::observe); ask
/// for a [`plan`](Self::plan); tell it of each transaction that was [`committed`](Self::committed)
/// and of each group that was [`finished`](Self::finished). What one change costs depends on what
/// it touches, not on the size of the cluster.
///
/// ```
/// use romulus_core::cluster::{ClusterChange, Kind, Object, Scope};
/// use romulus_core::config::Config;
/// use romulus_core::stored::Snapshot;
/// use romulus_core::world::World;
///
/// let mut config = Config::new("vulcand".parse()?);
/// config.scopes = vec![Scope::all(Kind::Service)];
/// let mut world = World::new(config);
///
/// // The store is empty.
/// for prefix in world.missing_prefixes() {
///     world.load(&prefix, &Snapshot::default());
/// }
/// // The cluster has one Service.
/// let service = serde_json::from_str(
///     r#"{"metadata": {"name": "web", "annotations": {"romulus/host": "www.example.com"}},
///         "spec": {"ports": [{"port": 80}]}}"#,
/// )?;
/// world.apply([
///     ClusterChange::ListStart(Scope::all(Kind::Service)),
///     ClusterChange::Apply(Object::Service(service)),
///     ClusterChange::ListEnd { scope: Scope::all(Kind::Service), complete: true },
/// ]);
/// let plan = world.plan();
/// let ops = &plan.groups[0].steps[0].transaction.ops;
/// assert_eq!(ops[0].key(), "vulcand/backends/web.default/backend");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct World {
    config: Config,
    cluster: Cluster,
    /// The Services that take part.
    services: HashMap<ObjectName, Box<ServiceState>>,
    trees: BTreeMap<Root, Tree>,
    records_loaded: bool,
    /// Objects by the Service their record names; ours only.
    recorded: HashMap<ObjectName, Few<ObjectRef>>,
    /// What we own.
    owned: Counts,
    /// What has to be looked at by the next plan.
    dirty: BTreeSet<ObjectRef>,
    /// Backends that came to be, or to be claimed, since the last plan.
    appeared: BTreeSet<ObjectRef>,
    /// Backends of which nothing is stored any more, or nothing of ours, since the last plan.
    vanished: BTreeSet<ObjectRef>,
    /// Objects that are no more, since the last plan.
    gone: BTreeSet<ObjectRef>,
    /// Services that say no tree, and of which the records have changed since the last plan.
    untracked: BTreeSet<ObjectName>,
    /// Keys we deleted, and when: their older events may still be on the way.
    tombstones: BTreeMap<String, i64>,
    /// Objects whose last plan was refused; they are not packed with others.
    refused: BTreeSet<ObjectRef>,
    /// Keys that are left as others put them.
    paused: BTreeSet<String>,
    brake: Brake,
    report: Report,
    /// How many trees there were when siblings were last told.
    told_roots: usize,
}

impl World {
    /// A world of which nothing is known yet.
    pub fn new(config: Config) -> Self {
        Self {
            cluster: Cluster::new(&config.scopes),
            services: HashMap::new(),
            trees: BTreeMap::from([(config.root.clone(), Tree::default())]),
            records_loaded: false,
            recorded: HashMap::new(),
            owned: Counts::default(),
            dirty: BTreeSet::new(),
            appeared: BTreeSet::new(),
            vanished: BTreeSet::new(),
            gone: BTreeSet::new(),
            untracked: BTreeSet::new(),
            tombstones: BTreeMap::new(),
            refused: BTreeSet::new(),
            paused: BTreeSet::new(),
            brake: Brake::default(),
            report: Report::default(),
            told_roots: 0,
            config,
        }
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Takes over changes of the cluster.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = ClusterChange>) {
        let mut touched = Vec::new();
        for change in changes {
            self.cluster.apply(change, &mut touched);
        }
        // What came last counts, and a Service that changed has its endpoints read again anyway.
        let mut services: BTreeMap<ObjectName, (Option<Seen>, Option<Seen>)> = BTreeMap::new();
        for touch in touched {
            match touch {
                Touched::Service(name, seen) => services.entry(name).or_default().0 = Some(seen),
                Touched::Endpoints(name, seen) => services.entry(name).or_default().1 = Some(seen),
            }
        }
        for (name, (service, endpoints)) in services {
            if let Some(seen) = service {
                self.read_service(&name, seen, endpoints);
            } else if let Some(seen) = endpoints {
                self.read_endpoints(&name, seen);
            }
        }
    }

    /// Prefixes of the store that must be loaded, and watched, before a plan can be complete: the
    /// ownership records, the default tree, and every tree a label or a record names.
    pub fn missing_prefixes(&self) -> Vec<String> {
        let records = (!self.records_loaded).then(|| RECORDS_PREFIX.to_owned());
        let trees = self
            .trees
            .iter()
            .filter(|(_, tree)| !tree.loaded)
            .map(|(root, _)| root.prefix());
        records.into_iter().chain(trees).collect()
    }

    /// The trees in use.
    pub fn roots(&self) -> impl Iterator<Item = &Root> {
        self.trees.keys()
    }

    /// A group is no longer being carried out; what it left undone is planned anew.
    pub fn finished(&mut self, group: &Group, end: End) {
        for object in &group.objects {
            let flight = self.land(object);
            if end != End::Complete || flight != Some(Flight::Whole) {
                self.dirty.insert(object.clone());
            }
            if object.kind == ObjectKind::Backend && !self.is_ours(object) {
                self.vanished.insert(object.clone()); // it did not come to be
            }
            if end == End::Refused {
                self.refused.insert(object.clone());
            } else {
                self.refused.remove(object);
            }
        }
    }

    /// A plan that touches the object begins to be carried out.
    fn launch(&mut self, object: &ObjectRef, flight: Flight) {
        let tree = self.trees.get_mut(&object.root);
        if let Some(state) = tree.and_then(|tree| tree.get_mut(object.kind, &object.id)) {
            state.flight = Some(flight);
        }
    }

    /// It is no longer carried out.
    fn land(&mut self, object: &ObjectRef) -> Option<Flight> {
        let tree = self.trees.get_mut(&object.root)?;
        let state = tree.get_mut(object.kind, &object.id)?;
        let flight = state.flight.take();
        if state.is_gone() {
            self.change(object, |_| ());
        }
        flight
    }

    /// Objects of ours whose record names the Service.
    fn recorded_of(&self, service: &ObjectName) -> impl Iterator<Item = &ObjectRef> {
        self.recorded.get(service).into_iter().flat_map(Few::keys)
    }

    fn object(&self, object: &ObjectRef) -> Option<&Object> {
        self.trees.get(&object.root)?.get(object.kind, &object.id)
    }

    fn is_in_flight(&self, object: &ObjectRef) -> bool {
        self.object(object)
            .is_some_and(|object| object.flight.is_some())
    }

    fn is_ours(&self, object: &ObjectRef) -> bool {
        let object = self.object(object);
        object.is_some_and(|object| object.is_owned_by(&self.config.owner))
    }

    /// Changes what is known of an object; keeps every index and count right.
    fn change<R: Default>(
        &mut self,
        object: &ObjectRef,
        change: impl FnOnce(&mut Object) -> R,
    ) -> R {
        let owner = &self.config.owner;
        let Some(tree) = self.trees.get_mut(&object.root) else {
            return R::default();
        };
        let recorded = |state: &Object| {
            let ours = state
                .record
                .as_ref()
                .filter(|(record, _)| record.owner == owner.as_str());
            ours.map(|(record, _)| record.service.clone())
        };
        let is_backend = object.kind == ObjectKind::Backend;
        let updated = tree.update(object.kind, &object.id, |state| {
            let before = (recorded(state), state.children.len());
            let result = change(state);
            (before, (recorded(state), state.children.len()), result)
        });
        let (is_new, is_gone) = (updated.is_new, updated.is_gone);
        let (before, after, result) = updated.result;
        let vanishes = is_backend && (is_gone || before.0.is_some() && after.0.is_none());
        if before.0.is_some() {
            self.owned.remove(object.kind, before.1);
        }
        if after.0.is_some() {
            self.owned.add(object.kind, after.1);
        }
        if before.0 != after.0 {
            if let Some(service) = before.0.and_then(|service| record::service_name(&service))
                && let Some(objects) = self.recorded.get_mut(&service)
            {
                objects.remove(object);
                if objects.is_empty() {
                    self.recorded.remove(&service);
                }
                self.lose_track(service);
            }
            if let Some(service) = after.0.and_then(|service| record::service_name(&service)) {
                self.recorded
                    .entry(service.clone())
                    .or_insert_with(|| Few::with_capacity(2))
                    .insert(object.clone(), ());
                self.lose_track(service);
            }
        }
        if is_new && is_backend {
            self.appeared.insert(object.clone());
        }
        if vanishes {
            self.vanished.insert(object.clone());
        }
        if is_gone && !is_new {
            self.gone.insert(object.clone());
        }
        self.weigh(object);
        result
    }

    /// Whether every source has listed everything once.
    pub fn is_listed(&self) -> bool {
        self.cluster.is_listed()
    }

    /// Whether the first plan can be made: every source has listed completely, every tree in use
    /// is loaded.
    pub fn is_ready(&self) -> bool {
        self.cluster.is_listed() && self.missing_prefixes().is_empty()
    }

    /// Plans what has changed since the last plan; empty before the world is
    /// [ready](Self::is_ready). The objects of each group count as in flight until the group is
    /// [finished](Self::finished).
    pub fn plan(&mut self) -> Plan {
        self.plan_some(usize::MAX)
    }

    /// Plans as [`plan`](Self::plan) does, but no more once there are this many operations: the
    /// next call goes on. So a store can write what is planned while the rest is.
    pub fn plan_some(&mut self, enough: usize) -> Plan {
        if !self.is_ready() {
            return Plan::default();
        }
        self.find_trees();
        self.settle_ids();
        self.report_siblings();
        self.apply_brake();
        self.forget_gone();
        let mut groups = Vec::new();
        let mut operations = 0;
        let mut open = std::mem::take(&mut self.dirty);
        // What hangs together with something in flight is planned again when that is through.
        let mut waiting = Vec::new();
        while operations < enough
            && let Some(seed) = open.pop_first()
        {
            if self.is_in_flight(&seed) {
                waiting.push(seed);
                continue;
            }
            let mut component = self.component(&seed);
            if component.iter().any(|object| self.is_in_flight(object)) {
                waiting.push(seed);
                continue;
            }
            let mut decision = decide::decide(self, &component);
            if self.lose_to(&decision.changes) {
                component = self.component(&seed);
                decision = decide::decide(self, &component);
            }
            for object in &component {
                self.dirty.remove(object);
                open.remove(object);
                let found = decision
                    .diagnostics
                    .get(object)
                    .cloned()
                    .unwrap_or_default();
                self.report.set(Origin::Object(object.clone()), found);
            }
            if let Some(group) = plan::group(decision.changes) {
                let flight = if decision.is_whole {
                    Flight::Whole
                } else {
                    Flight::Part
                };
                for object in &group.objects {
                    self.launch(object, flight);
                }
                let steps = group.steps.iter();
                operations += steps.map(|step| step.transaction.ops.len()).sum::<usize>();
                groups.push(group);
            }
        }
        open.extend(waiting);
        open.append(&mut self.dirty);
        self.dirty = open;
        let groups = plan::pack(groups, |group| {
            group.objects.iter().any(|o| self.refused.contains(o))
        });
        let (raised, cleared) = self.report.news();
        Plan {
            groups,
            raised,
            cleared,
        }
    }

    /// Of objects that are no more, only those are left to look at that they stood in the way of.
    fn forget_gone(&mut self) {
        for object in std::mem::take(&mut self.gone) {
            if self.object(&object).is_some() {
                continue; // it is back
            }
            self.dirty.remove(&object);
            self.report.set(Origin::Object(object.clone()), Vec::new());
            let left = self
                .neighbours(&object)
                .into_iter()
                .filter(|o| self.object(o).is_some());
            let left: Vec<ObjectRef> = left.collect();
            self.dirty.extend(left);
        }
    }

    /// Everything there is to say now.
    pub fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        self.report.all()
    }

    /// A Service as its source last told it.
    pub fn service(&self, name: &ObjectName) -> Option<&Service> {
        self.cluster.service(name)
    }

    /// How many backends and frontends this owner has stored.
    pub fn owned(&self) -> usize {
        self.owned.objects()
    }

    /// How many keys this owner has stored.
    pub fn counts(&self) -> Counts {
        self.owned
    }

    /// The value stored under a key, as last seen.
    pub fn stored(&self, key: &str) -> Option<Cow<'_, str>> {
        let key = self.keys(key).into_iter().next()?;
        let object = self.object(key.object())?;
        match &key {
            Key::Head(_) => {
                let head = object.head.as_ref();
                head.map(|head| head.entry.value.as_str().into())
            }
            Key::Child(_, name) => object.children.get(name).map(StoredChild::value),
            Key::Record(_) => None,
        }
    }

    fn claim(&mut self, object: &ObjectRef, claim: Claim) {
        self.trees.entry(object.root.clone()).or_default();
        self.yield_route(object, claim.links.route.as_deref());
        let is_new = self.change(object, |state| {
            state.unclaimed_live = false;
            state.claim.replace(claim).is_none()
        });
        if is_new && object.kind == ObjectKind::Backend {
            // While nothing claimed it, others may have come whose ids begin with its own.
            self.appeared.insert(object.clone());
        }
        self.dirty.insert(object.clone());
    }

    fn unclaim(&mut self, object: &ObjectRef, seen: Seen) {
        self.yield_route(object, None);
        self.change(object, |state| {
            state.claim = None;
            state.unclaimed_live = seen == Seen::Live;
        });
        self.dirty.insert(object.clone());
    }

    /// A frontend that asks for another route than before: whoever asked for the same may get it
    /// now, though this one never had it.
    fn yield_route(&mut self, object: &ObjectRef, wanted: Option<&str>) {
        let claim = self.object(object).and_then(|state| state.claim.as_ref());
        let Some(route) = claim.and_then(|claim| claim.links.route.as_deref()) else {
            return;
        };
        if Some(route) == wanted {
            return;
        }
        let Some(tree) = self.trees.get(&object.root) else {
            return;
        };
        let others = tree.with_route(route).filter(|id| **id != object.id);
        let others = others.map(|id| ObjectRef {
            id: id.clone(),
            ..object.clone()
        });
        self.dirty.extend(others.collect::<Vec<_>>());
    }

    fn backend_of(&self, frontend: &ObjectRef, id: &Segment) -> ObjectRef {
        ObjectRef {
            root: frontend.root.clone(),
            kind: ObjectKind::Backend,
            id: id.clone(),
        }
    }
}
