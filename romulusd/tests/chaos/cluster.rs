use std::collections::BTreeMap;

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use romulus_kube::Resource;
use romulus_kube::testing::{ApiStub, Fault, On, Server, service, slice};
use serde_json::{Value, json};

/// An API server, and what it should hold.
pub(crate) struct Cluster {
    api: ApiStub,
    server: Server,
    objects: BTreeMap<(bool, String, String), Value>,
}

/// Namespaces and names of which ids are made that begin with each other.
const SERVICES: [(&str, &str); 6] = [
    ("prod", "web"),
    ("prod-eu", "web"),
    ("prod2", "web"),
    ("prod", "api"),
    ("prod", "db"),
    ("test", "web"),
];
const HOSTS: [&str; 4] = ["a.test", "b.test", "c.test", "d.test"];
const ADDRESSES: [&str; 4] = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
const LIMIT: &str =
    r#"{"Priority":1,"Type":"connlimit","Middleware":{"Connections":9,"Variable":"client.ip"}}"#;

impl Cluster {
    pub(crate) async fn start() -> Self {
        let api = ApiStub::new();
        let server = api.serve().await;
        Self {
            api,
            server,
            objects: BTreeMap::new(),
        }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// What it holds, as Kubernetes JSON.
    pub(crate) fn objects(&self) -> Vec<Value> {
        self.objects.values().cloned().collect()
    }

    /// Some Service or its endpoints change, come or go.
    pub(crate) fn change(&mut self, random: &mut StdRng) {
        let (namespace, name) = *SERVICES.choose(random).expect("there are some");
        let is_service = random.random_bool(0.4);
        let key = (is_service, namespace.to_owned(), name.to_owned());
        let resource = match is_service {
            true => Resource::Services,
            false => Resource::EndpointSlices,
        };
        if random.random_bool(0.15) {
            if self.objects.remove(&key).is_some() {
                self.api.delete(resource, namespace, name);
            }
            return;
        }
        let object = if is_service {
            service(namespace, name, &annotations(random))
        } else {
            let count = random.random_range(0..=ADDRESSES.len());
            let port = random.random_range(8080..8082);
            slice(namespace, name, name, &ADDRESSES[..count], port)
        };
        self.api.apply(&object);
        self.objects.insert(key, object);
    }

    /// Something goes wrong with the API server.
    pub(crate) fn fault(&self, random: &mut StdRng) {
        match random.random_range(0..8) {
            0 => self.api.cut_watches(),
            1 => {
                self.api.compact();
                self.api.expire_watches(Resource::Services);
                self.api.expire_watches(Resource::EndpointSlices);
            }
            2 => self.api.fail(On::Any, Fault::Status(500), 5),
            3 => self
                .api
                .fail(On::Watch(Resource::EndpointSlices), Fault::EndAtOnce, 3),
            4 => self
                .api
                .fail(On::Watch(Resource::Services), Fault::ErrorEvent(410), 2),
            5 => self.api.fail(On::Any, Fault::TooManyRequests(3600), 2),
            6 => self
                .api
                .fail(On::List(Resource::Services), Fault::HalfALine, 2),
            _ => self.api.fail(On::Any, Fault::Reset, 4),
        }
        // Half of the time somebody notices at once.
        if random.random_bool(0.5) {
            self.api.cut_watches();
        }
    }

    pub(crate) fn heal(&self) {
        self.api.heal();
    }
}

fn annotations(random: &mut StdRng) -> Value {
    let mut annotations = json!({"romulus/host": HOSTS.choose(random)});
    if random.random_bool(0.3) {
        annotations["romulus/middleware.limit"] = json!(LIMIT);
    }
    if random.random_bool(0.2) {
        annotations["romulus/backendSettings"] = json!(r#"{"KeepAlive":{"Period":"4s"}}"#);
    }
    if random.random_bool(0.2) {
        annotations["romulus/passHostHeader"] = json!("true");
    }
    if random.random_bool(0.1) {
        annotations["romulus/frontendSettings"] = json!("no JSON");
    }
    annotations
}
