//! `romulusctl render`: the whole tree that is wanted.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "tests fail by a panic"
)]

mod common;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use common::{API, Folder, Synced, WEB, command, run, text};
use serde_json::json;
use tokio::process::Command;

/// A Service of another tree, with a middleware.
const GREEN: &str = r#"
apiVersion: v1
kind: Service
metadata:
  name: green
  namespace: shop
  labels: {romulus/vulcanKey: /green}
  annotations:
    romulus/host: green.example.com
    romulus/middleware.limit: '{"Type":"connlimit","Middleware":{"Connections":9,"Variable":"client.ip"}}'
spec:
  ports: [{port: 80}]
"#;

#[tokio::test]
async fn every_form() {
    let folder = Folder::with(&[("web.yaml", WEB), ("api.yaml", API), ("green.yaml", GREEN)]);
    let mut told = String::new();
    for output in [
        &[][..],
        &["--records"],
        &["-o", "json"],
        &["-o", "yaml"],
        &["-o", "etcdctl"],
    ] {
        told += &run(&folder, &[&["render", "-f", "."], output].concat()).await;
    }
    told += "# nothing is published\n";
    told += &run(&folder, &["render", "-f", ".", "-s", "type=external"]).await;
    told += "# what is asked for and not in it\n";
    folder.write("web.yaml", &WEB.replace("\"4s\"", "\"soon\""));
    told += &run(&folder, &["render", "-f", "web.yaml"]).await;
    told += &run(
        &folder,
        &[
            "render",
            "-f",
            "web.yaml",
            "-f",
            "nowhere.yaml",
            "-o",
            "json",
        ],
    )
    .await;
    insta::assert_snapshot!(told);
}

/// An `etcdctl` that writes down what it is to put: key and value, each ended by a NUL.
const ETCDCTL: &str = r#"#!/bin/sh
set -eu
test "$ETCDCTL_API $1 $2" = "3 put --"
printf '%s\0' "$3" >> "$RECORD"
if [ $# -eq 4 ]; then printf '%s' "$4"; else cat; fi >> "$RECORD"
printf '\0' >> "$RECORD"
"#;

/// What a script puts, in its order.
async fn puts(folder: &Folder, script: &str) -> Vec<(String, String)> {
    let tool = tempfile::tempdir().unwrap();
    let etcdctl = tool.path().join("etcdctl");
    std::fs::write(&etcdctl, ETCDCTL).unwrap();
    std::fs::set_permissions(&etcdctl, PermissionsExt::from_mode(0o755)).unwrap();
    let record = tool.path().join("record");
    folder.write("put.sh", script);
    let path = format!(
        "{}:{}",
        tool.path().display(),
        std::env::var("PATH").unwrap()
    );
    let output = Command::new("sh")
        .arg("put.sh")
        .current_dir(folder.path())
        .env("PATH", path)
        .env("RECORD", &record)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let record = text(std::fs::read(record).unwrap());
    let words: Vec<&str> = record.split_terminator('\0').collect();
    let pair = |pair: &[&str]| (pair[0].to_owned(), pair[1].to_owned());
    words.chunks(2).map(pair).collect()
}

async fn script(folder: &Folder, args: &[&str]) -> String {
    let args = [&["render", "-f", ".", "-o", "etcdctl"], args].concat();
    let output = command(folder.path(), &args).output().await.unwrap();
    assert_eq!(
        (output.status.code(), text(output.stderr)),
        (Some(0), String::new())
    );
    text(output.stdout)
}

#[tokio::test]
async fn running_the_script_gives_the_same_tree_as_romulusd() {
    let long = "x".repeat(150_000);
    let hostile = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "hostile", "namespace": "shop", "annotations": {
            "romulus/path": "/it's; $(touch pwned) `touch pwned` \"a\\b\" \\ -- & ü \u{1F600}/<x>",
            "romulus/header": "X-A: a\tb\nc",
            "romulus/middleware.-e 'x'\"\\$y": json!({"Type": "rewrite", "Middleware": {
                "Regexp": "^http://it's/\\d+$", "Replacement": "!!'\"'\"'\n\r\t%s%%\\"}, "Priority": 1}).to_string(),
            "romulus/middleware.long": json!({"Type": "rewrite", "Middleware": {
                "Regexp": "a", "Replacement": long}, "Priority": 2}).to_string(),
        }},
        "spec": {"ports": [{"port": 80}]},
    });
    let files = [("web.yaml", WEB), ("hostile.json", &hostile.to_string())];
    let synced = Synced::with(&files).await;
    let stored = synced.stored().await.entries;
    let stored: BTreeMap<String, String> = stored
        .into_iter()
        .map(|(key, entry)| (key, entry.value))
        .collect();
    assert!(stored.len() > 8, "{stored:?}");

    let mut records = puts(
        &synced.folder,
        &script(&synced.folder, &["--records"]).await,
    )
    .await;
    // Which cluster an owner speaks for is nothing that manifests ask for.
    records.push(("romulus/owners/default/scope".into(), "manifests".into()));
    assert_eq!(records.into_iter().collect::<BTreeMap<_, _>>(), stored);

    let tree = puts(&synced.folder, &script(&synced.folder, &[]).await).await;
    let keys: Vec<&str> = tree.iter().map(|(key, _)| key.as_str()).collect();
    let place = |key: &str| keys.iter().position(|other| *other == key).expect(key);
    assert!(
        place("vulcand/backends/web.shop/backend") < place("vulcand/frontends/web.shop/frontend"),
        "a frontend before its backend would be lost: {keys:?}"
    );
    let in_tree = |(key, _): &(String, String)| !key.starts_with("romulus/");
    let wanted: BTreeMap<String, String> = stored.into_iter().filter(in_tree).collect();
    assert_eq!(tree.into_iter().collect::<BTreeMap<_, _>>(), wanted);
    assert!(!synced.folder.path().join("pwned").exists());
}

#[tokio::test]
async fn a_root_that_looks_like_a_flag() {
    let folder = Folder::with(&[("web.yaml", WEB)]);
    let script = script(&folder, &["--vulcan-key=-e;x"]).await;
    let tree = puts(&folder, &script).await;
    assert_eq!(tree.len(), 4);
    assert!(
        tree.iter().all(|(key, _)| key.starts_with("-e;x/")),
        "{tree:?}"
    );
}
