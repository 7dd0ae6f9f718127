use std::net::SocketAddr;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;

/// Where the DNS names the endpoints of an etcd: its SRV records, as `etcdctl --discovery-srv`
/// reads them.
///
/// `_etcd-client-ssl._tcp.<domain>` names https endpoints, `_etcd-client._tcp.<domain>` http ones;
/// with a name, `_etcd-client-ssl-<name>` and `_etcd-client-<name>`. The records are read again
/// when no endpoint answers any more.
///
/// ```
/// use romulus_etcd::{Discovery, EtcdOptions};
/// let options = EtcdOptions::discover(Discovery::new("example.org").with_name("edge"));
/// assert!(options.endpoints().is_empty(), "not read yet");
/// ```
#[derive(Debug, Clone)]
pub struct Discovery {
    domain: String,
    name: Option<String>,
    server: Option<SocketAddr>,
}

impl Discovery {
    /// The records of a domain.
    pub fn new(domain: impl Into<String>) -> Self {
        Self {
            domain: domain.into(),
            name: None,
            server: None,
        }
    }

    /// The records of one of several etcds of the domain.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..self
        }
    }

    /// Asks this name server, instead of the system's.
    #[must_use]
    pub fn with_server(self, server: SocketAddr) -> Self {
        Self {
            server: Some(server),
            ..self
        }
    }

    pub(super) fn domain(&self) -> &str {
        &self.domain
    }

    /// The names of the records: encrypted ones, and plain ones unless those are out of question.
    fn services(&self, only_https: bool) -> Vec<(&'static str, String)> {
        let suffix = self.name.as_ref().map(|name| format!("-{name}"));
        let suffix = suffix.unwrap_or_default();
        // With a final dot it is not looked for in the search domains of this machine.
        let domain = self.domain.trim_end_matches('.');
        let mut services = vec![("https", format!("_etcd-client-ssl{suffix}._tcp.{domain}."))];
        if !only_https {
            services.push(("http", format!("_etcd-client{suffix}._tcp.{domain}.")));
        }
        services
    }

    /// The endpoints the records name now; an error where there are none.
    pub(super) async fn resolve(&self, only_https: bool) -> Result<Vec<String>, String> {
        let resolver = self.resolver().map_err(|error| error.to_string())?;
        let mut endpoints = Vec::new();
        let mut problems = Vec::new();
        for (scheme, service) in self.services(only_https) {
            match resolver.srv_lookup(service.as_str()).await {
                Ok(found) => {
                    let records = found
                        .answers()
                        .iter()
                        .filter_map(|record| match &record.data {
                            RData::SRV(record) => Some(record),
                            _ => None,
                        });
                    endpoints.extend(records.map(|record| {
                        let host = record.target.to_utf8();
                        // A certificate names the host without the final dot.
                        let host = host.trim_end_matches('.');
                        format!("{scheme}://{host}:{}", record.port)
                    }));
                }
                Err(error) => problems.push(format!("{service} {error}")),
            }
        }
        endpoints.sort_unstable();
        endpoints.dedup();
        match endpoints.is_empty() {
            false => Ok(endpoints),
            true if problems.is_empty() => Err("the records name no endpoint".to_owned()),
            true => Err(problems.join("; ")),
        }
    }

    /// A new one each time: it must not remember what it was told before.
    fn resolver(&self) -> Result<TokioResolver, NetError> {
        let builder = match self.server {
            None => TokioResolver::builder_tokio()?,
            Some(server) => {
                let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
                for connection in &mut connections {
                    connection.port = server.port();
                }
                let server = NameServerConfig::new(server.ip(), true, connections);
                let config = ResolverConfig::from_name_servers(vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        builder.build()
    }
}
