//! What an operator and a cluster ask a running romulusd: is it alive, is it ready, how is it doing.

mod health;
mod metrics;
mod server;
mod timed;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

pub(crate) use health::Health;
pub(crate) use metrics::Metrics;
pub(crate) use server::Server;
pub(crate) use timed::TimedStore;

/// Where probes and metrics are served; prints as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdminAddress {
    /// Nowhere.
    None,
    /// At this address.
    At(SocketAddr),
}

impl FromStr for AdminAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self::None);
        }
        let address = text.parse().map(Self::At);
        address.map_err(|_| "write ADDRESS:PORT, like 0.0.0.0:6065, or `none`".into())
    }
}

impl fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::At(address) => address.fmt(f),
        }
    }
}
