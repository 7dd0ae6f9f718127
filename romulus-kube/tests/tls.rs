//! An API server behind https, verified with `--kube-ca-file`.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which stop at once")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use romulus_kube::testing::ApiStub;
use romulus_kube::{KubeArgs, cluster_scope};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// Takes TLS off in front of a server; returns its address and writes its certificate, which
/// is its own authority.
async fn terminate(backend: String, certificate_file: &Path) -> (String, JoinHandle<()>) {
    terminate_for(backend, certificate_file, None).await
}

/// The same, for clients with a certificate that this one has signed.
async fn terminate_for(
    backend: String,
    certificate_file: &Path,
    clients: Option<CertificateDer<'static>>,
) -> (String, JoinHandle<()>) {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(certificate_file, key.cert.pem()).unwrap();
    let private = PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = match clients {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut authorities = RootCertStore::empty();
            authorities.add(authority).unwrap();
            let builder = WebPkiClientVerifier::builder_with_provider(authorities.into(), provider);
            config.with_client_cert_verifier(builder.build().unwrap())
        }
    };
    let config = config
        .with_single_cert(vec![key.cert.der().clone()], private)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust the certificate hangs up here.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut backend = TcpStream::connect(&backend).await.unwrap();
            drop(copy_bidirectional(&mut stream, &mut backend).await);
        }
    });
    (url, task)
}

async fn scope(args: KubeArgs) -> Result<String, String> {
    let connection = args.connect().await.map_err(|error| error.to_string())?;
    cluster_scope(&connection.client)
        .await
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn https_is_verified_unless_told_otherwise() {
    let stub = ApiStub::new();
    let server = stub.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let (ours, other) = (
        folder.path().join("ours.pem"),
        folder.path().join("other.pem"),
    );
    let backend = server.url().trim_start_matches("http://").to_owned();
    let (url, task) = terminate(backend.clone(), &ours).await;
    let (_, other_task) = terminate(backend, &other).await;
    let with = |kube_ca_file: Option<PathBuf>, kube_insecure| KubeArgs {
        kube: Some(url.clone()),
        kube_ca_file,
        kube_insecure,
        ..KubeArgs::default()
    };
    let uid = stub.cluster_uid();
    assert_eq!(scope(with(Some(ours), false)).await, Ok(uid.clone()));
    assert_eq!(scope(with(None, true)).await, Ok(uid));
    let error = scope(with(Some(other), false)).await.unwrap_err();
    assert!(error.contains("invalid peer certificate"), "{error}");
    assert!(error.ends_with("with --kube-ca-file"), "{error}");
    task.abort();
    other_task.abort();
}

/// A proxy that leads every host to this address; returns its URL, and the hosts that were asked for.
async fn proxy(to: String) -> (String, Arc<Mutex<Vec<String>>>, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let hosts = asked.clone();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let host = head.split(' ').nth(1).unwrap().to_owned();
            assert!(head.starts_with("CONNECT "), "{head}");
            hosts.lock().unwrap().push(host);
            let mut server = TcpStream::connect(&to).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            drop(copy_bidirectional(&mut stream, &mut server).await);
        }
    });
    (url, asked, task)
}

/// A host that nobody but the proxy knows.
#[tokio::test]
async fn a_proxy_leads_to_the_server_and_its_certificate_is_checked_through_it() {
    let stub = ApiStub::new();
    let server = stub.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let backend = server.url().trim_start_matches("http://").to_owned();
    let (url, task) = terminate(backend, &file("ca.pem")).await;
    let to = url.replace("https://localhost", "127.0.0.1");
    let (proxy, asked, proxy_task) = proxy(to).await;
    let through = |host: &str| {
        let text = format!(
            "current-context: c\ncontexts: [{{name: c, context: {{cluster: k}}}}]\n\
             clusters: [{{name: k, cluster: {{server: 'https://{host}:6443', proxy-url: '{proxy}', \
             tls-server-name: localhost, certificate-authority: ca.pem}}}}]\n"
        );
        std::fs::write(file("kubeconfig"), text).unwrap();
        KubeArgs {
            kubecfg: Some(file("kubeconfig")),
            ..KubeArgs::default()
        }
    };
    let reached = scope(through("api.example.test")).await;
    assert_eq!(reached, Ok(stub.cluster_uid()));
    assert_eq!(*asked.lock().unwrap(), ["api.example.test:6443"]);
    task.abort();
    proxy_task.abort();
}

#[tokio::test]
async fn a_kubeconfig_shows_its_client_certificate() {
    let stub = ApiStub::new();
    let server = stub.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    // It is its own authority.
    let client = rcgen::generate_simple_self_signed(["romulus".to_owned()]).unwrap();
    std::fs::write(file("client.pem"), client.cert.pem()).unwrap();
    std::fs::write(file("client.key"), client.signing_key.serialize_pem()).unwrap();
    let backend = server.url().trim_start_matches("http://").to_owned();
    let authority = Some(client.cert.der().clone());
    let (url, task) = terminate_for(backend, &file("ca.pem"), authority).await;
    let with_user = |name: &str, user: &str| {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             contexts: [{{name: c, context: {{cluster: k, user: u}}}}]\n\
             clusters: [{{name: k, cluster: {{server: \"{url}\", certificate-authority: ca.pem}}}}]\n\
             users: [{{name: u, user: {user}}}]\n"
        );
        std::fs::write(file(name), text).unwrap();
        KubeArgs {
            kubecfg: Some(file(name)),
            ..KubeArgs::default()
        }
    };
    let shown = "{client-certificate: client.pem, client-key: client.key}";
    let uid = stub.cluster_uid();
    assert_eq!(scope(with_user("with.yaml", shown)).await, Ok(uid));
    let refused = scope(with_user("without.yaml", "{}")).await;
    assert!(refused.is_err(), "{refused:?}");
    task.abort();
}
