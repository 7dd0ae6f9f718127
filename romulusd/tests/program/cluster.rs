//! An API server, an etcd, and a romulusd between them.

use romulus_etcd::testing::EtcdProcess;
use romulus_kube::testing::{ApiStub, Server, service, slice};
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::keys::Keys;

pub(crate) struct Setting {
    pub(crate) api: ApiStub,
    pub(crate) server: Server,
    pub(crate) etcd: EtcdProcess,
    pub(crate) keys: Keys,
}

impl Setting {
    /// An empty cluster and an empty etcd.
    pub(crate) async fn new() -> Self {
        Self::on(EtcdProcess::start().await).await
    }

    /// An empty cluster on an etcd.
    pub(crate) async fn on(etcd: EtcdProcess) -> Self {
        let api = ApiStub::new();
        let server = api.serve().await;
        let keys = Keys::of(&etcd);
        Self {
            api,
            server,
            etcd,
            keys,
        }
    }

    /// With the Service `shop/web`, routed by its host to one pod.
    pub(crate) async fn with_web() -> Self {
        let setting = Self::new().await;
        setting.publish_web();
        setting
    }

    /// Publishes the Service `shop/web`.
    pub(crate) fn publish_web(&self) {
        let host = json!({"romulus/host": "www.example.com"});
        self.publish("web", &host, &["10.0.0.1"]);
    }

    /// Applies a Service of the namespace `shop` with its endpoints.
    pub(crate) fn publish(&self, name: &str, annotations: &Value, addresses: &[&str]) {
        self.api.apply(&service("shop", name, annotations));
        self.api
            .apply(&slice("shop", &format!("{name}-1"), name, addresses, 8080));
    }

    /// Applies [`MANY`] Services with these endpoints.
    pub(crate) fn publish_many(&self, addresses: &[&str]) {
        for n in 0..MANY {
            let host = json!({"romulus/host": format!("h{n:02}")});
            self.publish(&format!("many{n:02}"), &host, addresses);
        }
    }

    /// Starts a romulusd with more flags.
    pub(crate) fn romulusd(&self, more: &[&str]) -> Daemon {
        let url = self.server.url();
        let connected = ["--kube", &url, "--etcd", self.etcd.endpoint()];
        Daemon::start(&[&connected, more].concat())
    }
}

/// What [`Setting::with_web`] comes to.
pub(crate) const WEB: &str = r#"vulcand/backends/web.shop/backend {"Id":"web.shop","Type":"http"}
vulcand/backends/web.shop/servers/10.0.0.1 {"URL":"http://10.0.0.1:8080"}
vulcand/frontends/web.shop/frontend {"Id":"web.shop","Type":"http","BackendId":"web.shop","Route":"Host(`www.example.com`)"}
"#;

const MANY: usize = 40;

/// What [`Setting::publish_many`] comes to.
pub(crate) fn many(addresses: &[&str]) -> String {
    let lines_of = |n: usize| {
        let id = format!("many{n:02}.shop");
        let head = format!(r#"{{"Id":"{id}","Type":"http""#);
        let server = |address: &&str| {
            format!(
                "vulcand/backends/{id}/servers/{address} {{\"URL\":\"http://{address}:8080\"}}\n"
            )
        };
        let mut lines: Vec<String> = addresses.iter().map(server).collect();
        lines.push(format!("vulcand/backends/{id}/backend {head}}}\n"));
        lines.push(format!(
            "vulcand/frontends/{id}/frontend {head},\"BackendId\":\"{id}\",\"Route\":\"Host(`h{n:02}`)\"}}\n"
        ));
        lines
    };
    let mut lines: Vec<String> = (0..MANY).flat_map(lines_of).collect();
    lines.sort_unstable();
    lines.concat()
}
