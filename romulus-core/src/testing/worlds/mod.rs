//! Random clusters and random histories of them.
//!
//! Everything comes from a small alphabet, so that routes, ids and addresses meet often: three
//! namespaces, two names, a dozen routes, five addresses. What is generated is plain data; a
//! [`Play`] carries it out.

mod endpoints;
mod event;
mod foreign;
mod play;
mod service;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;

use crate::cluster::{Endpoints, Service};
use crate::config::Config;

pub use event::{Drift, Event, Round, Schedule};
pub use foreign::{Foreign, ForeignEdit};
pub use play::{Play, Unwatched, Witness};

/// Which situations random worlds get into.
///
/// ```
/// use romulus_core::testing::worlds::WorldOptions;
/// let calm = WorldOptions { drift: false, foreign: false, ..WorldOptions::default() };
/// assert!(calm.interruptions);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorldOptions {
    /// Backend ids that are a prefix of another (namespaces `prod`, `prod2`, `prod-eu`).
    pub prefix_ids: bool,
    /// Trees whose roots are a text prefix of another (`vulcand`, `vulcand-test`).
    pub sibling_roots: bool,
    /// Changes of settings that a running vulcand does not notice on their own: PassHostHeader.
    pub quiet_settings: bool,
    /// Values that are held: settings, routes, middlewares, labels that do not validate.
    pub invalid: bool,
    /// `romulus/backend`.
    pub targets: bool,
    /// Keys that nobody's romulus wrote, all of them valid.
    pub foreign: bool,
    /// Somebody edits, deletes or adds keys of ours.
    pub drift: bool,
    /// Among what they delete are records: what those were about is nobody's then.
    pub disowning: bool,
    /// romulus stops in the middle of a plan and starts again.
    pub interruptions: bool,
}

impl Default for WorldOptions {
    /// Everything.
    fn default() -> Self {
        Self {
            prefix_ids: true,
            sibling_roots: true,
            quiet_settings: true,
            invalid: true,
            targets: true,
            foreign: true,
            drift: true,
            disowning: true,
            interruptions: true,
        }
    }
}

impl WorldOptions {
    /// The settings of the worlds: nothing is withheld, one default tree.
    pub fn config(&self) -> Config {
        let mut config = Config::new("vulcand".parse().expect("a root"));
        config.max_delete_percent = 100;
        config
    }

    fn namespaces(&self) -> &'static [&'static str] {
        if self.prefix_ids {
            &["prod", "prod-eu", "prod2"]
        } else {
            &["prod", "eu", "two"]
        }
    }

    /// The trees that labels name.
    fn roots(&self) -> &'static [&'static str] {
        if self.sibling_roots {
            &["vulcand-test", "edge"]
        } else {
            &["edge"]
        }
    }
}

/// A cluster and what happens to it.
#[derive(Debug, Clone)]
pub struct History {
    /// What the worlds of this history may get into.
    pub options: WorldOptions,
    /// The Services at first.
    pub services: Vec<Service>,
    /// The EndpointSlices at first.
    pub endpoints: Vec<Endpoints>,
    /// The keys of others at first.
    pub foreign: Vec<Foreign>,
    /// What happens; each round ends with a plan that is carried out.
    pub rounds: Vec<Round>,
}

/// A Service of the alphabet.
pub fn service(options: WorldOptions) -> BoxedStrategy<Service> {
    service::service(options).boxed()
}

/// An EndpointSlice of the alphabet.
pub fn endpoints(options: WorldOptions) -> BoxedStrategy<Endpoints> {
    endpoints::endpoints(options).boxed()
}

/// A whole history.
pub fn history(options: WorldOptions) -> BoxedStrategy<History> {
    let foreign = if options.foreign { 0..3 } else { 0..1usize };
    (
        vec(service::service(options), 0..6),
        vec(endpoints::endpoints(options), 0..14),
        vec(foreign::foreign(), foreign),
        vec(event::round(options), 1..7),
    )
        .prop_map(move |(services, endpoints, foreign, rounds)| History {
            options,
            services,
            endpoints,
            foreign,
            rounds,
        })
        .boxed()
}
