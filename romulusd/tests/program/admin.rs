//! Probes and metrics, as a cluster and Prometheus ask for them.

use romulus_kube::testing::{Fault, On};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::cluster::{Setting, WEB};
use crate::daemon::{Daemon, eventually};

const ANY_PORT: [&str; 2] = ["--admin", "127.0.0.1:0"];

/// Where it serves, from its log.
async fn address(daemon: &Daemon) -> String {
    let said = "probes and metrics at http://";
    daemon.logs(said).await;
    let log = daemon.log();
    let address = log.split(said).nth(1).and_then(|rest| rest.lines().next());
    address.unwrap_or_default().to_owned()
}

/// Status and body of an answer.
async fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer of HTTP");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (status.expect("a status"), body.to_owned())
}

/// Waits for an answer.
async fn becomes(address: &str, path: &str, expected: (u16, &str)) {
    eventually(&format!("{path} is {expected:?}"), async || {
        let (status, body) = get(address, path).await;
        if (status, body.as_str()) == expected {
            return Ok(());
        }
        Err(format!("{status} {body}"))
    })
    .await;
}

/// The metrics by name and labels; every line is one, or a comment.
async fn metrics(address: &str) -> Vec<(String, f64)> {
    let (status, text) = get(address, "/metrics").await;
    assert_eq!(status, 200, "{text}");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            (name.to_owned(), value.parse().expect("a number"))
        })
        .collect()
}

async fn metric(address: &str, name: &str) -> Option<f64> {
    let all = metrics(address).await;
    all.into_iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
}

#[tokio::test]
async fn a_leader_is_ready_once_it_has_synced_and_says_what_is_missing() {
    let setting = Setting::with_web().await;
    setting.api.fail(On::Any, Fault::Status(503), usize::MAX);
    setting.etcd.pause();
    let daemon = setting.romulusd(&ANY_PORT);
    let address = address(&daemon).await;
    becomes(&address, "/livez", (200, "ok\n")).await;
    becomes(&address, "/healthz?verbose", (200, "[+]loop ok\n")).await;
    let unread = "[+]loop ok\n[-]sources failed: not everything was listed yet\n\
                  [-]store failed: not every tree was loaded yet\n[+]sync ok\n[+]shutdown ok\n";
    becomes(&address, "/readyz", (503, unread)).await;
    setting.api.heal();
    let unloaded = "[+]loop ok\n[+]sources ok\n\
                    [-]store failed: not every tree was loaded yet\n[+]sync ok\n[+]shutdown ok\n";
    becomes(&address, "/readyz", (503, unloaded)).await;
    setting.etcd.resume();
    becomes(&address, "/readyz", (200, "ok\n")).await;
    let all = "[+]loop ok\n[+]sources ok\n[+]store ok\n[+]sync ok\n[+]shutdown ok\n";
    becomes(&address, "/readyz?verbose", (200, all)).await;
    becomes(&address, "/elsewhere", (404, "/livez\n/readyz\n/metrics\n")).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_standby_is_ready() {
    let setting = Setting::with_web().await;
    let leader = setting.romulusd(&ANY_PORT);
    setting.keys.become_tree(WEB, &leader).await;
    let standby = setting.romulusd(&ANY_PORT);
    let (first, second) = (address(&leader).await, address(&standby).await);
    becomes(&second, "/readyz", (200, "ok\n")).await;
    assert_eq!(metric(&first, "romulus_leader").await, Some(1.));
    assert_eq!(metric(&second, "romulus_leader").await, Some(0.));
    standby.stop().await;
    leader.stop().await;
}

#[tokio::test]
async fn metrics_follow_what_happens_and_name_no_service() {
    let setting = Setting::with_web().await;
    let daemon = setting.romulusd(&ANY_PORT);
    setting.keys.become_tree(WEB, &daemon).await;
    daemon.logs("in step").await;
    let address = address(&daemon).await;
    assert_eq!(
        metric(&address, r#"romulus_keys{kind="server"}"#).await,
        Some(1.)
    );
    let writes = metric(&address, r#"romulus_writes_total{op="put"}"#).await;
    assert_eq!(metric(&address, "romulus_invalid_services").await, Some(0.));

    setting.publish(
        "web",
        &json!({"romulus/host": "www.example.com"}),
        &["10.0.0.1", "10.0.0.2"],
    );
    setting.publish(
        "bad",
        &json!({"romulus/host": "www.example.com"}),
        &["10.0.0.3"],
    );
    let conflict = r#"romulus_diagnostics{code="route-conflict"}"#;
    eventually("one more server, one conflict", async || {
        let found = [
            metric(&address, r#"romulus_keys{kind="server"}"#).await,
            metric(&address, r#"romulus_keys{kind="backend"}"#).await,
            metric(&address, conflict).await,
            metric(&address, "romulus_conflicts").await,
            metric(&address, "romulus_invalid_services").await,
        ];
        let expected = [3., 2., 1., 1., 1.].map(Some);
        if found == expected {
            Ok(())
        } else {
            Err(format!("{found:?}"))
        }
    })
    .await;
    assert!(metric(&address, r#"romulus_writes_total{op="put"}"#).await > writes);
    let (_, text) = get(&address, "/metrics").await;
    for secret in ["example", "shop", "bad", "10.0.0"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let names: Vec<&str> = text.lines().filter(|line| line.starts_with("# ")).collect();
    insta::assert_snapshot!(names.join("\n"));
    daemon.stop().await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_when_it_was_asked_for() {
    let setting = Setting::with_web().await;
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let daemon = setting.romulusd(&["--admin", &address]);
    let refused =
        format!("--admin {address} can't be listened on: choose another address, or none");
    daemon.finish().await.exited(2).logged(&[&refused]);
    let daemon = setting.romulusd(&["--admin", "somewhere"]);
    daemon
        .finish()
        .await
        .exited(2)
        .logged(&["write ADDRESS:PORT, like 0.0.0.0:6065, or `none`"]);
}
