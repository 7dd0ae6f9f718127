//! A `romulusd` process.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// How long anything may take on a busy machine before its test fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// Asks until the answer is `Ok`; the last `Err` says what was missing.
pub(crate) async fn eventually<T>(
    what: &str,
    mut probe: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match probe().await {
            Ok(found) => return found,
            Err(missing) => assert!(Instant::now() < deadline, "{what}: {missing}"),
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// The romulusd of this workspace; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    stdout: Pipe,
    stderr: Pipe,
}

/// How a romulusd ended.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// Fails unless this was the exit code; a signal is none.
    #[track_caller]
    pub(crate) fn exited(self, code: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "{}:\n{}",
            self.status,
            self.stderr
        );
        self
    }

    /// Fails unless each of these was logged.
    #[track_caller]
    pub(crate) fn logged(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(
                self.stderr.contains(text),
                "not logged: {text:?}\n{}",
                self.stderr
            );
        }
        self
    }
}

impl Daemon {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_with(&[], args)
    }

    /// Nothing but these variables is in its environment.
    pub(crate) fn start_with(variables: &[(&str, &str)], args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_romulusd"))
            .args(args)
            // Many at a time would fight for the default address.
            .args(
                ["--admin", "none"]
                    .iter()
                    .filter(|_| !args.contains(&"--admin")),
            )
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary runs");
        let stdout = Pipe::read(child.stdout.take().expect("piped"));
        let stderr = Pipe::read(child.stderr.take().expect("piped"));
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.stderr.so_far()
    }

    /// What it has printed so far.
    pub(crate) fn printed(&self) -> String {
        self.stdout.so_far()
    }

    /// Waits until a text is in the log.
    pub(crate) async fn logs(&self, text: &str) {
        self.logs_times(text, 1).await;
    }

    /// Waits until a text is in the log so many times.
    pub(crate) async fn logs_times(&self, text: &str, times: usize) {
        eventually(&format!("{times} times {text:?} in the log"), async || {
            let log = self.log();
            if log.matches(text).count() >= times {
                Ok(())
            } else {
                Err(log)
            }
        })
        .await;
    }

    /// Waits until a text is printed.
    pub(crate) async fn prints(&self, text: &str) {
        eventually(&format!("{text:?} printed"), async || {
            let printed = self.printed();
            if printed.contains(text) {
                Ok(())
            } else {
                Err(printed + &self.log())
            }
        })
        .await;
    }

    /// How much memory it takes now, and has taken at most so far, in KiB.
    pub(crate) fn memory(&self) -> (usize, usize) {
        let status = self.of_process("status");
        let field = |name| {
            let value = status.lines().find_map(|line| line.strip_prefix(name));
            let value = value.and_then(|value| value.trim().strip_suffix(" kB"));
            value
                .and_then(|value| value.parse().ok())
                .expect("a number")
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// A file that the system keeps about it, as in `/proc/<pid>/status`.
    pub(crate) fn of_process(&self, file: &str) -> String {
        let pid = self.child.id().expect("it runs");
        std::fs::read_to_string(format!("/proc/{pid}/{file}")).expect("Linux")
    }

    /// Sends a signal, as in `kill -TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let status = std::process::Command::new("kill")
            .args([name, &pid])
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "kill {name} {pid}"
        );
    }

    /// Waits for its end.
    pub(crate) async fn finish(mut self) -> Finished {
        let status = match timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => status.expect("the process is ours to wait for"),
            Err(_) => panic!("romulusd still runs:\n{}", self.log()),
        };
        let (stdout, stderr) = (self.stdout.all().await, self.stderr.all().await);
        Finished {
            status,
            stdout,
            stderr,
        }
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(self) -> Finished {
        self.signal("-TERM");
        self.finish().await.exited(0)
    }
}

/// What comes out of a process.
struct Pipe {
    text: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Pipe {
    fn read(mut from: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let into = text.clone();
        let reader = tokio::spawn(async move {
            let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
            while let Ok(read @ 1..) = from.read(&mut part).await {
                bytes.extend_from_slice(&part[..read]);
                *into.lock().unwrap() = String::from_utf8_lossy(&bytes).into_owned();
            }
        });
        Self { text, reader }
    }

    fn so_far(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    async fn all(self) -> String {
        self.reader.await.expect("reading does not fail");
        self.text.lock().unwrap().clone()
    }
}
