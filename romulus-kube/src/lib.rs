//! Sources of cluster changes for romulus: Kubernetes watches and manifest files.
//!
//! A [`Source`] runs as tasks of its own and tells what it sees as batches of
//! [`ClusterChange`](romulus_core::cluster::ClusterChange), and what is wrong as
//! [`SourceProblem`]s: values, not log lines. [`watch()`] makes one of a Kubernetes API server, to
//! which [`KubeArgs::connect`] connects, and [`manifests::follow`] one of files, which
//! [`manifests::load`] reads once. [`EventRecorder`] is the way back: Kubernetes Events.
//!
//! ```
//! use romulus_core::cluster::ClusterChange;
//! use romulus_kube::{Selection, SourceEvent, manifests};
//! use tokio_util::sync::CancellationToken;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let folder = tempfile::tempdir()?;
//! let cancel = CancellationToken::new();
//! let paths = [folder.path().to_owned()];
//! let mut source = manifests::follow(&paths, &Selection::default(), &cancel);
//! // Only when every scope was listed is the cluster known, even an empty one.
//! let mut unlisted = source.scopes().to_vec();
//! while !unlisted.is_empty() {
//!     match source.next().await {
//!         Some(SourceEvent::Changes(changes)) => {
//!             for change in changes {
//!                 if let ClusterChange::ListEnd { scope, .. } = change {
//!                     unlisted.retain(|other| *other != scope);
//!                 }
//!             }
//!         }
//!         Some(SourceEvent::Problem(problem)) => eprintln!("{problem}"),
//!         None => break,
//!     }
//! }
//! # std::io::Result::Ok(())
//! # })?;
//! # std::io::Result::Ok(())
//! ```
//!
//! What is not here: judging what was read (that is romulus-core's), and anything about etcd.

mod args;
mod cluster_scope;
mod connect;
mod events;
pub mod manifests;
mod problem;
mod rights;
mod selection;
mod source;
#[cfg(feature = "testing")]
pub mod testing;
mod watch;

pub use args::KubeArgs;
pub use cluster_scope::{ClusterScopeError, cluster_scope};
pub use connect::{ConnectError, Connection};
pub use events::{EventRecorder, ServiceEvent, Severity};
pub use problem::{ObjectRef, Outcome, Place, SourceProblem};
pub use rights::{Right, endpoints_resource, is_allowed, server_version};
pub use selection::{EndpointsSource, Selection};
pub use source::{Loaded, Source, SourceEvent};
pub use watch::{ApiError, Resource, WatchSettings, watch};
