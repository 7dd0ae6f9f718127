//! A model of vulcand, as an oracle for what romulus writes.
//!
//! It takes the events of a store one by one, in the order in which etcd delivers them, and does
//! with each what a running vulcand was found to do (the 2019 source on etcd v3), its defects
//! included:
//!
//! - A handler reads the value that is stored **when it runs**, not the one the event tells of; a
//!   vulcand that lags behind sees the future of some keys before the past of others.
//! - A frontend put before its backend, or a middleware before its frontend, is lost. Nothing is
//!   tried again.
//! - Frontends with one route text share an entry: the last put has it, and whoever goes takes it
//!   along.
//! - A frontend outlives its backend, and never follows the one that is put in its place.
//! - A change of PassHostHeader, Stream or its flush interval alone is not noticed.
//! - At a start a backend also gets the servers of every backend whose id begins with its own; one
//!   value that can't be read, or one BackendId that leads nowhere, and it does not start.
//! - Deletions under every root that begins with the text of its own are taken for its own.
//!
//! What it leaves out: hosts and listeners, states of limiters, and values on which vulcand panics,
//! which are refused here like other invalid ones.

mod live;
mod start;
mod state;

use std::collections::{BTreeMap, BTreeSet};

use crate::key::Root;
use crate::vulcand::route::{Request, Route, RouteTable};
use crate::vulcand::{
    BackendSettings, Checked, Environment, Frontend, Middleware, ServerUrl, json,
};

pub use live::{Ignored, Reaction};
pub use start::Refused;
pub use state::{FrontendState, State};

/// A running vulcand.
///
/// ```
/// use romulus_core::testing::{MapStore, vulcand::{Reaction, Vulcand}};
///
/// let mut store = MapStore::default();
/// let mut vulcand = Vulcand::start(&"vulcand".parse()?, &store)?;
/// // The frontend comes before its backend: it is lost, and stays so.
/// store.put("vulcand/frontends/f/frontend", r#"{"Type":"http","BackendId":"b","Route":"Path(`/`)"}"#);
/// store.put("vulcand/backends/b/backend", r#"{"Type":"http"}"#);
/// for event in store.log() {
///     vulcand.handle(event, &store);
/// }
/// assert!(vulcand.state().frontends.is_empty());
/// // A start knows no order.
/// let fresh = Vulcand::start(&"vulcand".parse()?, &store)?;
/// assert!(fresh.state().frontends.contains_key("f"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Vulcand {
    root: Root,
    backends: BTreeMap<String, Backend>,
    frontends: BTreeMap<String, LiveFrontend>,
    /// Who answers for a route text.
    routes: BTreeMap<String, String>,
    /// Counts backends, so that one that is put again is another one.
    born: u64,
}

#[derive(Debug, Clone)]
struct Backend {
    /// Which of the backends that had this id it is.
    number: u64,
    settings: BackendSettings,
    /// Servers by name.
    servers: BTreeMap<String, ServerUrl>,
}

#[derive(Debug, Clone)]
struct LiveFrontend {
    /// What is in force.
    head: Head,
    servers: Servers,
    middlewares: BTreeMap<String, Middleware>,
}

/// The head of a frontend.
#[derive(Debug, Clone)]
struct Head {
    value: Frontend,
    /// The text of its predicate: a running vulcand compares it blank by blank.
    predicate: String,
}

impl Head {
    fn parse(text: &str) -> Checked<Self> {
        let Checked { value, problems } = Frontend::parse(text, &Environment::default());
        let value = value.map(|value| Self {
            value,
            predicate: predicate(text).unwrap_or_default(),
        });
        Checked { value, problems }
    }
}

/// The text of the predicate in the value of a frontend.
fn predicate(text: &str) -> Option<String> {
    let value = json::parse(text).ok()?;
    Some(
        value
            .member("Settings")?
            .member("FailoverPredicate")?
            .compact(),
    )
}

/// Where a frontend gets its servers from.
#[derive(Debug, Clone)]
enum Servers {
    /// It follows the backend of this number.
    Of(u64),
    /// Its backend was deleted; it keeps what that one had, or what another had when the frontend
    /// was put again.
    Copied(BTreeSet<ServerUrl>),
}

impl Backend {
    /// Servers with equal URLs count once.
    fn urls(&self) -> BTreeSet<ServerUrl> {
        self.servers.values().cloned().collect()
    }
}

impl Vulcand {
    /// The tree it reads.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The frontend that answers a request, and the servers it may send it to; `None` is vulcand's
    /// 404, no servers its 500.
    pub fn answer(&self, request: &Request) -> Option<(&str, BTreeSet<ServerUrl>)> {
        let parsed =
            |(text, id): (&String, &String)| Some((id.clone(), text.parse::<Route>().ok()?));
        let table = RouteTable::new(self.routes.iter().filter_map(parsed));
        let winner = table.winner(request)?;
        let (id, frontend) = self.frontends.get_key_value(winner)?;
        Some((id, self.servers(frontend)))
    }

    /// The servers a frontend sends requests to.
    fn servers(&self, frontend: &LiveFrontend) -> BTreeSet<ServerUrl> {
        match &frontend.servers {
            Servers::Copied(servers) => servers.clone(),
            Servers::Of(number) => {
                let backend = self.backends.get(&frontend.head.value.backend_id);
                let backend = backend.filter(|backend| backend.number == *number);
                backend.map(Backend::urls).unwrap_or_default()
            }
        }
    }

    /// A new backend without servers.
    fn bear(&mut self, settings: BackendSettings) -> Backend {
        self.born += 1;
        Backend {
            number: self.born,
            settings,
            servers: BTreeMap::new(),
        }
    }
}
