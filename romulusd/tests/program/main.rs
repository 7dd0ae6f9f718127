//! The whole program: the `romulusd` binary between a real etcd and an API server, as it runs in
//! production.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by a panic"
)]

mod admin;
mod cluster;
mod daemon;
mod drift;
mod faults;
mod flags;
mod keys;
mod leaders;
mod once;
mod replay;
mod running;
mod secured;
mod size;
