//! The values vulcand reads from its keys, judged exactly as a running vulcand judges them.
//!
//! One value that vulcand ignores while it runs can keep it from ever starting again, so every
//! value is judged before it is written. The verdicts were found on a running vulcand (the 2019
//! source on etcd v3); `tests/vectors_values.rs` compares them with what it did.
//!
//! The text of a value is read once into a type; what is wrong comes back as [`Problem`]s that
//! say what vulcand makes of it, where it stands, and the way out.

mod address;
mod backend;
pub mod check;
mod decode;
mod duration;
mod environment;
mod expression;
mod frontend;
mod host;
pub mod json;
mod listener;
mod middleware;
mod predicate;
pub mod regexp;
pub mod route;
mod server;
mod stats;
mod tls;
mod url;

pub use backend::{Backend, BackendSettings};
pub use check::{Checked, Problem, Verdict};
pub use duration::{DurationError, GoDuration};
pub use environment::{Environment, SealKey, SealKeyError};
pub use frontend::{Frontend, FrontendSettings};
pub use host::{Host, KeyPair, Ocsp};
pub use listener::{Listener, Protocol};
pub use middleware::{
    CBreaker, Condition, ConnLimit, Fallback, Middleware, MiddlewareSpec, RateLimit, RateVariable,
    Rewrite, Trace, Variable, Webhook,
};
pub use predicate::{Predicate, PredicateError};
pub use server::{Server, ServerUrl};
pub use tls::{TlsSettings, TlsVersion};
