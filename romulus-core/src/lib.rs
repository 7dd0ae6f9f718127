//! Maps Kubernetes Services and endpoints to the etcd keys of the vulcand reverse proxy.
pub mod annotation;
pub mod cluster;
pub mod config;
pub mod diagnostic;
pub mod key;
pub mod map;
pub mod plan;
pub mod secret;
pub mod selector;
pub mod stored;
#[cfg(feature = "testing")]
pub mod testing;
pub mod vulcand;
pub mod world;
