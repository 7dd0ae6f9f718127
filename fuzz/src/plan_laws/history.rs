use std::collections::BTreeMap;

use arbitrary::{Result, Unstructured};
use romulus_core::config::Config;
use romulus_core::key::{Key, ObjectKind, ObjectRef, Root, Segment};
use romulus_core::testing::{Harness, MapStore};
use serde_json::Value;

use super::alphabet::{self, Foreign, ROOTS};
use super::tell;
use super::witness::Witness;

/// Plans that follow each other without end are a defect.
const MOST_PLANS: usize = 12;

/// A cluster, a store, others who write to both, and a romulus that follows.
#[derive(Debug)]
pub(super) struct History {
    harness: Harness,
    roots: Vec<Root>,
    witness: Witness,
    /// Kubernetes objects by kind, namespace and name.
    objects: BTreeMap<(String, String, String), Value>,
    /// The keys of others, which nobody but they may touch.
    foreign: BTreeMap<String, String>,
}

impl History {
    /// A first list of the cluster, over a store that others may have written to.
    pub(super) fn begin(bytes: &mut Unstructured<'_>) -> Result<Self> {
        let roots: Vec<Root> = ROOTS
            .iter()
            .map(|root| root.parse().expect("the root of a tree"))
            .collect();
        let mut config = Config::new(roots[0].clone());
        config.max_delete_percent = 100;
        config.route_priorities = bytes.ratio(1, 4)?;
        let mut history = Self {
            harness: Harness::with(config, MapStore::default()),
            roots,
            witness: Witness::default(),
            objects: BTreeMap::new(),
            foreign: BTreeMap::new(),
        };
        for _ in 0..bytes.int_in_range(0..=2u8)? {
            history.put_foreign(Foreign::any(bytes)?);
        }
        for _ in 0..bytes.int_in_range(0..=4u8)? {
            let name = alphabet::name(bytes)?;
            history.keep(alphabet::service(name, bytes)?);
            history.keep(alphabet::slice(name, bytes)?);
        }
        history.list();
        Ok(history)
    }

    /// Lets some things happen; says after how many steps of the next plan romulus is stopped.
    pub(super) fn round(&mut self, bytes: &mut Unstructured<'_>) -> Result<Option<usize>> {
        for _ in 0..=bytes.int_in_range(0..=3u8)? {
            self.event(bytes)?;
        }
        Ok(match bytes.int_in_range(0..=15u8)? {
            step @ 12.. => Some(usize::from(step - 12)),
            _ => None,
        })
    }

    fn event(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        match bytes.int_in_range(0..=15u8)? {
            0..=3 => {
                let name = alphabet::name(bytes)?;
                let service = alphabet::service(name, bytes)?;
                self.apply(service);
            }
            4 | 5 => {
                let name = alphabet::name(bytes)?;
                let slice = alphabet::slice(name, bytes)?;
                self.apply(slice);
            }
            6 | 7 => {
                if let Some(key) = pick(&self.objects, bytes)? {
                    self.objects.remove(&key);
                    tell(format_args!("deleted {key:?}"));
                    let (kind, namespace, name) = key;
                    self.harness.delete(&kind, &namespace, &name);
                }
            }
            8 => self.swap(bytes)?,
            9 => {
                if let Some(key) = pick(&self.objects, bytes)? {
                    self.objects.remove(&key);
                    tell(format_args!("missed in the next list: {key:?}"));
                }
                self.list();
            }
            10 => self.restart(),
            11 => self.put_foreign(Foreign::any(bytes)?),
            12 => self.delete_foreign(Foreign::any(bytes)?),
            _ => self.drift(bytes)?,
        }
        Ok(())
    }

    fn keep(&mut self, object: Value) {
        tell(format_args!("object {object}"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = &object["metadata"];
        let key = (
            text(&object["kind"]),
            text(&metadata["namespace"]),
            text(&metadata["name"]),
        );
        self.objects.insert(key, object);
    }

    fn apply(&mut self, object: Value) {
        self.harness.apply(std::slice::from_ref(&object));
        self.keep(object);
    }

    fn list(&mut self) {
        tell("listed");
        let objects: Vec<Value> = self.objects.values().cloned().collect();
        self.harness.list(&objects);
    }

    fn restart(&mut self) {
        tell("restarted");
        self.harness = self.harness.restart();
        self.list();
    }

    /// Two Services swap what they want.
    fn swap(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let (Some(one), Some(other)) = (pick(&self.objects, bytes)?, pick(&self.objects, bytes)?)
        else {
            return Ok(());
        };
        let (mut a, mut b) = (self.objects[&one].clone(), self.objects[&other].clone());
        if one.0 == "Service" && other.0 == "Service" && one != other {
            std::mem::swap(
                &mut a["metadata"]["annotations"],
                &mut b["metadata"]["annotations"],
            );
            self.apply(a);
            self.apply(b);
        }
        Ok(())
    }

    /// Others harm nobody: they take no id that is stored or recorded, and no route that is stored.
    fn put_foreign(&mut self, foreign: Foreign) {
        let keys = foreign.keys();
        let stored = self.harness.store.contents();
        let folder = |kind| format!("{}/{kind}/{}/", foreign.root, foreign.id);
        let taken = [folder("backends"), folder("frontends")];
        let is_taken = stored.keys().any(|key| {
            let recorded = Key::record(key).map(|key| key.object().head_key());
            let key = recorded.as_ref().unwrap_or(key);
            taken.iter().any(|folder| key.starts_with(folder))
        });
        let frontends = format!("{}/frontends/", foreign.root);
        let wants = |value: &String| value.contains(foreign.route);
        let route = stored
            .iter()
            .any(|(key, value)| key.starts_with(&frontends) && wants(value));
        if is_taken || route {
            return;
        }
        for (key, value) in keys {
            self.harness.store.put(&key, &value);
            self.foreign.insert(key, value);
        }
        self.witness.catch_up(&self.harness.store);
    }

    fn delete_foreign(&mut self, foreign: Foreign) {
        for (key, _) in foreign.keys().iter().rev() {
            if self.foreign.remove(key).is_some() {
                self.harness.store.delete(key);
            }
        }
        self.witness.catch_up(&self.harness.store);
    }

    /// Somebody meddles with an object of ours.
    fn drift(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let stored = self.harness.store.contents();
        let owned: BTreeMap<String, ObjectRef> = stored
            .keys()
            .filter_map(|key| Some((key.clone(), Key::record(key)?.object().clone())))
            .collect();
        let Some(record) = pick(&owned, bytes)? else {
            return Ok(());
        };
        let object = &owned[&record];
        let head = object.head_key();
        let folder = head.trim_end_matches(object.kind.head());
        let own: BTreeMap<String, String> = stored
            .into_iter()
            .filter(|(key, _)| key.starts_with(folder))
            .collect();
        let store = &mut self.harness.store;
        match bytes.int_in_range(0..=5u8)? {
            0 | 1 => store.delete(&head),
            2 => {
                if let Some(key) = pick(&own, bytes)? {
                    store.delete(&key);
                }
            }
            3 => {
                let name = Segment::new("stray").expect("a plain word");
                let value = match object.kind {
                    ObjectKind::Backend => r#"{"URL": "http://10.9.9.9:1"}"#,
                    ObjectKind::Frontend => {
                        r#"{"Type":"connlimit","Middleware":{"Connections":1,"Variable":"client.ip"}}"#
                    }
                };
                if own.contains_key(&head) {
                    store.put(&object.child_key(&name), value);
                }
            }
            4 => {
                if own.contains_key(&head) && object.kind == ObjectKind::Backend {
                    store.put(
                        &head,
                        r#"{"Type": "http", "Settings": {"KeepAlive": {"Period": "7s"}}}"#,
                    );
                }
            }
            // Whoever took the record of a backend that moved would make it a foreign one, and its
            // Service claims the id before the move only from the next start on.
            _ if object.id.as_str().ends_with('_') => {}
            // Whose record is gone is nobody's: it stays as it is.
            _ => {
                store.delete(&record);
                self.foreign.extend(own);
            }
        }
        self.witness.catch_up(&self.harness.store);
        Ok(())
    }

    /// Plans and commits until there is nothing left to write, with a new start after some steps
    /// of the first plan where that is asked for.
    pub(super) fn settle(&mut self, mut stop_after: Option<usize>) {
        for _ in 0..MOST_PLANS {
            let plan = self.harness.plan();
            if plan.groups.is_empty() {
                return self.others_are_untouched();
            }
            for group in plan.groups {
                match stop_after.take() {
                    Some(steps) => {
                        self.harness.commit_steps(&group, steps);
                        self.restart();
                        break;
                    }
                    None => drop(self.harness.commit(&group)),
                }
                self.witness.judge(&self.harness.store, &self.roots);
            }
            self.witness.judge(&self.harness.store, &self.roots);
        }
        panic!(
            "no end of plans:\n{}\n{:#?}",
            self.harness.store.tree(),
            self.harness.plan()
        );
    }

    fn others_are_untouched(&self) {
        let stored = self.harness.store.contents();
        for (key, value) in &self.foreign {
            assert_eq!(stored.get(key), Some(value), "{key} is not ours");
        }
    }

    /// A fresh start has nothing to write.
    pub(super) fn end(mut self) {
        let tree = self.harness.store.tree();
        self.restart();
        assert_eq!(
            self.harness.plan().groups,
            [],
            "after a fresh start on\n{tree}"
        );
    }
}

fn pick<K: Clone, V>(from: &BTreeMap<K, V>, bytes: &mut Unstructured<'_>) -> Result<Option<K>> {
    if from.is_empty() {
        return Ok(None);
    }
    let index = bytes.choose_index(from.len())?;
    Ok(from.keys().nth(index).cloned())
}
