use std::collections::BTreeMap;

use crate::cluster::{ClusterChange, Endpoints, Kind, Object, ObjectName, Service};
use crate::key::{Key, ObjectKind, ObjectRef, RECORDS_PREFIX, Segment};
use crate::plan::{Group, Transaction};
use crate::testing::{Harness, MapStore};
use crate::world::{End, Plan, Record};

use super::event::Missed;
use super::{Drift, Event, History, Round, Schedule};

/// Sees every revision that a plan makes.
pub trait Witness {
    /// A plan was made, and nothing of it is committed yet.
    fn begin(&mut self, store: &MapStore, plan: &Plan) {
        let _ = (store, plan);
    }

    /// A settle pause is over: whatever was stored up to this revision has been applied.
    fn settled(&mut self, store: &MapStore, revision: i64) {
        let _ = (store, revision);
    }

    /// A transaction was committed.
    fn committed(&mut self, store: &MapStore, transaction: &Transaction) {
        let _ = (store, transaction);
    }

    /// The plan has been carried out, or romulus has stopped in the middle of it.
    fn end(&mut self, store: &MapStore) {
        let _ = store;
    }
}

/// Looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Witness for Unwatched {}

/// Plans that follow each other without end would be a defect.
const MOST_PLANS: usize = 10;

/// A history being carried out: the cluster as it is, and a romulus that follows it.
///
/// ```
/// use proptest::prelude::*;
/// use romulus_core::testing::worlds::{self, Play, Unwatched, WorldOptions};
/// proptest!(ProptestConfig::with_cases(4), |(history in worlds::history(WorldOptions::default()))| {
///     let mut play = Play::new(&history);
///     for round in &history.rounds {
///         play.round(round, &mut Unwatched);
///     }
///     prop_assert!(play.harness.plan().groups.is_empty());
/// });
/// ```
#[derive(Debug)]
pub struct Play {
    /// The romulus of this history, and its store.
    pub harness: Harness,
    /// The Services there are.
    pub services: BTreeMap<ObjectName, Service>,
    /// The slices there are.
    pub endpoints: BTreeMap<ObjectName, Endpoints>,
    /// The keys of others.
    pub foreign: BTreeMap<String, String>,
    /// Records were deleted by others: what they were about is nobody's now.
    pub disowned: bool,
}

impl Play {
    /// The beginning of a history: romulus has seen the cluster and written nothing yet.
    pub fn new(history: &History) -> Self {
        let mut play = Self {
            harness: Harness::with(history.options.config(), MapStore::default()),
            services: history
                .services
                .iter()
                .map(|s| (s.name.clone(), s.clone()))
                .collect(),
            endpoints: history
                .endpoints
                .iter()
                .map(|e| (e.name.clone(), e.clone()))
                .collect(),
            foreign: BTreeMap::new(),
            disowned: false,
        };
        for foreign in &history.foreign {
            play.edit(&super::ForeignEdit::Put(foreign.clone()));
        }
        play.relist();
        play
    }

    /// Everything in the cluster.
    pub fn objects(&self) -> Vec<Object> {
        let services = self.services.values().cloned().map(Object::Service);
        services
            .chain(self.endpoints.values().cloned().map(Object::Endpoints))
            .collect()
    }

    /// The sources list everything anew.
    pub fn relist(&mut self) {
        let objects = self.objects();
        self.harness.list_objects(&objects);
    }

    /// romulus starts again.
    pub fn restart(&mut self) {
        self.harness = self.harness.restart();
        self.relist();
    }

    /// Lets the events happen, then plans until there is nothing left to write.
    pub fn round(&mut self, round: &Round, witness: &mut impl Witness) {
        for event in &round.events {
            self.event(event);
        }
        self.settle(&round.schedule, witness);
    }

    /// Plans and commits until there is nothing left to write; returns how many plans that took.
    pub fn settle(&mut self, schedule: &Schedule, witness: &mut impl Witness) -> usize {
        let mut schedule = schedule.clone();
        for plans in 0..MOST_PLANS {
            let plan = self.harness.plan();
            if plan.groups.is_empty() {
                return plans;
            }
            witness.begin(&self.harness.store, &plan);
            let finished = self.carry_out(&plan.groups, &schedule, witness);
            witness.end(&self.harness.store);
            if !finished {
                schedule.stop_after = None;
                self.restart();
            }
        }
        panic!(
            "no end of plans:\n{}\n{:#?}",
            self.harness.store.tree(),
            self.harness.plan()
        );
    }

    /// Commits the steps of the groups; returns false where romulus stops before the end.
    fn carry_out(
        &mut self,
        groups: &[Group],
        schedule: &Schedule,
        witness: &mut impl Witness,
    ) -> bool {
        let mut running: Vec<(&Group, Vec<i64>)> = groups.iter().map(|g| (g, Vec::new())).collect();
        let mut picks = schedule.picks.iter().copied().cycle();
        let mut steps = 0;
        while !running.is_empty() {
            if schedule.stop_after == Some(steps) {
                return false;
            }
            steps += 1;
            let next = picks.next().unwrap_or_default() % running.len();
            let (group, revisions) = &mut running[next];
            let Some(step) = group.steps.get(revisions.len()) else {
                self.harness.world.finished(group, End::Complete);
                running.remove(next);
                continue;
            };
            if step.settle {
                let before = revisions
                    .last()
                    .copied()
                    .unwrap_or(self.harness.store.revision());
                witness.settled(&self.harness.store, before);
            }
            match self.harness.commit_step(step, revisions) {
                Ok(transaction) => witness.committed(&self.harness.store, &transaction),
                Err(refused) => panic!("{refused:?} in {group:#?}"),
            }
        }
        true
    }

    /// Lets one thing happen; romulus hears of it as of a live change, or by a list.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::ApplyService(service) => self.apply_service(service.clone()),
            Event::DeleteService(name, with_slices) => {
                self.services.remove(name);
                self.tell(ClusterChange::Delete(Kind::Service, name.clone()));
                if *with_slices {
                    let slices = self
                        .endpoints
                        .values()
                        .filter(|e| e.service.as_ref() == Some(name));
                    for slice in slices.map(|slice| slice.name.clone()).collect::<Vec<_>>() {
                        self.delete_endpoints(&slice);
                    }
                }
            }
            Event::ApplyEndpoints(endpoints) => {
                self.endpoints
                    .insert(endpoints.name.clone(), endpoints.clone());
                self.tell(ClusterChange::Apply(Object::Endpoints(endpoints.clone())));
            }
            Event::DeleteEndpoints(name) => self.delete_endpoints(name),
            Event::Swap(one, other) => self.swap(one, other),
            Event::Relist(missed) => {
                for missed in missed {
                    match missed {
                        Missed::Service(service) => {
                            drop(self.services.insert(service.name.clone(), service.clone()));
                        }
                        Missed::Deleted(name) => drop(self.services.remove(name)),
                    }
                }
                self.relist();
            }
            Event::Restart => self.restart(),
            Event::Foreign(edit) => self.edit(edit),
            Event::Drift(pick, drift) => self.drift(*pick, *drift),
        }
    }

    fn tell(&mut self, change: ClusterChange) {
        self.harness.world.apply([change]);
    }

    fn apply_service(&mut self, service: Service) {
        self.services.insert(service.name.clone(), service.clone());
        self.tell(ClusterChange::Apply(Object::Service(service)));
    }

    fn delete_endpoints(&mut self, name: &ObjectName) {
        self.endpoints.remove(name);
        self.tell(ClusterChange::Delete(Kind::Endpoints, name.clone()));
    }

    fn swap(&mut self, one: &ObjectName, other: &ObjectName) {
        let (Some(a), Some(b)) = (self.services.get(one), self.services.get(other)) else {
            return;
        };
        let (mut a, mut b) = (a.clone(), b.clone());
        std::mem::swap(&mut a.annotations, &mut b.annotations);
        self.apply_service(a);
        self.apply_service(b);
    }

    fn edit(&mut self, edit: &super::ForeignEdit) {
        let root = self.harness.world.config().root.clone();
        for (key, value) in edit.carry_out(&root, &mut self.harness.store) {
            match value {
                Some(value) => drop(self.foreign.insert(key, value)),
                None => drop(self.foreign.remove(&key)),
            }
        }
    }

    /// The objects whose records are stored, those of any Service of the history.
    pub fn owned(&self) -> Vec<(ObjectRef, Record)> {
        owned(&self.harness.store)
    }

    fn drift(&mut self, pick: usize, drift: Drift) {
        let owned = self.owned();
        if owned.is_empty() {
            return;
        }
        let (object, _) = &owned[pick % owned.len()];
        let store = &mut self.harness.store;
        let (backend, name) = (object.kind == ObjectKind::Backend, Segment::new("stray"));
        let folder = object.child_key(&name.expect("a segment"));
        let folder = folder.trim_end_matches("stray");
        let children: Vec<String> = store.snapshot(folder).entries.into_keys().collect();
        let child = (!children.is_empty()).then(|| children[pick % children.len()].clone());
        let other = |number: usize| match backend {
            true => format!(r#"{{"URL":"http://10.9.9.{}:1"}}"#, number % 200),
            false => format!(
                r#"{{"Priority":7,"Type":"connlimit","Middleware":{{"Connections":{},"Variable":"client.ip"}}}}"#,
                number + 1
            ),
        };
        match drift {
            Drift::DeleteHead => store.delete(&object.head_key()),
            Drift::DeleteChild => child.into_iter().for_each(|key| store.delete(&key)),
            Drift::DeleteRecord => {
                store.delete(&object.record_key());
                self.disowned = true;
            }
            Drift::EditHead => {
                let key = object.head_key();
                if let Some(value) = store
                    .get(&key)
                    .and_then(|entry| edited(backend, &entry.value))
                {
                    store.put(&key, &value);
                }
            }
            Drift::EditChild => child
                .into_iter()
                .for_each(|key| store.put(&key, &other(pick))),
            // Without a head there is nothing to add to.
            Drift::AddChild if store.get(&object.head_key()).is_some() => {
                store.put(&format!("{folder}stray"), &other(pick));
            }
            Drift::AddChild => {}
        }
    }
}

/// The objects whose records are stored.
pub(crate) fn owned(store: &MapStore) -> Vec<(ObjectRef, Record)> {
    let records = store.snapshot(RECORDS_PREFIX).entries;
    let read = |(key, entry): (&String, &crate::stored::Entry)| match Key::record(key)? {
        Key::Record(object) => Some((object, Record::parse(&entry.value)?)),
        _ => None,
    };
    records.iter().filter_map(read).collect()
}

/// The head with other settings, where it has the shape that we write.
fn edited(backend: bool, value: &str) -> Option<String> {
    let mut value: serde_json::Value = serde_json::from_str(value).ok()?;
    value["Settings"] = match backend {
        true => serde_json::json!({"KeepAlive": {"Period": "77s"}}),
        false => serde_json::json!({"Hostname": "drift"}),
    };
    Some(value.to_string())
}
