//! The suite of every store, on a real etcd.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests, which fail by a panic"
)]

use std::sync::Arc;

use async_trait::async_trait;
use etcd_client::Client;
use romulus_etcd::Store;
use romulus_etcd::testing::EtcdProcess;
use romulus_etcd::testing::conformance::Subject;

struct Etcd(EtcdProcess);

#[async_trait]
impl Subject for Etcd {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.0.store())
    }

    async fn revoke_lease(&self, lease: i64) {
        let client = Client::connect([self.0.endpoint()], None).await.unwrap();
        client.lease_client().revoke(lease).await.unwrap();
    }
}

romulus_etcd::conformance!(async { Etcd(EtcdProcess::start().await) });
