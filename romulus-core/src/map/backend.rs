use std::fmt;

use crate::annotation::{Annotation, Annotations};
use crate::cluster::ServicePort;
use crate::diagnostic::Code;
use crate::vulcand::BackendSettings;

use super::{Findings, Head, Settings, sugar};

/// How servers are spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Scheme {
    /// Plain HTTP.
    #[default]
    Http,
    /// HTTP over TLS.
    Https,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Scheme {
    /// As it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// A backend as its annotations ask for it; its servers come from endpoints.
#[derive(Debug, Clone, PartialEq)]
pub struct BackendBlueprint {
    /// The settings, if any are given.
    pub settings: Head<Option<Settings<BackendSettings>>>,
    /// How its servers are spoken to; held: as the stored ones are.
    pub scheme: Head<Scheme>,
}

pub(super) fn blueprint(
    port: &ServicePort,
    annotations: &Annotations,
    findings: &mut Findings<'_>,
) -> BackendBlueprint {
    BackendBlueprint {
        settings: sugar::backend_settings(&port.name, annotations, findings).into(),
        scheme: scheme(port, annotations, findings).into(),
    }
}

fn scheme(
    port: &ServicePort,
    annotations: &Annotations,
    findings: &mut Findings<'_>,
) -> Option<Scheme> {
    if let Some(annotation) = annotations.get("scheme", &port.name) {
        return parse_scheme(annotation, findings);
    }
    Some(match port.app_protocol.as_deref() {
        Some("https" | "kubernetes.io/wss") => Scheme::Https,
        _ => Scheme::Http,
    })
}

fn parse_scheme(annotation: &Annotation, findings: &mut Findings<'_>) -> Option<Scheme> {
    match annotation.value.trim().to_ascii_lowercase().as_str() {
        "http" => Some(Scheme::Http),
        "https" => Some(Scheme::Https),
        _ => {
            let message = "a server is spoken to with `http` or `https`";
            findings.at(
                Code::InvalidOption,
                annotation,
                message,
                "write one of the two",
            );
            None
        }
    }
}
