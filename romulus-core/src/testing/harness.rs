use crate::cluster::{
    ClusterChange, Endpoints, EndpointsJson, Kind, Object, ObjectName, Scope, Service, SliceJson,
};
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::key::{OWN_PREFIX, ObjectRef, RECORDS_PREFIX, Root};
use crate::plan::{Group, Guard, Op, Revision, Step, Transaction};
use crate::stored::{KeyChange, Snapshot};
use crate::world::{End, Plan, World};

use super::{MapStore, Refused};

/// A world and the store it writes to, in one thread and without time.
///
/// ```
/// use romulus_core::testing::Harness;
/// let mut harness = Harness::new("vulcand");
/// harness.list(&[serde_json::json!({
///     "kind": "Service",
///     "metadata": {"name": "web", "annotations": {"romulus/host": "www.example.com"}},
///     "spec": {"ports": [{"port": 80}]},
/// })]);
/// harness.sync();
/// assert!(harness.store.tree().contains("vulcand/frontends/web.default/frontend"));
/// ```
#[derive(Debug)]
pub struct Harness {
    /// The world.
    pub world: World,
    /// The store.
    pub store: MapStore,
    /// How much of the store's log the world has seen.
    seen: usize,
}

impl Harness {
    /// An empty cluster and an empty store.
    pub fn new(root: &str) -> Self {
        Self::with(
            Config::new(root.parse().expect("a root")),
            MapStore::default(),
        )
    }

    /// A world with these settings, on a store that may hold something.
    pub fn with(mut config: Config, store: MapStore) -> Self {
        config.scopes = vec![Scope::all(Kind::Service), Scope::all(Kind::Endpoints)];
        let seen = store.log().len();
        Self {
            world: World::new(config),
            store,
            seen,
        }
    }

    /// In step with these objects, as Kubernetes JSON, in the tree `vulcand`.
    pub fn synced(objects: &[serde_json::Value]) -> Self {
        let mut harness = Self::new("vulcand");
        harness.list(objects);
        harness.sync();
        harness
    }

    /// A fresh start with the same settings on the same store.
    #[must_use]
    pub fn restart(&self) -> Self {
        Self::with(self.world.config().clone(), self.store.clone())
    }

    /// The store is restored to another state, whose revisions may be older: the watches read
    /// everything anew.
    pub fn restore(&mut self, store: MapStore) {
        self.seen = store.log().len();
        self.store = store;
        let trees = self.world.roots().map(Root::prefix);
        let prefixes: Vec<String> = trees.chain([RECORDS_PREFIX.to_owned()]).collect();
        for prefix in prefixes {
            self.world.load(&prefix, &self.store.snapshot(&prefix));
        }
    }

    /// The sources list the whole cluster: these objects, as Kubernetes JSON.
    pub fn list(&mut self, objects: &[serde_json::Value]) {
        let objects: Vec<Object> = objects.iter().filter_map(object).collect();
        self.list_objects(&objects);
    }

    /// The sources list the whole cluster.
    pub fn list_objects(&mut self, objects: &[Object]) {
        for kind in [Kind::Service, Kind::Endpoints] {
            let scope = Scope::all(kind);
            let of_kind = objects
                .iter()
                .filter(|object| object.kind() == kind)
                .cloned();
            let changes = std::iter::once(ClusterChange::ListStart(scope.clone()))
                .chain(of_kind.map(ClusterChange::Apply))
                .chain([ClusterChange::ListEnd {
                    scope,
                    complete: true,
                }]);
            self.world.apply(changes);
        }
    }

    /// The watches see objects change, as Kubernetes JSON.
    pub fn apply(&mut self, objects: &[serde_json::Value]) {
        let objects = objects.iter().filter_map(object);
        self.world.apply(objects.map(ClusterChange::Apply));
    }

    /// The watches see an object of this kind go.
    pub fn delete(&mut self, kind: &str, namespace: &str, name: &str) {
        let kind = if kind == "Service" {
            Kind::Service
        } else {
            Kind::Endpoints
        };
        self.world.apply([ClusterChange::Delete(
            kind,
            ObjectName::new(namespace, name),
        )]);
    }

    /// Loads what is missing and plans.
    pub fn plan(&mut self) -> Plan {
        self.observe();
        loop {
            let missing = self.world.missing_prefixes();
            if missing.is_empty() {
                return self.world.plan();
            }
            for prefix in missing {
                self.world.load(&prefix, &self.store.snapshot(&prefix));
            }
        }
    }

    /// Plans and commits until there is nothing left to write; returns the transactions. Fails if
    /// that takes suspiciously long, or if the store refuses one.
    pub fn sync(&mut self) -> Vec<Transaction> {
        let mut written = Vec::new();
        for _ in 0..10 {
            let plan = self.plan();
            if plan.groups.is_empty() {
                return written;
            }
            for group in plan.groups {
                written.extend(self.commit(&group));
            }
        }
        panic!(
            "no end of plans; the last transactions: {:#?}",
            &written[written.len().saturating_sub(4)..]
        );
    }

    /// Plans and commits as [`sync`](Self::sync) does; tells what was written, a line per operation
    /// and a line between transactions, records left out.
    pub fn narrate(&mut self) -> String {
        let mut told = String::new();
        for _ in 0..10 {
            let plan = self.plan();
            if plan.groups.is_empty() {
                return told;
            }
            for group in plan.groups {
                for (step, transaction) in group.steps.iter().zip(self.commit(&group)) {
                    told += if step.settle {
                        "-- after the settle pause\n"
                    } else {
                        "--\n"
                    };
                    told.extend(transaction.ops.iter().filter_map(line));
                }
            }
        }
        panic!("no end of plans:\n{told}");
    }

    /// Commits a group.
    pub fn commit(&mut self, group: &Group) -> Vec<Transaction> {
        let steps = self.commit_steps(group, group.steps.len());
        self.world.finished(group, End::Complete);
        steps
    }

    /// Commits a group as romulusd does, which tells the world of its steps once all are through.
    /// The watch is faster: also with what somebody does after the first step.
    pub fn commit_late(&mut self, group: &Group, meddle: impl FnOnce(&mut MapStore)) {
        let mut meddle = Some(meddle);
        let (mut revisions, mut done) = (Vec::new(), Vec::new());
        for step in &group.steps {
            let transaction = resolve(&step.transaction, &revisions);
            match self.store.commit(&transaction) {
                Ok(revision) => revisions.push(revision),
                Err(refused) => panic!("{refused:?} in {group:#?}"),
            }
            done.push(transaction);
            if let Some(meddle) = meddle.take() {
                meddle(&mut self.store);
            }
            self.observe();
        }
        for (transaction, revision) in done.iter().zip(revisions) {
            self.world.committed(transaction, revision);
        }
        self.world.finished(group, End::Complete);
    }

    /// Commits the first steps of a group, without telling the world that it is finished.
    pub fn commit_steps(&mut self, group: &Group, count: usize) -> Vec<Transaction> {
        let mut revisions = Vec::new();
        let mut written = Vec::new();
        for step in group.steps.iter().take(count) {
            match self.commit_step(step, &mut revisions) {
                Ok(transaction) => written.push(transaction),
                Err(refused) => panic!("{refused:?} in {group:#?}"),
            }
        }
        written
    }

    /// Commits one step of a group; `revisions` are those of the steps before it.
    pub fn commit_step(
        &mut self,
        step: &Step,
        revisions: &mut Vec<i64>,
    ) -> Result<Transaction, Refused> {
        let transaction = resolve(&step.transaction, revisions);
        let revision = self.store.commit(&transaction)?;
        revisions.push(revision);
        self.world.committed(&transaction, revision);
        Ok(transaction)
    }

    /// The world sees what happened to the store since it last looked.
    pub fn observe(&mut self) {
        let news: Vec<KeyChange> = self.store.log()[self.seen..].to_vec();
        self.seen += news.len();
        for change in &news {
            self.world.observe(change);
        }
    }

    /// The diagnostics that hold, as lines.
    pub fn diagnostics(&self) -> String {
        self.world
            .diagnostics()
            .map(|diagnostic: &Diagnostic| format!("{diagnostic}\n"))
            .collect()
    }

    /// Reads everything of some objects anew.
    pub fn refresh(&mut self, objects: &[ObjectRef]) {
        let mut all = Snapshot {
            revision: self.store.revision(),
            ..Snapshot::default()
        };
        for prefix in objects.iter().flat_map(World::prefixes_of) {
            all.entries.extend(self.store.snapshot(&prefix).entries);
        }
        self.world.refresh(objects, &all);
    }

    /// Keys that are not romulus's own records.
    pub fn keys(&self) -> Vec<String> {
        self.store
            .contents()
            .into_keys()
            .filter(|key| !key.starts_with(OWN_PREFIX))
            .collect()
    }
}

fn line(op: &Op) -> Option<String> {
    match op {
        op if op.key().starts_with(OWN_PREFIX) => None,
        Op::Put { key, value } => Some(format!("put {key} {value}\n")),
        Op::Delete { key } => Some(format!("del {key}\n")),
    }
}

/// The transaction with the revisions of earlier steps filled in.
fn resolve(transaction: &Transaction, revisions: &[i64]) -> Transaction {
    let mut transaction = transaction.clone();
    for guard in &mut transaction.guards {
        if let Guard::Unchanged { revision, .. } = guard
            && let Revision::OfStep(step) = *revision
        {
            *revision = Revision::Known(revisions[step]);
        }
    }
    transaction
}

/// A Kubernetes object by its `kind`; other kinds are not read.
fn object(json: &serde_json::Value) -> Option<Object> {
    fn read<J: serde::de::DeserializeOwned>(json: &serde_json::Value) -> J {
        serde_json::from_value(json.clone()).expect("an object of its kind")
    }
    Some(match json["kind"].as_str()? {
        "Service" => Object::Service(read::<Service>(json)),
        "Endpoints" => Object::Endpoints(Endpoints::from(read::<EndpointsJson>(json))),
        "EndpointSlice" => Object::Endpoints(Endpoints::from(read::<SliceJson>(json))),
        _ => return None,
    })
}
