//! What a stored key says, in the words of its kind.

use std::collections::{BTreeMap, BTreeSet};

use romulus_core::key::{Key, ObjectKind, ObjectRef};
use romulus_core::vulcand::{Environment, Frontend, Server};
use serde::Serialize;

use super::Kind;
use crate::inventory::{Behind, Drift, Inventory, StoredKey};
use crate::member;

/// A backend, frontend, server or middleware; its form as JSON is stable.
#[derive(Debug, Serialize)]
pub(crate) struct Item<'i> {
    pub(crate) tree: String,
    /// The id of the backend or frontend.
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) details: Details,
    pub(crate) service: Option<String>,
    /// Whose it is; `None` where no romulus wrote it.
    pub(crate) owner: Option<String>,
    /// Whether it is as it should be; `None` where nobody can tell.
    pub(crate) drift: Option<&'static str>,
    key: &'i str,
    pub(crate) value: &'i str,
    pub(crate) revision: i64,
}

/// What there is to say of one kind. A field that vulcand does not take is null.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Details {
    Backend {
        servers: Vec<String>,
        frontends: Vec<String>,
    },
    Frontend {
        route: Option<String>,
        backend: Option<String>,
        middlewares: Vec<String>,
    },
    Server {
        name: String,
        url: Option<String>,
    },
    Middleware {
        name: String,
        r#type: Option<String>,
        priority: Option<i64>,
    },
}

impl Item<'_> {
    pub(crate) fn kind(&self) -> Kind {
        match &self.details {
            Details::Backend { .. } => Kind::Backends,
            Details::Frontend { .. } => Kind::Frontends,
            Details::Server { .. } => Kind::Servers,
            Details::Middleware { .. } => Kind::Middlewares,
        }
    }
}

/// Where requests of a frontend go: its route and backend, if vulcand takes it.
pub(crate) fn frontend(value: &str) -> Option<Frontend> {
    Frontend::parse(value, &Environment::default()).value
}

/// The URL of a server, if vulcand takes it.
pub(crate) fn url(value: &str) -> Option<String> {
    let server = Server::parse(value).value?;
    Some(server.url.to_string())
}

/// Everything in the trees, in the order of the keys.
pub(crate) fn items(inventory: &Inventory) -> Vec<Item<'_>> {
    let roots = inventory.roots.iter();
    let keys: Vec<StoredKey<'_>> = roots.flat_map(|root| inventory.keys(root)).collect();
    let links = Links::of(&keys);
    let mut items: Vec<Item<'_>> = Vec::with_capacity(keys.len());
    let mut last: Option<(&ObjectRef, Behind)> = None;
    for StoredKey {
        part,
        key,
        entry,
        drift,
    } in &keys
    {
        let object = part.object();
        // Keys of one object follow each other: its record is read once.
        let behind = match last.take() {
            Some((same, behind)) if same == object => behind,
            _ => inventory.behind(object),
        };
        let is_told = drift.is_some() || inventory.is_judged(&behind);
        items.push(Item {
            tree: object.root.to_string(),
            id: object.id.to_string(),
            details: links.details(part, &entry.value),
            service: behind.service.clone(),
            owner: behind.owner.clone(),
            drift: is_told.then(|| links.drift(part, *drift)),
            key,
            value: &entry.value,
            revision: entry.revision,
        });
        last = Some((object, behind));
    }
    items
}

/// What objects have below them, and who refers to them.
#[derive(Default)]
struct Links<'k> {
    children: BTreeMap<&'k ObjectRef, Vec<String>>,
    /// Frontends by the tree and id of their backend.
    referers: BTreeMap<(&'k str, String), Vec<String>>,
    /// Objects of which a child is not as it should be.
    drifting: BTreeSet<&'k ObjectRef>,
}

impl<'k> Links<'k> {
    fn of(keys: &'k [StoredKey<'_>]) -> Self {
        let mut links = Self::default();
        for stored in keys {
            match &stored.part {
                Key::Child(object, name) => {
                    links
                        .children
                        .entry(object)
                        .or_default()
                        .push(name.to_string());
                    links.drifting.extend(stored.drift.map(|_| object));
                }
                Key::Head(object) if object.kind == ObjectKind::Frontend => {
                    if let Some(frontend) = frontend(&stored.entry.value) {
                        let backend = (object.root.as_str(), frontend.backend_id);
                        links
                            .referers
                            .entry(backend)
                            .or_default()
                            .push(object.id.to_string());
                    }
                }
                Key::Head(_) | Key::Record(_) => {}
            }
        }
        links
    }

    fn details(&self, part: &Key, value: &str) -> Details {
        let object = part.object();
        let children = || self.children.get(object).cloned().unwrap_or_default();
        match (part, object.kind) {
            (Key::Child(_, name), ObjectKind::Backend) => Details::Server {
                name: name.to_string(),
                url: url(value),
            },
            (Key::Child(_, name), ObjectKind::Frontend) => Details::Middleware {
                name: name.to_string(),
                r#type: member::text(value, "Type"),
                priority: member::number(value, "Priority"),
            },
            (_, ObjectKind::Backend) => {
                let backend = (object.root.as_str(), object.id.to_string());
                Details::Backend {
                    servers: children(),
                    frontends: self.referers.get(&backend).cloned().unwrap_or_default(),
                }
            }
            (_, ObjectKind::Frontend) => {
                let frontend = frontend(value);
                Details::Frontend {
                    route: frontend.as_ref().map(|frontend| frontend.route.clone()),
                    backend: frontend.map(|frontend| frontend.backend_id),
                    middlewares: children(),
                }
            }
        }
    }

    fn drift(&self, part: &Key, drift: Option<Drift>) -> &'static str {
        match (part, drift) {
            (_, Some(drift)) => drift.word(),
            (Key::Head(object), None) if self.drifting.contains(object) => object.kind.children(),
            _ => "none",
        }
    }
}
