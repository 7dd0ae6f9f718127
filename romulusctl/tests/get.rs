//! `romulusctl get` and `romulusctl tree`: what is stored, whose it is, and whether it is wanted.
#![allow(clippy::unwrap_used, reason = "tests fail by a panic")]

mod common;

use common::{API, Folder, Synced, WEB, command, delete, put, run, text};
use romulus_kube::testing::ApiStub;
use serde_json::Value;

const LIMITED: &str = r#"
apiVersion: v1
kind: Service
metadata:
  name: limited
  namespace: shop
  labels: {romulus/vulcanKey: green}
  annotations:
    romulus/host: limited.example.com
    romulus/middleware.limit: '{"Type":"connlimit","Middleware":{"Connections":9,"Variable":"client.ip"},"Priority":3}'
    romulus/frontendSettings: '{"TrustForwardHeader": true}'
spec:
  ports: [{port: 80}]
"#;

async fn synced() -> Synced {
    let synced = Synced::with(&[
        ("web.yaml", WEB),
        ("api.yaml", API),
        ("limited.yaml", LIMITED),
    ]);
    let synced = synced.await;
    for (key, value) in [
        ("vulcand/backends/other/backend", r#"{"type": "http"}"#),
        (
            "vulcand/backends/other/servers/one",
            r#"{"url": "https://[::1]:9/x"}"#,
        ),
        ("vulcand/backends/other/servers/odd\u{1b}[2J", "[]"),
        (
            "vulcand/frontends/other/frontend",
            r#"{"type":"http","backendId":"other","route":"Path(\"\u001b\")"}"#,
        ),
        ("vulcand/frontends/broken/frontend", "null"),
        ("vulcand/frontends/broken/middlewares/m", r#"{"type": 1}"#),
        (
            "vulcand/frontends/headless/middlewares/m",
            r#"{"Type": "custom"}"#,
        ),
        ("vulcand/hosts/h/host", "{}"),
        ("vulcand/listeners/l", "{}"),
        ("vulcand/romulus/heartbeat", "1"),
    ] {
        put(&synced, key, value).await;
    }
    synced
}

/// Revisions depend on how romulusd cut its writes.
fn without_revisions(told: &str) -> String {
    let digits = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    let json = |line: &str| {
        let (before, after) = line.split_once("evision\": ")?;
        let comma = if after.ends_with(',') { "," } else { "" };
        Some(format!("{before}evision\": N{comma}"))
    };
    let yaml = |line: &str| {
        let (before, after) = line.split_once("evision: ")?;
        digits(after).then(|| format!("{before}evision: N"))
    };
    let lines = told
        .lines()
        .map(|line| json(line).or_else(|| yaml(line)).unwrap_or(line.into()));
    lines.map(|line| line + "\n").collect()
}

#[tokio::test]
async fn every_kind_and_form() {
    let synced = synced().await;
    let mut told = String::new();
    for args in [
        &["get"][..],
        &["get", "frontends"],
        &["get", "server"],
        &["get", "middlewares", "-o", "json"],
        &["get", "backends", "-o", "yaml"],
        &["tree"],
    ] {
        told += &synced.run(args).await;
    }
    told += "# from a dump\n";
    synced.run(&["dump", "at.dump"]).await;
    for args in [
        &["get", "middlewares", "--from", "at.dump"][..],
        &["tree", "--from", "at.dump"],
    ] {
        told += &run(&synced.folder, args).await;
    }
    insta::assert_snapshot!(without_revisions(&told));
}

#[tokio::test]
async fn wide_columns_hold_settings_and_revisions() {
    let synced = synced().await;
    let revision = |key: &str, stored: &romulus_core::stored::Snapshot| {
        stored.entries[key].revision.to_string()
    };
    let stored = synced.stored().await;
    let told = synced.run(&["get", "-o", "wide"]).await;
    let row = |start: &str| {
        let row = told
            .lines()
            .find(|line| line.split_whitespace().take(2).eq(start.split(' ')));
        row.unwrap()
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        row("vulcand web.shop"),
        [
            "vulcand",
            "web.shop",
            "2",
            "1",
            "shop/web",
            "default",
            &revision("vulcand/backends/web.shop/backend", &stored),
            r#"{"KeepAlive":{"MaxIdleConnsPerHost":128,"Period":"4s"}}"#,
        ]
    );
    let of_frontend = told
        .lines()
        .find(|line| line.contains("limited.example.com"))
        .unwrap();
    assert!(
        of_frontend.ends_with(r#"{"TrustForwardHeader":true}"#),
        "{of_frontend}"
    );
    assert!(
        told.contains(r#"{"Connections":9,"Variable":"client.ip"}"#),
        "{told}"
    );
}

#[tokio::test]
async fn drift() {
    let synced = synced().await;
    let mut told = String::from("# as it was synced\n");
    told += &synced.run(&["get", "backends", "-f", "."]).await;
    delete(&synced, "vulcand/backends/web.shop/servers/10.0.0.1").await;
    put(
        &synced,
        "vulcand/backends/web.shop/servers/10.9.9.9",
        r#"{"URL":"http://10.9.9.9:1"}"#,
    )
    .await;
    delete(&synced, "vulcand/frontends/web.shop/frontend").await;
    delete(&synced, "green/frontends/limited.shop/middlewares/limit").await;
    put(
        &synced,
        "vulcand/frontends/api.shop/frontend",
        r#"{"Type":"http","BackendId":"api.shop","Route":"Host(`drifted`)"}"#,
    )
    .await;
    told += "# others have changed it, and the files know one Service more\n";
    synced.folder.write(
        "new.yaml",
        &API.replace("name: api", "name: new").replace("www", "new"),
    );
    for args in [
        &["get", "-f", "."][..],
        &["tree", "-f", "."],
        &["get", "middlewares", "-f", ".", "-o", "json"],
    ] {
        told += &synced.run(args).await;
    }
    told += "# some of the files\n";
    told += &synced.run(&["get", "backends", "-f", "web.yaml"]).await;
    told += "# a file that can't be read\n";
    told += &synced
        .run(&["get", "backends", "-f", "web.yaml", "-f", "nowhere.yaml"])
        .await;
    insta::assert_snapshot!(without_revisions(&told));
}

#[tokio::test]
async fn a_live_cluster_tells_what_is_wanted() {
    let synced = Synced::with(&[("web.yaml", WEB), ("api.yaml", API)]).await;
    let api = ApiStub::new();
    let server = api.serve().await;
    let documents: Vec<Value> = serde_saphyr::from_multiple(WEB).unwrap();
    documents.iter().for_each(|object| api.apply(object));
    let url = server.url();
    let mut told = String::from("# without --drift the cluster is not asked\n");
    told += &synced
        .run_as(
            &["get", "frontends", "--kube", "http://127.0.0.1:1"],
            &["get", "frontends"],
        )
        .await;
    told += "# a Service that is gone\n";
    told += &synced
        .run_as(&["get", "--drift", "--kube", &url], &["get", "--drift"])
        .await;
    told += &synced
        .run_as(&["tree", "--drift", "--kube", &url], &["tree", "--drift"])
        .await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn nothing_and_errors() {
    let synced = Synced::with(&[]).await;
    synced.folder.write("web.yaml", WEB);
    let mut told = String::new();
    for args in [
        &["get"][..],
        &["get", "servers", "--vulcan-key", "/vulcand"],
        &["get", "-o", "yaml"],
        &["tree"],
        &["get", "pods"],
        &["get", "--from", "nowhere.dump"],
        &["tree", "--from", "web.yaml"],
    ] {
        told += &synced.run(args).await;
    }
    synced.run(&["dump", "at.dump"]).await;
    told += &synced
        .run(&[
            "get",
            "-f",
            "web.yaml",
            "--from",
            "at.dump",
            "--vulcan-key",
            "other",
        ])
        .await;
    insta::assert_snapshot!(without_revisions(&told));

    let folder = Folder::with(&[]);
    let nowhere = ["--etcd", "http://127.0.0.1:1", "--etcd-timeout", "500ms"];
    for of in ["get", "tree"] {
        let down = run(&folder, &[&[of], &nowhere[..]].concat()).await;
        assert!(
            down.contains("2> error: reading the store: etcd at http://127.0.0.1:1"),
            "{down}"
        );
        assert!(down.ends_with("=> 2\n\n"), "{down}");
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    let synced = Synced::with(&[("web.yaml", WEB)]).await;
    for args in [
        &["get"][..],
        &["tree"],
        &["dump"],
        &["render", "-f", "."],
        &["get", "-o", "yaml"],
    ] {
        let args = [args, &["--etcd", synced.etcd.endpoint()]].concat();
        let mut child = command(synced.folder.path(), &args).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(
            (output.status.code(), text(output.stderr)),
            (Some(0), String::new()),
            "{args:?}"
        );
    }
}
