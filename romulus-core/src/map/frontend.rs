use std::collections::BTreeMap;

use crate::annotation::Annotations;
use crate::cluster::{ServicePort, is_dns_label};
use crate::config::Config;
use crate::diagnostic::Code;
use crate::key::Segment;
use crate::vulcand::FrontendSettings;

use super::{Findings, Head, MiddlewareValue, Settings, middleware, route, sugar};

/// A frontend as its annotations ask for it.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontendBlueprint {
    /// The text of the route.
    pub route: Box<str>,
    /// The annotations that the parts of the route come from, for diagnostics.
    pub route_keys: Box<[String]>,
    /// The settings, if any are given.
    pub settings: Option<Settings<FrontendSettings>>,
    /// The backend, where it is not the port's own.
    pub target: Option<Box<BackendTarget>>,
    /// The middlewares.
    pub middlewares: BTreeMap<Segment, MiddlewareValue>,
}

/// The backend that `romulus/backend` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendTarget {
    /// Its id.
    pub id: Segment,
    /// The annotation's key, for diagnostics.
    pub key: String,
    /// The annotation's value, for diagnostics.
    pub value: String,
}

/// The frontend of a port: none where the Service has no route, held where something of it does
/// not validate.
pub(super) fn blueprint(
    port: &ServicePort,
    annotations: &Annotations,
    config: &Config,
    findings: &mut Findings<'_>,
) -> Option<Head<FrontendBlueprint>> {
    let route = route::route(&port.name, annotations, config, findings);
    // Each part is read even where another is bad, so that an author sees everything at once.
    let settings = sugar::frontend_settings(&port.name, annotations, findings);
    let middlewares = middleware::middlewares(&port.name, annotations, config, findings);
    let target = target(&port.name, annotations, findings);
    let Some(route) = route else {
        let message = match port.name.as_str() {
            "" => "the Service has no route: its backend is written, but no frontend".to_owned(),
            name => format!("port `{name}` has no route: its backend is written, but no frontend"),
        };
        findings.add(
            Code::NoRoute,
            message,
            "annotate it with romulus/host or romulus/path",
        );
        return None;
    };
    let held = || {
        let route::Route { text, keys } = route.valid()?.clone();
        Some(FrontendBlueprint {
            route: text.into(),
            route_keys: keys.into(),
            settings: settings?,
            target: target?.map(Box::new),
            middlewares: middlewares?,
        })
    };
    Some(held().into())
}

/// `<service>[:<port>]` of the same namespace.
fn target(
    port: &str,
    annotations: &Annotations,
    findings: &mut Findings<'_>,
) -> Option<Option<BackendTarget>> {
    let Some(annotation) = annotations.get("backend", port) else {
        return Some(None);
    };
    let namespace = findings.service.name.namespace();
    let value = annotation.value.trim();
    let (service, port) = value.split_once(':').unwrap_or((value, ""));
    let label = |name: &str| is_dns_label(name);
    if !label(service) || !(label(port) || (port.is_empty() && !value.ends_with(':'))) {
        let message = "this names no Service of the namespace";
        findings.at(
            Code::InvalidOption,
            annotation,
            message,
            "write `<service>` or `<service>:<port name>`",
        );
        return None;
    }
    let dot = if port.is_empty() { "" } else { "." };
    let id = Segment::new(&format!("{port}{dot}{service}.{namespace}"))?;
    Some(Some(BackendTarget {
        id,
        key: annotation.key.clone(),
        value: annotation.value.clone(),
    }))
}
