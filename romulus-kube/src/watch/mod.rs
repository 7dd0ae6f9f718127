//! Kubernetes as a source: list and watch.
//!
//! Written on top of [`kube::Client`], which brings transport, TLS and authentication, and not on
//! `kube::runtime::watcher`, because a daemon that is left alone needs what that leaves out: a new
//! list when a watch can't be *started* at its version, an object that can't be decoded kept apart
//! from the others, delays that keep growing, a deadline on every read, and a new list now and
//! then in case the server forgot to say something.
mod backoff;
mod line;
mod list;
mod reflector;
mod request;
mod resource;

pub use request::ApiError;
pub use resource::Resource;

pub(crate) use reflector::serves_slices;
pub(crate) use request::{get, read_body, send};

use std::time::Duration;

use romulus_core::cluster::Kind;
use tokio_util::sync::CancellationToken;

use crate::selection::Selection;
use crate::source::{Source, supervise};
use reflector::Reflector;

/// The times and sizes of list and watch. The defaults suit clusters of any size.
#[derive(Debug, Clone)]
pub struct WatchSettings {
    /// Objects per page of a list.
    pub page_size: u32,
    /// How long the server may take to begin an answer, and for each further part of it.
    pub request_timeout: Duration,
    /// How long the server keeps one watch open (minus up to a quarter, at random). A connection
    /// that died silently is noticed within this time plus `watch_grace`. Below 4 minutes, when
    /// common load balancers drop what is idle.
    pub watch_timeout: Duration,
    /// How much later than promised the end of a watch may come.
    pub watch_grace: Duration,
    /// How often everything is listed anew although nothing seems to be missing (minus up to a
    /// quarter, at random); zero for never. A server whose etcd was restored from a backup accepts
    /// a watch and stays silent; this notices.
    pub relist_every: Duration,
    /// The least time between two starts of the same watch.
    pub watch_interval: Duration,
    /// The first delay after a failure.
    pub backoff: Duration,
    /// What the delays grow to before the random part is added; also the most that is honoured of
    /// a server's Retry-After.
    pub backoff_cap: Duration,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self {
            page_size: 500,
            request_timeout: Duration::from_secs(30),
            watch_timeout: Duration::from_secs(180),
            watch_grace: Duration::from_secs(10),
            relist_every: Duration::from_secs(600),
            watch_interval: Duration::from_secs(1),
            backoff: Duration::from_millis(800),
            backoff_cap: Duration::from_secs(30),
        }
    }
}

/// Starts watching; one task for each kind and namespace.
///
/// Must be called within a Tokio runtime. Problems are told as events of the source; it goes on
/// trying until `cancel` is cancelled or the source is dropped.
pub fn watch(
    client: &kube::Client,
    selection: &Selection,
    settings: &WatchSettings,
    cancel: &CancellationToken,
) -> Source {
    let (source, sender) = Source::new(selection.scopes());
    for scope in source.scopes().to_owned() {
        let reflector = Reflector {
            client: client.clone(),
            scope: scope.clone(),
            selector: (scope.kind == Kind::Service && !selection.selector.is_everything())
                .then(|| selection.selector.to_string()),
            endpoints: selection.endpoints,
            settings: settings.clone(),
            events: sender.clone(),
        };
        let namespace = scope.namespace.as_deref().unwrap_or("all namespaces");
        let what = format!("watch of {:?} in {namespace}", scope.kind);
        supervise(cancel.clone(), what, move || reflector.clone().run());
    }
    source
}

/// At least three quarters of it, the rest at random: so that the tasks of many replicas spread.
fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(rand::random_range(0.75..=1.0))
}
