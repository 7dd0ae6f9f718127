//! An API server behind https, verified with `--kube-ca-file`.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which stop at once")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use romulus_kube::testing::ApiStub;
use romulus_kube::{KubeArgs, cluster_scope};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Takes TLS off in front of a server; returns its address and writes its certificate, which
/// is its own authority.
async fn terminate(backend: String, certificate_file: &Path) -> (String, JoinHandle<()>) {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(certificate_file, key.cert.pem()).unwrap();
    let private = PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
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
