//! The settings as flags, flattened into every romulus program.

use crate::cluster::Scope;
use crate::key::{Root, Segment};
use crate::selector::Selector;

use super::{Config, HostRule, Policy, Prune};

/// What is published, where, and under whose name.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Keys")]
pub struct ConfigArgs {
    /// The root of the vulcand tree: vulcand's -etcdKey, slashes included
    ///
    /// On etcd v3 `vulcand` and `/vulcand` are different trees, and vulcand's default has no slash.
    /// The label `romulus/vulcanKey` of a Service names another tree.
    #[arg(
        long,
        value_name = "ROOT",
        env = "VULCAND_KEY",
        default_value = "vulcand"
    )]
    pub vulcan_key: Root,

    /// Under which name the written keys are owned [default: default, or manifests with manifests]
    #[arg(long, value_name = "NAME", value_parser = owner)]
    pub owner_id: Option<Segment>,

    /// Publish ExternalName Services too: they can name anything, vulcand's own API included
    #[arg(long)]
    pub allow_external_name: bool,

    /// A middleware type that a custom vulcand knows; may be given several times
    ///
    /// A stock vulcand does not start with a middleware of a type it does not know.
    #[arg(long, value_name = "TYPE")]
    pub allow_middleware: Vec<String>,

    /// Let a namespace claim these hosts and no others; may be given several times
    ///
    /// The namespace may be `*`, all of them; the pattern is a host, `*.` and a domain, or `*`. Once
    /// there is a rule, a namespace without one can claim no host at all.
    #[arg(long, value_name = "NAMESPACE=PATTERN")]
    pub allow_host: Vec<HostRule>,

    /// Give every route a leading comment with its priority, so that `romulus/priority` works
    #[arg(long)]
    pub route_priorities: bool,

    /// What happens to stored backends and frontends that nothing wants any more
    #[arg(long, value_name = "POLICY", value_enum, default_value_t)]
    pub policy: Policy,

    /// Take over backends and frontends that exist and that no romulus wrote
    #[arg(long)]
    pub adopt: bool,

    /// Withhold deletions inferred from absence of more than this share of what is owned
    #[arg(long, value_name = "PERCENT", default_value_t = 30, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub max_delete_percent: u8,
}

fn owner(text: &str) -> Result<Segment, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    Segment::new(text)
        .filter(|owner| owner.as_str().bytes().all(plain))
        .ok_or_else(|| "letters, digits, `-`, `_` and `.` make an owner's name".into())
}

impl ConfigArgs {
    /// The settings these flags ask for.
    pub fn config(&self, default_owner: &str, selector: Selector, scopes: Vec<Scope>) -> Config {
        let default = Config::new(self.vulcan_key.clone());
        let owner = self
            .owner_id
            .clone()
            .or_else(|| Segment::new(default_owner));
        Config {
            owner: owner.unwrap_or(default.owner),
            root: default.root,
            selector,
            scopes,
            allow_external_name: self.allow_external_name,
            allow_middleware: self.allow_middleware.iter().cloned().collect(),
            allow_hosts: self.allow_host.iter().cloned().collect(),
            route_priorities: self.route_priorities,
            policy: self.policy,
            prune: Prune::Owner,
            adopt: self.adopt,
            max_delete_percent: self.max_delete_percent,
        }
    }
}
