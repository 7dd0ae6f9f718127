//! `romulusctl dump`: a file that stands for the store.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by a panic")]

mod common;

use common::{API, Folder, Synced, WEB, put};
use serde_json::Value;

/// A dump without its revisions, which depend on how romulusd cut its writes.
fn without_revisions(text: &str) -> String {
    let line = |line: &str| match line.split_once("\"revision\": ") {
        Some((before, rest)) => {
            let comma = if rest.ends_with(',') { "," } else { "" };
            format!("{before}\"revision\": N{comma}\n")
        }
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[tokio::test]
async fn a_dump_stands_for_the_store() {
    let other = API.replace(
        "name: api",
        "name: api\n  labels: {romulus/vulcanKey: green}",
    );
    let synced = Synced::with(&[("web.yaml", WEB), ("api.yaml", &other)]).await;
    put(&synced, "vulcand/hosts/h/host", "\"\u{1F600}\" \n\t\\").await;
    put(&synced, "unread/frontends/f/frontend", "{}").await;
    put(&synced, "vulcand2/frontends/f/frontend", "{}").await;
    let mut told = synced.run(&["dump"]).await;
    told += &synced.run(&["dump", "at.dump"]).await;
    let told_revision = format!("revision {}\n", synced.stored().await.revision);
    assert!(told.contains(&told_revision), "{told}");
    let mut told = told.replace(&told_revision, "revision N\n");

    let text = std::fs::read_to_string(synced.folder.path().join("at.dump")).unwrap();
    let dump: Value = serde_json::from_str(&text).unwrap();
    let stored = synced.stored().await;
    for entry in dump["entries"].as_array().unwrap() {
        let read = &stored.entries[entry["key"].as_str().unwrap()];
        assert_eq!(entry["value"], read.value.as_str());
        assert_eq!(entry["revision"], read.revision);
    }
    assert_eq!(dump["revision"], stored.revision);

    told += "# etcd is not asked where a file stands for it\n";
    let nowhere = ["--etcd", "http://127.0.0.1:1"];
    for args in [
        &["diff", "-f", ".", "--prune", "--against", "at.dump"][..],
        &[
            "diff",
            "-f",
            "web.yaml",
            "--against",
            "at.dump",
            "--vulcan-key",
            "vulcand2",
        ],
    ] {
        let args = [args, &nowhere].concat();
        told += &common::run(&synced.folder, &args).await;
    }
    told += "# a tree of others is read where it is named\n";
    let args = [
        "dump",
        "--vulcan-key",
        "unread",
        "--vulcan-key",
        "vulcand2",
        "-",
    ];
    told += &synced.run(&args).await;
    insta::assert_snapshot!(without_revisions(&told));
}

#[tokio::test]
async fn errors() {
    let synced = Synced::with(&[("web.yaml", WEB), ("short.dump", "{\"revision\": 1")]).await;
    let mut told = String::new();
    for args in [
        &["dump", "no/such/folder.json"][..],
        &["dump", "."],
        &["dump", "--vulcan-key", "romulus"],
        &["diff", "-f", "web.yaml", "--against", "short.dump"],
        &["diff", "-f", "web.yaml", "--against", "web.yaml"],
    ] {
        told += &synced.run(args).await;
    }
    insta::assert_snapshot!(told);

    let folder = Folder::with(&[("before.dump", "kept")]);
    let args = [
        "dump",
        "before.dump",
        "--etcd",
        "http://127.0.0.1:1",
        "--etcd-timeout",
        "500ms",
    ];
    let down = common::run(&folder, &args).await;
    assert!(
        down.contains("2> error: reading the store: etcd at http://127.0.0.1:1"),
        "{down}"
    );
    assert!(down.ends_with("=> 2\n\n"), "{down}");
    let before = std::fs::read_to_string(folder.path().join("before.dump")).unwrap();
    assert_eq!(before, "kept", "a dump that fails leaves the old one");
}
