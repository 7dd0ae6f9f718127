//! Requests to the API server, each with a deadline, and what their failures mean.
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use kube::client::Body;
use serde::Deserialize;
use tokio::time::{Instant, timeout, timeout_at};

use crate::connect::unauthenticated;
use crate::problem::{Outcome, Place, SourceProblem};

/// More than any page of a list has (500 objects of at most 1.5 MiB each, in practice far less).
const MAX_BODY: usize = 1 << 30;

/// Why a request to the API server failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The server was not reached, or the connection broke.
    #[error("{}", transport(.0))]
    Transport(#[source] Box<kube::Error>),
    /// Nothing came within the deadline.
    #[error("no answer within {}s", .0.as_secs_f64())]
    Timeout(Duration),
    /// The server answered with an error.
    #[error("the API server answered {code}: {message}")]
    Status {
        /// The HTTP status, or the code of an error event within a watch.
        code: u16,
        /// Kubernetes' one-word reason; empty where the answer was no `Status` object.
        reason: String,
        /// The server's text, or the beginning of what it sent instead.
        message: String,
        /// When the server wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The answer is not what was asked for.
    #[error("the answer is {0}")]
    Unreadable(String),
    /// The request could not be built.
    #[error("the request cannot be built: {0}")]
    Request(String),
}

impl ApiError {
    /// The resource version asked for is compacted away: only a new list helps.
    pub(crate) fn is_expired(&self) -> bool {
        matches!(self, Self::Status { code: 410, .. })
            || matches!(self, Self::Status { reason, .. } if reason == "Expired" || reason == "Gone")
    }

    /// The resource version asked for is from the future, as after a restore of the cluster's
    /// etcd: only a new list helps.
    pub(crate) fn is_ahead(&self) -> bool {
        matches!(self, Self::Status { code: 504, message, .. }
            if message.contains("Too large resource version"))
    }

    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { code: 404, .. })
    }

    /// Whether it stays until somebody acts.
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Status { code, .. } => matches!(code, 300..=407),
            Self::Request(_) => true,
            Self::Transport(_) | Self::Timeout(_) | Self::Unreadable(_) => false,
        }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What a person can do about it.
    pub fn way_out(&self) -> &'static str {
        match self {
            Self::Transport(error) if transport(error).contains("certificate") => {
                "give the authority that signed it with --kube-ca-file"
            }
            Self::Transport(_) => "check --kube or the kubeconfig, and that the API server is up",
            Self::Timeout(_) => "check the network and load balancers before the API server",
            Self::Status { code: 401, .. } => {
                "check the token, --kube-user and --kube-pass, or the client certificate"
            }
            Self::Status { code: 403, .. } => {
                "grant the account list and watch on it, in every namespace that is watched"
            }
            Self::Status { code: 404, .. } => {
                "check that --kube is the root of a Kubernetes API server that serves it \
                 (--endpoints-source endpoints for one without EndpointSlices)"
            }
            Self::Status {
                code: 300..=399, ..
            }
            | Self::Unreadable(_) => {
                "check that --kube is the API server itself and no login page or proxy"
            }
            Self::Status { code: 429, .. } => "the API server is busy; nothing to do",
            Self::Status { .. } | Self::Request(_) => "see the API server's log",
        }
    }

    pub(crate) fn problem(&self, path: &str, retry: Duration) -> SourceProblem {
        SourceProblem {
            place: Place::Request(path.to_owned()),
            object: None,
            field: None,
            reason: self.to_string(),
            way_out: self.way_out().into(),
            outcome: if self.is_fatal() {
                Outcome::Fatal
            } else {
                Outcome::Retrying(retry)
            },
        }
    }
}

/// What is wrong with the connection, without the names of kube's error types.
fn transport(error: &kube::Error) -> String {
    match error {
        kube::Error::Service(error) => match error.downcast_ref() {
            Some(error) => unauthenticated(error),
            None => chain(error.as_ref()),
        },
        kube::Error::Auth(error) => unauthenticated(error),
        error => chain(error),
    }
}

/// An error and its causes on one line: the outermost alone often says only "client error".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = error.source();
    }
    text
}

/// Sends a request and waits for the head of a successful response.
pub(crate) async fn send(
    client: &kube::Client,
    request: Request<Vec<u8>>,
    deadline: Duration,
) -> Result<Response<Body>, ApiError> {
    let (mut parts, body) = request.into_parts();
    let json = http::HeaderValue::from_static("application/json");
    parts.headers.entry(http::header::ACCEPT).or_insert(json);
    let response = timeout(
        deadline,
        client.send(Request::from_parts(parts, Body::from(body))),
    )
    .await
    .map_err(|_| ApiError::Timeout(deadline))?
    .map_err(|error| ApiError::Transport(Box::new(error)))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = response
        .headers()
        .get(http::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let body = read_body(response.into_body(), deadline)
        .await
        .unwrap_or_default();
    Err(status_error(status, &body, retry_after))
}

/// Reads a body; each part of it has the deadline anew, so that a long list may take long.
pub(crate) async fn read_body(mut body: Body, deadline: Duration) -> Result<Bytes, ApiError> {
    let mut read = BytesMut::new();
    while let Some(data) = next_data(&mut body, Instant::now() + deadline, deadline).await? {
        if read.len() + data.len() > MAX_BODY {
            return Err(ApiError::Unreadable(format!(
                "longer than {MAX_BODY} bytes"
            )));
        }
        read.extend_from_slice(&data);
    }
    Ok(read.freeze())
}

/// The next part of a body, `None` at its end.
pub(crate) async fn next_data(
    body: &mut Body,
    until: Instant,
    deadline: Duration,
) -> Result<Option<Bytes>, ApiError> {
    loop {
        let frame = timeout_at(until, body.frame())
            .await
            .map_err(|_| ApiError::Timeout(deadline))?;
        match frame {
            None => return Ok(None),
            Some(Err(error)) => return Err(ApiError::Transport(Box::new(error))),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Gets a small JSON document.
pub(crate) async fn get(
    client: &kube::Client,
    path: &str,
    deadline: Duration,
) -> Result<Bytes, ApiError> {
    let request = Request::get(path).body(Vec::new());
    let request = request.map_err(|error| ApiError::Request(error.to_string()))?;
    let response = send(client, request, deadline).await?;
    read_body(response.into_body(), deadline).await
}

/// The part of a metav1.Status that matters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StatusJson {
    code: u16,
    reason: String,
    message: String,
    details: Option<StatusDetails>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusDetails {
    #[serde(default)]
    retry_after_seconds: u64,
}

fn status_error(status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> ApiError {
    match serde_json::from_slice::<StatusJson>(body) {
        Ok(json) if !json.message.is_empty() => ApiError::Status {
            code: status.as_u16(),
            reason: json.reason,
            message: json.message,
            retry_after,
        },
        _ => ApiError::Status {
            code: status.as_u16(),
            reason: String::new(),
            message: excerpt(body),
            retry_after,
        },
    }
}

/// The error event of a watch: HTTP 200, then a Status within the stream.
pub(crate) fn status_event(object: &str) -> ApiError {
    let json: StatusJson = serde_json::from_str(object).unwrap_or_default();
    let seconds = json
        .details
        .map_or(0, |details| details.retry_after_seconds);
    ApiError::Status {
        code: json.code,
        reason: json.reason,
        message: if json.message.is_empty() {
            excerpt(object.as_bytes())
        } else {
            json.message
        },
        retry_after: (seconds > 0).then(|| Duration::from_secs(seconds)),
    }
}

/// The beginning of an answer, on one line.
pub(crate) fn excerpt(body: &[u8]) -> String {
    const LENGTH: usize = 100;
    let text = String::from_utf8_lossy(body);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(LENGTH) {
        _ if text.is_empty() => "nothing".to_owned(),
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_no_status_is_quoted_shortly() {
        let html = format!("<html>\n <body>{}</body>", "x".repeat(200));
        let error = status_error(StatusCode::BAD_GATEWAY, html.as_bytes(), None);
        let expected = format!(
            "the API server answered 502: \"<html> <body>{}\"...",
            "x".repeat(100 - "<html> <body>".len())
        );
        assert_eq!(error.to_string(), expected);
        assert_eq!(excerpt(b" \n"), "nothing");
    }

    #[test]
    fn a_certificate_that_cannot_be_verified_has_its_own_way_out() {
        let error = |text: &str| ApiError::Transport(Box::new(kube::Error::Service(text.into())));
        let unknown = error("invalid peer certificate: UnknownIssuer");
        assert_eq!(
            unknown.to_string(),
            "invalid peer certificate: UnknownIssuer"
        );
        assert!(unknown.way_out().contains("--kube-ca-file"));
        assert!(error("connection refused").way_out().contains("--kube "));
    }

    #[test]
    fn codes_are_told_apart() {
        let status = |code, message: &str| ApiError::Status {
            code,
            reason: String::new(),
            message: message.to_owned(),
            retry_after: None,
        };
        assert!(status(410, "").is_expired());
        assert!(!status(500, "").is_expired());
        assert!(status_event(r#"{"code":410,"reason":"Expired","message":"old"}"#).is_expired());
        assert!(status(504, "Timeout: Too large resource version: 9, current: 5").is_ahead());
        for (code, fatal) in [
            (401, true),
            (403, true),
            (404, true),
            (429, false),
            (500, false),
        ] {
            assert_eq!(status(code, "").is_fatal(), fatal, "{code}");
        }
    }
}
