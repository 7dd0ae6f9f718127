//! A real etcd for tests, and the suite that every store passes.
//!
//! Behind the feature `testing`; what fails here panics, as tests do.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests, which fail by a panic"
)]

pub mod conformance;
mod process;
mod proxy;

pub use process::EtcdProcess;
pub use proxy::{Fault, FaultProxy};
