//! From flags and environment to a client of the API server.
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderValue};
use http::{Request, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use kube::Config;
use kube::client::{AuthError, Body, ClientBuilder};
use kube::config::{KubeConfigOptions, Kubeconfig};
use secrecy::{ExposeSecret, SecretString};
use tower::util::MapRequestLayer;

use crate::args::KubeArgs;

/// Where the original looked when it was told nothing.
const DEFAULT: &str = "http://127.0.0.1:8080";
/// An API server that does not even accept a connection for so long is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A client, and what it talks to.
#[derive(Clone)]
pub struct Connection {
    /// The client; without retries and read timeouts of its own, which the sources bring.
    pub client: kube::Client,
    /// The API server.
    pub url: Uri,
    /// What decided which server: `--kube`, `--kubecfg`...
    pub origin: &'static str,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            client: _,
            url,
            origin,
        } = self;
        f.debug_struct("Connection")
            .field("url", url)
            .field("origin", origin)
            .finish()
    }
}

/// Why no client could be made. No request was sent yet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is none.
    #[error("--kube {value:?}: {reason}; a URL such as http://127.0.0.1:8080 is expected")]
    Url {
        /// What was given.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A kubeconfig can't be used.
    #[error("{origin} {}: {source}", path.display())]
    Kubeconfig {
        /// `--kubecfg` or `KUBECONFIG`.
        origin: &'static str,
        /// The file or files.
        path: PathBuf,
        /// Why.
        source: Box<kube::config::KubeconfigError>,
    },
    /// The environment says that this is a pod, but its service account can't be used.
    #[error(
        "this seems to be a pod (KUBERNETES_SERVICE_HOST is set), but {source}; mount the service \
         account's token or give --kube"
    )]
    InCluster {
        /// Why.
        source: Box<kube::config::InClusterError>,
    },
    /// A file named by a flag or a kubeconfig can't be used.
    #[error("{what} {}: {reason}", path.display())]
    File {
        /// Which file that is.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Flags or credentials that can't be used together or at all.
    #[error("{0}")]
    Credentials(&'static str),
    /// The client can't be made of all that.
    #[error("API server {url}: {reason}; {way_out}")]
    Client {
        /// The server.
        url: Uri,
        /// Why.
        reason: Box<str>,
        /// What to do.
        way_out: &'static str,
    },
}

/// The environment, as far as it decides about the connection.
#[derive(Debug, Default, Clone)]
struct Environment {
    kubeconfig: Option<OsString>,
    in_cluster: bool,
    https_proxy: String,
    no_proxy: String,
}

impl Environment {
    fn of_process() -> Self {
        let first = |names: [&str; 2]| {
            let values = names
                .into_iter()
                .filter_map(|name| std::env::var(name).ok());
            values
                .into_iter()
                .find(|value| !value.is_empty())
                .unwrap_or_default()
        };
        Self {
            kubeconfig: std::env::var_os("KUBECONFIG").filter(|paths| !paths.is_empty()),
            in_cluster: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
            https_proxy: first(["HTTPS_PROXY", "https_proxy"]),
            no_proxy: first(["NO_PROXY", "no_proxy"]),
        }
    }
}

impl KubeArgs {
    /// Makes the client that the flags and the environment ask for.
    ///
    /// Must be called within a Tokio runtime. Sends no request yet, but a kubeconfig may run the
    /// command it names to get credentials.
    ///
    /// # Errors
    ///
    /// Files that can't be read, addresses and credentials that are none.
    pub async fn connect(&self) -> Result<Connection, ConnectError> {
        let (config, origin) = self.config(&Environment::of_process()).await?;
        client(config, origin)
    }

    async fn config(
        &self,
        environment: &Environment,
    ) -> Result<(Config, &'static str), ConnectError> {
        let (mut config, explicit_proxy, origin) = self.server(environment).await?;
        self.credentials(&mut config)?;
        if config.cluster_url.scheme_str() == Some("http") || self.kube_insecure {
            // Nothing is verified, so the system's authorities need not exist (images from
            // scratch have none, and the client would refuse to be made without).
            config.root_cert = Some(Vec::new());
            config.root_cert_file = None;
        }
        if let Some(file) = &self.kube_ca_file {
            check_readable("--kube-ca-file", file)?;
            config.root_cert = Some(Vec::new());
            config.root_cert_file = Some(file.clone());
        }
        if self.kube_insecure {
            config.accept_invalid_certs = true;
        }
        config.proxy_url = match explicit_proxy {
            Some(url) => Some(url),
            None => environment_proxy(&config.cluster_url, environment)?,
        };
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // Retrying hidden in the client would wait for minutes without a word.
        config.default_retry = false;
        Ok((config, origin))
    }

    /// The server and what came with it; also the proxy, if a kubeconfig names one for it.
    async fn server(
        &self,
        environment: &Environment,
    ) -> Result<(Config, Option<Uri>, &'static str), ConnectError> {
        if let Some(text) = self.kube.as_deref().filter(|text| !text.is_empty()) {
            return Ok((Config::new(server_url(text)?), None, "--kube"));
        }
        if let Some(path) = &self.kubecfg {
            let origin = "--kubecfg";
            let (config, proxy) = kubeconfig(origin, path, [path.clone()]).await?;
            return Ok((config, proxy, origin));
        }
        if let Some(paths) = &environment.kubeconfig {
            let origin = "KUBECONFIG";
            let files = std::env::split_paths(paths).filter(|path| !path.as_os_str().is_empty());
            let (config, proxy) = kubeconfig(origin, Path::new(paths), files).await?;
            return Ok((config, proxy, origin));
        }
        if environment.in_cluster {
            let config = Config::incluster().map_err(|source| ConnectError::InCluster {
                source: Box::new(source),
            })?;
            return Ok((config, None, "the service account of this pod"));
        }
        Ok((Config::new(Uri::from_static(DEFAULT)), None, "the default"))
    }

    fn credentials(&self, config: &mut Config) -> Result<(), ConnectError> {
        let auth = &mut config.auth_info;
        let user = self.kube_user.as_deref().filter(|user| !user.is_empty());
        let password = match (&self.kube_pass, &self.kube_pass_file) {
            (Some(password), _) if !password.expose_secret().is_empty() => Some(password.clone()),
            (_, Some(file)) => Some(read_secret("--kube-pass-file", file)?.into()),
            _ => None,
        };
        match (user, password) {
            (None, None) => {}
            (None, Some(_)) => {
                return Err(ConnectError::Credentials("--kube-pass needs --kube-user"));
            }
            (Some(_), None) => {
                return Err(ConnectError::Credentials(
                    "--kube-user needs --kube-pass or --kube-pass-file",
                ));
            }
            (Some(user), Some(password)) => {
                auth.username = Some(user.to_owned());
                auth.password = Some(password);
                (auth.token, auth.token_file, auth.exec, auth.auth_provider) =
                    (None, None, None, None);
            }
        }
        if auth.token_file.is_some() {
            auth.token = None;
        }
        if let Some(token) = auth.token.take() {
            // A token that can't stand in a header would be a panic within the client.
            let token = token.expose_secret().trim().to_owned();
            if bearer(&token).is_none() {
                return Err(ConnectError::Credentials(
                    "the token of the kubeconfig has characters that no token has",
                ));
            }
            auth.token = Some(SecretString::from(token));
        }
        Ok(())
    }
}

fn server_url(text: &str) -> Result<Uri, ConnectError> {
    let fail = |reason: String| {
        Err(ConnectError::Url {
            value: text.to_owned(),
            reason,
        })
    };
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let uri: Uri = match with_scheme.parse() {
        Ok(uri) => uri,
        Err(error) => return fail(error.to_string()),
    };
    match uri.scheme_str() {
        Some("http" | "https") => {}
        scheme => {
            return fail(format!(
                "the scheme {:?} is unknown",
                scheme.unwrap_or_default()
            ));
        }
    }
    if uri.host().is_none_or(str::is_empty) {
        return fail("there is no host in it".to_owned());
    }
    if uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
    {
        // Not repeated: it may be a password.
        let reason = "credentials go to --kube-user and --kube-pass".to_owned();
        return Err(ConnectError::Url {
            value: "...@...".to_owned(),
            reason,
        });
    }
    if uri.query().is_some() {
        return fail("there is a query in it".to_owned());
    }
    Ok(uri)
}

async fn kubeconfig(
    origin: &'static str,
    path: &Path,
    files: impl IntoIterator<Item = PathBuf>,
) -> Result<(Config, Option<Uri>), ConnectError> {
    let fail = |source| ConnectError::Kubeconfig {
        origin,
        path: path.to_owned(),
        source: Box::new(source),
    };
    let merged = files
        .into_iter()
        .try_fold(Kubeconfig::default(), |merged, file| {
            Kubeconfig::read_from(file).and_then(|next| merged.merge(next))
        })
        .map_err(fail)?;
    let names_proxy = names_proxy(&merged);
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(merged, &options)
        .await
        .map_err(fail)?;
    // Without one the client would take HTTPS_PROXY, whatever NO_PROXY says about the server.
    let proxy = config.proxy_url.clone().filter(|_| names_proxy);
    Ok((config, proxy))
}

/// Whether the cluster of the current context has a proxy of its own.
fn names_proxy(kubeconfig: &Kubeconfig) -> bool {
    let context = kubeconfig.current_context.as_ref().and_then(|current| {
        kubeconfig
            .contexts
            .iter()
            .find(|context| context.name == *current)?
            .context
            .as_ref()
    });
    let cluster = context.and_then(|context| {
        kubeconfig
            .clusters
            .iter()
            .find(|cluster| cluster.name == context.cluster)
    });
    cluster
        .and_then(|cluster| cluster.cluster.as_ref()?.proxy_url.as_ref())
        .is_some_and(|url| !url.is_empty())
}

/// The proxy that the environment names for a server, as `kubectl` has it: none for plain http,
/// the own machine, or what NO_PROXY lists.
fn environment_proxy(server: &Uri, environment: &Environment) -> Result<Option<Uri>, ConnectError> {
    let Environment {
        https_proxy,
        no_proxy,
        ..
    } = environment;
    let host = server.host().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let own = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    let matcher = Matcher::builder()
        .https(https_proxy.as_str())
        .no(no_proxy.as_str())
        .build();
    if own || server.scheme_str() != Some("https") || matcher.intercept(server).is_none() {
        return Ok(None);
    }
    let url = if https_proxy.contains("://") {
        https_proxy.clone()
    } else {
        format!("http://{https_proxy}")
    };
    let url = url.parse().map_err(|_| {
        ConnectError::Credentials(
            "HTTPS_PROXY is no URL; correct it, or name the server in NO_PROXY",
        )
    })?;
    Ok(Some(url))
}

/// What is wrong with credentials, without what a plugin has printed: that may be a token.
pub(crate) fn unauthenticated(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecRun { cmd, out } => {
            format!("the credential plugin ended with {}: {cmd}", out.status)
        }
        AuthError::AuthExecParse(_) => {
            "the credential plugin printed no ExecCredential in JSON".to_owned()
        }
        error => error.to_string(),
    }
}

fn client(mut config: Config, origin: &'static str) -> Result<Connection, ConnectError> {
    // Who embeds romulus may have chosen a provider already; then that one is used.
    drop(rustls::crypto::ring::default_provider().install_default());
    let url = config.cluster_url.clone();
    let token_file = config.auth_info.token_file.take();
    let token_file = token_file
        .map(|path| TokenFile::open(path.into()))
        .transpose()?;
    let builder = ClientBuilder::try_from(config).map_err(|source| ConnectError::Client {
        url: url.clone(),
        reason: match &source {
            kube::Error::Auth(error) => unauthenticated(error),
            error => error.to_string(),
        }
        .into(),
        way_out: "check --kube-ca-file and the credentials",
    })?;
    let client = match token_file {
        None => builder.build(),
        Some(file) => {
            let add = move |mut request: Request<Body>| {
                request.headers_mut().insert(AUTHORIZATION, file.header());
                request
            };
            builder.with_layer(&MapRequestLayer::new(add)).build()
        }
    };
    Ok(Connection {
        client,
        url,
        origin,
    })
}

/// A bearer token in a file that may be replaced at any time.
///
/// It is read anew for each request, of which there are few a minute. White space around the token
/// is no part of it; kube sends it as it is, and then every request fails.
#[derive(Debug, Clone)]
struct TokenFile {
    path: PathBuf,
    last: Arc<Mutex<HeaderValue>>,
}

impl TokenFile {
    fn open(path: PathBuf) -> Result<Self, ConnectError> {
        let what = "the token file";
        let token = read_secret(what, &path)?;
        let Some(header) = bearer(&token) else {
            let reason = "it has characters that no token has".to_owned();
            return Err(ConnectError::File { what, path, reason });
        };
        Ok(Self {
            path,
            last: Arc::new(Mutex::new(header)),
        })
    }

    fn header(&self) -> HeaderValue {
        let read = std::fs::read_to_string(&self.path);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match read.map(|text| bearer(text.trim())) {
            Ok(Some(header)) => *last = header,
            // While a file is being replaced, the last token is still good.
            Ok(None) => tracing::warn!(path = %self.path.display(), "no token in the token file"),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "cannot read the token file");
            }
        }
        last.clone()
    }
}

fn bearer(token: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    header.set_sensitive(true);
    (!token.is_empty()).then_some(header)
}

fn read_secret(what: &'static str, path: &Path) -> Result<String, ConnectError> {
    let fail = |reason| ConnectError::File {
        what,
        path: path.to_owned(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(fail("it is empty".to_owned()));
    }
    Ok(text.to_owned())
}

fn check_readable(what: &'static str, path: &Path) -> Result<(), ConnectError> {
    let fail = |reason| ConnectError::File {
        what,
        path: path.to_owned(),
        reason,
    };
    let text = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
    if !text
        .windows(27)
        .any(|window| window == b"-----BEGIN CERTIFICATE-----")
    {
        return Err(fail("there is no certificate (PEM) in it".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
#[path = "connect_tests.rs"]
mod tests;
