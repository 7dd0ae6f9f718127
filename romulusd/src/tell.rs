use std::time::Duration;

use romulus_core::diagnostic::{Diagnostic, Severity, Subject};
use romulus_core::world::World;
use romulus_kube::{EventRecorder, ServiceEvent, Severity as EventSeverity};
use tracing::{error, info, warn};

use crate::scope::Scope;

/// How long Events may hold up the end.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells diagnostics where people look: in the log, and as Events of the Service in question.
pub(crate) struct Teller {
    events: Option<EventRecorder>,
}

impl Teller {
    pub(crate) fn new(scope: &Scope) -> Self {
        let instance = std::env::var("HOSTNAME").unwrap_or_else(|_| "romulusd".into());
        let events = match scope {
            Scope::Manifests => None,
            Scope::Cluster(client) => Some(EventRecorder::start(client, &instance)),
        };
        Self { events }
    }

    /// A diagnostic that is new.
    pub(crate) fn raised(&self, diagnostic: &Diagnostic, world: &World) {
        match diagnostic.severity() {
            Severity::Error => error!("{}", bare(diagnostic)),
            Severity::Warning => warn!("{}", bare(diagnostic)),
            Severity::Info => info!("{}", bare(diagnostic)),
        }
        let (Some(events), Subject::Service(name)) = (&self.events, &diagnostic.subject) else {
            return;
        };
        if diagnostic.severity() >= Severity::Warning {
            events.record(ServiceEvent {
                service: name.clone(),
                uid: world.service(name).and_then(|service| service.uid.clone()),
                severity: EventSeverity::Warning,
                // The name of the code, which is what Kubernetes expects of a reason.
                reason: format!("{:?}", diagnostic.code),
                note: bare(diagnostic),
            });
        }
    }

    /// A diagnostic that no longer holds.
    pub(crate) fn cleared(&self, diagnostic: &Diagnostic) {
        info!("no longer: {}", bare(diagnostic));
    }

    /// Says the last of it.
    pub(crate) async fn close(self) {
        if let Some(events) = self.events {
            events.close(PATIENCE).await;
        }
    }
}

/// The diagnostic without its severity, which the level of the line says.
fn bare(diagnostic: &Diagnostic) -> String {
    let line = diagnostic.to_string();
    match line.split_once('[') {
        Some((_, rest)) => format!("[{rest}"),
        None => line,
    }
}
