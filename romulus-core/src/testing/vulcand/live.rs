use std::collections::BTreeMap;

use crate::key::{Key, ObjectKind, ObjectRef};
use crate::stored::KeyChange;
use crate::testing::MapStore;
use crate::vulcand::{Backend, BackendSettings, Environment, Middleware, Server};

use super::{Head, LiveFrontend, Servers, Vulcand};

/// What an event did to a vulcand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// It was applied.
    Applied,
    /// It was applied, and requests got 404 for a moment: the route of a live frontend changed.
    Rerouted,
    /// Nothing happened.
    Ignored(Ignored),
}

/// Why an event did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    /// It is about no backend or frontend of this vulcand.
    Unrelated,
    /// The key was deleted since it was put.
    Gone,
    /// The value is invalid.
    Invalid,
    /// The frontend's backend is not known.
    NoBackend,
    /// The middleware's frontend is not known.
    NoFrontend,
    /// What is to be deleted is not known: a line in vulcand's log.
    Unknown,
}

impl Vulcand {
    /// Handles an event. `store` is read for present values: it may be ahead of the event.
    pub fn handle(&mut self, event: &KeyChange, store: &MapStore) -> Reaction {
        let Some(key) = self.read_key(event.key()) else {
            return Reaction::Ignored(Ignored::Unrelated);
        };
        let id = key.object().id.as_str().to_owned();
        let kind = key.object().kind;
        let outcome = match (event, &key) {
            (KeyChange::Put { .. }, key) => self.put(key, &id, store),
            (KeyChange::Delete { .. }, Key::Head(_)) => match kind {
                ObjectKind::Backend => self.delete_backend(&id),
                ObjectKind::Frontend => self.delete_frontend(&id),
            },
            (KeyChange::Delete { .. }, Key::Child(_, name)) => {
                self.delete_child(kind, &id, name.as_str())
            }
            (_, Key::Record(_)) => Err(Ignored::Unrelated),
        };
        outcome.unwrap_or_else(Reaction::Ignored)
    }

    /// The watch matches the text of the root without a slash, and the handlers look at the end of
    /// the key: a key of a tree whose root begins with ours is taken for one of ours.
    fn read_key(&self, text: &str) -> Option<Key> {
        let rest = text.strip_prefix(self.root.as_str())?;
        let mut from = rest.len();
        let mut tail = None;
        for _ in 0..5 {
            let Some(slash) = rest[..from].rfind('/') else {
                break;
            };
            from = slash;
            let own = format!("{}{}", self.root, &rest[slash..]);
            tail = tail.or_else(|| Key::in_tree(&self.root, &own));
        }
        tail
    }

    fn put(&mut self, key: &Key, id: &str, store: &MapStore) -> Result<Reaction, Ignored> {
        let text = &store.get(&key.to_string()).ok_or(Ignored::Gone)?.value;
        match key {
            Key::Head(ObjectRef {
                kind: ObjectKind::Backend,
                ..
            }) => {
                let value = Backend::parse(text).value.ok_or(Ignored::Invalid)?;
                self.backend(id, value.settings);
            }
            Key::Head(ObjectRef {
                kind: ObjectKind::Frontend,
                ..
            }) => {
                let head = Head::parse(text).value.ok_or(Ignored::Invalid)?;
                return self.frontend(id, head);
            }
            Key::Child(
                ObjectRef {
                    kind: ObjectKind::Backend,
                    ..
                },
                name,
            ) => {
                let server = Server::parse(text).value.ok_or(Ignored::Invalid)?;
                if !self.backends.contains_key(id) {
                    // Live, a server makes a backend.
                    self.backend(id, BackendSettings::default());
                }
                let backend = self.backends.get_mut(id).ok_or(Ignored::NoBackend)?;
                backend.servers.insert(name.as_str().to_owned(), server.url);
            }
            Key::Child(
                ObjectRef {
                    kind: ObjectKind::Frontend,
                    ..
                },
                name,
            ) => {
                let stock = Environment::default();
                let middleware = Middleware::parse(text, &stock)
                    .value
                    .ok_or(Ignored::Invalid)?;
                let frontend = self.frontends.get_mut(id).ok_or(Ignored::NoFrontend)?;
                frontend
                    .middlewares
                    .insert(name.as_str().to_owned(), middleware);
            }
            Key::Record(_) => return Err(Ignored::Unrelated),
        }
        Ok(Reaction::Applied)
    }

    fn backend(&mut self, id: &str, settings: BackendSettings) {
        if let Some(backend) = self.backends.get_mut(id) {
            backend.settings = settings;
            return;
        }
        let backend = self.bear(settings);
        self.backends.insert(id.to_owned(), backend);
    }

    fn frontend(&mut self, id: &str, head: Head) -> Result<Reaction, Ignored> {
        let backend = self
            .backends
            .get(&head.value.backend_id)
            .ok_or(Ignored::NoBackend)?;
        let (number, urls) = (backend.number, backend.urls());
        let Some(live) = self.frontends.get_mut(id) else {
            self.routes.insert(head.value.route.clone(), id.to_owned());
            let (servers, middlewares) = (Servers::Of(number), BTreeMap::new());
            self.frontends.insert(
                id.to_owned(),
                LiveFrontend {
                    head,
                    servers,
                    middlewares,
                },
            );
            return Ok(Reaction::Applied);
        };
        let stays = live.head.value.backend_id == head.value.backend_id;
        live.servers = match &live.servers {
            Servers::Copied(_) if stays => Servers::Copied(urls),
            _ => Servers::Of(number),
        };
        if notices(&live.head, &head) {
            let before = std::mem::replace(&mut live.head, head).value.route;
            let route = &live.head.value.route;
            if before != *route {
                self.routes.insert(route.clone(), id.to_owned());
                self.routes.remove(&before);
                return Ok(Reaction::Rerouted);
            }
        }
        Ok(Reaction::Applied)
    }

    fn delete_backend(&mut self, id: &str) -> Result<Reaction, Ignored> {
        let backend = self.backends.remove(id).ok_or(Ignored::Unknown)?;
        for frontend in self.frontends.values_mut() {
            if matches!(frontend.servers, Servers::Of(number) if number == backend.number) {
                frontend.servers = Servers::Copied(backend.urls());
            }
        }
        Ok(Reaction::Applied)
    }

    fn delete_frontend(&mut self, id: &str) -> Result<Reaction, Ignored> {
        let frontend = self.frontends.remove(id).ok_or(Ignored::Unknown)?;
        // Whoever has the entry now.
        self.routes.remove(&frontend.head.value.route);
        Ok(Reaction::Applied)
    }

    fn delete_child(
        &mut self,
        kind: ObjectKind,
        id: &str,
        name: &str,
    ) -> Result<Reaction, Ignored> {
        let removed = match kind {
            ObjectKind::Backend => {
                let backend = self.backends.get_mut(id);
                backend
                    .and_then(|backend| backend.servers.remove(name))
                    .is_some()
            }
            ObjectKind::Frontend => {
                let frontend = self.frontends.get_mut(id);
                frontend
                    .and_then(|frontend| frontend.middlewares.remove(name))
                    .is_some()
            }
        };
        if removed {
            Ok(Reaction::Applied)
        } else {
            Err(Ignored::Unknown)
        }
    }
}

/// Whether a running vulcand sees a difference: some settings it does not compare, and predicates
/// it compares as texts.
fn notices(live: &Head, put: &Head) -> bool {
    let mut settings = put.value.settings.clone();
    settings.pass_host_header = live.value.settings.pass_host_header;
    settings.stream = live.value.settings.stream;
    settings.stream_flush_interval_ns = live.value.settings.stream_flush_interval_ns;
    live.value.route != put.value.route
        || live.value.backend_id != put.value.backend_id
        || live.value.settings != settings
        || live.predicate != put.predicate
}
