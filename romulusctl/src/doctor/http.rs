//! Small answers over plain HTTP.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// More than any list of a vulcand that is still usable.
const MAX_BODY: usize = 256 << 20;

/// Gets a document; why it could not, as a sentence.
pub(super) async fn get(url: &str, deadline: Duration) -> Result<(StatusCode, Bytes), String> {
    let request = Request::get(url)
        .header(http::header::ACCEPT, "application/json")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = async {
        let answer = client
            .request(request)
            .await
            .map_err(|error| deepest(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_BODY).collect().await;
        let body = body.map_err(|error| error.to_string())?;
        Ok((status, body.to_bytes()))
    };
    match tokio::time::timeout(deadline, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {}s", deadline.as_secs_f64())),
    }
}

/// The cause that says most: `connection refused`, not `client error`.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
