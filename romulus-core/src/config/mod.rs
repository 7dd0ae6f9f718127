//! What an operator decides once: flags, as far as the mapping and the plan depend on them.

#[cfg(feature = "clap")]
mod args;
mod hosts;

use std::collections::BTreeSet;

use crate::cluster::Scope;
use crate::key::{Root, Segment};
use crate::selector::Selector;

#[cfg(feature = "clap")]
pub use args::ConfigArgs;
pub use hosts::{HostRule, HostRuleError, HostRules};

/// What happens to stored objects that nothing wants any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Policy {
    /// They are deleted.
    #[default]
    Sync,
    /// Backends and frontends stay; servers and middlewares still follow.
    UpsertOnly,
}

/// Whose stored objects a plan may delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prune {
    /// All of this owner.
    #[default]
    Owner,
    /// Only those of Services the sources show; a Service that shows no endpoints keeps its stored
    /// servers. For previews of some files out of many.
    Listed,
}

/// The settings of a [`World`](crate::world::World).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The tree of Services that name none.
    pub root: Root,
    /// Under which name stored objects are owned.
    pub owner: Segment,
    /// Which Services take part.
    pub selector: Selector,
    /// What the sources list; nothing is planned before each was listed once.
    pub scopes: Vec<Scope>,
    /// Whether ExternalName Services are published.
    pub allow_external_name: bool,
    /// Middleware types that a custom vulcand knows beside the stock ones.
    pub allow_middleware: BTreeSet<String>,
    /// Which hosts the namespaces may claim.
    pub allow_hosts: HostRules,
    /// Whether every frontend's route gets a leading priority comment.
    pub route_priorities: bool,
    /// What happens to objects that nothing wants.
    pub policy: Policy,
    /// Whose objects may be deleted.
    pub prune: Prune,
    /// Whether foreign objects that a Service wants are taken over.
    pub adopt: bool,
    /// Inferred deletions of more than this share of the owned objects are withheld.
    pub max_delete_percent: u8,
}

impl Config {
    /// The defaults of `romulusd` for this tree.
    pub fn new(root: Root) -> Self {
        Self {
            root,
            #[expect(clippy::expect_used, reason = "a constant, tested")]
            owner: Segment::new("default").expect("a plain word"),
            selector: Selector::default(),
            scopes: Vec::new(),
            allow_external_name: false,
            allow_middleware: BTreeSet::new(),
            allow_hosts: HostRules::default(),
            route_priorities: false,
            policy: Policy::Sync,
            prune: Prune::Owner,
            adopt: false,
            max_delete_percent: 30,
        }
    }
}
