//! What romulus reads of a cluster: Services, their endpoints, and changes of both.
//!
//! These are small types of our own, deserialised from Kubernetes JSON (or YAML) with only the
//! fields that matter; unknown fields are skipped, missing and `null` ones mean what the Kubernetes
//! API documents for them.

mod change;
mod endpoints;
mod name;
mod service;

pub use change::{ClusterChange, Kind, Object, Scope};
pub use endpoints::{Endpoint, EndpointPort, EndpointSet, Endpoints, EndpointsJson, SliceJson};
pub use name::ObjectName;
pub(crate) use name::is_dns_label;
pub(crate) use service::PREFIX;
pub use service::{Service, ServiceJson, ServicePort, ServiceType};

use std::fmt;

use serde::{Deserialize, Deserializer};

/// Labels or annotations, sorted by key.
pub type Labels = litemap::LiteMap<String, String>;

/// Reads `null` as the default, as Go's decoder does: the API server writes `"ports": null`.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A transport protocol of a port. Kubernetes defaults it to TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Protocol {
    /// The only protocol vulcand proxies to.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
    /// A protocol Kubernetes did not define when this was written.
    Other,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
            Self::Other => "an unknown protocol",
        })
    }
}

impl<'de> Deserialize<'de> for Protocol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Ok(match text.as_deref() {
            None | Some("" | "TCP") => Self::Tcp,
            Some("UDP") => Self::Udp,
            Some("SCTP") => Self::Sctp,
            Some(_) => Self::Other,
        })
    }
}

/// `metadata`, as far as romulus reads it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Metadata {
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) namespace: Option<String>,
    #[serde(default)]
    pub(crate) uid: Option<String>,
    #[serde(default, rename = "creationTimestamp")]
    pub(crate) created: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) labels: Labels,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) annotations: Labels,
}

impl Metadata {
    pub(crate) fn object_name(&self) -> ObjectName {
        let namespace = self.namespace.as_deref().filter(|n| !n.is_empty());
        ObjectName::new(namespace.unwrap_or("default"), self.name.as_str())
    }
}
