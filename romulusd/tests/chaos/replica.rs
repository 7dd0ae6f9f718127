use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A romulusd that can be killed and started again; its log is kept in a file.
pub(crate) struct Replica {
    args: Vec<String>,
    log: PathBuf,
    _folder: tempfile::TempDir,
    child: Child,
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Replica {
    pub(crate) fn start(kube: &str, etcd: &str, number: usize) -> Self {
        let flags = [
            "--kube",
            kube,
            "--etcd",
            etcd,
            "--admin",
            "none",
            "--lease-ttl",
            "2s",
            "--etcd-timeout",
            "1s",
            "--settle",
            "50ms",
            "--heartbeat",
            "1s",
            "--max-delete-percent",
            "100",
            "--log-level",
            "debug",
        ];
        let args: Vec<String> = flags.map(str::to_owned).into();
        let folder = tempfile::tempdir().expect("a folder for logs");
        let log = folder.path().join(format!("romulusd-{number}.log"));
        let child = spawn(&args, &log);
        Self {
            args,
            log,
            _folder: folder,
            child,
        }
    }

    pub(crate) fn kill(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn restart(&mut self) {
        self.kill();
        self.child = spawn(&self.args, &self.log);
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args([name, &pid]).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "kill {name} {pid}"
        );
    }

    /// The last lines it has logged.
    pub(crate) fn log(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

fn spawn(args: &[String], log: &PathBuf) -> Child {
    let log = File::options().create(true).append(true).open(log);
    Command::new(env!("CARGO_BIN_EXE_romulusd"))
        .args(args)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.expect("a log"))
        .spawn()
        .expect("the binary runs")
}
