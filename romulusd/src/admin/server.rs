use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::health::Check;
use super::{Health, Metrics};

/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

const PATHS: &str = "/livez\n/readyz\n/metrics\n";

/// Serves until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(
        address: SocketAddr,
        health: Health,
        metrics: Metrics,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    // Out of file descriptors, perhaps: that passes.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let (health, metrics) = (health.clone(), metrics.clone());
                tokio::spawn(async move {
                    let answer = service_fn(|request| {
                        let response = respond(&request, &health, &metrics);
                        async move { Ok::<_, Infallible>(response) }
                    });
                    let connection = http1::Builder::new()
                        .timer(TokioTimer::new())
                        .header_read_timeout(PATIENCE)
                        .serve_connection(TokioIo::new(stream), answer);
                    // A client that goes away harms nobody.
                    let _ = connection.await;
                });
            }
        });
        Ok(Self { address, task })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn respond(
    request: &Request<Incoming>,
    health: &Health,
    metrics: &Metrics,
) -> Response<Full<Bytes>> {
    let verbose = request.uri().query() == Some("verbose");
    let (status, text) = match request.uri().path() {
        _ if ![Method::GET, Method::HEAD].contains(request.method()) => {
            (StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned())
        }
        "/livez" | "/healthz" => probe(&health.live(), verbose),
        "/readyz" => probe(&health.ready(), verbose),
        "/metrics" => (StatusCode::OK, metrics.text()),
        _ => (StatusCode::NOT_FOUND, PATHS.to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let plain = match request.uri().path() {
        "/metrics" => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    };
    let plain = header::HeaderValue::from_static(plain);
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

/// `ok`, or what is wrong; with `verbose` every check, as Kubernetes writes them.
fn probe(checks: &[Check], verbose: bool) -> (StatusCode, String) {
    let fails = checks.iter().any(|check| check.failure.is_some());
    if !fails && !verbose {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    let mut text = String::new();
    for Check { name, failure } in checks {
        // Writing to a String can't fail.
        let _ = match failure {
            None => writeln!(text, "[+]{name} ok"),
            Some(why) => writeln!(text, "[-]{name} failed: {why}"),
        };
    }
    let status = match fails {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false => StatusCode::OK,
    };
    (status, text)
}
