//! Maps Kubernetes Services and their endpoints to the etcd keys of the vulcand reverse proxy.
pub mod cluster;
pub mod key;
pub mod plan;
pub mod stored;
pub mod vulcand;
