//! Servers of backends.

use std::fmt;

use super::backend::read_value;
use super::check::Checked;
use super::decode::{At, Decoder, Field};
use super::stats::Stats;
use super::url;

/// A server as its key describes it. Its `Id` is ignored: the key decides.
///
/// ```
/// use romulus_core::vulcand::Server;
/// let server = Server::parse(r#"{"URL": "HTTP://10.246.1.7:80/ignored"}"#).value.unwrap();
/// assert_eq!(server.url.to_string(), "http://10.246.1.7:80");
/// assert!(!Server::parse(r#"{"URL": "10.246.1.7:80"}"#).is_accepted());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it is.
    pub url: ServerUrl,
}

/// The part of a server's URL that counts: two servers of a backend with the same one are one
/// server to vulcand. The path is dropped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerUrl {
    scheme: String,
    host: String,
}

impl ServerUrl {
    /// The scheme in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Host and port, as they are dialled.
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)
    }
}

const HELP: &str = "write e.g. http://10.0.0.1:80, an IPv6 address in brackets";

impl Server {
    /// Judges the value of a key below `servers`.
    pub fn parse(text: &str) -> Checked<Self> {
        let mut decoder = Decoder::default();
        let Some(value) = read_value(text, &mut decoder) else {
            return decoder.finish(None);
        };
        let mut written = At::<String>::default();
        decoder.object(
            &value,
            &["Id", "URL", "Stats"],
            |field, value, d| match field {
                "Id" => String::new().decode(value, d),
                "URL" => written.decode(value, d),
                _ => None::<Stats>.decode(value, d),
            },
        );
        if decoder.is_rejected() {
            return decoder.finish(None);
        }
        let At { value: text, span } = written;
        let url = decoder.within("URL", |decoder| match url::parse_request_uri(&text) {
            Ok(url) => {
                if let Some(reason) = useless(&url) {
                    let message = format!("no request can reach `{text}`: {reason}");
                    decoder.harm(span, message, HELP);
                }
                Some(ServerUrl {
                    scheme: url.scheme,
                    host: url.host,
                })
            }
            Err(reason) => {
                decoder.reject(span, format!("`{text}` is not a URL: {reason}"), HELP);
                None
            }
        });
        decoder.finish(url.map(|url| Self { url }))
    }
}

/// Why vulcand can't forward requests to a URL it takes.
fn useless(url: &url::Url) -> Option<String> {
    if !matches!(&*url.scheme, "http" | "https") {
        return Some(format!("its scheme is `{}`, not http or https", url.scheme));
    }
    let (name, port) = match url.host.rfind(']') {
        Some(end) => url.host.split_at(end + 1),
        None => url
            .host
            .split_at(url.host.rfind(':').unwrap_or(url.host.len())),
    };
    if name.is_empty() {
        return Some("it has no host".to_owned());
    }
    if !name.starts_with('[') && name.contains(':') {
        return Some(format!("its host `{name}` has a colon and no brackets"));
    }
    match port.strip_prefix(':') {
        None | Some("") => None,
        Some(port) => match port.parse::<u16>() {
            Ok(1..) => None,
            _ => Some(format!("there is no port {port}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_judged_as_gos_net_url_does() {
        for (url, accepted) in [
            ("http://a", Some(("http", "a"))),
            ("http://user:p%40ss@a:80/x?y#z", Some(("http", "a:80"))),
            ("http://a:", Some(("http", "a:"))),
            ("http://[::1%25en%20x]:80", Some(("http", "[::1%en x]:80"))),
            ("http://%C3%A9", Some(("http", "é"))),
            ("http://a<b>\"", Some(("http", "a<b>\""))),
            ("http://a/b c", Some(("http", "a"))),
            ("http://a?b c%zz", Some(("http", "a"))),
            ("*", Some(("", ""))),
            ("http://us er@a", None),
            ("http://a%20b", None),
            ("http://a%2", None),
            ("http://a/%zz", None),
            ("http://[::1", None),
            ("http://[::1]x", None),
            ("http://a:1a", None),
            ("http://a|b", None),
            ("://a", None),
            ("a b://c", None),
            ("http://a\u{7f}", None),
        ] {
            let text = serde_json::json!({ "URL": url }).to_string();
            let server = Server::parse(&text).value.map(|server| server.url);
            let parts = server.as_ref().map(|url| (url.scheme(), url.host()));
            assert_eq!(parts, accepted, "{url}");
        }
    }
}
