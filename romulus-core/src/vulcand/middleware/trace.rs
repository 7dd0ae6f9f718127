//! `trace`.

use crate::vulcand::address::{port_number, split_host_port};
use crate::vulcand::decode::{At, Decoder, Field, Slice};
use crate::vulcand::environment::Environment;
use crate::vulcand::json::Value;
use crate::vulcand::url::{self, Url};

/// A line to syslog for every request. vulcand connects while it reads the value: where it can't,
/// the value is invalid to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The request headers that are logged.
    pub request_headers: Vec<String>,
    /// The response headers that are logged.
    pub response_headers: Vec<String>,
    /// `syslog://host:port`, `syslog:///path/of/socket` or `syslog://`.
    pub address: String,
}

const HELP: &str = "write syslog://<host>:<port>, or syslog:///<socket> where vulcand's machine \
                    has one";

const SEVERITIES: [&str; 7] = ["ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG"];

const FACILITIES: [&str; 19] = [
    "USER",
    "MAIL",
    "DAEMON",
    "AUTH",
    "SYSLOG",
    "LPR",
    "NEWS",
    "UUCP",
    "CRON",
    "AUTHPRIV",
    "FTP",
    "LOG_LOCAL0",
    "LOG_LOCAL1",
    "LOG_LOCAL2",
    "LOG_LOCAL3",
    "LOG_LOCAL4",
    "LOG_LOCAL5",
    "LOG_LOCAL6",
    "LOG_LOCAL7",
];

impl Trace {
    pub(super) fn judge(
        value: &Value,
        environment: &Environment,
        decoder: &mut Decoder,
    ) -> Option<Self> {
        let (mut request_headers, mut response_headers) = (Slice::default(), Slice::default());
        let mut address = At::<String>::default();
        let fields = &["ReqHeaders", "RespHeaders", "Addr"];
        decoder.object(value, fields, |field, value, d| match field {
            "ReqHeaders" => request_headers.decode(value, d),
            "RespHeaders" => response_headers.decode(value, d),
            _ => address.decode(value, d),
        });
        if decoder.is_rejected() {
            return None;
        }
        let At {
            value: address,
            span,
        } = address;
        if let Err(reason) = check(&address, environment) {
            decoder.within("Addr", |d| d.reject(span, reason, HELP));
        }
        Some(Self {
            request_headers: request_headers.into_vec(),
            response_headers: response_headers.into_vec(),
            address,
        })
    }
}

fn check(address: &str, environment: &Environment) -> Result<(), String> {
    let url = url::parse(address)
        .map_err(|reason| format!("`{address}` makes vulcand panic: as a URL {reason}"))?;
    if url.scheme != "syslog" {
        return Err(format!("the scheme of `{address}` is not syslog"));
    }
    check_parameter(&url, "sev", &SEVERITIES)?;
    check_parameter(&url, "f", &FACILITIES)?;
    if !url.host.is_empty() {
        return check_udp(&url.host, environment);
    }
    if url.path.is_empty() {
        return if environment.local_syslog {
            Ok(())
        } else {
            Err("there is no local syslog on vulcand's machine".to_owned())
        };
    }
    let path = String::from_utf8_lossy(&url.path);
    if environment.syslog_sockets.contains(&*path) {
        Ok(())
    } else {
        Err(format!(
            "there is no syslog socket `{path}` on vulcand's machine"
        ))
    }
}

fn check_parameter(url: &Url, name: &str, values: &[&str]) -> Result<(), String> {
    let value = url.query_value(name);
    let value = String::from_utf8_lossy(&value);
    if value.is_empty() || values.contains(&&*value) {
        return Ok(());
    }
    Err(format!(
        "there is no {name} `{value}`: use one of {}",
        values.join(", ")
    ))
}

/// Go dials `host:port`; sending the first packet is not part of it.
fn check_udp(address: &str, environment: &Environment) -> Result<(), String> {
    let (host, port) =
        split_host_port(address).map_err(|reason| format!("in `{address}`: {reason}"))?;
    if port_number(port).is_none() {
        return Err(format!("there is no port {port}"));
    }
    if !host.is_empty() && environment.is_unknown(host) {
        return Err(format!("vulcand's machine knows no host `{host}`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged_by_what_vulcand_can_connect_to() {
        let environment = Environment {
            syslog_sockets: ["/run/log.sock".to_owned()].into(),
            host_names: Some(["localhost".to_owned()].into()),
            ..Environment::default()
        };
        for (address, fine) in [
            ("syslog://127.0.0.1:514", true),
            ("SYSLOG://[::1]:514?sev=INFO&f=LOG_LOCAL7", true),
            ("syslog://127.0.0.1:?sev=%49NFO", true),
            ("syslog://localhost:514?sev=&sev=x", true),
            ("syslog://localhost:514?sev=x;y", true),
            ("syslog:///run/log.sock", true),
            ("syslog:///run/log%2Esock#x", true),
            ("syslog:///run/other.sock", false),
            ("syslog://", false),
            ("syslog:opaque", false),
            ("syslog://example.test:514", false),
            ("syslog://127.0.0.1", false),
            ("syslog://::1:514", false),
            ("syslog://a[b]:514", false),
            ("syslog://127.0.0.1:65536", false),
            ("syslog://127.0.0.1:514?sev=info", false),
            ("syslog://127.0.0.1:514?f=KERN", false),
            ("udp://127.0.0.1:514", false),
            ("%zz", false),
        ] {
            assert_eq!(check(address, &environment).is_ok(), fine, "{address}");
        }
        let local = Environment {
            local_syslog: true,
            ..Environment::default()
        };
        assert_eq!(check("syslog://", &local), Ok(()));
    }
}
