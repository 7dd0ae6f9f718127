//! What the tests of all commands share: folders, programs run in them, and a synced etcd.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "tests fail by a panic, and none uses everything"
)]

pub(crate) mod http;
pub(crate) mod running;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use clap::Parser as _;
use romulus_core::plan::{Op, Transaction};
use romulus_core::stored::Snapshot;
use romulus_etcd::Store as _;
use romulus_etcd::testing::EtcdProcess;
use tempfile::TempDir;
use tokio::process::Command;

/// A Service with two servers, and one whose endpoints somebody else writes down.
pub(crate) const WEB: &str = r#"
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  annotations:
    romulus/host: www.example.com
    romulus/backendSettings: '{"KeepAlive": {"MaxIdleConnsPerHost": 128, "Period": "4s"}}'
spec:
  ports: [{port: 80}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: web-1
  namespace: shop
  labels: {kubernetes.io/service-name: web}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.2]}]
ports: [{port: 8080}]
"#;
pub(crate) const API: &str = r#"
apiVersion: v1
kind: Service
metadata:
  name: api
  namespace: shop
  annotations:
    romulus/host: www.example.com
    romulus/path: /api
    romulus/hots: typo.example.com
spec:
  ports: [{port: 80}]
"#;

/// A folder to run commands in.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.0.path().join(name)).unwrap();
    }
}

/// `romulusctl` with these arguments, in a folder.
pub(crate) fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_romulusctl"));
    command
        .args(args)
        .current_dir(folder)
        .env_clear()
        .kill_on_drop(true);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What a command printed and how it ended, as one text.
pub(crate) fn told(args: &[&str], output: Output) -> String {
    let code = output.status.code().expect("it ends by itself");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(
        !stdout.contains('\x1b') && !stderr.contains('\x1b'),
        "no colour in pipes"
    );
    let mut told = format!("$ romulusctl {}\n", args.join(" "));
    for line in stdout.lines() {
        writeln!(told, "{line}").unwrap();
    }
    for line in stderr.lines() {
        writeln!(told, "2> {line}").unwrap();
    }
    writeln!(told, "=> {code}\n").unwrap();
    told
}

pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

/// Runs a command in a folder.
pub(crate) async fn run(folder: &Folder, args: &[&str]) -> String {
    told(args, command(folder.path(), args).output().await.unwrap())
}

/// An etcd that romulusd has brought in step with manifests.
pub(crate) struct Synced {
    pub(crate) etcd: EtcdProcess,
    pub(crate) folder: Folder,
}

impl Synced {
    pub(crate) async fn with(files: &[(&str, &str)]) -> Self {
        let (etcd, folder) = (EtcdProcess::start().await, Folder::with(files));
        let path = folder.0.path().to_str().unwrap();
        let args = [
            "romulusd",
            "--once",
            "--owner-id",
            "default",
            "--manifests",
            path,
            "--etcd",
            etcd.endpoint(),
        ];
        let ended = romulusd::run(&romulusd::Args::parse_from(args))
            .await
            .unwrap();
        assert_eq!(ended, romulusd::Ended::Well);
        Self { etcd, folder }
    }

    /// Everything in etcd.
    pub(crate) async fn stored(&self) -> Snapshot {
        self.etcd.store().load(&[String::new()]).await.unwrap()
    }

    /// Runs a command, and fails if anything in etcd has changed by it.
    pub(crate) async fn run(&self, args: &[&str]) -> String {
        self.run_as(args, args).await
    }

    /// The same, where the arguments are told in another form.
    pub(crate) async fn run_as(&self, args: &[&str], shown: &[&str]) -> String {
        let before = self.stored().await;
        let args = [args, &["--etcd", self.etcd.endpoint()]].concat();
        let output = command(self.folder.0.path(), &args).output().await.unwrap();
        assert_eq!(
            self.stored().await,
            before,
            "romulusctl never writes: {args:?}"
        );
        told(shown, output)
    }
}

/// Somebody else puts a key.
pub(crate) async fn put(synced: &Synced, key: &str, value: &str) {
    let (key, value) = (key.into(), value.into());
    write(synced, Op::Put { key, value }).await;
}

/// Somebody else deletes a key.
pub(crate) async fn delete(synced: &Synced, key: &str) {
    write(synced, Op::Delete { key: key.into() }).await;
}

async fn write(synced: &Synced, op: Op) {
    let transaction = Transaction {
        guards: Vec::new(),
        ops: vec![op],
    };
    let store = synced.etcd.store();
    store.commit(&transaction, None).await.unwrap();
}
