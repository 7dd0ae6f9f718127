//! What the store should hold, said in the simplest way there is: from scratch, without history,
//! without increments, without order.

use std::collections::{BTreeMap, BTreeSet};

use romulus_core::cluster::{Endpoints, ObjectName, Service};
use romulus_core::config::Config;
use romulus_core::key::{Key, ObjectKind, ObjectRef, Root, Segment};
use romulus_core::map::{self, Blueprint, Head, PortBlueprint, ServerAddress};
use romulus_core::vulcand::{Backend, Environment, Frontend, Middleware, Server};
use romulus_core::world::Record;

struct Port {
    service: Service,
    root: Root,
    port: PortBlueprint,
    /// The id of its backend.
    backend: Segment,
    servers: BTreeSet<ServerAddress>,
}

/// Every key, with its value. What is stored says only which backends have moved to another id.
pub(crate) fn desired(
    stored: &BTreeMap<String, String>,
    services: &BTreeMap<ObjectName, Service>,
    endpoints: &BTreeMap<ObjectName, Endpoints>,
    config: &Config,
) -> BTreeMap<String, String> {
    let mut ports: Vec<Port> = services
        .values()
        .filter(|service| service.speaks_to_romulus() && config.selector.matches(&service.labels))
        .flat_map(|service| ports(service, endpoints, config))
        .collect();
    let ids: Vec<(Root, Segment)> = ports
        .iter()
        .map(|port| (port.root.clone(), port.port.id.clone()))
        .collect();
    for port in &mut ports {
        let id = &port.port.id;
        let moved = Segment::new(&format!("{id}_")).expect("an id");
        let mut others = ids
            .iter()
            .filter(|(root, other)| *root == port.root && other != id);
        let crowded = others.any(|(_, other)| other.as_str().starts_with(id.as_str()));
        let kind = ObjectKind::Backend;
        let place = ObjectRef {
            root: port.root.clone(),
            kind,
            id: moved.clone(),
        };
        if crowded || stored.contains_key(&place.head_key()) {
            port.backend = moved;
        }
    }
    let mut keys = BTreeMap::new();
    for port in &ports {
        backend(port, config, &mut keys);
    }
    // The oldest Service that can be written gets the route.
    let mut routes: BTreeMap<(&Root, &str), Vec<(&Port, Segment)>> = BTreeMap::new();
    for port in &ports {
        if let Some(Head::Valid(frontend)) = &port.port.frontend
            && let Some(backend) = target(port, &ports)
        {
            routes
                .entry((&port.root, &frontend.route))
                .or_default()
                .push((port, backend));
        }
    }
    for ((_, _), claimants) in routes {
        let age = |port: &Port| {
            let created = port.service.created.clone();
            (
                created.is_none(),
                created,
                port.service.name.clone(),
                port.port.id.clone(),
            )
        };
        if let Some((port, backend)) = claimants.into_iter().min_by_key(|(port, _)| age(port)) {
            frontend(port, &backend, config, &mut keys);
        }
    }
    keys
}

fn ports(
    service: &Service,
    endpoints: &BTreeMap<ObjectName, Endpoints>,
    config: &Config,
) -> Vec<Port> {
    let blueprint = Blueprint::of(service, config);
    // A Service whose tree is unknown has nothing stored here that could stay.
    let Head::Valid(root) = blueprint.root else {
        return Vec::new();
    };
    let own = || {
        endpoints
            .values()
            .filter(|e| e.service.as_ref() == Some(&service.name))
    };
    let of_port = |port: PortBlueprint| Port {
        service: service.clone(),
        root: root.clone(),
        servers: map::servers(service, &port.port, own(), &mut Vec::new()),
        backend: port.id.clone(),
        port,
    };
    blueprint.ports.into_iter().map(of_port).collect()
}

fn object(port: &Port, kind: ObjectKind) -> ObjectRef {
    ObjectRef {
        root: port.root.clone(),
        kind,
        id: match kind {
            ObjectKind::Backend => port.backend.clone(),
            ObjectKind::Frontend => port.port.id.clone(),
        },
    }
}

fn record(port: &Port, kind: ObjectKind, config: &Config) -> (String, String) {
    let record = Record {
        owner: config.owner.as_str().into(),
        service: port.service.name.to_string().into(),
        uid: port.service.uid.as_deref().map(Into::into),
    };
    (object(port, kind).record_key(), record.to_string())
}

fn backend(port: &Port, config: &Config, keys: &mut BTreeMap<String, String>) {
    let Head::Valid(settings) = &port.port.backend.settings else {
        return;
    };
    let object = object(port, ObjectKind::Backend);
    let settings = settings.as_ref().map(|settings| settings.text.as_str());
    keys.insert(object.head_key(), map::backend_value(&object.id, settings));
    keys.extend([record(port, ObjectKind::Backend, config)]);
    let Head::Valid(scheme) = port.port.backend.scheme else {
        return;
    };
    let mut hosts = BTreeSet::new();
    for address in &port.servers {
        let host = address.host.to_string();
        let name = match hosts.insert(host.clone()) {
            true => host,
            false => format!("{host}-{}", address.port),
        };
        let name = Segment::new(&name).expect("an address");
        keys.insert(
            object.child_key(&name),
            map::server_value(&address.url(scheme)),
        );
    }
}

/// The backend of a port's frontend, if it can be written.
fn target(port: &Port, ports: &[Port]) -> Option<Segment> {
    let frontend = port.port.frontend.as_ref()?.valid()?;
    let Some(target) = &frontend.target else {
        return port
            .port
            .backend
            .settings
            .valid()
            .map(|_| port.backend.clone());
    };
    let backend = ports
        .iter()
        .find(|other| other.root == port.root && other.port.id == target.id)?;
    (backend.port.backend.settings.valid().is_some() && !backend.servers.is_empty())
        .then(|| backend.backend.clone())
}

fn frontend(port: &Port, backend: &Segment, config: &Config, keys: &mut BTreeMap<String, String>) {
    let Some(Head::Valid(blueprint)) = &port.port.frontend else {
        return;
    };
    let object = object(port, ObjectKind::Frontend);
    let settings = blueprint
        .settings
        .as_ref()
        .map(|settings| settings.text.as_str());
    let value = map::frontend_value(&object.id, backend, &blueprint.route, settings);
    keys.insert(object.head_key(), value);
    keys.extend([record(port, ObjectKind::Frontend, config)]);
    for (name, middleware) in &blueprint.middlewares {
        keys.insert(object.child_key(name), middleware.text.clone());
    }
}

/// Whether a key is of this object.
pub(crate) fn belongs(key: &str, object: &ObjectRef) -> bool {
    Key::in_tree(&object.root, key).is_some_and(|key| key.object() == object)
}

/// Backends of one tree whose ids begin with each other.
pub(crate) fn mixed_up(keys: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let folder = |key: &String| key.strip_suffix("/backend").map(str::to_owned);
    let folders: Vec<String> = keys.keys().filter_map(folder).collect();
    let pairs = folders
        .iter()
        .flat_map(|a| folders.iter().map(move |b| (a.clone(), b.clone())));
    pairs
        .filter(|(a, b)| a != b && b.starts_with(a.as_str()))
        .collect()
}

/// Keys and values as far as they mean something: values parsed, servers without their names, and
/// records without uids, since an absent one equals any.
pub(crate) fn meaning(keys: &BTreeMap<String, String>) -> BTreeSet<String> {
    let stock = Environment::default();
    let said = |key: &str, value: &str| -> String {
        let Some((start, _)) = key.rsplit_once('/') else {
            return value.to_owned();
        };
        if let Some(record) = Key::record(key).and_then(|_| Record::parse(value)) {
            format!("{key} {} {}", record.owner, record.service)
        } else if key.ends_with("/backend") {
            format!("{key} {:?}", Backend::parse(value).value)
        } else if key.ends_with("/frontend") {
            format!("{key} {:?}", Frontend::parse(value, &stock).value)
        } else if start.ends_with("/servers") {
            format!("{start} {:?}", Server::parse(value).value)
        } else if start.ends_with("/middlewares") {
            format!("{key} {:?}", Middleware::parse(value, &stock).value)
        } else {
            format!("{key} {value}")
        }
    };
    keys.iter().map(|(key, value)| said(key, value)).collect()
}

/// The Service with a host of its own for each port, and without what does not validate.
pub(crate) fn unambiguous(mut service: Service) -> Service {
    const ROUTE: &[&str] = &["host", "path", "method", "header", "prefix", "backend"];
    let config = Config::new("vulcand".parse().expect("a root"));
    service.annotations.retain(|key, _| {
        let option = key
            .trim_start_matches("romulus/")
            .split('.')
            .next()
            .unwrap_or_default();
        !ROUTE.contains(&option.trim_end_matches("Regexp"))
    });
    for port in &service.ports {
        let dot = if port.name.is_empty() { "" } else { "." };
        let host = format!(
            "{}{dot}{}.{}.test",
            port.name,
            service.name.name(),
            service.name.namespace()
        );
        service
            .annotations
            .insert(format!("romulus/host{dot}{}", port.name), host);
    }
    let is_held = |service: &Service| {
        let blueprint = Blueprint::of(service, &config);
        let port = |port: &PortBlueprint| {
            port.backend.settings == Head::Held
                || port.backend.scheme == Head::Held
                || port.frontend == Some(Head::Held)
        };
        blueprint.root == Head::Held || blueprint.ports.iter().any(port)
    };
    if is_held(&service) {
        service
            .annotations
            .retain(|key, _| key.starts_with("romulus/host"));
        service.labels.retain(|_, root| root != "romulus");
    }
    assert!(!is_held(&service), "{service:?}");
    service
}
