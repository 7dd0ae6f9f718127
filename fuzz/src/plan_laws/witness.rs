use std::collections::BTreeMap;

use romulus_core::key::{Key, ObjectKind, ObjectRef, Root, Segment};
use romulus_core::stored::KeyChange;
use romulus_core::testing::MapStore;
use romulus_core::vulcand::{Backend, Checked, Environment, Frontend, Middleware, Server};

use super::tell;

/// What is stored in the trees, followed event by event as vulcand would see it.
#[derive(Debug, Default)]
pub(super) struct Witness {
    seen: usize,
    keys: BTreeMap<String, String>,
}

impl Witness {
    /// Takes what others wrote as it is.
    pub(super) fn catch_up(&mut self, store: &MapStore) {
        for change in &store.log()[self.seen..] {
            tell(format_args!("others: {change:?}"));
            self.take(change);
        }
        self.seen = store.log().len();
    }

    /// Takes what romulus wrote, and fails where one write of it is out of order.
    pub(super) fn judge(&mut self, store: &MapStore, roots: &[Root]) {
        for change in &store.log()[self.seen..] {
            tell(format_args!("romulus: {change:?}"));
            let key = roots
                .iter()
                .find_map(|root| Key::in_tree(root, change.key()));
            match (key, change) {
                (Some(key), KeyChange::Put { entry, .. }) => self.put(&key, &entry.value),
                (Some(key), KeyChange::Delete { .. }) => self.delete(&key),
                (None, change) => {
                    assert!(
                        change.key().starts_with("romulus/objects/"),
                        "written: {change:?}"
                    );
                }
            }
            self.take(change);
        }
        self.seen = store.log().len();
    }

    fn take(&mut self, change: &KeyChange) {
        match change {
            KeyChange::Put { key, entry } => {
                self.keys.insert(key.clone(), entry.value.clone());
            }
            KeyChange::Delete { key, .. } => {
                self.keys.remove(key);
            }
        }
    }

    fn has(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    fn put(&self, key: &Key, value: &str) {
        let environment = Environment::default();
        match key {
            Key::Head(object) if object.kind == ObjectKind::Backend => {
                taken(key, value, Backend::parse(value));
                // What is recorded was there before: it has to come back, whoever came meanwhile.
                if !self.has(&object.head_key()) && !self.has(&object.record_key()) {
                    self.stands_apart(object);
                }
            }
            Key::Head(object) => {
                let frontend = taken(key, value, Frontend::parse(value, &environment));
                let backend = backend(object, &frontend);
                assert!(
                    self.has(&backend.head_key()),
                    "{key} is put before {backend}"
                );
                for (other, stored) in self.frontends(&object.root) {
                    let is_taken = other != *object && stored.route == frontend.route;
                    assert!(!is_taken, "{key} {value}: {other} has this route");
                }
            }
            Key::Child(object, _) => {
                match object.kind {
                    ObjectKind::Backend => drop(taken(key, value, Server::parse(value))),
                    ObjectKind::Frontend => {
                        drop(taken(key, value, Middleware::parse(value, &environment)));
                    }
                }
                assert!(
                    self.has(&object.head_key()),
                    "{key} is put before its {}",
                    object.kind
                );
            }
            Key::Record(_) => {}
        }
    }

    fn delete(&self, key: &Key) {
        if let Key::Head(object) = key
            && object.kind == ObjectKind::Backend
        {
            for (frontend, stored) in self.frontends(&object.root) {
                let is_used = stored.backend_id == object.id.as_str();
                assert!(!is_used, "{key} is deleted before {frontend}");
            }
        }
    }

    /// The frontends of a tree that can be read.
    fn frontends(&self, root: &Root) -> impl Iterator<Item = (ObjectRef, Frontend)> {
        self.keys.iter().filter_map(move |(key, value)| {
            let Key::Head(object) = Key::in_tree(root, key)? else {
                return None;
            };
            let is_frontend = object.kind == ObjectKind::Frontend;
            let read = || Frontend::parse(value, &Environment::default()).value;
            is_frontend
                .then(read)
                .flatten()
                .map(|frontend| (object, frontend))
        })
    }

    /// No id of a backend begins another in its tree, but for one that moves to `<id>_`.
    fn stands_apart(&self, new: &ObjectRef) {
        for key in self.keys.keys() {
            let Some(Key::Head(old)) = Key::in_tree(&new.root, key) else {
                continue;
            };
            let (one, other) = (old.id.as_str(), new.id.as_str());
            let mixes = one.starts_with(other) || other.starts_with(one);
            let moves =
                other.strip_suffix('_') == Some(one) || one.strip_suffix('_') == Some(other);
            let is_backend = old.kind == ObjectKind::Backend && one != other;
            assert!(
                !(is_backend && mixes && !moves),
                "{new} is created beside {old}"
            );
        }
    }
}

fn backend(frontend: &ObjectRef, value: &Frontend) -> ObjectRef {
    let id = Segment::new(&value.backend_id).expect("ids that are written are segments");
    ObjectRef {
        root: frontend.root.clone(),
        kind: ObjectKind::Backend,
        id,
    }
}

fn taken<T>(key: &Key, value: &str, checked: Checked<T>) -> T {
    assert!(
        checked.is_writable(),
        "{key} {value} is written: {:?}",
        checked.problems
    );
    checked
        .value
        .unwrap_or_else(|| panic!("{key} {value} is no value, and nothing is wrong"))
}
