//! The store in memory is a model of etcd: random histories end alike on both.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests, which fail by a panic"
)]

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use romulus_core::plan::{Guard, Op, Revision, Transaction};
use romulus_core::stored::{KeyChange, Snapshot};
use romulus_etcd::testing::EtcdProcess;
use romulus_etcd::{Fence, MemoryStore, Outcome, Store, WatchEvent};

/// A guard's revision is given backwards from the present one, which the histories share; none is
/// revision 0, which keys that do not exist have in etcd.
#[derive(Debug, Clone)]
struct Attempt {
    absent: Vec<usize>,
    unchanged: Vec<(usize, Option<i64>)>,
    puts: Vec<(usize, bool)>,
    fence: Option<bool>,
}

const KEYS: [&str; 5] = ["m/a", "m/b", "m/b/c", "n", "leader"];

fn attempt() -> impl Strategy<Value = Attempt> {
    let key = || 0..KEYS.len();
    (
        proptest::collection::vec(key(), 0..2),
        proptest::collection::vec((key(), proptest::option::weighted(0.8, 0..4_i64)), 0..2),
        // Each key once: etcd takes no key twice.
        proptest::collection::btree_map(key(), any::<bool>(), 0..4),
        proptest::option::weighted(0.2, any::<bool>()),
    )
        .prop_map(|(absent, unchanged, puts, fence)| {
            // Backwards, so that the order of operations is not always that of the keys.
            let puts = puts.into_iter().rev().collect();
            Attempt {
                absent,
                unchanged,
                puts,
                fence,
            }
        })
}

impl Attempt {
    fn transaction(&self, offset: i64, present: i64, n: usize) -> (Transaction, Option<Fence>) {
        let key = |key: &usize| KEYS[*key].to_owned();
        let absent = self.absent.iter().map(|k| Guard::Absent { key: key(k) });
        let unchanged = self.unchanged.iter().map(|(k, back)| Guard::Unchanged {
            key: key(k),
            revision: Revision::Known(back.map_or(0, |back| offset.max(present - back))),
        });
        let op = |(k, is_put): &(usize, bool)| match is_put {
            true => Op::Put {
                key: key(k),
                value: format!("{n}"),
            },
            false => Op::Delete { key: key(k) },
        };
        let transaction = Transaction {
            guards: absent.chain(unchanged).collect(),
            ops: self.puts.iter().map(op).collect(),
        };
        let value = |holds: bool| {
            if holds {
                "0".to_owned()
            } else {
                "another".to_owned()
            }
        };
        let fence = |holds| Fence {
            key: "leader".to_owned(),
            value: value(holds),
        };
        (transaction, self.fence.map(fence))
    }
}

/// What a history left behind, all that a reader can see.
type Seen = (Vec<Outcome>, Snapshot, Vec<KeyChange>);

async fn play(store: &dyn Store, offset: i64, attempts: &[Attempt]) -> Seen {
    let mut outcomes = Vec::new();
    let mut present = offset;
    let mut watch = store.watch("m/", offset).await.unwrap();
    for (n, attempt) in attempts.iter().enumerate() {
        let (transaction, fence) = attempt.transaction(offset, present, n);
        let outcome = store.commit(&transaction, fence.as_ref()).await.unwrap();
        if let Outcome::Committed { revision } | Outcome::Refused { revision, .. } = &outcome {
            present = *revision;
        }
        outcomes.push(outcome);
    }
    // The end of the watch's part of the history.
    let end = Op::Put {
        key: "m/end".to_owned(),
        value: String::new(),
    };
    let end = Transaction {
        guards: vec![],
        ops: vec![end],
    };
    outcomes.push(store.commit(&end, None).await.unwrap());
    let mut changes: Vec<KeyChange> = Vec::new();
    while changes.last().is_none_or(|change| change.key() != "m/end") {
        match watch.events.recv().await.unwrap() {
            WatchEvent::Changes(more) => changes.extend(more),
            WatchEvent::Progress { .. } => {}
            WatchEvent::Reloaded(_) => panic!("nothing was missed"),
        }
    }
    let prefixes = ["m/", "n", "leader"].map(str::to_owned);
    (outcomes, store.load(&prefixes).await.unwrap(), changes)
}

/// Counts revisions from the start of the history.
fn from_start((mut outcomes, mut snapshot, mut changes): Seen, offset: i64) -> Seen {
    for outcome in &mut outcomes {
        match outcome {
            Outcome::Committed { revision } => *revision -= offset,
            Outcome::Refused { revision, current } => {
                *revision -= offset;
                current
                    .iter_mut()
                    .for_each(|(_, entry)| entry.revision -= offset);
            }
            Outcome::Fenced => {}
        }
    }
    snapshot.revision -= offset;
    snapshot
        .entries
        .values_mut()
        .for_each(|entry| entry.revision -= offset);
    for change in &mut changes {
        match change {
            KeyChange::Put { entry, .. } => entry.revision -= offset,
            KeyChange::Delete { revision, .. } => *revision -= offset,
        }
    }
    (outcomes, snapshot, changes)
}

#[test]
fn random_histories_end_alike() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let etcd = runtime.block_on(EtcdProcess::start());
    let real: Arc<dyn Store> = Arc::new(etcd.store());
    let mut runner = TestRunner::new(Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    });
    let histories = proptest::collection::vec(attempt(), 0..24);
    runner
        .run(&histories, |attempts| {
            let (memory, etcd) = runtime.block_on(async {
                let clean = |key: &&str| Op::Delete {
                    key: (*key).to_owned(),
                };
                let ops = KEYS.iter().chain(&["m/end"]).map(clean).collect();
                real.commit(
                    &Transaction {
                        guards: vec![],
                        ops,
                    },
                    None,
                )
                .await
                .unwrap();
                let offset = real.load(&[]).await.unwrap().revision;
                let etcd = from_start(play(&*real, offset, &attempts).await, offset);
                let memory = play(&MemoryStore::new(), 1, &attempts).await;
                (from_start(memory, 1), etcd)
            });
            prop_assert_eq!(memory, etcd);
            Ok(())
        })
        .unwrap();
}
