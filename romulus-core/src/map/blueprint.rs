use crate::annotation::{Annotations, ROOT_LABEL};
use crate::cluster::{Protocol, Service, ServicePort, ServiceType, is_dns_label};
use crate::config::Config;
use crate::diagnostic::{Code, Diagnostic};
use crate::key::{Root, Segment};

use super::backend::BackendBlueprint;
use super::frontend::FrontendBlueprint;
use super::{Findings, Head, backend, frontend};

/// What the labels, annotations and ports of one Service ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Blueprint {
    /// The tree; held where the label can't be read, and then everything the Service has stored
    /// stays as it is.
    pub root: Head<Root>,
    /// The published ports.
    pub ports: Vec<PortBlueprint>,
    /// What is to be said about it.
    pub diagnostics: Vec<Diagnostic>,
}

/// What one port asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct PortBlueprint {
    /// The id of the port's backend and frontend: `[<port name>.]<service>.<namespace>`.
    pub id: Segment,
    /// The port.
    pub port: ServicePort,
    /// The backend.
    pub backend: BackendBlueprint,
    /// The frontend, where the Service has a route.
    pub frontend: Option<Head<FrontendBlueprint>>,
}

impl Blueprint {
    /// Reads a Service that takes part.
    pub fn of(service: &Service, config: &Config) -> Self {
        let (annotations, diagnostics) = Annotations::read(service);
        let mut findings = Findings {
            service,
            diagnostics,
        };
        let root = root(config, &mut findings);
        let ports = ports(&annotations, config, &mut findings);
        Self {
            root,
            ports,
            diagnostics: findings.diagnostics,
        }
    }
}

fn root(config: &Config, findings: &mut Findings<'_>) -> Head<Root> {
    let Some(label) = findings.service.labels.get(ROOT_LABEL) else {
        return Head::Valid(config.root.clone());
    };
    let slash = if config.root.as_str().starts_with('/') {
        "/"
    } else {
        ""
    };
    let bare = label.trim_start_matches('/');
    let (message, help) = if bare.is_empty() {
        let help = format!("remove the label to use `{}`", config.root);
        ("the label names no tree".to_owned(), help)
    } else {
        match format!("{slash}{bare}").parse::<Root>() {
            Ok(root) => return Head::Valid(root),
            Err(error) => (error.to_string(), "choose another tree".to_owned()),
        }
    };
    let found = findings.diagnostic(Code::InvalidRoot, message);
    findings.push(found.at(ROOT_LABEL, label.as_str()).help(help));
    Head::Held
}

fn ports(
    annotations: &Annotations,
    config: &Config,
    findings: &mut Findings<'_>,
) -> Vec<PortBlueprint> {
    let service = findings.service;
    for (what, name) in [
        ("name", service.name.name()),
        ("namespace", service.name.namespace()),
    ] {
        if !is_dns_label(name) {
            let message = format!(
                "the Service's {what} `{name}` can't be part of a key: it must be lower-case \
                 letters, digits and `-`"
            );
            let found = findings.diagnostic(Code::AmbiguousName, message);
            let found = found.help(format!("change its {what}"));
            findings.push_at(found, format!("metadata.{what}"));
            return Vec::new();
        }
    }
    if service.service_type == ServiceType::ExternalName && !config.allow_external_name {
        let name = service.external_name.as_deref().unwrap_or_default();
        let message = format!(
            "ExternalName Services can name anything (this one `{name}`) and are not published"
        );
        let found = findings
            .diagnostic(Code::ExternalName, message)
            .help("start with --allow-external-name to publish them");
        findings.push_at(found, "spec.externalName");
        return Vec::new();
    }
    if service.ports.is_empty() {
        let message = "the Service has no ports, so there is nothing to publish";
        findings.add(Code::NoPorts, message, "add a port to spec.ports");
    }
    let mut published: Vec<PortBlueprint> = Vec::with_capacity(service.ports.len());
    for (index, port) in service.ports.iter().enumerate() {
        let Some(id) = port_id(index, port, findings) else {
            continue;
        };
        if published.iter().any(|other| other.id == id) {
            let message = format!("two ports are named `{}`; the first one counts", port.name);
            let found = findings
                .diagnostic(Code::DuplicatePort, message)
                .help("give each port a name of its own");
            findings.push_at(found, format!("spec.ports[{index}].name"));
            continue;
        }
        published.push(PortBlueprint {
            backend: backend::blueprint(port, annotations, findings),
            frontend: frontend::blueprint(port, annotations, config, findings),
            id,
            port: port.clone(),
        });
    }
    published
}

/// The id of a port, unless it is not published.
fn port_id(index: usize, port: &ServicePort, findings: &mut Findings<'_>) -> Option<Segment> {
    if port.protocol != Protocol::Tcp {
        let message = format!(
            "port `{}` ({}) speaks {}; vulcand proxies TCP only",
            port.name, port.port, port.protocol
        );
        let found = findings.diagnostic(Code::UnsupportedProtocol, message);
        findings.push_at(found, format!("spec.ports[{index}].protocol"));
        return None;
    }
    let service = &findings.service.name;
    let (name, namespace) = (service.name(), service.namespace());
    if port.name.is_empty() {
        return Segment::new(&format!("{name}.{namespace}"));
    }
    if !is_dns_label(&port.name) {
        let message = format!("the port name `{}` can't be part of a key", port.name);
        let found = findings
            .diagnostic(Code::AmbiguousName, message)
            .help("use lower-case letters, digits and `-`");
        findings.push_at(found, format!("spec.ports[{index}].name"));
        return None;
    }
    Segment::new(&format!("{}.{name}.{namespace}", port.name))
}
