//! Which cluster this is.
use std::time::Duration;

use serde::Deserialize;

use crate::watch::{ApiError, get};

const PATH: &str = "/api/v1/namespaces/kube-system";
const DEADLINE: Duration = Duration::from_secs(30);

/// Why the cluster could not be told.
#[derive(Debug, thiserror::Error)]
#[error("GET {PATH}: {answer}; {}", way_out(answer))]
pub struct ClusterScopeError {
    /// What the API server said; part of the message, hence no source beside it.
    pub answer: ApiError,
}

impl From<ApiError> for ClusterScopeError {
    fn from(answer: ApiError) -> Self {
        Self { answer }
    }
}

fn way_out(error: &ApiError) -> &'static str {
    match error {
        ApiError::Status { code: 403, .. } => {
            "the UID of this namespace is what tells clusters apart: grant the account get on \
             namespaces, with resourceNames [kube-system]"
        }
        error => error.way_out(),
    }
}

/// The UID of the namespace kube-system: what Kubernetes users take for the identity of a cluster,
/// since it is made with the cluster and never replaced.
///
/// # Errors
///
/// What the API server answered; see [`ApiError::is_fatal`] for whether to try again.
pub async fn cluster_scope(client: &kube::Client) -> Result<String, ClusterScopeError> {
    #[derive(Deserialize)]
    struct Namespace {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        uid: String,
    }
    let body = get(client, PATH, DEADLINE).await?;
    let namespace: Namespace = serde_json::from_slice(&body)
        .map_err(|error| ApiError::Unreadable(format!("no namespace with a uid ({error})")))?;
    if namespace.metadata.uid.is_empty() {
        return Err(ApiError::Unreadable("a namespace without uid".to_owned()).into());
    }
    Ok(namespace.metadata.uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ApiStub, Fault, On};

    #[tokio::test(start_paused = true)]
    async fn is_the_uid_of_kube_system_or_a_reason_why_not() {
        let stub = ApiStub::new();
        let client = stub.client();
        assert_eq!(cluster_scope(&client).await.unwrap(), stub.cluster_uid());
        for (fault, expected) in [
            (
                Fault::Status(403),
                "answered 403: made to fail; the UID of this namespace is what",
            ),
            (Fault::Html, "the answer is no namespace with a uid"),
            (Fault::Hang, "no answer within 30s"),
        ] {
            stub.fail(On::Namespace, fault, 1);
            let error = cluster_scope(&client).await.unwrap_err().to_string();
            assert!(
                error.starts_with("GET /api/v1/namespaces/kube-system: "),
                "{error}"
            );
            assert!(error.contains(expected), "{error}");
        }
    }
}
