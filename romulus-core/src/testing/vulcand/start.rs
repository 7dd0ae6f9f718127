use std::collections::BTreeMap;

use crate::key::Root;
use crate::stored::Entry;
use crate::testing::MapStore;
use crate::vulcand::{Backend, Checked, Environment, Middleware, Server};

use super::{Head, LiveFrontend, Servers, Vulcand};

/// Why a vulcand does not start. Some of these make it hang instead, which serves as little.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// One value is enough.
    #[error("the value of {0} is invalid: {1}")]
    Invalid(String, String),
    /// A frontend refers to a backend that is not there; servers alone make none.
    #[error("frontend {frontend} refers to the backend {backend}, which does not exist")]
    Dangling {
        /// The frontend.
        frontend: String,
        /// What it refers to.
        backend: String,
    },
    /// A backend has the name of the folder below it.
    #[error("a backend is called `servers`")]
    Servers,
}

impl Vulcand {
    /// Starts with what the store holds now.
    pub fn start(root: &Root, store: &MapStore) -> Result<Self, Refused> {
        let mut vulcand = Self {
            root: root.clone(),
            backends: BTreeMap::new(),
            frontends: BTreeMap::new(),
            routes: BTreeMap::new(),
            born: 0,
        };
        vulcand.load_backends(&store.snapshot(&format!("{root}/backends/")).entries)?;
        vulcand.load_frontends(&store.snapshot(&format!("{root}/frontends/")).entries)?;
        Ok(vulcand)
    }

    fn load_backends(&mut self, entries: &BTreeMap<String, Entry>) -> Result<(), Refused> {
        let folder = format!("{}/backends/", self.root);
        for (key, entry) in entries {
            let Some([id, "backend"]) = parts(key, &folder) else {
                continue;
            };
            if id == "servers" {
                return Err(Refused::Servers);
            }
            let value = valid(key, Backend::parse(&entry.value))?;
            let mut backend = self.bear(value.settings);
            // The prefix is not closed by a slash: `a` also gets the servers of `a2`.
            let prefix = format!("{folder}{id}");
            for (key, entry) in entries.range(prefix.clone()..) {
                if !key.starts_with(&prefix) {
                    break;
                }
                if let Some([_, "servers", name]) = parts(key, &folder) {
                    let server = valid(key, Server::parse(&entry.value))?;
                    backend.servers.insert(name.to_owned(), server.url);
                }
            }
            self.backends.insert(id.to_owned(), backend);
        }
        Ok(())
    }

    fn load_frontends(&mut self, entries: &BTreeMap<String, Entry>) -> Result<(), Refused> {
        let folder = format!("{}/frontends/", self.root);
        let stock = Environment::default();
        for (key, entry) in entries {
            let Some([id, "frontend"]) = parts(key, &folder) else {
                continue;
            };
            let head = valid(key, Head::parse(&entry.value))?;
            let Some(backend) = self.backends.get(&head.value.backend_id) else {
                let (frontend, backend) = (id.to_owned(), head.value.backend_id);
                return Err(Refused::Dangling { frontend, backend });
            };
            let servers = Servers::Of(backend.number);
            let mut middlewares = BTreeMap::new();
            let prefix = format!("{folder}{id}/middlewares/");
            for (key, entry) in entries.range(prefix.clone()..) {
                let Some(name) = key.strip_prefix(&prefix) else {
                    break;
                };
                if !name.is_empty() && !name.contains('/') {
                    let middleware = valid(key, Middleware::parse(&entry.value, &stock))?;
                    middlewares.insert(name.to_owned(), middleware);
                }
            }
            // Ids come in their order: the greatest has the entry.
            self.routes.insert(head.value.route.clone(), id.to_owned());
            self.frontends.insert(
                id.to_owned(),
                LiveFrontend {
                    head,
                    servers,
                    middlewares,
                },
            );
        }
        Ok(())
    }
}

fn valid<T>(key: &str, checked: Checked<T>) -> Result<T, Refused> {
    let reason = checked
        .problems
        .first()
        .map(|problem| problem.message.clone());
    checked
        .value
        .ok_or_else(|| Refused::Invalid(key.to_owned(), reason.unwrap_or_default()))
}

/// The parts of a key below a folder, if there are so many.
fn parts<'k, const N: usize>(key: &'k str, folder: &str) -> Option<[&'k str; N]> {
    let parts: Vec<&str> = key.strip_prefix(folder)?.split('/').collect();
    let parts: [&str; N] = parts.try_into().ok()?;
    parts.iter().all(|part| !part.is_empty()).then_some(parts)
}
