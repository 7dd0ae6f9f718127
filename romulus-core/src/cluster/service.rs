use serde::Deserialize;

use super::{Labels, Metadata, ObjectName, Protocol, null_as_default};

/// The prefix of every label and annotation that romulus reads.
pub(crate) const PREFIX: &str = "romulus/";

/// How a Service is exposed, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServiceType {
    /// ClusterIP, NodePort or LoadBalancer: all have endpoints.
    #[default]
    Endpoints,
    /// An alias of a DNS name outside the cluster; it has no endpoints of its own.
    ExternalName,
}

/// One port of a Service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePort {
    /// The port's name; empty where the Service has a single unnamed port.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// The number clients of the Service use.
    #[serde(default)]
    pub port: u16,
    /// The transport protocol.
    #[serde(default)]
    pub protocol: Protocol,
    /// What is spoken on the port, if the author says so (`http`, `https`, `kubernetes.io/ws`...).
    #[serde(default)]
    pub app_protocol: Option<String>,
}

/// A Service.
///
/// ```
/// use romulus_core::cluster::Service;
/// let service: Service = serde_json::from_str(
///     r#"{"metadata": {"name": "web", "namespace": "shop",
///                      "annotations": {"romulus/host": "www.example.com", "other": "x"}},
///         "spec": {"ports": [{"port": 80}]}}"#,
/// )?;
/// assert_eq!(service.name.to_string(), "shop/web");
/// assert_eq!(service.annotations.len(), 1); // only ours are kept
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "ServiceJson")]
pub struct Service {
    /// Namespace and name.
    pub name: ObjectName,
    /// `metadata.uid`; absent in manifests.
    pub uid: Option<String>,
    /// `metadata.creationTimestamp`, RFC 3339 in UTC; absent in manifests.
    pub created: Option<String>,
    /// All labels: a selector may name any of them.
    pub labels: Labels,
    /// The annotations that begin with `romulus/`, with their whole keys.
    pub annotations: Labels,
    /// `spec.type`, reduced.
    pub service_type: ServiceType,
    /// `spec.externalName`.
    pub external_name: Option<String>,
    /// `spec.publishNotReadyAddresses`: endpoints count as ready whatever they say.
    pub publish_not_ready_addresses: bool,
    /// `spec.ports`.
    pub ports: Vec<ServicePort>,
}

impl Service {
    /// Whether the Service carries at least one `romulus/` label or annotation.
    pub fn speaks_to_romulus(&self) -> bool {
        !self.annotations.is_empty() || self.labels.keys().any(|key| key.starts_with(PREFIX))
    }
}

/// A Service as Kubernetes writes it.
#[derive(Debug, Deserialize)]
pub struct ServiceJson {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default, deserialize_with = "null_as_default")]
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default, rename = "type")]
    service_type: Option<String>,
    #[serde(default)]
    external_name: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    publish_not_ready_addresses: bool,
    #[serde(default, deserialize_with = "null_as_default")]
    ports: Vec<ServicePort>,
}

impl From<ServiceJson> for Service {
    fn from(json: ServiceJson) -> Self {
        let ServiceJson { metadata, spec } = json;
        let name = metadata.object_name();
        let ours = |(key, _): &(String, String)| key.starts_with(PREFIX);
        Self {
            name,
            uid: metadata.uid.filter(|uid| !uid.is_empty()),
            created: metadata.created,
            labels: exact(metadata.labels.into_iter()),
            annotations: exact(metadata.annotations.into_iter().filter(ours)),
            service_type: match spec.service_type.as_deref() {
                Some("ExternalName") => ServiceType::ExternalName,
                _ => ServiceType::Endpoints,
            },
            external_name: spec.external_name.filter(|name| !name.is_empty()),
            publish_not_ready_addresses: spec.publish_not_ready_addresses,
            ports: spec.ports,
        }
    }
}

/// Without room for more.
fn exact(labels: impl Iterator<Item = (String, String)>) -> Labels {
    let labels: Vec<_> = labels.collect();
    let mut exact = Labels::with_capacity(labels.len());
    exact.extend(labels);
    exact
}
