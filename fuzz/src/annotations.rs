//! From the annotations of one Service to the values of vulcand's keys.
//!
//! The input is a list of texts with NUL bytes between them: first the names of the ports, with
//! commas between them, then annotations as `<option>=<value>`, without their prefix.

use romulus_core::cluster::{Labels, ObjectName, Protocol, Service, ServicePort};
use romulus_core::config::Config;
use romulus_core::diagnostic::{Diagnostic, Severity};
use romulus_core::map::{
    Blueprint, FrontendBlueprint, Head, PortBlueprint, Scheme, ServerAddress, backend_value,
    frontend_value, server_value,
};
use romulus_core::vulcand::route::{Danger, Route, dangerous_pair};
use romulus_core::vulcand::{Backend, Checked, Environment, Frontend, Middleware, Server};

use crate::assert_within;

/// What is valid is taken by vulcand, and means to it what the mapping says; no two routes disturb
/// each other; what is held has a diagnostic that says why; and diagnostics point into values.
pub fn check(text: &str) {
    let service = service(text);
    let mut config = Config::new("vulcand".parse().expect("a plain word"));
    for route_priorities in [false, true] {
        config.route_priorities = route_priorities;
        let blueprint = Blueprint::of(&service, &config);
        assert_eq!(
            blueprint,
            Blueprint::of(&service, &config),
            "twice the same: {service:?}"
        );
        for diagnostic in &blueprint.diagnostics {
            points_into_its_value(diagnostic);
        }
        let is_held = blueprint.ports.iter().any(is_held);
        assert!(
            !is_held || has_error(&blueprint),
            "held without a word: {blueprint:#?}"
        );
        for port in &blueprint.ports {
            backend(port);
            if let Some(Head::Valid(content)) = &port.frontend {
                frontend(port, content, route_priorities);
            }
        }
        routes(&blueprint);
    }
}

fn service(text: &str) -> Service {
    let mut fields = text.split('\0');
    let ports = fields
        .next()
        .unwrap_or_default()
        .split(',')
        .take(4)
        .map(|name| ServicePort {
            name: name.to_owned(),
            port: 80,
            protocol: Protocol::Tcp,
            app_protocol: None,
        });
    let annotation = |field: &str| {
        let (option, value) = field.split_once('=').unwrap_or((field, ""));
        (format!("romulus/{option}"), value.to_owned())
    };
    Service {
        name: ObjectName::new("shop", "web"),
        uid: None,
        created: None,
        labels: Labels::default(),
        ports: ports.collect(),
        annotations: fields.map(annotation).collect(),
        service_type: Default::default(),
        external_name: None,
        publish_not_ready_addresses: false,
    }
}

fn points_into_its_value(diagnostic: &Diagnostic) {
    assert!(!diagnostic.message.is_empty(), "{diagnostic:?}");
    assert!(
        diagnostic
            .to_string()
            .starts_with(&diagnostic.severity().to_string())
    );
    if let Some((start, end)) = diagnostic.span {
        assert_within(
            diagnostic.value.as_deref().unwrap_or_default(),
            start,
            end,
            diagnostic,
        );
    }
}

fn is_held(port: &PortBlueprint) -> bool {
    port.backend.settings == Head::Held
        || port.backend.scheme == Head::Held
        || port.frontend == Some(Head::Held)
}

fn has_error(blueprint: &Blueprint) -> bool {
    blueprint
        .diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity() == Severity::Error)
}

/// What vulcand makes of a value that is to be written.
fn taken<T>(text: &str, checked: Checked<T>) -> T {
    assert!(
        checked.is_writable(),
        "{text} would be written: {:?}",
        checked.problems
    );
    checked
        .value
        .unwrap_or_else(|| panic!("{text} is no value, and nothing is wrong with it"))
}

fn backend(port: &PortBlueprint) {
    if let Head::Valid(settings) = &port.backend.settings {
        let text = backend_value(
            &port.id,
            settings.as_ref().map(|settings| settings.text.as_str()),
        );
        let backend = taken(&text, Backend::parse(&text));
        let wanted = settings
            .as_ref()
            .map(|settings| settings.parsed.clone())
            .unwrap_or_default();
        assert_eq!(backend.settings, *wanted, "{text}");
    }
    let scheme = port.backend.scheme.valid().copied().unwrap_or(Scheme::Http);
    for host in ["10.0.0.1", "fd00::1"] {
        let ip = romulus_core::map::Host::Ip(host.parse().expect("an address"));
        let url = ServerAddress { host: ip, port: 80 }.url(scheme);
        let text = server_value(&url);
        let server = taken(&text, Server::parse(&text));
        assert_eq!(server.url.scheme(), scheme.to_string(), "{text}");
    }
}

fn frontend(port: &PortBlueprint, content: &FrontendBlueprint, has_priority: bool) {
    let backend = content
        .target
        .as_ref()
        .map_or(&port.id, |target| &target.id);
    let settings = content.settings.as_ref();
    let settings_text = settings.map(|settings| settings.text.as_str());
    let text = frontend_value(&port.id, backend, &content.route, settings_text);
    let frontend = taken(&text, Frontend::parse(&text, &Environment::default()));
    assert_eq!(frontend.backend_id, backend.as_str(), "{text}");
    assert_eq!(*frontend.route, *content.route, "{text}");
    assert_eq!(content.route.starts_with("/*"), has_priority, "{text}");
    let wanted = settings
        .map(|settings| settings.parsed.clone())
        .unwrap_or_default();
    assert_eq!(frontend.settings, *wanted, "{text}");
    for (name, value) in &content.middlewares {
        let read = taken(
            &value.text,
            Middleware::parse(&value.text, &Environment::default()),
        );
        assert_eq!(read, value.parsed, "{name}: {}", value.text);
    }
}

fn routes(blueprint: &Blueprint) {
    let frontends = blueprint
        .ports
        .iter()
        .filter_map(|port| port.frontend.as_ref()?.valid());
    let routes: Vec<Route> = frontends
        .map(|frontend| match frontend.route.parse() {
            Ok(route) => route,
            Err(error) => panic!("the route {} would be written: {error}", frontend.route),
        })
        .collect();
    for (index, route) in routes.iter().enumerate() {
        for other in &routes[index + 1..] {
            let danger = dangerous_pair(route, other).filter(|danger| *danger != Danger::SameText);
            assert_eq!(danger, None, "{route:?} and {other:?} in one tree");
        }
    }
}
