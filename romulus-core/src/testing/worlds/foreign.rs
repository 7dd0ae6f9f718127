use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;

use crate::key::{ObjectKind, ObjectRef, Root, Segment};
use crate::testing::MapStore;
use crate::vulcand::{Environment, Frontend};
use crate::world::World;

/// A frontend with a backend of its own that nobody's romulus wrote: valid, complete, and in
/// nobody's way unless romulus gets in its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// The id of both.
    pub id: &'static str,
    /// The route.
    pub route: &'static str,
}

/// What somebody does with keys of theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForeignEdit {
    /// They are written.
    Put(Foreign),
    /// They are deleted.
    Delete(&'static str),
}

/// Ids of others: their own, and ids that Services of the alphabet would have.
const IDS: &[&str] = &["!legacy", "!shop", "web.prod", "http.api.two"];
/// Routes of others: one of their own, and two that Services ask for.
const ROUTES: &[&str] = &["Host(`legacy.example`)", "Host(`a.example`)", "Path(`/x`)"];

pub(super) fn foreign() -> impl Strategy<Value = Foreign> {
    (select(IDS), select(ROUTES)).prop_map(|(id, route)| Foreign { id, route })
}

pub(super) fn edit() -> impl Strategy<Value = ForeignEdit> {
    prop_oneof![
        2 => foreign().prop_map(ForeignEdit::Put),
        1 => select(IDS).prop_map(ForeignEdit::Delete),
    ]
}

impl Foreign {
    fn keys(&self, root: &Root) -> [(String, String); 3] {
        let Self { id, route } = self;
        [
            (
                format!("{root}/backends/{id}/backend"),
                r#"{"Type": "http"}"#.to_owned(),
            ),
            (
                format!("{root}/backends/{id}/servers/s"),
                r#"{"URL": "http://10.1.0.1:80"}"#.to_owned(),
            ),
            (
                format!("{root}/frontends/{id}/frontend"),
                format!(r#"{{"Type": "http", "BackendId": "{id}", "Route": "{route}"}}"#),
            ),
        ]
    }
}

impl ForeignEdit {
    /// Does it, where it harms nobody: a route that is stored is not taken a second time, and keys
    /// of ours are not touched. Returns the keys that are now foreign, or no longer are.
    pub(super) fn carry_out(
        &self,
        root: &Root,
        store: &mut MapStore,
    ) -> Vec<(String, Option<String>)> {
        match self {
            Self::Put(foreign) => {
                let keys = foreign.keys(root);
                if is_taken(root, foreign.id, store) || routes(root, store).contains(foreign.route)
                {
                    return Vec::new();
                }
                keys.map(|(key, value)| {
                    store.put(&key, &value);
                    (key, Some(value))
                })
                .into()
            }
            Self::Delete(id) => {
                let foreign = Foreign { id, route: "" };
                let mut keys = foreign.keys(root);
                if !keys
                    .iter()
                    .all(|(key, value)| is_untouched(store, key, value))
                {
                    return Vec::new();
                }
                keys.reverse();
                keys.map(|(key, _)| {
                    store.delete(&key);
                    (key, None)
                })
                .into()
            }
        }
    }
}

/// Whether anything of a backend or frontend of this id is stored, even if only its record.
fn is_taken(root: &Root, id: &'static str, store: &MapStore) -> bool {
    let id = Segment::new(id).expect("a segment");
    [ObjectKind::Backend, ObjectKind::Frontend]
        .into_iter()
        .any(|kind| {
            let object = ObjectRef {
                root: root.clone(),
                kind,
                id: id.clone(),
            };
            let prefixes = World::prefixes_of(&object);
            prefixes
                .iter()
                .any(|prefix| !store.snapshot(prefix).entries.is_empty())
        })
}

/// Whether a key still holds what another wrote; of frontends the route is not compared.
fn is_untouched(store: &MapStore, key: &str, value: &str) -> bool {
    let start = value.split("\"Route\"").next().unwrap_or(value);
    store
        .get(key)
        .is_some_and(|entry| entry.value.starts_with(start))
}

/// The route texts stored in a tree.
pub(super) fn routes(root: &Root, store: &MapStore) -> BTreeSet<String> {
    let frontends = store.snapshot(&format!("{root}/frontends/")).entries;
    let read = |value: &str| Frontend::parse(value, &Environment::default()).value;
    frontends
        .iter()
        .filter(|(key, _)| key.ends_with("/frontend"))
        .filter_map(|(_, entry)| read(&entry.value))
        .map(|frontend| frontend.route)
        .collect()
}
