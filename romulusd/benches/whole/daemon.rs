//! A romulusd process, and what the kernel knows about it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use romulus_kube::testing::Server;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) struct Daemon {
    child: Child,
    lines: mpsc::UnboundedReceiver<(Instant, String)>,
    admin: String,
}

impl Daemon {
    pub(crate) async fn start(api: &Server, etcd: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_romulusd"))
            .args([
                "--kube",
                &api.url(),
                "--etcd",
                etcd,
                "--svc-selector",
                "type=external",
            ])
            .args(["--admin", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("romulusd runs");
        let stderr = child.stderr.take().expect("piped");
        let (sender, lines) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut read = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = read.next_line().await {
                if sender.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        let mut daemon = Self {
            child,
            lines,
            admin: String::new(),
        };
        let said = "probes and metrics at http://";
        let (_, line) = daemon.logs(said).await;
        daemon.admin = line
            .split(said)
            .nth(1)
            .expect("just seen")
            .trim()
            .to_owned();
        daemon
    }

    /// Waits until a text is logged; returns when, and the line.
    pub(crate) async fn logs(&mut self, text: &str) -> (Instant, String) {
        let found = async {
            loop {
                let (at, line) = self.lines.recv().await.expect("romulusd ended");
                if line.contains(text) {
                    return (at, line);
                }
            }
        };
        tokio::time::timeout(PATIENCE, found)
            .await
            .unwrap_or_else(|_| panic!("never logged: {text}"))
    }

    /// Waits until everything is in step; returns when.
    pub(crate) async fn in_step(&mut self) -> Instant {
        self.logs("in step: ").await.0
    }

    /// Waits until it could take over at once.
    pub(crate) async fn warm(&self) {
        loop {
            let mut stream = TcpStream::connect(&self.admin).await.expect("it listens");
            let request = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            stream
                .write_all(request.as_bytes())
                .await
                .expect("it reads");
            let mut answer = String::new();
            stream
                .read_to_string(&mut answer)
                .await
                .expect("it answers");
            if answer.starts_with("HTTP/1.1 200") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Tells it to stop and waits until it has.
    pub(crate) async fn stop(mut self) {
        let pid = self.pid().to_string();
        let told = Command::new("kill").arg(&pid).status().await;
        assert!(told.is_ok_and(|status| status.success()), "kill {pid}");
        self.child.wait().await.expect("it is ours to wait for");
    }

    /// Processor time so far, user and system.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = self.proc("stat");
        // The name, in parentheses, may hold anything.
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .expect("a line")
            .split_whitespace()
            .collect();
        let ticks: u64 = fields[11..13]
            .iter()
            .map(|field| field.parse::<u64>().expect("a number"))
            .sum();
        Duration::from_millis(ticks * 10)
    }

    /// Resident size now and at most, in MiB.
    pub(crate) fn memory(&self) -> (f64, f64) {
        let status = self.proc("status");
        let field = |name: &str| -> f64 {
            let line = status
                .lines()
                .find(|line| line.starts_with(name))
                .expect("a field of status");
            let kib = line.split_whitespace().nth(1).expect("a number");
            kib.parse::<f64>().expect("a number") / 1024.0
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// Begins to look for the largest resident size anew.
    pub(crate) fn reset_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.pid()), "5").expect("it is ours");
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.pid())).expect("it runs")
    }

    fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }
}
