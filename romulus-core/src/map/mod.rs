//! From one Service to what it asks of vulcand, the rest of the world left aside.
//!
//! [`Blueprint::of`] reads labels and annotations; [`servers`] reads endpoints. They are apart
//! because endpoints change all the time and annotations hardly ever.

mod backend;
mod blueprint;
mod frontend;
mod json;
mod middleware;
mod route;
mod server;
mod sugar;
mod value;

pub use backend::{BackendBlueprint, Scheme};
pub use blueprint::{Blueprint, PortBlueprint};
pub use frontend::{BackendTarget, FrontendBlueprint};
pub use middleware::MiddlewareValue;
pub(crate) use middleware::environment;
pub(crate) use server::names as server_names;
pub use server::{Host, ServerAddress, servers};
pub(crate) use value::with_backend;
pub use value::{Settings, backend_value, frontend_value, server_value};

use crate::annotation::Annotation;
use crate::cluster::Service;
use crate::diagnostic::{Code, Diagnostic, Subject};

/// Something that validates, or is held: its stored keys stay as they are, nothing new is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head<T> {
    /// To be written.
    Valid(T),
    /// Held because of an error that a diagnostic names.
    Held,
}

impl<T> Head<T> {
    /// The content, unless held.
    pub fn valid(&self) -> Option<&T> {
        match self {
            Self::Valid(content) => Some(content),
            Self::Held => None,
        }
    }
}

impl<T> From<Option<T>> for Head<T> {
    fn from(content: Option<T>) -> Self {
        content.map_or(Self::Held, Self::Valid)
    }
}

/// Collects the diagnostics of one Service.
struct Findings<'s> {
    service: &'s Service,
    diagnostics: Vec<Diagnostic>,
}

impl Findings<'_> {
    fn diagnostic(&self, code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, Subject::Service(self.service.name.clone()), message)
    }

    /// A finding about the Service as a whole.
    fn add(&mut self, code: Code, message: impl Into<String>, help: impl Into<String>) {
        let diagnostic = self.diagnostic(code, message).help(help);
        self.push(diagnostic);
    }

    /// A finding about an annotation.
    fn at(
        &mut self,
        code: Code,
        annotation: &Annotation,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let diagnostic = self
            .diagnostic(code, message)
            .at(annotation.key.as_str(), annotation.value.as_str())
            .help(help);
        self.push(diagnostic);
    }

    /// Keeps a finding about a field of the Service.
    fn push_at(&mut self, diagnostic: Diagnostic, field: impl Into<String>) {
        let subject = diagnostic.subject.clone();
        self.push(diagnostic.see(subject, field, ""));
    }

    /// Keeps a finding, once: ports that share an annotation share its findings.
    fn push(&mut self, diagnostic: Diagnostic) {
        if !self.diagnostics.contains(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
    }
}
