//! `romulusctl route`: whole outputs and exit codes.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by a panic"
)]

mod common;

use common::{API, Folder, Synced, WEB, run};
use serde_json::{Value, json};

const LIMITED: &str = r#"
apiVersion: v1
kind: Service
metadata:
  name: files
  namespace: shop
  annotations:
    romulus/host: www.example.com
    romulus/pathRegexp: ^/files/.*
    romulus/header: "X-Env: blue"
    romulus/middleware.limit: '{"Priority": 2, "Type": "connlimit", "Middleware": {"Connections": 5, "Variable": "client.ip"}}'
    romulus/middleware.auth: '{"Priority": 1, "Type": "auth", "Middleware": {}}'
spec:
  ports: [{port: 80}]
"#;

/// A dump file of these keys.
fn dump(keys: &[(&str, Value)]) -> String {
    let entry = |(key, value): &(&str, Value)| json!({"key": key, "value": value.to_string(), "revision": 7});
    let entries: Vec<Value> = keys.iter().map(entry).collect();
    json!({"revision": 9, "entries": entries}).to_string()
}

fn frontend(backend: &str, route: &str) -> Value {
    json!({"Type": "http", "BackendId": backend, "Route": route})
}

#[tokio::test]
async fn what_is_stored_answers() {
    let synced = Synced::with(&[("web.yaml", WEB), ("api.yaml", API)]).await;
    let mut told = String::new();
    for args in [
        &["http://www.example.com/"][..],
        &["https://WWW.example.com:443/api?x=1", "-X", "POST"],
        &["http://10.0.0.1/api", "-H", "Host: www.example.com"],
        &["other.example.com"],
        &["www.example.com/", "-o", "json"],
        &["www.example.com/", "--root", "/vulcand"],
    ] {
        told += &synced.run(&[&["route"], args].concat()).await;
    }
    told += "# manifests before they are applied\n";
    synced.folder.write("files.yaml", LIMITED);
    let asked = ["route", "www.example.com/files/a", "-H", "x-env: blue"];
    let allowed = ["--allow-middleware", "auth"];
    for args in [
        &[][..],
        &["-f", "files.yaml"],
        &["-f", "files.yaml", "--against", "etcd"],
    ] {
        told += &synced.run(&[&asked[..], &allowed, args].concat()).await;
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn what_vulcand_does_wrongly_is_told() {
    let backend = || json!({"Type": "http"});
    let keys = dump(&[
        ("vulcand/backends/a/backend", backend()),
        (
            "vulcand/backends/a/servers/1",
            json!({"URL": "http://10.0.0.1:80"}),
        ),
        ("vulcand/backends/a2/backend", backend()),
        (
            "vulcand/backends/a2/servers/1",
            json!({"URL": "http://10.0.0.2:80"}),
        ),
        ("vulcand/backends/empty/backend", backend()),
        (
            "vulcand/frontends/empty/frontend",
            frontend("empty", "Host(`empty.test`)"),
        ),
        (
            "vulcand/frontends/gone/frontend",
            frontend("gone", "Host(`empty.test`)"),
        ),
        (
            "vulcand/frontends/odd/frontend",
            frontend("a", "Host(`a`) || Host(`b`)"),
        ),
        ("vulcand/frontends/null/frontend", Value::Null),
        (
            "vulcand/frontends/path/frontend",
            frontend("a", "Host(`a`) && Path(`/x`)"),
        ),
        (
            "vulcand/frontends/method/frontend",
            frontend("a2", "Host(`b`) && Method(`GET`)"),
        ),
        (
            "vulcand/frontends/twice/frontend",
            frontend("a", "Host(`twice`)"),
        ),
        (
            "vulcand/frontends/twin/frontend",
            frontend("a2", "Host(`twice`)"),
        ),
        (
            "vulcand/frontends/twin/middlewares/b",
            json!({"Type": "connlimit", "Middleware": {"Connections": 1, "Variable": "client.ip"}}),
        ),
        (
            "vulcand/frontends/twin/middlewares/a",
            json!({"Type": "none", "Middleware": {}}),
        ),
        ("/vulcand/backends/a/backend", backend()),
        (
            "/vulcand/backends/a/servers/1",
            json!({"URL": "http://10.9.0.1:80"}),
        ),
        (
            "/vulcand/frontends/a/frontend",
            frontend("a", "PathRegexp(`.*`)"),
        ),
    ]);
    let folder = Folder::with(&[("odd.dump", &keys)]);
    let mut told = String::new();
    for url in ["a/x", "b/x", "twice", "empty.test"] {
        told += &run(&folder, &["route", url, "--from", "odd.dump"]).await;
    }
    let json = [
        "route", "twice", "--from", "odd.dump", "-o", "json", "--root", "vulcand",
    ];
    told += &run(&folder, &json).await;
    told += "# another tree\n";
    let both = [
        "route",
        "a/x",
        "--from",
        "odd.dump",
        "--vulcan-key",
        "/vulcand",
    ];
    told += &run(&folder, &both).await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn errors() {
    let other = r#"{"revision": 1, "prefixes": ["romulus/", "other/"], "entries": []}"#;
    let odd = "a: [1\nb: }";
    let folder = Folder::with(&[("web.yaml", WEB), ("odd.yaml", odd), ("other.dump", other)]);
    let mut told = String::new();
    for args in [
        &[][..],
        &["ftp://www.example.com/"],
        &["/api"],
        &["www.example.com/a b"],
        &["www.example.com/ü"],
        &["www.example.com", "-H", "no colon"],
        &["www.example.com", "-X", "GET /"],
        &["www.example.com", "--from", "nowhere.dump"],
        &["www.example.com", "--from", "web.yaml"],
        &["www.example.com", "--from", "x.dump", "-f", "web.yaml"],
        &[
            "www.example.com",
            "-f",
            "web.yaml",
            "--against",
            "nowhere.dump",
        ],
        &[
            "www.example.com",
            "-f",
            "web.yaml",
            "--against",
            "other.dump",
        ],
        &["www.example.com", "--from", "other.dump"],
        &["www.example.com", "--from", "other.dump", "--root", "x"],
        &["www.example.com", "-f", "nowhere.yaml"],
        &["www.example.com", "-f", "odd.yaml", "-f", "web.yaml"],
        &["www.example.com", "--root", "romulus"],
    ] {
        told += &run(&folder, &[&["route"], args].concat()).await;
    }
    insta::assert_snapshot!(told);
    let down = ["route", "www.example.com", "--etcd", "http://127.0.0.1:1"];
    let down = run(&folder, &[&down[..], &["--etcd-timeout", "500ms"]].concat()).await;
    assert!(
        down.contains("2> error: reading the store: etcd at http://127.0.0.1:1"),
        "{down}"
    );
    assert!(down.ends_with("=> 2\n\n"), "{down}");
    let args = ["--etcd-timeout", "500ms", "--debug-etcd"];
    let told = run(
        &folder,
        &[&["route", "h", "--etcd", "http://127.0.0.1:1"], &args[..]].concat(),
    )
    .await;
    let command = "etcdctl --endpoints='http://127.0.0.1:1' get --limit=1 -- 'romulus/'";
    assert!(told.contains(command), "{told}");
}
