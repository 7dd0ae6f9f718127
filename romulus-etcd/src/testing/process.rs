//! A real etcd.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::Certificates;
use crate::{EtcdOptions, EtcdStore, Store as _, StoreError};

/// How long an etcd may take to get ready on a busy machine.
const READY: Duration = Duration::from_secs(60);

/// How often other ports are tried.
const ATTEMPTS: usize = 3;

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
    pub(super) connect: EtcdOptions,
    pub(super) data: TempDir,
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
        let [etcd] = Self::launch("http", options, |options| options).await;
        etcd
    }

    /// Starts a cluster of three.
    ///
    /// # Panics
    /// When there is no etcd, or they do not get ready.
    pub async fn start_cluster() -> [Self; 3] {
        Self::launch("http", &[], |options| options).await
    }

    /// Starts an etcd that speaks TLS alone, to clients with a certificate alone, with more options.
    ///
    /// # Panics
    /// When there is no etcd, or it does not get ready.
    pub async fn start_tls(certificates: &Certificates, options: &[&str]) -> Self {
        let files = [certificates.ca(), certificates.cert(), certificates.key()];
        let [ca_text, cert_text, key_text] =
            files.each_ref().map(|file| file.display().to_string());
        let tls = [
            ["--trusted-ca-file", &ca_text],
            ["--cert-file", &cert_text],
            ["--key-file", &key_text],
        ];
        let options = [tls.as_flattened(), &["--client-cert-auth"], options].concat();
        let [ca, cert, key] = files.map(|file| std::fs::read(file).expect("the file can be read"));
        let connect = |options: EtcdOptions| options.with_ca(&*ca).with_identity(&*cert, &*key);
        let [etcd] = Self::launch("https", &options, connect).await;
        etcd
    }

    /// Starts a cluster on ports that are free now, and on others where somebody was faster.
    async fn launch<const MEMBERS: usize>(
        scheme: &str,
        options: &[&str],
        connect: impl Fn(EtcdOptions) -> EtcdOptions,
    ) -> [Self; MEMBERS] {
        for _ in 0..ATTEMPTS {
            // All at once, so that they differ.
            let ports = [(); MEMBERS].map(|()| (free_port(), free_port()));
            let peers: Vec<_> = ports.iter().map(|(_, peer)| url("http", peer)).collect();
            let named: Vec<_> = peers
                .iter()
                .enumerate()
                .map(|(n, peer)| format!("m{n}={peer}"))
                .collect();
            let mut members: [Self; MEMBERS] = std::array::from_fn(|n| {
                let client = url(scheme, &ports[n].0);
                Self {
                    child: None,
                    connect: connect(EtcdOptions::new([&client]).expect("the endpoint is a URL")),
                    client,
                    peer: peers[n].clone(),
                    data: tempfile::tempdir().expect("a temporary folder"),
                    options: options.iter().map(|&option| option.to_owned()).collect(),
                }
            });
            for (n, member) in members.iter_mut().enumerate() {
                let cluster = [
                    "--name",
                    &format!("m{n}"),
                    "--initial-cluster",
                    &named.join(","),
                ];
                member.options.extend(cluster.map(str::to_owned));
            }
            drop(ports);
            members.iter_mut().for_each(Self::spawn);
            let mut ready = true;
            for member in &mut members {
                ready = ready && member.ready().await.is_ok();
            }
            if ready {
                return members;
            }
        }
        panic!("no etcd got ready in {ATTEMPTS} attempts");
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
        self.spawn();
        if let Err(why) = self.ready().await {
            panic!("{why}");
        }
    }

    fn spawn(&mut self) {
        let program = std::env::var("ETCD").unwrap_or_else(|_| "etcd".to_owned());
        let child = Command::new(&program)
            .args(["--log-level", "error", "--data-dir"])
            .arg(self.data.path().join("etcd"))
            .args(["--listen-client-urls", &self.client])
            .args(["--advertise-client-urls", &self.client])
            .args(["--listen-peer-urls", &self.peer])
            .args(["--initial-advertise-peer-urls", &self.peer])
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

    async fn ready(&mut self) -> Result<(), String> {
        let store = self.store();
        let deadline = Instant::now() + READY;
        loop {
            let answer = store.load(&[]).await;
            // First: it may be another's etcd that answers on the port ours could not get.
            let child = self.child.as_mut().expect("just started");
            if let Some(status) = child.try_wait().expect("the etcd is ours to ask") {
                return Err(format!("the etcd at {} ended: {status}", self.client));
            }
            let error = match answer {
                // One that wants to know who asks is up too.
                Ok(_) | Err(StoreError::Rejected { .. }) => return Ok(()),
                Err(error) => error,
            };
            if Instant::now() > deadline {
                return Err(format!("no etcd after {READY:?}: {error}"));
            }
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

fn url(scheme: &str, listener: &TcpListener) -> String {
    let address = listener
        .local_addr()
        .expect("a bound socket has an address");
    format!("{scheme}://{address}")
}
