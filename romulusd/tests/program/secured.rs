//! Certificates, users and passwords: what is enough, and what nobody is told.

use std::time::Duration;

use romulus_etcd::testing::{Certificates, EtcdProcess};
use serde_json::{Value, json};

use crate::cluster::{Setting, WEB};
use crate::daemon::Daemon;

const ETCD_PASSWORD: &str = "etcd-sesame";
const KUBE_PASSWORD: &str = "kube-sesame";
const USER_PASSWORD: &str = "user-sesame";

/// A cluster that wants a password and an etcd that wants a certificate and a password, whose tokens
/// live for a second.
struct Secured {
    setting: Setting,
    certificates: Certificates,
    folder: tempfile::TempDir,
}

impl Secured {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
        write("etcd", &format!("{ETCD_PASSWORD}\n")).unwrap();
        write("kube", &format!("{KUBE_PASSWORD}\n")).unwrap();
        write("wrong", "no-sesame").unwrap();
        write("token.key", &"k".repeat(32)).unwrap();
        let certificates = Certificates::new();
        let key = folder.path().join("token.key");
        let tokens = format!("jwt,priv-key={},sign-method=HS256,ttl=1s", key.display());
        let mut etcd = EtcdProcess::start_tls(&certificates, &["--auth-token", &tokens]).await;
        etcd.enable_users("romulus", ETCD_PASSWORD, &["romulus/", "vulcand/"])
            .await;
        let setting = Setting::on(etcd).await;
        // romulus:kube-sesame
        let basic = "Basic cm9tdWx1czprdWJlLXNlc2FtZQ==";
        setting.api.require_authorization(Some(basic));
        setting.publish_web();
        Self {
            setting,
            certificates,
            folder,
        }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// With the passwords in these files.
    fn romulusd(&self, etcd: &str, kube: &str, more: &[&str]) -> Daemon {
        let (etcd, kube) = (self.file(etcd), self.file(kube));
        let users = ["--etcd-user", "romulus", "--kube-user", "romulus"];
        let passwords = ["--etcd-pass-file", &etcd, "--kube-pass-file", &kube];
        let certificates = self.certificates.flags(true);
        let certificates: Vec<&str> = certificates.iter().map(String::as_str).collect();
        self.setting
            .romulusd(&[&users, &passwords, &certificates[..], more].concat())
    }
}

#[tokio::test]
async fn certificates_and_a_user_with_two_prefixes_are_enough() {
    let secured = Secured::new().await;
    let setting = &secured.setting;
    let daemon = secured.romulusd("etcd", "kube", &["--lease-ttl", "5s"]);
    setting.keys.become_tree(WEB, &daemon).await;
    // The token of the beginning has expired long since.
    let host = json!({"romulus/host": "www.example.com"});
    for n in 2..6 {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let address = format!("10.0.0.{n}");
        setting.publish("web", &host, &[&address]);
        let key = format!("vulcand/backends/web.shop/servers/{address}");
        let value = format!(r#"{{"URL":"http://{address}:8080"}}"#);
        setting.keys.become_value(&key, Some(&value), &daemon).await;
    }
    // A role that changes is told while it lasts.
    setting.etcd.revoke("vulcand/").await;
    setting.publish_web();
    daemon.logs("permission denied; grant the user").await;
    setting.etcd.grant("vulcand/").await;
    setting.keys.become_tree(WEB, &daemon).await;
    let log = daemon.stop().await.stderr;
    assert!(!log.contains("the leadership is lost"), "{log}");
}

/// The annotations of a Service with a middleware that has a password.
fn with_password(middleware: &str) -> Value {
    json!({"romulus/host": "h", "romulus/middleware.vault": middleware})
}

#[tokio::test]
async fn no_password_is_told_to_anybody() {
    let secured = Secured::new().await;
    let setting = &secured.setting;
    let all = ["--debug", "--debug-etcd", "--allow-middleware", "vault"];
    let daemon = secured.romulusd("etcd", "kube", &all);
    setting.keys.become_tree(WEB, &daemon).await;
    let middleware = |password: &str| {
        format!(
            r#"{{"Priority":1,"Type":"vault","Middleware":{{"Password":"{password}","Realm":"r"}}}}"#
        )
    };
    let ours = middleware(USER_PASSWORD);
    setting.publish("locked", &with_password(&ours), &[]);
    let key = "vulcand/frontends/locked.shop/middlewares/vault";
    setting.keys.become_value(key, Some(&ours), &daemon).await;
    // An edit war over it names both values.
    for _ in 0..3 {
        setting.keys.put(key, &middleware("their-sesame")).await;
        setting.keys.become_value(key, Some(&ours), &daemon).await;
    }
    daemon.logs("edit war over vulcand/frontends/locked").await;
    // What can't be read is quoted.
    setting.publish("held", &with_password(&ours.replace("},", "")), &[]);
    setting.publish("held", &with_password(&ours[..ours.len() - 2]), &[]);
    daemon.logs("[invalid-json]: Service shop/held").await;
    let command = daemon.of_process("cmdline");
    let log = daemon.stop().await.stderr;
    let mut told = vec![command, log];
    told.extend(setting.api.posted_events().iter().map(Value::to_string));
    assert!(told.len() > 2, "an Event was posted");

    // Passwords that are wrong, or sent to the wrong.
    for (etcd, kube, said) in [
        ("wrong", "kube", "refuses"),
        ("kube", "kube", "refuses"),
        ("etcd", "wrong", "answered 401"),
        ("etcd", "etcd", "answered 401"),
    ] {
        let more = ["--once", "--debug", "--debug-etcd"];
        let refused = secured.romulusd(etcd, kube, &more).finish().await;
        told.push(refused.exited(2).logged(&[said]).stderr);
    }
    for text in told {
        assert!(!text.contains("sesame"), "{text}");
    }
}
