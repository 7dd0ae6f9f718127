use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::cluster::{Endpoint, EndpointPort, EndpointSet, Endpoints, ObjectName, Protocol};

use super::{WorldOptions, service};

const ADDRESSES: &[&str] = &["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "fd00::1"];

fn endpoint() -> impl Strategy<Value = Endpoint> {
    let ready = |ready, serving, terminating| {
        move |address: &'static str| Endpoint {
            address: address.parse().expect("an address"),
            ready,
            serving,
            terminating,
        }
    };
    prop_oneof![
        6 => select(ADDRESSES).prop_map(ready(true, true, false)),
        1 => select(ADDRESSES).prop_map(ready(false, false, false)),
        1 => select(ADDRESSES).prop_map(ready(false, true, true)),
    ]
}

/// The ports of a slice, for each way in which Services of the alphabet name theirs. A slice may
/// offer a port under two numbers, and does not have to offer all.
fn ports() -> impl Strategy<Value = Vec<EndpointPort>> {
    let ports: Vec<EndpointPort> = [
        ("", 80),
        ("http", 80),
        ("http", 8080),
        ("admin", 9090),
        ("", 81),
    ]
    .into_iter()
    .map(|(name, number)| EndpointPort {
        name: name.into(),
        port: Some(number),
        protocol: Protocol::Tcp,
    })
    .collect();
    prop_oneof![
        3 => Just([&ports[..2], &ports[3..4]].concat()),
        1 => proptest::sample::subsequence(ports, 0..=5),
    ]
}

/// The name of one of the two slices of a Service.
pub(super) fn name(options: WorldOptions) -> impl Strategy<Value = (ObjectName, ObjectName)> {
    (service::name(options), 0..2).prop_map(|(service, slice)| {
        let name = ObjectName::new(service.namespace(), format!("{}-{slice}", service.name()));
        (name, service)
    })
}

pub(super) fn endpoints(options: WorldOptions) -> impl Strategy<Value = Endpoints> {
    (name(options), vec(endpoint(), 0..4), ports()).prop_map(
        |((name, service), endpoints, ports)| Endpoints {
            name,
            service: Some(service),
            sets: vec![EndpointSet {
                endpoints,
                ports,
                ..EndpointSet::default()
            }],
            has_names: false,
            truncated: false,
        },
    )
}
