//! Endpoints as Kubernetes has them: split, doubled, half unready, left over.

#![allow(clippy::unwrap_used, reason = "helpers of a test fail it by panicking")]

use romulus_core::testing::Harness;
use serde_json::{Value, json};

fn service(name: &str) -> Value {
    json!({
        "kind": "Service",
        "metadata": {"name": name, "namespace": "shop", "annotations": {"romulus/host": name}},
        "spec": {"ports": [{"port": 80}]},
    })
}

fn slice(name: &str, service: &str, endpoints: &Value) -> Value {
    json!({
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": "shop",
                     "labels": {"kubernetes.io/service-name": service}},
        "endpoints": endpoints, "ports": [{"port": 8080}],
    })
}

/// The keys of the servers of `web`, after their folder.
fn servers(harness: &Harness) -> Vec<String> {
    servers_of(harness, "web")
}

fn servers_of(harness: &Harness, name: &str) -> Vec<String> {
    let folder = format!("vulcand/backends/{name}.shop/servers/");
    let contents = harness.store.contents();
    let keys = contents.keys();
    keys.filter_map(|key| Some(key.strip_prefix(&folder)?.to_owned()))
        .collect()
}

#[test]
fn an_address_in_two_slices_is_one_server() {
    let ready = json!([{"addresses": ["10.0.0.1"]}]);
    let unready = json!([{"addresses": ["10.0.0.1"], "conditions": {"ready": false}}]);
    let harness = Harness::synced(&[
        service("web"),
        slice("a", "web", &ready),
        slice("b", "web", &unready),
    ]);
    assert_eq!(servers(&harness), ["10.0.0.1"]);
}

#[test]
fn unset_is_ready_and_terminating_ones_are_the_last_resort() {
    let terminating = json!({"addresses": ["10.0.0.2"],
        "conditions": {"ready": false, "serving": true, "terminating": true}});
    let gone = json!({"addresses": ["10.0.0.3"],
        "conditions": {"ready": false, "serving": false, "terminating": true}});
    let unset = json!({"addresses": ["10.0.0.1"], "conditions": {"ready": null}});
    let mut harness = Harness::synced(&[
        service("web"),
        slice("a", "web", &json!([unset, terminating, gone])),
    ]);
    assert_eq!(servers(&harness), ["10.0.0.1"]);
    harness.apply(&[slice("a", "web", &json!([terminating, gone]))]);
    harness.sync();
    assert_eq!(servers(&harness), ["10.0.0.2"]);
    assert!(
        harness.diagnostics().contains("last-resort"),
        "{}",
        harness.diagnostics()
    );
    harness.apply(&[slice("a", "web", &json!([gone]))]);
    harness.sync();
    assert_eq!(servers(&harness), [""; 0]);
}

#[test]
fn a_slice_that_is_relabelled_leaves_its_old_service() {
    let ready = json!([{"addresses": ["10.0.0.1"]}]);
    let mut harness = Harness::synced(&[service("web"), service("api"), slice("a", "web", &ready)]);
    harness.apply(&[slice("a", "api", &ready)]);
    harness.sync();
    assert_eq!(servers(&harness), [""; 0]);
    assert_eq!(servers_of(&harness, "api"), ["10.0.0.1"]);
}

#[test]
fn an_external_name_ignores_slices_that_are_left_over() {
    let mut config = romulus_core::config::Config::new("vulcand".parse().unwrap());
    config.allow_external_name = true;
    let mut harness = Harness::with(config, romulus_core::testing::MapStore::default());
    let mut external = service("web");
    external["spec"]["type"] = json!("ExternalName");
    external["spec"]["externalName"] = json!("other.test");
    harness.list(&[
        external,
        slice("a", "web", &json!([{"addresses": ["10.0.0.1"]}])),
    ]);
    harness.sync();
    assert_eq!(servers(&harness), ["other.test"]);
}

#[test]
fn odd_endpoints_are_read_or_passed_over_and_nothing_panics() {
    let odd = json!({
        "kind": "EndpointSlice",
        "metadata": {"name": "odd", "namespace": "shop",
                     "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv6",
        "endpoints": [
            {"addresses": ["fd00::1"], "conditions": null},
            {"addresses": []},
            {"addresses": ["not an address"]},
            {"addresses": ["010.0.0.1"]},
        ],
        "ports": [{"name": null, "port": 8080}, {"name": "x", "port": null}],
    });
    let portless = json!({
        "kind": "EndpointSlice",
        "metadata": {"name": "portless", "namespace": "shop",
                     "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "FQDN",
        "endpoints": [{"addresses": ["pod.example"]}],
        "ports": null,
    });
    let harness = Harness::synced(&[service("web"), odd, portless]);
    assert_eq!(servers(&harness), ["fd00::1"]);
    assert!(harness.store.tree().contains("http://[fd00::1]:8080"));
    let said = harness.diagnostics();
    assert_eq!(said.matches("unreadable-address").count(), 3, "{said}");
}

#[test]
fn endpoints_that_were_cut_are_told() {
    let cut = json!({
        "kind": "Endpoints",
        "metadata": {"name": "web", "namespace": "shop",
                     "annotations": {"endpoints.kubernetes.io/over-capacity": "truncated"}},
        "subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 8080}]}],
    });
    let harness = Harness::synced(&[service("web"), cut]);
    assert_eq!(servers(&harness), ["10.0.0.1"]);
    assert!(
        harness.diagnostics().contains("truncated-endpoints"),
        "{}",
        harness.diagnostics()
    );
}
