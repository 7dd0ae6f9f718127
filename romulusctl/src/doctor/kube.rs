//! Can romulusd read the cluster, and is what it would write written?

use std::time::Duration;

use romulus_core::diagnostic::Severity;
use romulus_core::key::{OWN_PREFIX, Segment};
use romulus_core::world::World;
use romulus_kube::{ApiError, EndpointsSource, KubeArgs, Resource};

use super::finding::{Harm, Report};
use crate::change;
use crate::plain::count;
use crate::stored::Stored;

/// What is known of the cluster's API.
pub(super) struct Cluster {
    /// What tells it from other clusters.
    pub(super) scope: Option<String>,
    /// Whether everything that is needed can be read.
    pub(super) is_readable: bool,
}

/// Asks the API server who it is, and what this account may do. `None` where it does not answer.
pub(super) async fn cluster(
    args: &KubeArgs,
    deadline: Duration,
    report: &mut Report,
) -> Option<Cluster> {
    let connection = match args.connect().await {
        Ok(connection) => connection,
        Err(error) => {
            unreachable(
                report,
                "the API server",
                &error.to_string(),
                "correct the flag or file",
            );
            return None;
        }
    };
    let (client, url) = (&connection.client, connection.url.to_string());
    let url = url.trim_end_matches('/');
    match romulus_kube::server_version(client, deadline).await {
        Ok(version) => report.saw(format!(
            "API server {url} (from {}): version {version}",
            connection.origin
        )),
        Err(error) => {
            unreachable(report, url, &error.to_string(), error.way_out());
            return None;
        }
    }
    let source = args.endpoints_source;
    let resource = match romulus_kube::endpoints_resource(client, source, deadline).await {
        Ok(resource) => resource,
        Err(error) => {
            unreachable(report, url, &error.to_string(), error.way_out());
            return None;
        }
    };
    if resource == Resource::Endpoints && source == EndpointsSource::Auto {
        report.find(
            (Harm::Warning, "no-slices"),
            url,
            "it serves no EndpointSlices (discovery.k8s.io/v1)",
            "Endpoints are read instead, of which Kubernetes cuts off what is beyond 1000 addresses",
            "Kubernetes has slices since 1.21; with --endpoints-source endpoints this is not said \
             again",
        );
    }
    let selection = args.selection();
    let (mut is_readable, mut allowed) = (true, 0);
    for right in selection.rights(resource) {
        match romulus_kube::is_allowed(client, &right, deadline).await {
            Ok(true) => allowed += 1,
            Ok(false) => {
                let (harm, why) = match right.verb {
                    "create" | "patch" => (
                        Harm::Warning,
                        "what is wrong with a Service is only in romulusd's log",
                    ),
                    "get" => (
                        Harm::Error,
                        "romulusd can't tell this cluster from others, and does not start",
                    ),
                    _ => {
                        is_readable = false;
                        (Harm::Error, "romulusd can't follow the cluster")
                    }
                };
                report.find(
                    (harm, "missing-right"),
                    url,
                    format!("this account may not {right}"),
                    why,
                    "grant it in a ClusterRole, or for single namespaces in Roles; run this with \
                     the account that romulusd has",
                );
            }
            Err(error) => {
                report
                    .unseen
                    .push(format!("rights at {url}: {}", sentence(&error)));
                break;
            }
        }
    }
    if allowed > 0 {
        report.saw(format!("rights: {allowed} of those needed are granted"));
    }
    let scope = tokio::time::timeout(deadline, romulus_kube::cluster_scope(client)).await;
    let scope = scope.ok().and_then(Result::ok);
    Some(Cluster { scope, is_readable })
}

fn unreachable(report: &mut Report, place: &str, problem: &str, way_out: &str) {
    report.find(
        (Harm::Error, "api-server"),
        place,
        problem,
        "changes of the cluster do not reach vulcand, if romulusd can't read it either",
        way_out,
    );
    report
        .unseen
        .push(format!("the cluster: {place} can't be read"));
}

fn sentence(error: &ApiError) -> String {
    format!("{error}; {}", error.way_out())
}

/// Whether the owner id is this cluster's.
pub(super) fn scope(owner: &Segment, cluster: &Cluster, stored: &Stored, report: &mut Report) {
    let key = format!("{OWN_PREFIX}owners/{owner}/scope");
    let noted = stored.snapshot.entries.get(&key).map(|entry| &*entry.value);
    if let (Some(noted), Some(scope)) = (noted, cluster.scope.as_deref())
        && noted != scope
    {
        report.find(
            (Harm::Error, "other-cluster"),
            key,
            format!("the owner {owner} belongs to another cluster ({noted}, this is {scope})"),
            "a romulusd of this cluster does not start under this owner",
            "give each cluster an --owner-id of its own, or start once with --takeover-scope",
        );
    }
}

/// Whether what romulusd would write is written.
pub(super) fn drift(world: &mut World, report: &mut Report) {
    let changes = change::changes(world);
    for diagnostic in world.diagnostics() {
        if diagnostic.severity() == Severity::Error {
            report.find(
                (Harm::Error, diagnostic.code.as_str()),
                diagnostic.subject.to_string(),
                &*diagnostic.message,
                "what was asked for stays unwritten",
                diagnostic
                    .help
                    .as_deref()
                    .unwrap_or("see docs/diagnostics.md"),
            );
        }
    }
    if let [first, ..] = &changes[..] {
        report.find(
            (Harm::Error, "drift"),
            &*first.key,
            format!(
                "{} not as romulusd would write them",
                match changes.len() {
                    1 => "this key is".to_owned(),
                    more => format!("this key and {} more are", more - 1),
                }
            ),
            "vulcand does not serve what the cluster asks for",
            "`romulusctl diff` shows each; it goes by itself where a romulusd leads that has the \
             same flags",
        );
    } else {
        report.saw(format!(
            "drift: none in {}",
            count(world.owned(), "owned object")
        ));
    }
}
