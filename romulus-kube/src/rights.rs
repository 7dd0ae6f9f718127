//! What the account in use may do, and what the server has.
use std::fmt;
use std::time::Duration;

use http::Request;
use serde::Deserialize;
use serde_json::json;

use crate::Resource;
use crate::selection::{EndpointsSource, Selection};
use crate::watch::{ApiError, get, read_body, send, serves_slices};

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const VERSION: &str = "/version";

/// Something that an account may be allowed to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// `get`, `list`...
    pub verb: &'static str,
    /// The API group; empty for the core.
    pub group: &'static str,
    /// The resource, in the plural.
    pub resource: &'static str,
    /// The one object it is about.
    pub name: Option<&'static str>,
    /// Where; `None` is everywhere.
    pub namespace: Option<String>,
}

/// `list endpointslices.discovery.k8s.io in all namespaces`
impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        match (self.name, &self.namespace) {
            (Some(name), _) => write!(f, " {name}"),
            (None, Some(namespace)) => write!(f, " in namespace {namespace}"),
            (None, None) => f.write_str(" in all namespaces"),
        }
    }
}

impl Selection {
    /// The rights that romulusd needs to read this and to post Events about it, where endpoints
    /// are read from `endpoints`.
    ///
    /// ```
    /// use romulus_kube::{Resource, Selection};
    /// let rights = Selection::default().rights(Resource::EndpointSlices);
    /// assert_eq!(rights[0].to_string(), "list services in all namespaces");
    /// ```
    pub fn rights(&self, endpoints: Resource) -> Vec<Right> {
        let namespaces: Vec<Option<String>> = match self.namespaces.as_slice() {
            [] => vec![None],
            names => names.iter().cloned().map(Some).collect(),
        };
        let right = |verb, group, resource, namespace: &Option<String>| Right {
            verb,
            group,
            resource,
            name: None,
            namespace: namespace.clone(),
        };
        let mut rights = Vec::new();
        for namespace in &namespaces {
            for resource in [Resource::Services, endpoints] {
                for verb in ["list", "watch"] {
                    rights.push(right(verb, resource.group(), resource.plural(), namespace));
                }
            }
            for verb in ["create", "patch"] {
                rights.push(right(verb, "events.k8s.io", "events", namespace));
            }
        }
        rights.push(Right {
            verb: "get",
            group: "",
            resource: "namespaces",
            name: Some("kube-system"),
            namespace: None,
        });
        rights
    }
}

/// Whether the account in use has a right, as the server's SelfSubjectAccessReview has it.
///
/// # Errors
///
/// What the API server answered instead.
pub async fn is_allowed(
    client: &kube::Client,
    right: &Right,
    deadline: Duration,
) -> Result<bool, ApiError> {
    #[derive(Deserialize)]
    struct Review {
        status: Status,
    }
    #[derive(Deserialize)]
    struct Status {
        allowed: bool,
    }
    let review = json!({
        "kind": "SelfSubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "spec": {"resourceAttributes": {
            "verb": right.verb,
            "group": right.group,
            "resource": right.resource,
            "name": right.name.unwrap_or_default(),
            "namespace": right.namespace.as_deref().unwrap_or_default(),
        }},
    });
    // A POST, but nothing is stored: the review is the question, its status the answer.
    let request = Request::post(REVIEWS)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(review.to_string().into_bytes())
        .map_err(|error| ApiError::Request(error.to_string()))?;
    let response = send(client, request, deadline).await?;
    let body = read_body(response.into_body(), deadline).await?;
    let review: Review = serde_json::from_slice(&body)
        .map_err(|error| ApiError::Unreadable(format!("no review ({error})")))?;
    Ok(review.status.allowed)
}

/// The server's version, as in `v1.36.2`.
///
/// # Errors
///
/// What the API server answered instead.
pub async fn server_version(client: &kube::Client, deadline: Duration) -> Result<String, ApiError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        git_version: String,
    }
    let body = get(client, VERSION, deadline).await?;
    let version: Version = serde_json::from_slice(&body)
        .map_err(|error| ApiError::Unreadable(format!("no version ({error})")))?;
    Ok(version.git_version)
}

/// What endpoints are read from: the server is asked where it is left to it.
///
/// # Errors
///
/// What the API server answered instead.
pub async fn endpoints_resource(
    client: &kube::Client,
    source: EndpointsSource,
    deadline: Duration,
) -> Result<Resource, ApiError> {
    Ok(match source {
        EndpointsSource::Slices => Resource::EndpointSlices,
        EndpointsSource::Endpoints => Resource::Endpoints,
        EndpointsSource::Auto if serves_slices(client, deadline).await? => Resource::EndpointSlices,
        EndpointsSource::Auto => Resource::Endpoints,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ApiStub, Fault, On};

    const DEADLINE: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn rights_are_those_of_what_is_read() {
        let stub = ApiStub::new();
        stub.deny("watch", "endpointslices");
        let client = stub.client();
        let namespaces = vec!["shop".to_owned(), "ops".to_owned()];
        let selection = Selection {
            namespaces,
            ..Selection::default()
        };
        let mut denied = Vec::new();
        let rights = selection.rights(Resource::EndpointSlices);
        assert_eq!(rights.len(), 13);
        for right in rights {
            if !is_allowed(&client, &right, DEADLINE).await.unwrap() {
                denied.push(right.to_string());
            }
        }
        assert_eq!(
            denied,
            [
                "watch endpointslices.discovery.k8s.io in namespace shop",
                "watch endpointslices.discovery.k8s.io in namespace ops"
            ]
        );
        let request = stub.requests().pop().unwrap();
        assert_eq!((&*request.method, &*request.path), ("POST", REVIEWS));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_answer_is_an_error() {
        let stub = ApiStub::new();
        let client = stub.client();
        let right = &Selection::default().rights(Resource::Endpoints)[0];
        for (fault, expected) in [
            (Fault::Status(403), "answered 403"),
            (Fault::Html, "the answer is no review"),
            (Fault::Hang, "no answer within 5s"),
        ] {
            stub.fail(On::Reviews, fault, 1);
            let error = is_allowed(&client, right, DEADLINE).await.unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[tokio::test]
    async fn a_server_without_slices_has_endpoints() {
        let stub = ApiStub::new();
        let client = stub.client();
        assert_eq!(server_version(&client, DEADLINE).await.unwrap(), "v1.36.2");
        let auto = EndpointsSource::Auto;
        let resource = endpoints_resource(&client, auto, DEADLINE).await.unwrap();
        assert_eq!(resource, Resource::EndpointSlices);
        stub.serve_slices(false);
        let resource = endpoints_resource(&client, auto, DEADLINE).await.unwrap();
        assert_eq!(resource, Resource::Endpoints);
    }
}
