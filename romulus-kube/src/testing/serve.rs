//! Requests and answers.
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http::{Method, Response, StatusCode, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use romulus_core::selector::Selector;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, sleep_until};

use super::fault::{Fault, On};
use super::store::View;
use super::{ApiStub, Request, Server, Signals};
use crate::Resource;

type Body = UnsyncBoxBody<Bytes, io::Error>;
type Answer = Response<Body>;

/// How often the server tells watches its version by itself.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);

pub(super) async fn listen(stub: ApiStub) -> io::Result<Server> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        // Dropped with the task, and the connections with it.
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            // As Go does; else small events wait for the acknowledgement of those before.
            drop(stream.set_nodelay(true));
            let stub = stub.clone();
            let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let stub = stub.clone();
                async move { Ok::<_, Infallible>(handle(&stub, request).await) }
            });
            connections.spawn(async move {
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                // A client may go when it likes.
                drop(connection.await);
            });
        }
    });
    Ok(Server { address, task })
}

pub(super) fn client(stub: ApiStub) -> kube::Client {
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let stub = stub.clone();
        async move { Ok::<_, Infallible>(handle(&stub, request).await) }
    });
    kube::Client::new(service, "default")
}

async fn handle<B>(stub: &ApiStub, request: http::Request<B>) -> Answer
where
    B: http_body_util::BodyExt<Data = Bytes>,
{
    let (parts, body) = request.into_parts();
    let logged = log(&parts.method, &parts.uri, &parts.headers);
    let authorized = {
        let mut state = stub.state();
        state.requests.push(logged.clone());
        state.authorization.is_none() || state.authorization == logged.authorization
    };
    if !authorized {
        return status(401, "Unauthorized", "Unauthorized");
    }
    if parts.method == Method::POST {
        let body = body
            .collect()
            .await
            .map(|body| body.to_bytes())
            .unwrap_or_default();
        let posted = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if logged.path.ends_with("/selfsubjectaccessreviews") {
            return review(stub, posted).await;
        }
        if !logged.path.ends_with("/events") {
            return not_found();
        }
        let fault = stub.state().faults.take(&[On::Events]);
        if fault.is_none() {
            stub.change(|state| state.posted.push(posted.clone()));
        }
        return befall(fault, answer(StatusCode::CREATED, &posted)).await;
    }
    route(stub, &logged).await
}

async fn review(stub: &ApiStub, mut review: Value) -> Answer {
    let (fault, denied) = {
        let mut state = stub.state();
        let attributes = &review["spec"]["resourceAttributes"];
        let [verb, resource] = ["verb", "resource"].map(|name| attributes[name].as_str());
        let denied = state.denies(verb.unwrap_or_default(), resource.unwrap_or_default());
        (state.faults.take(&[On::Reviews]), denied)
    };
    review["status"] = json!({"allowed": !denied});
    befall(fault, answer(StatusCode::CREATED, &review)).await
}

fn log(method: &Method, uri: &Uri, headers: &http::HeaderMap) -> Request {
    let query = uri.query().unwrap_or_default();
    let authorization = headers.get(http::header::AUTHORIZATION);
    Request {
        at: Instant::now(),
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        authorization: authorization
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
    }
}

async fn route(stub: &ApiStub, request: &Request) -> Answer {
    let parts: Vec<&str> = request
        .path
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    let core = |rest: &[&str]| resource(rest, &[Resource::Services, Resource::Endpoints]);
    let (view, slices) = match parts.as_slice() {
        ["version"] => {
            let version = json!({"major": "1", "minor": "36", "gitVersion": "v1.36.2"});
            return answer(StatusCode::OK, &version);
        }
        ["api"] => {
            let versions = json!({"kind": "APIVersions", "versions": ["v1"]});
            return answer(StatusCode::OK, &versions);
        }
        ["api", "v1", "namespaces", "kube-system"] => {
            let uid = stub.cluster_uid();
            let metadata = json!({"name": "kube-system", "uid": uid});
            let namespace = json!({"kind": "Namespace", "apiVersion": "v1", "metadata": metadata});
            let fault = stub.state().faults.take(&[On::Namespace]);
            return befall(fault, answer(StatusCode::OK, &namespace)).await;
        }
        ["apis"] => {
            let served = stub.state().serves_slices;
            let groups = if served {
                vec![json!({"name": "discovery.k8s.io"})]
            } else {
                Vec::new()
            };
            return answer(
                StatusCode::OK,
                &json!({"kind": "APIGroupList", "groups": groups}),
            );
        }
        ["apis", "discovery.k8s.io", "v1"] => {
            let (fault, served) = {
                let mut state = stub.state();
                (state.faults.take(&[On::Discovery]), state.serves_slices)
            };
            let plain = if served {
                answer(StatusCode::OK, &discovery())
            } else {
                not_found()
            };
            return befall(fault, plain).await;
        }
        ["api", "v1", rest @ ..] => (core(rest), false),
        ["apis", "discovery.k8s.io", "v1", rest @ ..] => {
            (resource(rest, &[Resource::EndpointSlices]), true)
        }
        _ => (None, false),
    };
    let Some((resource, namespace)) = view else {
        return not_found();
    };
    if slices && !stub.state().serves_slices {
        return not_found();
    }
    let verb = if request.is_watch() { "watch" } else { "list" };
    if stub.state().denies(verb, resource.plural()) {
        let message = format!("{} is forbidden: cannot {verb}", resource.plural());
        return status(403, "Forbidden", &message);
    }
    let selector = request.parameter("labelSelector").unwrap_or_default();
    match selector.parse::<Selector>() {
        Ok(selector) => {
            let view = View {
                resource,
                namespace,
                selector,
            };
            if request.is_watch() {
                watch(stub, view, request).await
            } else {
                list(stub, &view, request).await
            }
        }
        Err(error) => status(400, "BadRequest", &error.to_string()),
    }
}

fn resource(rest: &[&str], of: &[Resource]) -> Option<(Resource, Option<String>)> {
    let (namespace, plural) = match rest {
        [plural] => (None, plural),
        ["namespaces", namespace, plural] => (Some((*namespace).to_owned()), plural),
        _ => return None,
    };
    let resource = of.iter().find(|resource| resource.plural() == *plural)?;
    Some((*resource, namespace))
}

fn discovery() -> Value {
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": "discovery.k8s.io/v1",
        "resources": [{
            "name": "endpointslices",
            "namespaced": true,
            "kind": "EndpointSlice",
            "verbs": ["get", "list", "watch"],
        }],
    })
}

async fn list(stub: &ApiStub, view: &View, request: &Request) -> Answer {
    // A token names the revision of the list, the page and the last key of the one before.
    let token = request
        .parameter("continue")
        .filter(|token| !token.is_empty());
    let mut token = token.unwrap_or_default().split('/');
    let mut number = || token.next().and_then(|text| text.parse::<u64>().ok());
    let (revision, page) = (number(), number().unwrap_or(1));
    let last = (
        view.resource,
        token.next().unwrap_or("").to_owned(),
        token.next().unwrap_or("").to_owned(),
    );
    let limit = request
        .parameter("limit")
        .and_then(|text| text.parse().ok());
    let (fault, plain) = {
        let mut state = stub.state();
        let nth = On::Page(view.resource, u32::try_from(page).unwrap_or(u32::MAX));
        let fault = state.faults.take(&[On::List(view.resource), nth]);
        let shown = revision.unwrap_or(state.store.revision);
        let plain = if shown < state.store.compacted {
            let message = "The provided continue parameter is too old to display a consistent list \
                           result.";
            status(410, "Expired", message)
        } else {
            let mut items = state.store.list(view, shown);
            if revision.is_some() {
                items.retain(|(key, _)| *key > last);
            }
            answer(StatusCode::OK, &page_of(view, &items, shown, page, limit))
        };
        (fault, plain)
    };
    befall(fault, plain).await
}

fn page_of(
    view: &View,
    items: &[(super::store::Key, Arc<Value>)],
    revision: u64,
    page: u64,
    limit: Option<usize>,
) -> Value {
    let shown = limit
        .filter(|limit| *limit > 0)
        .unwrap_or(usize::MAX)
        .min(items.len());
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    if let (true, Some(((_, namespace, name), _))) = (
        shown < items.len(),
        shown.checked_sub(1).and_then(|last| items.get(last)),
    ) {
        metadata["continue"] = json!(format!("{revision}/{}/{namespace}/{name}", page + 1));
        // With a selector the server does not know.
        if view.selector.is_everything() {
            metadata["remainingItemCount"] = json!(items.len() - shown);
        }
    }
    let items: Vec<&Value> = items
        .iter()
        .take(shown)
        .map(|(_, item)| item.as_ref())
        .collect();
    json!({
        "kind": format!("{}List", view.resource.object_kind()),
        "apiVersion": view.resource.api_version(),
        "metadata": metadata,
        "items": items,
    })
}

/// One running watch.
struct Watch {
    stub: ApiStub,
    view: View,
    cursor: u64,
    seen: Signals,
    until: Instant,
    next_bookmark: Option<Instant>,
    changed: tokio::sync::watch::Receiver<u64>,
    ended: bool,
}

async fn watch(stub: &ApiStub, view: View, request: &Request) -> Answer {
    let number = |name| {
        request
            .parameter(name)
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seconds = number("timeoutSeconds").unwrap_or(1800);
    let bookmarks = request.parameter("allowWatchBookmarks") == Some("true");
    let now = Instant::now();
    let (fault, running) = {
        let mut state = stub.state();
        let fault = state.faults.take(&[On::Watch(view.resource)]);
        let cursor = number("resourceVersion").unwrap_or(state.store.revision);
        if fault.is_none() && cursor < state.store.compacted {
            let message = format!(
                "too old resource version: {cursor} ({})",
                state.store.compacted
            );
            return status(410, "Expired", &message);
        }
        let seen = state.signals[view.resource as usize];
        let running = Watch {
            stub: stub.clone(),
            view,
            cursor,
            seen,
            until: now + Duration::from_secs(seconds),
            next_bookmark: bookmarks.then(|| now + BOOKMARK_EVERY),
            changed: stub.0.changed.subscribe(),
            ended: false,
        };
        (fault, running)
    };
    let told = line("BOOKMARK", &bookmark(&running.view, running.cursor));
    let lines = stream::unfold(running, |mut watch| async {
        watch.next().await.map(|l| (l, watch))
    });
    let body: Body = match fault {
        Some(Fault::HalfALine) => streamed(lines.take(1).map(|line| line.slice(..line.len() / 2))),
        Some(Fault::EndAtOnce) => streamed(stream::empty()),
        Some(Fault::ErrorEvent(code)) => {
            let object = status_object(code, reason(code), "made to fail");
            streamed(stream::iter([line("ERROR", &object)]))
        }
        Some(Fault::BookmarkThenErrorEvent(code)) => {
            let error = line("ERROR", &status_object(code, reason(code), "made to fail"));
            streamed(stream::iter([told, error]))
        }
        fault => return befall(fault, Response::new(streamed(lines))).await,
    };
    Response::new(body)
}

impl Watch {
    /// The next lines, as many as are there; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.ended {
                return None;
            }
            if let Some(lines) = self.ready()? {
                return Some(lines);
            }
            let wake = self
                .next_bookmark
                .map_or(self.until, |at| at.min(self.until));
            tokio::select! {
                changed = self.changed.changed() => changed.ok()?,
                () = sleep_until(wake) => {}
            }
        }
    }

    /// What is to be said now; `None` where the watch is cut.
    fn ready(&mut self) -> Option<Option<Bytes>> {
        let state = self.stub.state();
        let signals = state.signals[self.view.resource as usize];
        if signals.cut > self.seen.cut {
            return None;
        }
        if signals.expired > self.seen.expired {
            self.ended = true;
            let message = format!("too old resource version: {}", self.cursor);
            return Some(Some(line(
                "ERROR",
                &status_object(410, "Expired", &message),
            )));
        }
        let now = Instant::now();
        let over = now >= self.until;
        let mut lines = Vec::new();
        if !state.silent {
            for (kind, object) in state.store.events(&self.view, self.cursor) {
                lines.extend_from_slice(&line(kind, &object));
            }
            let told = self.cursor.max(state.store.revision);
            let asked = signals.bookmarks > self.seen.bookmarks;
            let due = self.next_bookmark.is_some_and(|at| now >= at);
            if asked || self.next_bookmark.is_some() && (due || over) {
                // After a restore of a backup the server tells the version it has.
                let version = if asked { state.store.revision } else { told };
                lines.extend_from_slice(&line("BOOKMARK", &bookmark(&self.view, version)));
                self.next_bookmark = self.next_bookmark.map(|_| now + BOOKMARK_EVERY);
            }
            self.cursor = told;
            self.seen.bookmarks = signals.bookmarks;
        } else if let Some(at) = self.next_bookmark.filter(|at| now >= *at) {
            self.next_bookmark = Some(at + BOOKMARK_EVERY);
        }
        self.ended = over;
        if over && lines.is_empty() {
            return None;
        }
        Some((!lines.is_empty()).then(|| Bytes::from(lines)))
    }
}

fn bookmark(view: &View, version: u64) -> Value {
    json!({
        "kind": view.resource.object_kind(),
        "apiVersion": view.resource.api_version(),
        "metadata": {"resourceVersion": version.to_string(), "creationTimestamp": null},
    })
}

fn line(kind: &str, object: &Value) -> Bytes {
    Bytes::from(format!("{}\n", json!({"type": kind, "object": object})))
}

/// Answers as a fault has it.
async fn befall(fault: Option<Fault>, plain: Answer) -> Answer {
    match fault {
        None => plain,
        Some(Fault::Status(code)) => status(code, reason(code), "made to fail"),
        Some(Fault::TooManyRequests(seconds)) => {
            let mut answer = status(429, "TooManyRequests", "too many requests");
            answer
                .headers_mut()
                .insert(http::header::RETRY_AFTER, seconds.into());
            answer
        }
        Some(Fault::Html) => {
            let page = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
            Response::new(whole(page.as_bytes().into()))
        }
        Some(Fault::HalfALine) => {
            let body = plain
                .into_body()
                .collect()
                .await
                .map(|body| body.to_bytes());
            let body = body.unwrap_or_default();
            Response::new(whole(body.slice(..body.len() / 2)))
        }
        Some(Fault::EndAtOnce) => Response::new(whole(Bytes::new())),
        Some(Fault::ErrorEvent(code) | Fault::BookmarkThenErrorEvent(code)) => {
            status(code, reason(code), "made to fail")
        }
        Some(Fault::Slow(pause)) => {
            let (head, body) = plain.into_parts();
            let parts = body
                .into_data_stream()
                .filter_map(async |data| data.ok())
                .flat_map(|data| stream::iter(quarters(data)))
                .then(move |part| async move {
                    sleep(pause).await;
                    part
                });
            Response::from_parts(head, streamed(parts))
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::HangAfterHeaders) => Response::new(streamed(stream::pending())),
        Some(Fault::Reset) => {
            let error = io::Error::from(io::ErrorKind::ConnectionReset);
            let broken = stream::iter([Err::<Frame<Bytes>, _>(error)]);
            Response::new(BodyExt::boxed_unsync(StreamBody::new(broken)))
        }
    }
}

fn quarters(data: Bytes) -> Vec<Bytes> {
    let length = data.len().div_ceil(4).max(1);
    let starts = (0..data.len()).step_by(length);
    starts
        .map(|start| data.slice(start..data.len().min(start + length)))
        .collect()
}

fn reason(code: u16) -> &'static str {
    match code {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        410 => "Expired",
        500 => "InternalError",
        _ => "",
    }
}

fn not_found() -> Answer {
    status(
        404,
        "NotFound",
        "the server could not find the requested resource",
    )
}

fn status(code: u16, reason: &str, message: &str) -> Answer {
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer(code, &status_object(code.as_u16(), reason, message))
}

fn status_object(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    })
}

fn answer(code: StatusCode, object: &Value) -> Answer {
    let mut answer = Response::new(whole(Bytes::from(object.to_string())));
    *answer.status_mut() = code;
    let json = http::HeaderValue::from_static("application/json");
    answer
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json);
    answer
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn streamed(lines: impl Stream<Item = Bytes> + Send + 'static) -> Body {
    BodyExt::boxed_unsync(StreamBody::new(lines.map(|line| Ok(Frame::data(line)))))
}
