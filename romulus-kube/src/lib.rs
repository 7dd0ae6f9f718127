//! Sources of cluster changes for romulus: Kubernetes watches and manifest files.
//!
//! A [`Source`] runs as tasks of its own and tells what it sees as batches of
//! [`ClusterChange`](romulus_core::cluster::ClusterChange), and what is wrong as
//! [`SourceProblem`]s: values, not log lines. [`watch`] makes one of a Kubernetes API server.
//!
//! What is not here: judging what was read (that is romulus-core's), and anything about etcd.

mod args;
mod cluster_scope;
mod connect;
pub mod manifests;
mod problem;
mod selection;
mod source;
#[cfg(feature = "testing")]
pub mod testing;
pub mod watch;

pub use args::KubeArgs;
pub use cluster_scope::{ClusterScopeError, cluster_scope};
pub use connect::{ConnectError, Connection};
pub use problem::{ObjectRef, Outcome, Place, SourceProblem};
pub use selection::{EndpointsSource, Selection};
pub use source::{Source, SourceEvent};
pub use watch::{Resource, WatchSettings, watch};
