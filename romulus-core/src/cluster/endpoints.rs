use std::net::IpAddr;

use serde::Deserialize;

use super::{Metadata, ObjectName, Protocol, null_as_default};

/// The label by which an EndpointSlice names its Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// The annotation on an Endpoints object that was cut at 1000 addresses.
const OVER_CAPACITY: &str = "endpoints.kubernetes.io/over-capacity";

/// One address behind a Service, with its conditions resolved as the EndpointSlice API documents:
/// an unset `ready` or `serving` is true, an unset `terminating` is false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The address.
    pub address: IpAddr,
    /// Whether the endpoint takes traffic.
    pub ready: bool,
    /// Whether it would take traffic if it were not terminating.
    pub serving: bool,
    /// Whether it is on its way out.
    pub terminating: bool,
}

/// A port that every endpoint of a set offers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointPort {
    /// Name of the Service port it belongs to; empty for the unnamed one.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// The number on the endpoint; absent where a custom slice means "all ports".
    #[serde(default)]
    pub port: Option<u16>,
    /// The transport protocol.
    #[serde(default)]
    pub protocol: Protocol,
}

/// Addresses that share the same ports: one EndpointSlice, or one subset of an Endpoints object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndpointSet {
    /// The addresses.
    pub endpoints: Vec<Endpoint>,
    /// Texts in the place of addresses that are none; told when the Service is mapped.
    pub unreadable: Vec<Box<str>>,
    /// The ports of each of them.
    pub ports: Vec<EndpointPort>,
}

impl EndpointSet {
    fn with_ports(ports: Vec<EndpointPort>, room: usize) -> Self {
        Self {
            endpoints: Vec::with_capacity(room),
            unreadable: Vec::new(),
            ports,
        }
    }

    fn push(&mut self, address: &str, conditions: &Conditions) {
        let Ok(address) = address.parse() else {
            return self.unreadable.push(address.into());
        };
        let ready = conditions.ready.unwrap_or(true);
        self.endpoints.push(Endpoint {
            address,
            ready,
            serving: conditions.serving.unwrap_or(ready),
            terminating: conditions.terminating.unwrap_or(false),
        });
    }
}

/// An EndpointSlice or a core/v1 Endpoints object.
///
/// ```
/// use romulus_core::cluster::{Endpoints, SliceJson};
/// let slice: SliceJson = serde_json::from_str(
///     r#"{"metadata": {"name": "web-x", "labels": {"kubernetes.io/service-name": "web"}},
///         "addressType": "IPv4",
///         "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {}}], "ports": null}"#,
/// )?;
/// let endpoints = Endpoints::from(slice);
/// assert_eq!(endpoints.service.unwrap().to_string(), "default/web");
/// assert!(endpoints.sets[0].endpoints[0].ready);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The object's own name; slices of one Service differ in it.
    pub name: ObjectName,
    /// The Service it belongs to; a slice without the label belongs to none.
    pub service: Option<ObjectName>,
    /// Addresses and ports.
    pub sets: Vec<EndpointSet>,
    /// Addresses of type FQDN, which Kubernetes deprecated and never defined, were left out.
    pub has_names: bool,
    /// The object says it was cut at 1000 addresses (core/v1 Endpoints only).
    pub truncated: bool,
}

/// An EndpointSlice (discovery.k8s.io/v1) as Kubernetes writes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SliceJson {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    address_type: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    endpoints: Vec<SliceEndpoint>,
    #[serde(default, deserialize_with = "null_as_default")]
    ports: Vec<EndpointPort>,
}

#[derive(Debug, Deserialize)]
struct SliceEndpoint {
    #[serde(default, deserialize_with = "null_as_default")]
    addresses: Vec<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    conditions: Conditions,
}

#[derive(Debug, Default, Deserialize)]
struct Conditions {
    #[serde(default)]
    ready: Option<bool>,
    #[serde(default)]
    serving: Option<bool>,
    #[serde(default)]
    terminating: Option<bool>,
}

impl From<SliceJson> for Endpoints {
    fn from(json: SliceJson) -> Self {
        let name = json.metadata.object_name();
        let service = json
            .metadata
            .labels
            .get(SERVICE_NAME)
            .filter(|service| !service.is_empty())
            .map(|service| ObjectName::new(name.namespace(), service.as_str()));
        let has_names = json.address_type.as_deref() == Some("FQDN");
        let endpoints = if has_names {
            Vec::new()
        } else {
            json.endpoints
        };
        let mut set = EndpointSet::with_ports(json.ports, endpoints.len());
        for endpoint in endpoints {
            // Consumers treat all addresses of one endpoint as equal and use the first.
            if let Some(address) = endpoint.addresses.first() {
                set.push(address, &endpoint.conditions);
            }
        }
        Self {
            name,
            service,
            sets: vec![set],
            has_names,
            truncated: false,
        }
    }
}

/// A core/v1 Endpoints object as Kubernetes writes it.
#[derive(Debug, Deserialize)]
pub struct EndpointsJson {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default, deserialize_with = "null_as_default")]
    subsets: Vec<Subset>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subset {
    #[serde(default, deserialize_with = "null_as_default")]
    addresses: Vec<AddressJson>,
    #[serde(default, deserialize_with = "null_as_default")]
    not_ready_addresses: Vec<AddressJson>,
    #[serde(default, deserialize_with = "null_as_default")]
    ports: Vec<EndpointPort>,
}

#[derive(Debug, Deserialize)]
struct AddressJson {
    #[serde(default, deserialize_with = "null_as_default")]
    ip: String,
}

impl From<EndpointsJson> for Endpoints {
    fn from(json: EndpointsJson) -> Self {
        let name = json.metadata.object_name();
        let set = |subset: Subset| {
            let (ready, not_ready) = (subset.addresses, subset.not_ready_addresses);
            let mut set = EndpointSet::with_ports(subset.ports, ready.len() + not_ready.len());
            for (addresses, is_ready) in [(ready, true), (not_ready, false)] {
                let conditions = Conditions {
                    ready: Some(is_ready),
                    ..Conditions::default()
                };
                for address in addresses {
                    set.push(&address.ip, &conditions);
                }
            }
            set
        };
        Self {
            service: Some(name.clone()),
            sets: json.subsets.into_iter().map(set).collect(),
            has_names: false,
            truncated: json
                .metadata
                .annotations
                .get(OVER_CAPACITY)
                .is_some_and(|v| v == "truncated"),
            name,
        }
    }
}
