//! A cluster as large as one likes; its objects look like those of a real one.

use romulus_kube::testing::{ApiStub, slice};
use serde_json::{Value, json};

/// How large a cluster is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) services: usize,
    pub(crate) endpoints: usize,
}

impl Shape {
    /// A cluster of this shape, and nothing else.
    pub(crate) fn stub(self) -> ApiStub {
        let stub = ApiStub::new();
        for n in 0..self.services {
            stub.apply(&service(n));
            stub.apply(&endpoints(n, self.endpoints));
        }
        stub
    }

    /// Vulcand's keys and the records that belong to them.
    pub(crate) fn keys(self) -> usize {
        self.services * (4 + self.endpoints)
    }
}

const NAMESPACES: usize = 50;

fn names(n: usize) -> (String, String) {
    (format!("team-{:02}", n % NAMESPACES), format!("web-{n:05}"))
}

/// The Service of this number.
pub(crate) fn service(n: usize) -> Value {
    let (namespace, name) = names(n);
    let annotations = json!({"romulus/host": format!("{name}.example.com")});
    let mut service = romulus_kube::testing::service(&namespace, &name, &annotations);
    service["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
    service["metadata"]["managedFields"] = managed("kubectl-client-side-apply");
    service["spec"]["selector"] = json!({"app": name});
    service["spec"]["clusterIP"] = json!("10.96.0.1");
    service
}

/// The slice of the Service of this number with its first addresses.
pub(crate) fn endpoints(n: usize, count: usize) -> Value {
    let (namespace, name) = names(n);
    let addresses: Vec<String> = (0..count).map(|server| address(n, server)).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let slice_name = format!("{name}-x7k2p");
    let mut slice = slice(&namespace, &slice_name, &name, &addresses, 8080);
    slice["metadata"]["generateName"] = json!(format!("{name}-"));
    slice["metadata"]["managedFields"] = managed("kube-controller-manager");
    for (server, endpoint) in slice["endpoints"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .enumerate()
    {
        endpoint["conditions"] = json!({"ready": true, "serving": true, "terminating": false});
        endpoint["nodeName"] = json!(format!("node-{:03}", server % 100));
        endpoint["targetRef"] = json!({"kind": "Pod", "namespace": namespace,
            "name": format!("{name}-6d4cf56db6-{server:05}"),
            "uid": "0654b426-f7d4-4a13-8a29-0ba6221098e0"});
        endpoint["zone"] = json!("eu-1a");
    }
    slice
}

/// The key of a server of the Service of this number.
pub(crate) fn server_key(n: usize, server: usize) -> String {
    let (namespace, name) = names(n);
    format!(
        "vulcand/backends/{name}.{namespace}/servers/{}",
        address(n, server)
    )
}

fn address(n: usize, server: usize) -> String {
    format!("10.{}.{}.{}", server, n / 250, n % 250)
}

/// What every object of a real cluster carries and nobody reads.
fn managed(manager: &str) -> Value {
    json!([{
        "manager": manager, "operation": "Update", "apiVersion": "v1",
        "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:annotations": {".": {}, "f:romulus/host": {}},
            "f:labels": {".": {}, "f:romulus/type": {}, "f:app": {}}, "f:ownerReferences":
            {".": {}, "k:{\"uid\":\"0654b426-f7d4-4a13-8a29-0ba6221098e0\"}": {}}},
            "f:spec": {"f:internalTrafficPolicy": {}, "f:ports": {".": {},
            "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}, "f:protocol": {},
            "f:targetPort": {}}}, "f:selector": {}, "f:sessionAffinity": {}, "f:type": {}}}
    }])
}
