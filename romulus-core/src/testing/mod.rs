//! Tools for tests: a store that is only a map, and a world that writes to it.

#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "a test helper fails its test by panicking"
)]

mod harness;
mod store;
pub mod vulcand;
pub mod worlds;

pub use harness::Harness;
pub use store::{MapStore, Refused};
