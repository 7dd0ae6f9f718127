use std::collections::BTreeMap;
use std::time::Duration;

use romulus_core::config::Config;
use romulus_core::key::{Key, Root};
use romulus_core::plan::{Op, Transaction};
use romulus_core::stored::{KeyChange, Snapshot};
use romulus_core::testing::vulcand::{Ignored, Reaction, Vulcand};
use romulus_core::testing::{Harness, MapStore};
use romulus_etcd::{EtcdStore, Store as _, Watch, WatchEvent};
use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::cluster::Cluster;
use crate::replica::Replica;

/// How long the programs may take, healed, to get everything right.
const PATIENCE: Duration = Duration::from_secs(60);

/// Keys of others, which nothing may touch.
const FOREIGN: [(&str, &str); 4] = [
    (
        "vulcand/backends/others/backend",
        r#"{"Id":"others","Type":"http"}"#,
    ),
    (
        "vulcand/backends/others/servers/s",
        r#"{"URL":"http://10.9.9.9:1"}"#,
    ),
    (
        "vulcand/frontends/others/frontend",
        r#"{"Id":"others","Type":"http","BackendId":"others","Route":"Host(`others.test`)"}"#,
    ),
    ("vulcand/hosts/h/host", r#"{"Name":"h"}"#),
];

/// Sees every event in the store, and lets a model of vulcand see it too.
pub(crate) struct Observer {
    store: EtcdStore,
    watch: Watch,
    vulcand: Vulcand,
    /// What the model reads: the store as it was right after each transaction.
    mirror: MapStore,
    revision: i64,
    foreign: BTreeMap<String, i64>,
    events: usize,
    reloads: usize,
    wrong: Vec<String>,
}

impl Observer {
    pub(crate) async fn start(store: EtcdStore) -> Self {
        let mut mirror = MapStore::default();
        for (key, value) in FOREIGN {
            let put = Op::Put {
                key: key.into(),
                value: value.into(),
            };
            let transaction = Transaction {
                guards: Vec::new(),
                ops: vec![put],
            };
            store
                .commit(&transaction, None)
                .await
                .expect("the etcd takes it");
            mirror.put(key, value);
        }
        let snapshot = store
            .load(&[String::new()])
            .await
            .expect("the etcd answers");
        let foreign = foreign(&snapshot);
        let watch = store
            .watch("", snapshot.revision)
            .await
            .expect("the etcd answers");
        Self {
            vulcand: model(&mirror),
            mirror,
            revision: snapshot.revision,
            store,
            watch,
            foreign,
            events: 0,
            reloads: 0,
            wrong: Vec::new(),
        }
    }

    /// Waits until what is stored is what is wanted, and the model has seen it.
    pub(crate) async fn settle(&mut self, cluster: &Cluster, replicas: &[Replica]) -> String {
        let deadline = Instant::now() + PATIENCE;
        let harness = loop {
            while let Ok(event) = timeout(Duration::from_millis(50), self.watch.events.recv()).await
            {
                self.take(event.expect("the watch goes on"));
            }
            let missing = match self.store.load(&[String::new()]).await {
                Err(error) => error.to_string(),
                Ok(snapshot) => {
                    let (harness, groups) = from_scratch(&snapshot, cluster);
                    if groups.is_empty() && self.revision >= snapshot.revision {
                        break harness;
                    }
                    format!(
                        "at revision {} of {}: {groups}",
                        self.revision, snapshot.revision
                    )
                }
            };
            let logs = || {
                replicas
                    .iter()
                    .map(Replica::log)
                    .collect::<Vec<_>>()
                    .join("\n\n")
            };
            assert!(
                Instant::now() < deadline,
                "not in step: {missing}\n{}",
                logs()
            );
        };
        let snapshot = self
            .store
            .load(&[String::new()])
            .await
            .expect("it answered just now");
        assert_eq!(
            foreign(&snapshot),
            self.foreign,
            "keys of others were touched"
        );
        assert_eq!(
            missing(&snapshot, cluster),
            [""; 0],
            "a plan from scratch is empty, and all the same something is missing\n{}\n{}",
            mirror(&snapshot).tree(),
            harness.diagnostics()
        );
        let fresh = model(&self.mirror);
        if fresh.state() != self.vulcand.state() {
            self.wrong.push(format!(
                "a vulcand that saw every event is not as one that starts: {:#?}\n{:#?}",
                self.vulcand.state(),
                fresh.state()
            ));
        }
        self.verdict();
        format!(
            "{} events, {} reloads, {} keys, {} diagnostics",
            self.events,
            self.reloads,
            snapshot.entries.len(),
            harness.world.diagnostics().count()
        )
    }

    /// Fails where an order was violated.
    pub(crate) fn verdict(&self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
    }

    fn take(&mut self, event: WatchEvent) {
        let changes = match event {
            WatchEvent::Changes(changes) => changes,
            WatchEvent::Progress { revision } => {
                self.revision = self.revision.max(revision);
                return;
            }
            WatchEvent::Reloaded(snapshot) => {
                // Like a vulcand that starts anew.
                self.reloads += 1;
                self.revision = snapshot.revision;
                self.mirror = mirror(&snapshot);
                self.vulcand = model(&self.mirror);
                return;
            }
        };
        let mut changes = changes.into_iter().peekable();
        while let Some(first) = changes.next() {
            let revision = first.revision();
            let mut transaction = vec![first];
            while let Some(next) = changes.next_if(|change| change.revision() == revision) {
                transaction.push(next);
            }
            self.events += transaction.len();
            self.revision = revision;
            self.handle(transaction);
        }
    }

    /// The model handles the events of a transaction one by one, when all of them are stored.
    fn handle(&mut self, changes: Vec<KeyChange>) {
        let ops = changes.iter().map(|change| match change {
            KeyChange::Put { key, entry } => Op::Put {
                key: key.clone(),
                value: entry.value.clone(),
            },
            KeyChange::Delete { key, .. } => Op::Delete { key: key.clone() },
        });
        let before = self.mirror.log().len();
        let transaction = Transaction {
            guards: Vec::new(),
            ops: ops.collect(),
        };
        self.mirror.commit(&transaction).expect("there is no guard");
        for event in &self.mirror.log()[before..] {
            let lost = Reaction::Ignored(Ignored::NoBackend);
            let orphaned = Reaction::Ignored(Ignored::NoFrontend);
            let invalid = Reaction::Ignored(Ignored::Invalid);
            let reaction = self.vulcand.handle(event, &self.mirror);
            let is_put = matches!(event, KeyChange::Put { .. });
            if is_put && [lost, orphaned, invalid].contains(&reaction) {
                self.wrong
                    .push(format!("vulcand loses {event:?}: {reaction:?}"));
            }
        }
    }
}

fn root() -> Root {
    "vulcand".parse().expect("a root")
}

fn model(store: &MapStore) -> Vulcand {
    match Vulcand::start(&root(), store) {
        Ok(vulcand) => vulcand,
        Err(refused) => panic!("no vulcand starts with this: {refused}\n{}", store.tree()),
    }
}

fn mirror(snapshot: &Snapshot) -> MapStore {
    let mut store = MapStore::default();
    for (key, entry) in &snapshot.entries {
        store.put(key, &entry.value);
    }
    store
}

/// The revisions of the keys of others.
fn foreign(snapshot: &Snapshot) -> BTreeMap<String, i64> {
    let known = FOREIGN.map(|(key, _)| key);
    let entries = snapshot.entries.iter();
    entries
        .filter(|(key, _)| known.contains(&key.as_str()))
        .map(|(key, entry)| (key.clone(), entry.revision))
        .collect()
}

/// What the cluster's Services should have and don't, told without romulus: a backend of their name,
/// or the same with `_`, and in it their endpoints as servers.
fn missing(snapshot: &Snapshot, cluster: &Cluster) -> Vec<String> {
    let objects = cluster.objects();
    let of_kind = |kind: &'static str| objects.iter().filter(move |object| object["kind"] == kind);
    let named = |object: &Value| {
        let text = |name: &str| object["metadata"][name].as_str().map(str::to_owned);
        Some(format!("{}.{}", text("name")?, text("namespace")?))
    };
    let mut missing = Vec::new();
    for id in of_kind("Service").filter_map(named) {
        let backends = [&id, &format!("{id}_")].map(|id| format!("vulcand/backends/{id}/"));
        let slices = of_kind("EndpointSlice").filter(|slice| named(slice).as_ref() == Some(&id));
        let mut wanted: Vec<&str> = slices
            .filter_map(|slice| slice["endpoints"].as_array())
            .flatten()
            .filter_map(|endpoint| endpoint["addresses"][0].as_str())
            .collect();
        wanted.sort_unstable();
        let is_stored = backends.iter().any(|backend| {
            let folder = format!("{backend}servers/");
            let keys = snapshot.entries.keys();
            let servers: Vec<&str> = keys.filter_map(|key| key.strip_prefix(&folder)).collect();
            snapshot.entries.contains_key(&format!("{backend}backend")) && servers == wanted
        });
        if !is_stored {
            missing.push(format!("{id} with {wanted:?}"));
        }
    }
    missing
}

/// What a romulusd would write that starts now, as text; nothing where all is in step.
fn from_scratch(snapshot: &Snapshot, cluster: &Cluster) -> (Harness, String) {
    let mut config = Config::new(root());
    config.max_delete_percent = 100;
    let mut harness = Harness::with(config, mirror(snapshot));
    harness.list(&cluster.objects());
    let plan = harness.plan();
    let ops = plan
        .groups
        .iter()
        .flat_map(|group| &group.steps)
        .flat_map(|step| &step.transaction.ops);
    let keys: Vec<&str> = ops
        .map(Op::key)
        .filter(|key| Key::in_tree(&root(), key).is_some() || Key::record(key).is_some())
        .collect();
    let text = keys.join(", ");
    (harness, text)
}
