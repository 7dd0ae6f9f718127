//! A consumer as romulus-core's `World` is one: it marks and sweeps.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::panic,
    reason = "for tests only, and each test binary uses its part of it"
)]
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use romulus_core::cluster::{ClusterChange, Kind, Object, ObjectName, Scope};
use romulus_kube::testing::{ApiStub, service, slice};
use romulus_kube::{Selection, Source, SourceEvent, SourceProblem, WatchSettings, watch};
use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) struct Follower {
    pub(crate) source: Source,
    pub(crate) objects: BTreeMap<(Kind, ObjectName), Object>,
    pub(crate) problems: Vec<SourceProblem>,
    /// For each list that ended, whether it was complete.
    pub(crate) lists: BTreeMap<Scope, Vec<bool>>,
    listed: BTreeMap<Scope, BTreeSet<ObjectName>>,
    /// Names whose disappearance was seen or inferred, in order.
    pub(crate) gone: Vec<ObjectName>,
    /// How long `until` waits.
    pub(crate) patience: Duration,
    _cancel: DropGuard,
}

impl Follower {
    pub(crate) fn new(source: Source, cancel: CancellationToken) -> Self {
        Self {
            source,
            objects: BTreeMap::new(),
            problems: Vec::new(),
            lists: BTreeMap::new(),
            listed: BTreeMap::new(),
            gone: Vec::new(),
            patience: Duration::from_secs(3600),
            _cancel: cancel.drop_guard(),
        }
    }

    pub(crate) fn of(stub: &ApiStub) -> Self {
        Self::with(stub, &Selection::default(), &WatchSettings::default())
    }

    pub(crate) fn with(stub: &ApiStub, selection: &Selection, settings: &WatchSettings) -> Self {
        let cancel = CancellationToken::new();
        Self::new(watch(&stub.client(), selection, settings, &cancel), cancel)
    }

    /// Takes in events until the condition holds; the time is the runtime's, often a paused one.
    pub(crate) async fn until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = tokio::time::Instant::now() + self.patience;
        while !holds(self) {
            match tokio::time::timeout_at(deadline, self.source.next()).await {
                Ok(Some(event)) => self.take(event),
                Ok(None) => panic!("the source ended before: {what}"),
                Err(_) => panic!(
                    "not in time: {what}; objects {:?}, lists {:?}, last problems {:#?}",
                    self.objects.keys(),
                    self.lists,
                    self.problem_texts()
                        .iter()
                        .rev()
                        .take(3)
                        .collect::<Vec<_>>(),
                ),
            }
        }
    }

    /// Takes in whatever comes for a time.
    pub(crate) async fn for_(&mut self, time: Duration) {
        let deadline = tokio::time::Instant::now() + time;
        while let Ok(event) = tokio::time::timeout_at(deadline, self.source.next()).await {
            self.take(event.expect("the source goes on"));
        }
    }

    pub(crate) async fn until_listed(&mut self) {
        self.until("every scope is listed", |follower| {
            follower
                .source
                .scopes()
                .iter()
                .all(|scope| follower.lists.contains_key(scope))
        })
        .await;
    }

    fn take(&mut self, event: SourceEvent) {
        match event {
            SourceEvent::Problem(problem) => self.problems.push(problem),
            SourceEvent::Changes(changes) => changes.into_iter().for_each(|c| self.change(c)),
        }
    }

    fn change(&mut self, change: ClusterChange) {
        match change {
            ClusterChange::ListStart(scope) => {
                self.listed.insert(scope, BTreeSet::new());
            }
            ClusterChange::ListEnd { scope, complete } => {
                let listed = self
                    .listed
                    .remove(&scope)
                    .expect("a list that ends has begun");
                if complete {
                    let absent: Vec<_> = self
                        .objects
                        .keys()
                        .filter(|(kind, name)| *kind == scope.kind && scope.covers(name))
                        .filter(|(_, name)| !listed.contains(name))
                        .cloned()
                        .collect();
                    for key in absent {
                        self.objects.remove(&key);
                        self.gone.push(key.1);
                    }
                }
                self.lists.entry(scope).or_default().push(complete);
            }
            ClusterChange::Apply(object) => {
                let key = (object.kind(), object.name().clone());
                for (scope, listed) in &mut self.listed {
                    if scope.kind == key.0 && scope.covers(&key.1) {
                        listed.insert(key.1.clone());
                    }
                }
                self.objects.insert(key, object);
            }
            ClusterChange::Delete(kind, name) => {
                self.objects.remove(&(kind, name.clone()));
                self.gone.push(name);
            }
        }
    }

    /// The Services' names, without the namespace `shop`.
    pub(crate) fn services(&self) -> Vec<String> {
        self.names(Kind::Service)
    }

    pub(crate) fn names(&self, kind: Kind) -> Vec<String> {
        let names = self.objects.keys().filter(|(of, _)| *of == kind);
        names
            .map(|(_, name)| name.to_string().trim_start_matches("shop/").to_owned())
            .collect()
    }

    /// How many lists of a kind over all namespaces have ended.
    pub(crate) fn list_count(&self, kind: Kind) -> usize {
        self.lists.get(&Scope::all(kind)).map_or(0, Vec::len)
    }

    pub(crate) fn problem_texts(&self) -> Vec<String> {
        self.problems.iter().map(ToString::to_string).collect()
    }
}

/// A cluster with Services of these names in the namespace `shop`, each with a slice `<name>-1`.
pub(crate) fn shop(names: &[&str]) -> ApiStub {
    let stub = ApiStub::new();
    for name in names {
        stub.apply(&service(
            "shop",
            name,
            &json!({"romulus/host": format!("{name}.example.com")}),
        ));
        stub.apply(&slice(
            "shop",
            &format!("{name}-1"),
            name,
            &["10.0.0.1"],
            80,
        ));
    }
    stub
}
