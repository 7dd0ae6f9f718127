//! What a scenario plays on: an API server, an etcd, a romulusd.

use romulus_etcd::testing::EtcdProcess;
use romulus_kube::testing::{ApiStub, Server};

use crate::cluster::Shape;
use crate::daemon::Daemon;

pub(crate) struct Stage {
    pub(crate) stub: ApiStub,
    pub(crate) api: Server,
    pub(crate) etcd: EtcdProcess,
}

impl Stage {
    pub(crate) async fn set(shape: Shape) -> Self {
        let stub = shape.stub();
        let api = stub.serve().await;
        Self {
            stub,
            api,
            etcd: EtcdProcess::start().await,
        }
    }

    pub(crate) async fn daemon(&self) -> Daemon {
        Daemon::start(&self.api, self.etcd.endpoint()).await
    }
}
