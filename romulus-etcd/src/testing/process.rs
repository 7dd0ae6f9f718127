//! A real etcd.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{EtcdOptions, EtcdStore, Store as _, StoreError};

/// How long an etcd may take to get ready on a busy machine.
const READY: Duration = Duration::from_secs(60);

/// An etcd of its own on free ports of the loopback interface, with its data in a temporary
/// folder. It is killed when dropped.
///
/// The program is `etcd` on the `PATH`, or what the variable `ETCD` names. Where there is none,
/// tests fail and say how to get it; they are never skipped.
///
/// ```no_run
/// # async fn example() {
/// let mut etcd = romulus_etcd::testing::EtcdProcess::start().await;
/// println!("{}", etcd.endpoint());
/// etcd.stop();
/// etcd.restart().await; // the same ports, the same data
/// # }
/// ```
#[derive(Debug)]
pub struct EtcdProcess {
    child: Option<Child>,
    client: String,
    peer: String,
    connect: EtcdOptions,
    data: TempDir,
    options: Vec<String>,
}

impl EtcdProcess {
    /// Starts an etcd and waits until it answers.
    ///
    /// # Panics
    /// When there is no etcd, or it does not get ready.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts an etcd with more options.
    ///
    /// # Panics
    /// When there is no etcd, or it does not get ready.
    pub async fn start_with(options: &[&str]) -> Self {
        Self::launch("http", options, |options| options).await
    }

    /// Starts an etcd that speaks TLS alone, to clients with a certificate alone. The files are
    /// in PEM: the certificates of the authority, and a certificate for 127.0.0.1 with its key,
    /// which serves both ends here.
    ///
    /// # Panics
    /// When there is no etcd, or it does not get ready.
    pub async fn start_tls(ca: &Path, cert: &Path, key: &Path) -> Self {
        let [ca_text, cert_text, key_text] = [ca, cert, key].map(|file| file.display().to_string());
        let options = [
            ["--trusted-ca-file", &ca_text],
            ["--cert-file", &cert_text],
            ["--key-file", &key_text],
        ];
        let options = [options.as_flattened(), &["--client-cert-auth"]].concat();
        let read = |file| std::fs::read(file).expect("the file can be read");
        let (ca, cert, key) = (read(ca), read(cert), read(key));
        Self::launch("https", &options, |options| {
            options.with_ca(ca).with_identity(cert, key)
        })
        .await
    }

    async fn launch(
        scheme: &str,
        options: &[&str],
        connect: impl FnOnce(EtcdOptions) -> EtcdOptions,
    ) -> Self {
        // Both at once, so that they differ.
        let (client, peer) = (free_port(), free_port());
        let url = |scheme: &str, listener: &TcpListener| {
            let address = listener
                .local_addr()
                .expect("a bound socket has an address");
            format!("{scheme}://{address}")
        };
        let (client_url, peer_url) = (url(scheme, &client), url("http", &peer));
        let mut etcd = Self {
            child: None,
            connect: connect(EtcdOptions::new([&client_url]).expect("the endpoint is a URL")),
            client: client_url,
            peer: peer_url,
            data: tempfile::tempdir().expect("a temporary folder"),
            options: options.iter().map(|&option| option.to_owned()).collect(),
        };
        drop((client, peer));
        etcd.restart().await;
        etcd
    }

    /// Its URL.
    pub fn endpoint(&self) -> &str {
        &self.client
    }

    /// A store in it.
    pub fn store(&self) -> EtcdStore {
        EtcdStore::new(self.connect.clone())
    }

    /// Kills it, as a power cut does.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the etcd is ours to kill");
            child.wait().expect("the etcd is ours to wait for");
        }
    }

    /// Starts it again after [`stop`](Self::stop), on the same ports with the same data, and waits
    /// until it answers.
    ///
    /// # Panics
    /// When it does not get ready.
    pub async fn restart(&mut self) {
        self.stop();
        let program = std::env::var("ETCD").unwrap_or_else(|_| "etcd".to_owned());
        let child = Command::new(&program)
            .args(["--name", "romulus", "--log-level", "error", "--data-dir"])
            .arg(self.data.path().join("etcd"))
            .args([
                "--listen-client-urls",
                &self.client,
                "--advertise-client-urls",
                &self.client,
            ])
            .args([
                "--listen-peer-urls",
                &self.peer,
                "--initial-advertise-peer-urls",
                &self.peer,
            ])
            .args(["--initial-cluster", &format!("romulus={}", self.peer)])
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap_or_else(|error| {
            panic!(
                "can't run {program:?}: {error}. These tests need an etcd: `apt-get install \
                 etcd-server`, or name one in the variable ETCD"
            )
        }));
        self.ready().await;
    }

    /// Wipes its data and starts it again: a new cluster at revision 1 on the same ports.
    ///
    /// # Panics
    /// When it does not get ready.
    pub async fn restart_empty(&mut self) {
        self.stop();
        std::fs::remove_dir_all(self.data.path().join("etcd")).expect("the data can be removed");
        self.restart().await;
    }

    /// Stops its execution, so that connections stay open and silent, until
    /// [`resume`](Self::resume).
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().map(Child::id).expect("the etcd runs");
        let status = Command::new("kill")
            .args([signal, &pid.to_string()])
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "kill {signal} {pid}"
        );
    }

    async fn ready(&mut self) {
        let store = self.store();
        let deadline = Instant::now() + READY;
        loop {
            let error = match store.load(&[]).await {
                // One that wants to know who asks is up too.
                Ok(_) | Err(StoreError::Rejected { .. }) => return,
                Err(error) => error,
            };
            let child = self.child.as_mut().expect("just started");
            if let Some(status) = child.try_wait().expect("the etcd is ours to ask") {
                panic!("the etcd at {} ended: {status}", self.client);
            }
            assert!(
                Instant::now() < deadline,
                "no etcd after {READY:?}: {error}"
            );
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for EtcdProcess {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Nothing can be done about an etcd that can't be killed.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn free_port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a free port on the loopback interface")
}
