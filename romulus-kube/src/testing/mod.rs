//! An API server for tests: lists, watches and the rest of the protocol that romulus uses, spoken
//! as kube-apiserver speaks it, with everything that can go wrong.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "for tests only: a test that is set up wrongly should stop at once"
)]

mod fault;
mod serve;
mod store;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

pub use fault::{Fault, On};

use crate::Resource;
use fault::Faults;
use store::Store;

/// A Kubernetes API server that holds Services, EndpointSlices and Endpoints in memory.
///
/// It answers over TCP ([`serve`](Self::serve)) or, so that tests can pause Tokio's clock, in
/// process ([`client`](Self::client)). Clones share one cluster.
///
/// ```
/// use romulus_kube::testing::ApiStub;
/// use romulus_kube::{Selection, SourceEvent, WatchSettings, watch};
/// use serde_json::json;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let stub = ApiStub::new();
/// stub.apply(&json!({"kind": "Service", "metadata": {"name": "web", "namespace": "shop"}}));
/// let cancel = tokio_util::sync::CancellationToken::new();
/// let settings = WatchSettings::default();
/// let mut source = watch(&stub.client(), &Selection::default(), &settings, &cancel);
/// assert!(matches!(source.next().await, Some(SourceEvent::Changes(_))));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ApiStub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    /// Counts changes of the state, for watches to wait on.
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    store: Store,
    faults: Faults,
    requests: Vec<Request>,
    /// Counters per resource: a watch that sees them move says a bookmark, expires or ends.
    signals: [Signals; 3],
    serves_slices: bool,
    silent: bool,
    authorization: Option<String>,
    cluster_uid: String,
    posted: Vec<Value>,
    /// Verbs and resources.
    denied: Vec<(String, String)>,
}

impl State {
    fn denies(&self, verb: &str, resource: &str) -> bool {
        self.denied.iter().any(|(v, r)| v == verb && r == resource)
    }
}

/// What running watches were told to do, counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Signals {
    bookmarks: u64,
    expired: u64,
    cut: u64,
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Request {
    /// When.
    pub at: Instant,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The decoded query, in its order.
    pub query: Vec<(String, String)>,
    /// The Authorization header.
    pub authorization: Option<String>,
}

impl Request {
    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether it starts a watch.
    pub fn is_watch(&self) -> bool {
        matches!(self.parameter("watch"), Some("true" | "1"))
    }

    /// Whether it is for this resource.
    pub fn is_for(&self, resource: Resource) -> bool {
        self.path.rsplit('/').next() == Some(resource.plural())
    }
}

impl Default for ApiStub {
    fn default() -> Self {
        Self::new()
    }
}

impl ApiStub {
    /// An empty cluster.
    pub fn new() -> Self {
        let state = State {
            store: Store::default(),
            faults: Faults::default(),
            requests: Vec::new(),
            signals: [Signals::default(); 3],
            serves_slices: true,
            silent: false,
            authorization: None,
            cluster_uid: "11111111-2222-4333-8444-555555555555".to_owned(),
            posted: Vec::new(),
            denied: Vec::new(),
        };
        Self(Arc::new(Inner {
            state: Mutex::new(state),
            changed: watch::Sender::new(0),
        }))
    }

    /// Serves on a free port of the loopback until the returned server is dropped.
    pub async fn serve(&self) -> Server {
        serve::listen(self.clone())
            .await
            .expect("a free port on the loopback")
    }

    /// A client that calls the stub directly, without a socket.
    pub fn client(&self) -> kube::Client {
        serve::client(self.clone())
    }

    /// Creates or replaces an object; its `kind` says which resource it is of.
    pub fn apply(&self, object: &Value) {
        let resource = object["kind"].as_str().and_then(Resource::of_object_kind);
        let resource = resource.expect("kind is Service, EndpointSlice or Endpoints");
        assert!(
            object.pointer("/metadata/name").is_some(),
            "the object has a metadata.name"
        );
        self.change(|state| state.store.apply(resource, object));
    }

    /// Deletes an object, which must be there.
    pub fn delete(&self, resource: Resource, namespace: &str, name: &str) {
        let key = (resource, namespace.to_owned(), name.to_owned());
        assert!(
            self.change(|state| state.store.delete(&key)),
            "{key:?} exists"
        );
    }

    /// Whether an object is there.
    pub fn has(&self, resource: Resource, namespace: &str, name: &str) -> bool {
        self.state()
            .store
            .has(&(resource, namespace.to_owned(), name.to_owned()))
    }

    /// Creates or replaces every item of a list such as `kubectl get -o json` prints.
    pub fn load_list(&self, list: &Value) {
        let (resource, items) = items(list);
        self.change(|state| {
            items
                .iter()
                .for_each(|item| state.store.apply(resource, item))
        });
    }

    /// Makes the cluster's objects of the resources of these lists exactly their items. Watches
    /// see what it takes: ADDED, MODIFIED and DELETED.
    pub fn replace_all(&self, lists: &[&Value]) {
        let lists: Vec<_> = lists.iter().map(|list| items(list)).collect();
        self.change(|state| {
            for (resource, items) in lists {
                state.store.replace(resource, items);
            }
        });
    }

    /// The newest resource version.
    pub fn revision(&self) -> u64 {
        self.state().store.revision
    }

    /// Forgets the history: versions before the newest one, continue tokens included, answer 410.
    pub fn compact(&self) {
        self.change(|state| state.store.compacted = state.store.revision);
    }

    /// Goes back to an older state, as the restore of a backup does. Running watches say nothing.
    pub fn roll_back(&self, revision: u64) {
        self.change(|state| state.store.roll_back(revision));
    }

    /// Makes the next `times` requests fail.
    pub fn fail(&self, on: On, fault: Fault, times: usize) {
        self.change(|state| state.faults.add(on, fault, times));
    }

    /// Takes back every fault.
    pub fn heal(&self) {
        self.change(|state| state.faults.clear());
    }

    /// Makes running watches of a resource send a bookmark.
    pub fn bookmark(&self, resource: Resource) {
        self.signal(resource, |signals| signals.bookmarks += 1);
    }

    /// Makes running watches of a resource say that their version has expired.
    pub fn expire_watches(&self, resource: Resource) {
        self.signal(resource, |signals| signals.expired += 1);
    }

    /// Ends all running watches.
    pub fn cut_watches(&self) {
        for resource in Resource::ALL {
            self.signal(resource, |signals| signals.cut += 1);
        }
    }

    /// Makes watches, running and new, keep everything to themselves, or talk again.
    pub fn silence_watches(&self, silent: bool) {
        self.change(|state| state.silent = silent);
    }

    /// Whether the server has EndpointSlices.
    pub fn serve_slices(&self, served: bool) {
        self.change(|state| state.serves_slices = served);
    }

    /// Answers 401 to requests without exactly this Authorization header.
    pub fn require_authorization(&self, header: Option<&str>) {
        self.change(|state| state.authorization = header.map(str::to_owned));
    }

    /// Forbids a verb on a resource, as far as SelfSubjectAccessReviews tell and lists and watches
    /// go; other requests are answered nevertheless.
    pub fn deny(&self, verb: &str, resource: &str) {
        self.change(|state| state.denied.push((verb.to_owned(), resource.to_owned())));
    }

    /// The UID of the namespace kube-system.
    pub fn cluster_uid(&self) -> String {
        self.state().cluster_uid.clone()
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// The Kubernetes Events that were posted so far.
    pub fn posted_events(&self) -> Vec<Value> {
        self.state().posted.clone()
    }

    fn signal(&self, resource: Resource, signal: impl FnOnce(&mut Signals)) {
        self.change(|state| signal(&mut state.signals[resource as usize]));
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.0.changed.send_modify(|count| *count += 1);
        result
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn items(list: &Value) -> (Resource, &Vec<Value>) {
    let kind = list["kind"]
        .as_str()
        .and_then(|kind| kind.strip_suffix("List"));
    let resource = kind.and_then(|kind| {
        Resource::ALL
            .into_iter()
            .find(|resource| resource.object_kind() == kind)
    });
    let resource = resource.expect("kind is ServiceList, EndpointSliceList or EndpointsList");
    (
        resource,
        list["items"].as_array().expect("the list has items"),
    )
}

/// The stub on a port; ends when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// What `--kube` takes.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A Service with the label `romulus/type=external` and these annotations.
pub fn service(namespace: &str, name: &str, annotations: &Value) -> Value {
    json!({
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"romulus/type": "external"},
            "annotations": annotations,
        },
        "spec": {"ports": [{"port": 80, "protocol": "TCP"}]},
    })
}

/// An EndpointSlice of a Service, with ready addresses on one unnamed port.
pub fn slice(namespace: &str, name: &str, service: &str, addresses: &[&str], port: u16) -> Value {
    let endpoint = |address: &&str| json!({"addresses": [address], "conditions": {"ready": true}});
    json!({
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "endpoints": addresses.iter().map(endpoint).collect::<Vec<_>>(),
        "ports": [{"name": "", "port": port, "protocol": "TCP"}],
    })
}
