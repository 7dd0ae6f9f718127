//! A stored tree as a vulcand that starts reads it.

use std::collections::BTreeMap;

use romulus_core::config::ConfigArgs;
use romulus_core::key::{Key, ObjectKind, ObjectRef, Root, Segment};
use romulus_core::stored::Snapshot;
use romulus_core::vulcand::{
    Backend, Checked, Environment, Frontend, Host, Listener, Middleware, Server,
};
use romulus_core::world::Record;

/// What is known of the vulcand that reads the trees. What can't be known is taken to be well.
pub(crate) fn environment(config: &ConfigArgs) -> Environment {
    Environment {
        middleware_types: config.allow_middleware.iter().cloned().collect(),
        local_syslog: true,
        ..Environment::default()
    }
}

/// The objects of one tree, each with vulcand's verdict on it.
#[derive(Debug)]
pub(crate) struct ProxyTree<'s> {
    pub(crate) backends: BTreeMap<Segment, ProxyBackend<'s>>,
    pub(crate) frontends: BTreeMap<Segment, ProxyFrontend<'s>>,
    pub(crate) hosts: Vec<(&'s str, Checked<Host>)>,
    pub(crate) listeners: Vec<(&'s str, Checked<Listener>)>,
    /// Keys that look like objects and are none, which vulcand does not ignore.
    pub(crate) misshapen: Vec<&'s str>,
}

/// A backend; without a head its servers alone make none.
#[derive(Debug, Default)]
pub(crate) struct ProxyBackend<'s> {
    pub(crate) head: Option<(&'s str, Checked<Backend>)>,
    pub(crate) servers: BTreeMap<Segment, (&'s str, Checked<Server>)>,
}

/// A frontend; without a head its middlewares alone make none.
#[derive(Debug, Default)]
pub(crate) struct ProxyFrontend<'s> {
    pub(crate) head: Option<(&'s str, Checked<Frontend>)>,
    pub(crate) middlewares: BTreeMap<Segment, (&'s str, Checked<Middleware>)>,
    /// Who has written it, where a romulus has.
    pub(crate) record: Option<Record>,
}

impl ProxyFrontend<'_> {
    /// What vulcand reads, where it takes it.
    pub(crate) fn frontend(&self) -> Option<&Frontend> {
        self.head.as_ref()?.1.value.as_ref()
    }
}

impl<'s> ProxyTree<'s> {
    /// Reads the tree under a root; whether a frontend's backend exists is judged here, whatever
    /// the environment says.
    pub(crate) fn read(root: &Root, snapshot: &'s Snapshot, environment: &Environment) -> Self {
        let mut tree = Self {
            backends: BTreeMap::new(),
            frontends: BTreeMap::new(),
            hosts: Vec::new(),
            listeners: Vec::new(),
            misshapen: Vec::new(),
        };
        let prefix = root.prefix();
        let entries = snapshot.entries.range(prefix.clone()..);
        let entries = entries.take_while(|(key, _)| key.starts_with(&prefix));
        let mut frontends = Vec::new();
        for (key, entry) in entries {
            let (key, value) = (key.as_str(), entry.value.as_str());
            match Key::in_tree(root, key) {
                Some(Key::Head(object)) if object.kind == ObjectKind::Backend => {
                    let backend = tree.backends.entry(object.id).or_default();
                    backend.head = Some((key, Backend::parse(value)));
                }
                Some(Key::Head(object)) => frontends.push((object.id, key, value)),
                Some(Key::Child(object, name)) if object.kind == ObjectKind::Backend => {
                    let backend = tree.backends.entry(object.id).or_default();
                    backend.servers.insert(name, (key, Server::parse(value)));
                }
                Some(Key::Child(object, name)) => {
                    let frontend = tree.frontends.entry(object.id).or_default();
                    let middleware = Middleware::parse(value, environment);
                    frontend.middlewares.insert(name, (key, middleware));
                }
                Some(Key::Record(_)) | None => tree.other(&prefix, key, value, environment),
            }
        }
        // Backends come before frontends in the order of keys, but that is not to be relied on.
        let ids = tree.backends.iter().filter(|(_, b)| b.head.is_some());
        let environment = Environment {
            backends: Some(ids.map(|(id, _)| id.to_string()).collect()),
            ..environment.clone()
        };
        for (id, key, value) in frontends {
            let object = ObjectRef {
                root: root.clone(),
                kind: ObjectKind::Frontend,
                id: id.clone(),
            };
            let record = snapshot.entries.get(&object.record_key());
            let frontend = tree.frontends.entry(id).or_default();
            frontend.head = Some((key, Frontend::parse(value, &environment)));
            frontend.record = record.and_then(|entry| Record::parse(&entry.value));
        }
        tree
    }

    fn other(&mut self, prefix: &str, key: &'s str, value: &'s str, environment: &Environment) {
        let tail = key.strip_prefix(prefix).unwrap_or_default();
        match tail.split('/').collect::<Vec<_>>()[..] {
            ["hosts", _, "host"] => self.hosts.push((key, Host::parse(value, environment))),
            ["listeners", _] => {
                let listener = Listener::parse(value, environment);
                self.listeners.push((key, listener));
            }
            ["backends" | "frontends", _] | ["listeners", ..] => self.misshapen.push(key),
            _ => {}
        }
    }
}
