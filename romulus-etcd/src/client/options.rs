//! How to reach etcd.

use std::fmt;
use std::time::Duration;

use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};

use super::discovery::Discovery;
use crate::StoreError;

/// Where etcd is and how to speak to it.
///
/// ```
/// use std::time::Duration;
/// use romulus_etcd::EtcdOptions;
///
/// let options = EtcdOptions::new(["http://10.0.0.1:2379", "http://10.0.0.2:2379"])?
///     .with_timeout(Duration::from_secs(3));
/// assert_eq!(options.endpoints(), ["http://10.0.0.1:2379", "http://10.0.0.2:2379"]);
///
/// assert_eq!(
///     EtcdOptions::new(["ftp://10.0.0.1"]).unwrap_err().to_string(),
///     r#"--etcd "ftp://10.0.0.1": etcd speaks http:// and https:// only"#,
/// );
/// # Ok::<(), romulus_etcd::StoreError>(())
/// ```
#[derive(Clone)]
pub struct EtcdOptions {
    endpoints: Vec<String>,
    pub(super) discovery: Option<Discovery>,
    pub(super) timeout: Duration,
    pub(super) page_keys: usize,
    pub(super) log_requests: bool,
    pub(crate) user: Option<(String, String)>,
    ca: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// Without the secrets.
impl fmt::Debug for EtcdOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdOptions")
            .field("endpoints", &self.endpoints)
            .field("discovery", &self.discovery)
            .field("timeout", &self.timeout)
            .field("user", &self.user.as_ref().map(|(name, _)| name))
            .finish_non_exhaustive()
    }
}

/// The flag that names the endpoints, as errors name it.
const ENDPOINTS: &str = "--etcd";

impl EtcdOptions {
    /// The deadline of a call, unless told otherwise.
    pub const TIMEOUT: Duration = Duration::from_secs(5);

    /// Options for these endpoints, of one cluster; one without a scheme is taken as `http://`.
    ///
    /// # Errors
    /// No endpoint, or one that is not `[http://|https://]host[:port]`.
    pub fn new<E: AsRef<str>>(endpoints: impl IntoIterator<Item = E>) -> Result<Self, StoreError> {
        let endpoints: Vec<_> = endpoints
            .into_iter()
            .map(|e| normalize(e.as_ref()))
            .collect::<Result<_, _>>()?;
        if endpoints.is_empty() {
            return Err(wrong(
                "",
                "name at least one endpoint, as in http://127.0.0.1:2379",
            ));
        }
        Ok(Self::of(endpoints, None))
    }

    /// Options for endpoints that the DNS names.
    pub fn discover(discovery: Discovery) -> Self {
        Self::of(Vec::new(), Some(discovery))
    }

    fn of(endpoints: Vec<String>, discovery: Option<Discovery>) -> Self {
        Self {
            endpoints,
            discovery,
            timeout: Self::TIMEOUT,
            page_keys: 20_000,
            log_requests: false,
            user: None,
            ca: None,
            identity: None,
        }
    }

    /// Sets the deadline of each call, which is also how long a silent stream is waited for.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sets the most keys that are read in one request (20,000); large values make it fewer.
    #[must_use]
    pub fn with_page_keys(self, keys: usize) -> Self {
        Self {
            page_keys: keys.max(1),
            ..self
        }
    }

    /// Logs each request at debug level under the target
    /// [`REQUESTS_TARGET`](crate::REQUESTS_TARGET), as the `etcdctl` command that does the same.
    #[must_use]
    pub fn with_logged_requests(self, log_requests: bool) -> Self {
        Self {
            log_requests,
            ..self
        }
    }

    /// Sets the user of etcd's own authentication.
    #[must_use]
    pub fn with_user(self, name: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            user: Some((name.into(), password.into())),
            ..self
        }
    }

    /// Sets the certificates, in PEM, that etcd's certificate must be signed by, instead of the
    /// system's.
    #[must_use]
    pub fn with_ca(self, pem: impl Into<Vec<u8>>) -> Self {
        Self {
            ca: Some(pem.into()),
            ..self
        }
    }

    /// Sets the client certificate and its key, in PEM.
    #[must_use]
    pub fn with_identity(self, cert: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self {
            identity: Some((cert.into(), key.into())),
            ..self
        }
    }

    /// Whether a plain connection is out of question: somebody cared for certificates.
    pub(super) fn only_https(&self) -> bool {
        self.ca.is_some() || self.identity.is_some()
    }

    /// The endpoints, each with its scheme; none where they are discovered.
    pub fn endpoints(&self) -> &[String] {
        &self.endpoints
    }

    /// What etcd-client wants to know about one endpoint.
    pub(crate) fn connect(&self, endpoint: &str) -> ConnectOptions {
        // etcd answers pings more often than every 5s, or without a stream, with GOAWAY.
        let mut options = ConnectOptions::new()
            .with_keep_alive(
                Duration::from_secs(10),
                self.timeout.max(Duration::from_secs(3)),
            )
            .with_keep_alive_while_idle(false)
            .with_connect_timeout(self.timeout)
            .with_require_leader(true);
        if endpoint.starts_with("https://") {
            let mut tls = TlsOptions::new().timeout(self.timeout);
            // The system's may be missing altogether, as in an image made from scratch.
            tls = match &self.ca {
                Some(ca) => tls.ca_certificate(Certificate::from_pem(ca)),
                None => tls.with_enabled_roots(),
            };
            if let Some((cert, key)) = &self.identity {
                tls = tls.identity(Identity::from_pem(cert, key));
            }
            options = options.with_tls(tls);
        }
        if let Some((name, password)) = &self.user {
            options = options
                .with_user(name, password)
                .with_auto_token_refresh(true);
        }
        options
    }
}

fn wrong(value: &str, reason: &str) -> StoreError {
    StoreError::Configuration {
        option: ENDPOINTS,
        value: value.to_owned(),
        reason: reason.to_owned(),
    }
}

fn normalize(endpoint: &str) -> Result<String, StoreError> {
    let text = endpoint.trim();
    let (scheme, host) = match text.split_once("://") {
        None => ("http", text),
        Some((scheme @ ("http" | "https"), host)) => (scheme, host),
        Some(_) => return Err(wrong(endpoint, "etcd speaks http:// and https:// only")),
    };
    let host = host.strip_suffix('/').unwrap_or(host);
    if host.contains('@') {
        // Without the value, which holds a password.
        return Err(wrong(
            "***",
            "a user does not belong in the URL, use --etcd-user",
        ));
    }
    let valid = host.parse::<http::uri::Authority>().is_ok();
    if host.is_empty() || !valid {
        return Err(wrong(
            endpoint,
            "not an endpoint like http://127.0.0.1:2379",
        ));
    }
    Ok(format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_with_and_without_scheme() {
        let table = [
            ("http://127.0.0.1:2379", "http://127.0.0.1:2379"),
            ("127.0.0.1:2379", "http://127.0.0.1:2379"),
            (
                " https://etcd.example.com:2379/ ",
                "https://etcd.example.com:2379",
            ),
            ("[::1]:2379", "http://[::1]:2379"),
            ("etcd", "http://etcd"),
        ];
        for (given, expected) in table {
            assert_eq!(normalize(given).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_no_endpoint_is_named_with_the_way_out() {
        let table = [
            (
                "",
                r#"--etcd "": not an endpoint like http://127.0.0.1:2379"#,
            ),
            (
                "http://",
                r#"--etcd "http://": not an endpoint like http://127.0.0.1:2379"#,
            ),
            (
                "a b",
                r#"--etcd "a b": not an endpoint like http://127.0.0.1:2379"#,
            ),
            (
                "http://h/v2",
                r#"--etcd "http://h/v2": not an endpoint like http://127.0.0.1:2379"#,
            ),
            (
                "unix:///x",
                r#"--etcd "unix:///x": etcd speaks http:// and https:// only"#,
            ),
            (
                "http://root:pw@h:1",
                r#"--etcd "***": a user does not belong in the URL, use --etcd-user"#,
            ),
        ];
        for (given, expected) in table {
            assert_eq!(normalize(given).unwrap_err().to_string(), expected);
        }
        let none: [&str; 0] = [];
        assert!(EtcdOptions::new(none).is_err());
    }

    #[test]
    fn debug_hides_the_password() {
        let options = EtcdOptions::new(["h"])
            .unwrap()
            .with_user("root", "hunter2");
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
