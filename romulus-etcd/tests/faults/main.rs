//! What goes wrong with a real etcd, and what the store makes of it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests, which fail by a panic"
)]

mod calls;
mod cluster;
mod discovery;
mod lead;
mod server;
mod status;
mod support;
mod tls;
mod watch;
