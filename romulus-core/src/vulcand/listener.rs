//! Listeners: the addresses vulcand serves on.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::address::{port_number, split_host_port};
use super::backend::read_value;
use super::check::Checked;
use super::decode::{At, Decoder, Field};
use super::environment::Environment;
use super::json::Value;
use super::route::Route;
use super::tls::{RawTls, TlsSettings};

/// A listener as its key describes it. Its `Id` is ignored: the key decides.
///
/// ```
/// use romulus_core::vulcand::{Environment, Listener, Protocol};
/// let text = r#"{"Protocol": "HTTP", "Address": {"Network": "tcp", "Address": ":8181"}}"#;
/// let listener = Listener::parse(text, &Environment::default()).value.unwrap();
/// assert_eq!((listener.protocol, &*listener.address), (Protocol::Http, ":8181"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// What it speaks.
    pub protocol: Protocol,
    /// The TCP address it listens on, `host:port`.
    pub address: String,
    /// The route expression requests must match to be served; empty for all.
    pub scope: String,
    /// Whether connections begin with a header of the PROXY protocol, version 1.
    pub proxy_protocol: bool,
    /// TLS settings; only for HTTPS, where none are the default ones.
    pub tls: Option<TlsSettings>,
}

/// What a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

#[derive(Default)]
struct RawListener {
    protocol: At<String>,
    network: At<String>,
    address: At<String>,
    scope: At<String>,
    proxy_protocol: At<String>,
    settings: Option<RawSettings>,
}

#[derive(Default)]
struct RawSettings(RawTls);

impl<'a> Field<'a> for RawSettings {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        decoder.object(value, &["TLS"], |_, value, d| self.0.decode(value, d));
    }
}

impl<'a> Field<'a> for RawListener {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        const FIELDS: &[&str] = &[
            "Id",
            "Protocol",
            "Address",
            "Scope",
            "Settings",
            "ProxyProtocol",
        ];
        decoder.object(value, FIELDS, |field, value, d| match field {
            "Id" => String::new().decode(value, d),
            "Protocol" => self.protocol.decode(value, d),
            "Address" => d.object(value, &["Network", "Address"], |field, value, d| {
                if field == "Network" {
                    self.network.decode(value, d);
                } else {
                    self.address.decode(value, d);
                }
            }),
            "Scope" => self.scope.decode(value, d),
            "Settings" => self.settings.decode(value, d),
            _ => self.proxy_protocol.decode(value, d),
        });
    }
}

impl Listener {
    /// Judges the value of a key below `listeners`.
    pub fn parse(text: &str, environment: &Environment) -> Checked<Self> {
        let mut decoder = Decoder::default();
        let Some(value) = read_value(text, &mut decoder) else {
            return decoder.finish(None);
        };
        let mut raw = RawListener::default();
        raw.decode(&value, &mut decoder);
        if decoder.is_rejected() {
            return decoder.finish(None);
        }
        let listener = raw.judge(environment, &mut decoder);
        decoder.finish(listener)
    }
}

impl RawListener {
    fn judge(self, environment: &Environment, decoder: &mut Decoder) -> Option<Listener> {
        let protocol = decoder.within("Protocol", |d| judge_protocol(&self.protocol, d));
        decoder.within("Scope", |d| {
            if self.scope.value.is_empty() {
                return;
            }
            if let Err(error) = self.scope.value.parse::<Route>() {
                let message = format!("`{}` is not a route expression: {error}", self.scope.value);
                d.reject(
                    self.scope.span.clone(),
                    message,
                    "write matchers joined by &&",
                );
            }
        });
        decoder.within("Address", |d| {
            d.within("Network", |d| judge_network(&self.network, d));
            d.within("Address", |d| judge_address(&self.address, environment, d));
        });
        let proxy_protocol = decoder.within("ProxyProtocol", |d| {
            judge_proxy_protocol(&self.proxy_protocol, d)
        });
        // Settings are looked at for HTTPS only: when the value is read, or when vulcand starts to
        // listen.
        let tls = match protocol {
            Some(Protocol::Https) => Some(decoder.within("Settings", |d| {
                d.within("TLS", |d| self.settings.unwrap_or_default().0.judge(d))
            })),
            _ => None,
        };
        Some(Listener {
            protocol: protocol?,
            address: self.address.value,
            scope: self.scope.value,
            proxy_protocol: proxy_protocol?,
            tls,
        })
    }
}

fn judge_protocol(protocol: &At<String>, decoder: &mut Decoder) -> Option<Protocol> {
    match &*protocol.value.to_lowercase() {
        "http" => Some(Protocol::Http),
        "https" => Some(Protocol::Https),
        _ => {
            let message = format!("vulcand does not speak `{}`", protocol.value);
            decoder.reject(protocol.span.clone(), message, "use http or https");
            None
        }
    }
}

fn judge_network(network: &At<String>, decoder: &mut Decoder) {
    let message = match &*network.value.to_lowercase() {
        "tcp" => return,
        "unix" => "a listener on a unix socket makes vulcand panic".to_owned(),
        _ => format!("vulcand can't listen on a `{}` network", network.value),
    };
    decoder.reject(network.span.clone(), message, "use tcp");
}

fn judge_proxy_protocol(header: &At<String>, decoder: &mut Decoder) -> Option<bool> {
    match &*header.value.to_uppercase() {
        "PROXY_V1" => Some(true),
        "" | "NONE" => Some(false),
        _ => {
            let message = format!("vulcand knows no PROXY protocol `{}`", header.value);
            decoder.reject(
                header.span.clone(),
                message,
                "use PROXY_V1 or NONE, or leave it out",
            );
            None
        }
    }
}

fn judge_address(address: &At<String>, environment: &Environment, decoder: &mut Decoder) {
    if let Err(reason) = check_address(&address.value, environment) {
        let message = format!("vulcand can't listen on `{}`: {reason}", address.value);
        let help = "write <address>:<port>, or :<port> for all addresses of the machine";
        decoder.reject(address.span.clone(), message, help);
    }
}

/// Whether Go's `net.Listen` can work, as far as the environment tells.
fn check_address(address: &str, environment: &Environment) -> Result<(), String> {
    let (host, port) = split_host_port(address)?;
    let port = port_number(port).ok_or_else(|| format!("there is no port `{port}`"))?;
    if !host.is_empty() && environment.is_unknown(host) {
        return Err(format!("its machine knows no host `{host}`"));
    }
    let ip = match host {
        "" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        // A zone names an interface of the machine.
        host => match host.split('%').next().unwrap_or(host).parse() {
            Ok(ip) => ip,
            Err(_) => return Ok(()),
        },
    };
    let elsewhere = environment
        .addresses
        .as_ref()
        .is_some_and(|own| !own.contains(&ip));
    if elsewhere && !ip.is_unspecified() {
        return Err("the address is not one of its machine".to_owned());
    }
    let same = |taken: &&SocketAddr| {
        taken.port() == port
            && port != 0
            && (taken.ip() == ip || taken.ip().is_unspecified() || ip.is_unspecified())
    };
    match environment.taken.iter().find(same) {
        Some(taken) => Err(format!("{taken} is taken")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged_as_gos_net_listen_does() {
        let environment = Environment {
            host_names: Some(["localhost".to_owned()].into()),
            addresses: Some(["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()].into()),
            taken: [
                "127.0.0.1:80".parse().unwrap(),
                "0.0.0.0:90".parse().unwrap(),
            ]
            .into(),
            ..Environment::default()
        };
        for (address, fine) in [
            (":8181", true),
            ("127.0.0.1:0", true),
            ("127.0.0.1:", true),
            ("[::1]:8181", true),
            ("[::1%lo]:8181", true),
            ("localhost:https", true),
            ("localhost:http", false),
            ("example.test:8181", false),
            ("127.0.0.1:nosuchport", false),
            ("127.0.0.1:+8181", true),
            ("127.0.0.1:-0", true),
            ("127.0.0.1:-", true),
            ("127.0.0.1:+", true),
            ("127.0.0.1:+-1", false),
            ("127.0.0.2:8181", false),
            ("[::2]:8181", false),
            ("127.0.0.1:80", false),
            ("[::1]:80", true),
            (":80", false),
            ("127.0.0.1:90", false),
            ("127.0.0.1:65536", false),
            ("127.0.0.1:-1", false),
            ("127.0.0.1", false),
            ("::1:80", false),
            ("[::1]", false),
            ("[::1]80", false),
            ("[[::1]]:80", false),
            ("", false),
        ] {
            assert_eq!(
                check_address(address, &environment).is_ok(),
                fine,
                "{address}"
            );
        }
    }
}
