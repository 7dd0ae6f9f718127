//! What the stub's cluster holds, with its whole history.
use std::collections::BTreeMap;
use std::sync::Arc;

use romulus_core::selector::Selector;
use serde_json::{Value, json};

use crate::Resource;

/// Resource, namespace and name.
pub(super) type Key = (Resource, String, String);

/// One change of one object.
#[derive(Debug)]
struct Entry {
    revision: u64,
    key: Key,
    before: Option<Arc<Value>>,
    after: Option<Arc<Value>>,
}

/// A log of changes; every state is a prefix of it.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) revision: u64,
    /// What is older can't be asked for any more.
    pub(super) compacted: u64,
    log: Vec<Entry>,
    /// The newest state: each object as the server shows it, and as it was given.
    current: BTreeMap<Key, (Arc<Value>, Value)>,
    created: u64,
}

/// Which objects a list or watch shows.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) resource: Resource,
    pub(super) namespace: Option<String>,
    pub(super) selector: Selector,
}

impl View {
    fn covers(&self, (resource, namespace, _): &Key) -> bool {
        *resource == self.resource && self.namespace.as_ref().is_none_or(|name| name == namespace)
    }

    fn selects(&self, object: &Value) -> bool {
        let labels = object
            .pointer("/metadata/labels")
            .and_then(Value::as_object);
        let labels = labels
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        self.selector.matches(&labels.collect())
    }
}

impl Default for Store {
    fn default() -> Self {
        // A real cluster is never at revision 0, which would mean "any" in a request.
        let current = BTreeMap::new();
        Self {
            revision: 100,
            compacted: 0,
            log: Vec::new(),
            current,
            created: 0,
        }
    }
}

impl Store {
    /// Creates or replaces an object as the server would: it gets a uid, a namespace and the next
    /// resource version.
    pub(super) fn apply(&mut self, resource: Resource, given: &Value) {
        let text = |pointer: &str| given.pointer(pointer).and_then(Value::as_str);
        let name = text("/metadata/name").unwrap_or_default().to_owned();
        let namespace = text("/metadata/namespace").unwrap_or("default").to_owned();
        let key = (resource, namespace.clone(), name);
        let before = self.current.get(&key).map(|(shown, _)| Arc::clone(shown));
        let mut object = given.clone();
        if let Some(fields) = object.as_object_mut() {
            // The server shows them first in events and not at all in lists.
            fields.remove("kind");
            fields.remove("apiVersion");
        }
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("namespace".to_owned(), json!(namespace));
            if !metadata.contains_key("uid") {
                let known = before
                    .as_ref()
                    .and_then(|object| object.pointer("/metadata/uid"));
                let uid = known.cloned().unwrap_or_else(|| {
                    self.created += 1;
                    json!(format!("00000000-0000-4000-8000-{:012}", self.created))
                });
                metadata.insert("uid".to_owned(), uid);
            }
        }
        self.revision += 1;
        stamp(&mut object, self.revision);
        let after = Arc::new(object);
        self.current
            .insert(key.clone(), (Arc::clone(&after), given.clone()));
        self.log.push(Entry {
            revision: self.revision,
            key,
            before,
            after: Some(after),
        });
    }

    pub(super) fn has(&self, key: &Key) -> bool {
        self.current.contains_key(key)
    }

    /// Deletes an object; says if it was there.
    pub(super) fn delete(&mut self, key: &Key) -> bool {
        let Some((before, _)) = self.current.remove(key) else {
            return false;
        };
        self.revision += 1;
        self.log.push(Entry {
            revision: self.revision,
            key: key.clone(),
            before: Some(before),
            after: None,
        });
        true
    }

    /// Makes the objects of a resource these: deletes, creates and replaces, and leaves alone what
    /// was given before exactly so.
    pub(super) fn replace(&mut self, resource: Resource, items: &[Value]) {
        let key_of = |item: &Value| {
            let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str);
            let namespace = text("/metadata/namespace").unwrap_or("default").to_owned();
            (
                resource,
                namespace,
                text("/metadata/name").unwrap_or_default().to_owned(),
            )
        };
        let wanted: BTreeMap<Key, &Value> = items.iter().map(|item| (key_of(item), item)).collect();
        let gone: Vec<Key> = self
            .current
            .keys()
            .filter(|key| key.0 == resource && !wanted.contains_key(key))
            .cloned()
            .collect();
        for key in gone {
            self.delete(&key);
        }
        for (key, item) in wanted {
            if self
                .current
                .get(&key)
                .is_none_or(|(_, given)| given != item)
            {
                self.apply(resource, item);
            }
        }
    }

    /// Makes the history end at a revision, as a restore from a backup does; later revisions will
    /// be given out a second time.
    pub(super) fn roll_back(&mut self, revision: u64) {
        self.log.retain(|entry| entry.revision <= revision);
        self.revision = revision;
        self.compacted = self.compacted.min(revision);
        let snapshot = self.fold(revision);
        self.current = snapshot
            .into_iter()
            .map(|(key, object)| (key, (Arc::clone(&object), object.as_ref().clone())))
            .collect();
    }

    fn fold(&self, revision: u64) -> BTreeMap<Key, Arc<Value>> {
        let mut objects = BTreeMap::new();
        for entry in self
            .log
            .iter()
            .take_while(|entry| entry.revision <= revision)
        {
            match &entry.after {
                Some(after) => objects.insert(entry.key.clone(), Arc::clone(after)),
                None => objects.remove(&entry.key),
            };
        }
        objects
    }

    /// What a view showed at a revision, in the order of the keys.
    pub(super) fn list(&self, view: &View, revision: u64) -> Vec<(Key, Arc<Value>)> {
        let mut objects: Vec<(Key, Arc<Value>)> = if revision == self.revision {
            self.current
                .iter()
                .map(|(key, (object, _))| (key.clone(), Arc::clone(object)))
                .collect()
        } else {
            self.fold(revision).into_iter().collect()
        };
        objects.retain(|(key, object)| view.covers(key) && view.selects(object));
        objects
    }

    /// The events of a view after a revision: type and object.
    pub(super) fn events(&self, view: &View, after: u64) -> Vec<(&'static str, Value)> {
        let first = self.log.partition_point(|entry| entry.revision <= after);
        let entries = self.log.get(first..).unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| event(view, entry))
            .collect()
    }
}

/// How an object's change looks to a watch with a selector: coming into it is ADDED, leaving it is
/// DELETED with what it was before.
fn event(view: &View, entry: &Entry) -> Option<(&'static str, Value)> {
    if !view.covers(&entry.key) {
        return None;
    }
    let selected = |object: &Option<Arc<Value>>| object.clone().filter(|o| view.selects(o));
    let (kind, object) = match (selected(&entry.before), selected(&entry.after)) {
        (None, None) => return None,
        (None, Some(after)) => ("ADDED", after),
        (Some(_), Some(after)) => ("MODIFIED", after),
        (Some(before), None) => ("DELETED", before),
    };
    let mut shown = json!({
        "kind": view.resource.object_kind(),
        "apiVersion": view.resource.api_version(),
    });
    if let (Some(shown), Some(fields)) = (shown.as_object_mut(), object.as_object()) {
        shown.extend(
            fields
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    stamp(&mut shown, entry.revision);
    Some((kind, shown))
}

fn stamp(object: &mut Value, revision: u64) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("resourceVersion".to_owned(), json!(revision.to_string()));
    }
}
