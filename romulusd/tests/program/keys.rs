//! What etcd holds, as the tests look at it, and the hands of a person with `etcdctl`.

use std::collections::BTreeMap;

use romulus_core::plan::{Op, Transaction};
use romulus_core::stored::Snapshot;
use romulus_etcd::testing::EtcdProcess;
use romulus_etcd::{EtcdStore, Store as _, StoreError};

use crate::daemon::{Daemon, eventually};

/// A client of an etcd.
pub(crate) struct Keys(pub(crate) EtcdStore);

impl Keys {
    pub(crate) fn of(etcd: &EtcdProcess) -> Self {
        Self(etcd.store())
    }

    pub(crate) async fn snapshot(&self) -> Snapshot {
        // On a busy machine an answer may take longer than a call waits.
        eventually("the etcd answers", async || {
            let loaded = self.0.load(&[String::new()]).await;
            loaded.map_err(|error| error.to_string())
        })
        .await
    }

    /// Every key with its value.
    pub(crate) async fn all(&self) -> BTreeMap<String, String> {
        let entries = self.snapshot().await.entries;
        entries
            .into_iter()
            .map(|(key, entry)| (key, entry.value))
            .collect()
    }

    /// The trees of vulcand as lines; `romulus/` and `<root>/romulus/` are left out.
    pub(crate) async fn tree(&self) -> String {
        let all = self.all().await;
        let shown = all
            .iter()
            .filter(|(key, _)| !key.starts_with("romulus/") && !key.contains("/romulus/"));
        shown
            .map(|(key, value)| format!("{key} {value}\n"))
            .collect()
    }

    /// How many backends and frontends have a record of their owner.
    pub(crate) async fn owned(&self) -> usize {
        self.all()
            .await
            .keys()
            .filter(|key| key.starts_with("romulus/objects/"))
            .count()
    }

    /// Waits until the trees are these.
    pub(crate) async fn become_tree(&self, expected: &str, daemon: &Daemon) {
        eventually("the expected keys", async || {
            let tree = self.tree().await;
            if tree == expected {
                return Ok(());
            }
            Err(format!(
                "expected:\n{expected}\nfound:\n{tree}\nlogged:\n{}",
                daemon.log()
            ))
        })
        .await;
    }

    /// Waits until a key holds this value; `None` is no key.
    pub(crate) async fn become_value(&self, key: &str, expected: Option<&str>, daemon: &Daemon) {
        eventually(&format!("{key} = {expected:?}"), async || {
            let all = self.all().await;
            if all.get(key).map(String::as_str) == expected {
                return Ok(());
            }
            Err(format!("found:\n{all:#?}\nlogged:\n{}", daemon.log()))
        })
        .await;
    }

    pub(crate) async fn put(&self, key: &str, value: &str) {
        self.try_put(key, value).await.expect("the etcd takes it");
    }

    pub(crate) async fn try_put(&self, key: &str, value: &str) -> Result<(), StoreError> {
        self.try_write(vec![Op::Put {
            key: key.into(),
            value: value.into(),
        }])
        .await
    }

    pub(crate) async fn delete(&self, key: &str) {
        self.write(vec![Op::Delete { key: key.into() }]).await;
    }

    pub(crate) async fn write(&self, ops: Vec<Op>) {
        self.try_write(ops).await.expect("the etcd takes it");
    }

    async fn try_write(&self, ops: Vec<Op>) -> Result<(), StoreError> {
        let transaction = Transaction {
            guards: Vec::new(),
            ops,
        };
        self.0.commit(&transaction, None).await.map(drop)
    }
}
