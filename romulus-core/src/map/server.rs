use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use crate::cluster::{Endpoints, Protocol, Service, ServicePort, ServiceType};
use crate::diagnostic::{Code, Diagnostic, Subject};

/// The host of a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// The address of an endpoint.
    Ip(IpAddr),
    /// The name an ExternalName Service stands for.
    Name(Box<str>),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl Host {
    /// Its text, after what is there already. Nearly every host is an IPv4 address, and there are
    /// many: std's way of formatting one costs a tenth of a plan.
    fn push_to(&self, text: &mut String) {
        match self {
            Self::Ip(IpAddr::V4(ip)) => {
                let mut digits = itoa::Buffer::new();
                for (position, octet) in ip.octets().into_iter().enumerate() {
                    if position > 0 {
                        text.push('.');
                    }
                    text.push_str(digits.format(octet));
                }
            }
            Self::Ip(IpAddr::V6(ip)) => text.push_str(&ip.to_string()),
            Self::Name(name) => text.push_str(name),
        }
    }
}

/// Where a server of a backend listens.
///
/// ```
/// use romulus_core::map::{Scheme, ServerAddress, Host};
/// let server = ServerAddress { host: Host::Ip("fd00::1".parse().unwrap()), port: 80 };
/// assert_eq!(server.url(Scheme::Http), "http://[fd00::1]:80");
/// assert_eq!(server.host.to_string(), "fd00::1"); // its name
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerAddress {
    /// The host.
    pub host: Host,
    /// The TCP port.
    pub port: u16,
}

impl ServerAddress {
    /// The URL vulcand connects to.
    pub fn url(&self, scheme: super::Scheme) -> String {
        let is_bracketed = matches!(self.host, Host::Ip(IpAddr::V6(_)));
        let (open, close) = if is_bracketed { ("[", "]") } else { ("", "") };
        let mut url = String::with_capacity(32);
        url.extend([scheme.as_str(), "://", open]);
        self.host.push_to(&mut url);
        url.extend([close, ":", itoa::Buffer::new().format(self.port)]);
        url
    }
}

/// The servers of one port of a Service, from everything that is known of its endpoints.
///
/// Slices are merged: one address may be in two of them, and is ready if either says so. When
/// nothing is ready, endpoints that terminate but still serve are used, as kube-proxy does.
pub fn servers<'e>(
    service: &Service,
    port: &ServicePort,
    endpoints: impl IntoIterator<Item = &'e Endpoints>,
    diagnostics: &mut Vec<Diagnostic>,
) -> BTreeSet<ServerAddress> {
    if service.service_type == ServiceType::ExternalName {
        // Slices that are left over from another type of the Service say nothing about it.
        return external(service, port, diagnostics).into_iter().collect();
    }
    let mut ready = BTreeSet::new();
    let mut last_resort = BTreeSet::new();
    for object in endpoints {
        for set in &object.sets {
            for number in numbers(set, port) {
                diagnostics.extend(set.unreadable.iter().map(|text| unreadable(object, text)));
                for endpoint in &set.endpoints {
                    let server = ServerAddress {
                        host: Host::Ip(endpoint.address),
                        port: number,
                    };
                    if endpoint.ready || service.publish_not_ready_addresses {
                        ready.insert(server);
                    } else if endpoint.serving && endpoint.terminating {
                        last_resort.insert(server);
                    }
                }
            }
        }
    }
    if ready.is_empty() && !last_resort.is_empty() {
        let message = format!(
            "no endpoint of port `{}` is ready; {} that terminate and still serve are used",
            port.name,
            last_resort.len()
        );
        let subject = Subject::Service(service.name.clone());
        diagnostics.push(Diagnostic::new(Code::LastResort, subject, message));
        return last_resort;
    }
    ready
}

/// The numbers under which a set offers the port; usually one.
fn numbers<'s>(
    set: &'s crate::cluster::EndpointSet,
    port: &'s ServicePort,
) -> impl Iterator<Item = u16> + 's {
    let ours = set
        .ports
        .iter()
        .filter(|p| p.name == port.name && p.protocol == Protocol::Tcp);
    ours.filter_map(|p| p.port).filter(|number| *number != 0)
}

fn unreadable(object: &Endpoints, address: &str) -> Diagnostic {
    let subject = Subject::Endpoints(object.name.clone());
    Diagnostic::new(
        Code::UnreadableAddress,
        subject,
        "this is not an IP address; it is left out",
    )
    .at("endpoints", address)
    .help("write it as 10.0.0.1 or fd00::1, without leading zeros, zone or port")
}

fn external(
    service: &Service,
    port: &ServicePort,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ServerAddress> {
    let name = service
        .external_name
        .as_deref()
        .unwrap_or_default()
        .trim_end_matches('.');
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if name.is_empty() || name.len() > 253 || !name.bytes().all(plain) || port.port == 0 {
        let subject = Subject::Service(service.name.clone());
        let message = "an ExternalName Service needs a DNS name and a port to be published";
        diagnostics.push(
            Diagnostic::new(Code::InvalidOption, subject, message)
                .at("spec.externalName", name)
                .help("write a plain DNS name, and a port other than 0"),
        );
        return None;
    }
    let host = match name.parse::<IpAddr>() {
        Ok(ip) => Host::Ip(ip),
        Err(_) => Host::Name(name.to_ascii_lowercase().into()),
    };
    Some(ServerAddress {
        host,
        port: port.port,
    })
}

/// The name of each server: its address, or `<address>-<port>` where the address has several
/// ports; a server that is stored keeps the name it has.
///
/// `stored` are the stored servers by name, with where their URLs lead.
pub(crate) fn names<N: Ord + Clone>(
    wanted: &[ServerAddress],
    stored: impl IntoIterator<Item = (N, Option<ServerAddress>)>,
    name: impl Fn(&str) -> Option<N>,
) -> BTreeMap<N, &ServerAddress> {
    let mut named: BTreeMap<N, &ServerAddress> = BTreeMap::new();
    let mut waiting: BTreeSet<&ServerAddress> = wanted.iter().collect();
    for (stored_name, address) in stored {
        // Equal URLs in one backend count once for vulcand: one name is enough.
        if let Some(address) = address.and_then(|address| waiting.take(&address)) {
            named.insert(stored_name, address);
        }
    }
    let mut host = String::new();
    while let Some(address) = waiting.pop_first() {
        host.clear();
        address.host.push_to(&mut host);
        let plain = name(&host).filter(|name| !named.contains_key(name));
        if let Some(name) = plain.or_else(|| name(&format!("{host}-{}", address.port))) {
            // Somebody may have put another server under this one's name.
            waiting.extend(named.insert(name, address));
        }
    }
    named
}
