//! `romulusctl lint` as an author of manifests or a CI job runs it.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by a panic"
)]

mod common;

use std::process::Stdio;

use common::{Folder, Synced, command, put, run, text, told};
use romulus_kube::testing::{ApiStub, service};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

/// Mistakes in every style that YAML has for texts.
const WRONG: &str = r#"apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  annotations:
    romulus/hots: www.example.com
    romulus/host: 'www.exämple.com/it''s'
    romulus/path.wbe: /x
    romulus/path_regexp: ^/a
    romulus/pathRegexp: ^/a
    romulus/backendSettings: '{"KeepAlive": {"MaxIdleConnsPerHost": 128, "Period": "4sec"}}'
    romulus/frontendSettings: |
      {
        "FailoverPredicate": "IsNetworkError() && Attempt() < 2",
        "Limits": {"MaxBodyBytes": -1}
      } }
    romulus/middleware.auth: "{\"Priority\": 1, \"Type\": \"conlimit\", \"Middleware\": {}}"
spec:
  ports: [{port: 80, name: web}]
---
apiVersion: v1
kind: Service
metadata:
  name: api
  namespace: shop
  annotations:
    romulus/host: api.example.com
    romulus/pathRegexp: "^/\u0061\t(pi"
    romulus/backendSettings: >-
      {"KeepAlive":

      }}
    romulus/middleware.a: '{"Priority": 1, "Type": "connlimit", "Middleware": {"Connections": 5, "Variable": "client.ip"}}'
    romulus/middleware.b: '{"Priority": 1, "Type": "connlimit", "Middleware": {"Connections": 5, "Variable": "client.ip"}}'
spec:
  ports: [{port: 80}, {port: 81, protocol: UDP, name: dns}]
"#;

/// Nothing is wrong with any one of these.
const TOGETHER: &str = r#"apiVersion: v1
kind: Service
metadata: {name: web, namespace: prod, annotations: {romulus/host: www.example.com}}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: prod-eu, annotations: {romulus/host: www.example.com}}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata:
  name: any
  namespace: prod
  labels: {romulus/vulcanKey: vulcand}
  annotations:
    romulus/hostRegexp: '.*\.example\.com'
spec: {ports: [{port: 80, name: http}, {port: 81, name: admin}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: any-1, namespace: prod, labels: {kubernetes.io/service-name: any}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.300]}]
ports: [{port: 8080, name: web}, {port: 8081, name: admin}]
---
apiVersion: v1
kind: Service
metadata:
  name: blue
  labels: {romulus/vulcanKey: vulcand-test}
  annotations: {romulus/host: x.example.com, romulus/backend: green}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: green, labels: {romulus/vulcanKey: vulcand-test}, annotations: {romulus/dialTimeout: 2s}}
spec: {ports: [{port: 80}]}
"#;

const FINE: &str = r#"{"kind": "Service", "metadata": {"name": "fine", "annotations": {"romulus/host": "a"}},
 "spec": {"ports": [{"port": 80}]}}"#;

async fn lint(folder: &Folder, args: &[&str]) -> String {
    run(folder, &[&["lint"][..], args].concat()).await
}

fn folder() -> Folder {
    Folder::with(&[
        ("wrong.yaml", WRONG),
        ("together.yaml", TOGETHER),
        ("fine.json", FINE),
        ("broken.yaml", "kind: Service\nmetadata: {name: [\n"),
        (
            "field.yaml",
            "kind: Service\nmetadata: {name: x}\nspec: {ports: [{port: \"http\"}]}\n",
        ),
    ])
}

#[tokio::test]
async fn every_mistake_is_underlined_where_it_is() {
    let folder = folder();
    insta::assert_snapshot!(lint(&folder, &["-f", "wrong.yaml"]).await);
}

#[tokio::test]
async fn what_only_shows_together() {
    let folder = folder();
    insta::assert_snapshot!(lint(&folder, &["-f", "together.yaml"]).await);
}

#[tokio::test]
async fn what_can_not_be_read() {
    let folder = folder();
    let mut told = String::new();
    for args in [
        &["-f", "broken.yaml", "-f", "field.yaml"][..],
        &["-f", "fine.json", "-f", "fine.json"],
        &["-f", "nowhere.yaml"],
        &["-f", "nowhere.yaml", "-o", "json"],
        &["-f", "fine.json", "--against", "nowhere.dump"],
        &["-f", "fine.json", "--deny", "errors"],
    ] {
        told += &lint(&folder, args).await;
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn exit_codes() {
    let folder = Folder::with(&[
        ("fine.json", FINE),
        (
            "warn.json",
            &FINE.replace("romulus/host\"", "romulus/host\": \"a\", \"romulus/hots\""),
        ),
        ("wrong.yaml", WRONG),
        ("broken.yaml", "kind: ["),
    ]);
    for (args, code) in [
        (&["-f", "fine.json"][..], 0),
        (&["-f", "fine.json", "--deny", "warnings"], 0),
        (&["-f", "warn.json"], 0),
        (&["-f", "warn.json", "--deny", "warnings"], 1),
        (&["-f", "wrong.yaml"], 1),
        (&["-f", "wrong.yaml", "-f", "broken.yaml"], 2),
    ] {
        let told = lint(&folder, args).await;
        assert!(told.ends_with(&format!("=> {code}\n\n")), "{told}");
    }
}

#[tokio::test]
async fn formats_for_programs() {
    let folder = folder();
    for (output, file) in [
        ("json", "together.yaml"),
        ("github", "wrong.yaml"),
        ("sarif", "wrong.yaml"),
    ] {
        let told = lint(&folder, &["-f", file, "-f", "broken.yaml", "-o", output]).await;
        let told = told.replace(env!("CARGO_PKG_VERSION"), "VERSION");
        insta::assert_snapshot!(format!("output_{output}"), told);
    }
}

#[tokio::test]
async fn names_of_files_are_escaped_in_every_format() {
    let folder = Folder::with(&[("a,b:c %1.yaml", "kind: Service\nmetadata: [\n")]);
    for (output, expected) in [
        ("github", "::error file=a%2Cb%3Ac %251.yaml,line=2,"),
        ("sarif", "\"uri\": \"a%2Cb%3Ac%20%251.yaml\""),
        ("json", "\"file\": \"a,b:c %1.yaml\""),
    ] {
        let told = lint(&folder, &["-f", "a,b:c %1.yaml", "-o", output]).await;
        assert!(told.contains(expected), "{told}");
    }
}

#[tokio::test]
async fn the_standard_input_and_a_reader_that_goes_away() {
    let folder = folder();
    let args = ["lint", "-f", "-"];
    let lint = async |text: &str, reads: bool| {
        let mut child = command(folder.path(), &args)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        if !reads {
            drop(child.stdout.take());
        }
        stdin.write_all(text.as_bytes()).await.unwrap();
        drop(stdin);
        child.wait_with_output().await.unwrap()
    };
    insta::assert_snapshot!(told(&args, lint(FINE, true).await));
    let output = lint(WRONG, false).await;
    assert_eq!(
        (output.status.code(), text(output.stderr)),
        (Some(0), String::new())
    );
}

#[tokio::test]
async fn however_a_file_is_written() {
    let items = |number: usize| {
        let host = if number == 90 {
            "a/b".to_owned()
        } else {
            format!("h{number}")
        };
        json!({"kind": "Service", "metadata": {"name": format!("web{number}"),
            "annotations": {"romulus/host": host}}, "spec": {"ports": [{"port": 80}]}})
    };
    let one_line = json!({"kind": "List", "items": (0..100).map(items).collect::<Vec<_>>()});
    let windows = WRONG.split("---").next().unwrap().replace('\n', "\r\n");
    let folder = Folder::with(&[
        ("one-line.json", &one_line.to_string()),
        ("windows.yaml", &windows),
        (
            "alias.yaml",
            "\u{feff}kind: Service\nmetadata:\n  name: web\n  annotations:\n    note: &x '{\"Timeouts\": \
             {\"Dial\": \"2x\"}}'\n    romulus/backendSettings: *x\n    <<: {romulus/host: a/b}\n    \
             romulus/readTimeout: 'it''s\n      long'\nspec: {ports: [{port: 80}]}\n",
        ),
    ]);
    let mut told = String::new();
    for file in ["one-line.json", "windows.yaml", "alias.yaml"] {
        told += &lint(&folder, &["-f", file]).await;
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn against_what_is_stored() {
    let web = common::WEB.replace("romulus/host: www.example.com", "romulus/path: /x");
    let synced = Synced::with(&[("web.yaml", common::WEB)]).await;
    let route = json!({"Id": "f", "Type": "http", "BackendId": "f", "Route": "Host(`b.test`) && Method(`GET`)"});
    put(
        &synced,
        "vulcand/backends/f/backend",
        r#"{"Id":"f","Type":"http"}"#,
    )
    .await;
    put(&synced, "vulcand/frontends/f/frontend", &route.to_string()).await;
    let mut told = synced
        .run(&["lint", "-f", "web.yaml", "--against", "etcd"])
        .await;
    let host_and_path = web.replace(
        "romulus/path: /x",
        "romulus/host: a.test\n    romulus/path: /x",
    );
    synced.folder.write("web.yaml", &host_and_path);
    told += &synced
        .run(&["lint", "-f", "web.yaml", "--against", "etcd"])
        .await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn a_live_cluster() {
    let api = ApiStub::new();
    let server = api.serve().await;
    let url = server.url();
    let settings = r#"{"KeepAlive": {"Period": "4sec"}}"#;
    let annotations =
        json!({"romulus/hots": "x", "romulus/host": "a.test", "romulus/backendSettings": settings});
    api.apply(&service("shop", "web", &annotations));
    let folder = Folder::with(&[]);
    let mut told = String::new();
    for output in ["text", "github", "json"] {
        told += &lint(&folder, &["--kube", &url, "-o", output]).await;
    }
    insta::assert_snapshot!(told.replace(&url, "API"));
}

#[tokio::test]
async fn a_manifest_of_30_megabytes() {
    let service = |number: usize| {
        let filler = "x".repeat(10_000);
        let annotations = json!({"romulus/host": format!("h{number}.test"), "filler": filler});
        json!({"kind": "Service", "apiVersion": "v1", "spec": {"ports": [{"port": 80}]},
            "metadata": {"name": format!("web{number}"), "annotations": annotations}})
    };
    let items: Vec<Value> = (0..3_000).map(service).collect();
    let mut list = serde_json::to_string_pretty(&json!({"kind": "List", "items": items})).unwrap();
    assert!(list.len() > 30_000_000, "{}", list.len());
    let last = list.rfind("romulus/host").unwrap();
    list.replace_range(last..last + 12, "romulus/hots");
    let folder = Folder::with(&[("big.json", &list)]);
    let told = lint(&folder, &["-f", "big.json"]).await;
    insta::assert_snapshot!(told);
}
