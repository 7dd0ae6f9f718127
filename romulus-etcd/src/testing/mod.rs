//! A real etcd for tests, and the suite that every store passes.
//!
//! Behind the feature `testing`; what fails here panics, as tests do.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests, which fail by a panic"
)]

mod certificates;
pub mod conformance;
mod maintenance;
mod process;
mod proxy;

pub use certificates::Certificates;
pub use maintenance::Backup;
pub use process::EtcdProcess;
pub use proxy::{Fault, FaultProxy};
