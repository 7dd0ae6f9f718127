//! `romulusctl diff` as a person or a CI job runs it: whole outputs, exit codes, and never a write.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by a panic"
)]

mod common;

use std::fmt::Write as _;
use std::process::Stdio;

use romulus_kube::Resource;
use romulus_kube::testing::{ApiStub, Fault, On, service, slice};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use common::{API, Folder, Synced, WEB, command, text};

async fn diff(folder: &Folder, args: &[&str]) -> String {
    common::run(folder, &[&["diff"], args].concat()).await
}

impl Synced {
    async fn diff(&self, args: &[&str]) -> String {
        self.diff_as(args, args).await
    }

    async fn diff_as(&self, args: &[&str], shown: &[&str]) -> String {
        self.run_as(&[&["diff"], args].concat(), &[&["diff"], shown].concat())
            .await
    }
}

#[tokio::test]
async fn files_folders_and_the_standard_input_against_nothing() {
    let folder = Folder::with(&[
        ("web.yaml", WEB),
        ("more/api.yml", API),
        (
            "more/deep/list.json",
            r#"{"kind": "List", "apiVersion": "v1", "items": []}"#,
        ),
        ("more/README", "no manifest"),
    ]);
    let empty = ["--against", "empty"];
    let mut told = String::new();
    for files in [
        &["-f", "web.yaml"][..],
        &["-f", "more"],
        &["-f", "."],
        &["-f", "web.yaml", "--filename", "more"],
    ] {
        told += &diff(&folder, &[files, &empty].concat()).await;
    }
    let args = [&["diff", "-f", "-"][..], &empty].concat();
    let mut child = command(folder.path(), &args)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(API.as_bytes())
        .await
        .unwrap();
    told += &common::told(
        &["diff", "-f", "-", "--against", "empty", "<", "more/api.yml"],
        child.wait_with_output().await.unwrap(),
    );
    told += &diff(&folder, &["-f", "more", "--against", "empty", "-o", "json"]).await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn what_romulusd_has_synced_is_in_step_and_edits_show_field_by_field() {
    let synced = Synced::with(&[("web.yaml", WEB), ("api.yaml", API)]).await;
    let mut told = String::from("# nothing was edited\n");
    told += &synced.diff(&["-f", "."]).await;
    told += &synced.diff(&["-f", "web.yaml"]).await;
    told += &synced.diff(&["-f", ".", "--prune"]).await;
    told += &synced.diff(&["-f", ".", "-o", "json"]).await;

    told += "# other settings, another route, one server more and one less\n";
    let edited = WEB
        .replace("128", "64")
        .replace("\"4s\"", "\"9s\"")
        .replace("www.", "shop.")
        .replace("10.0.0.1", "10.0.0.3");
    synced.folder.write("web.yaml", &edited);
    told += &synced.diff(&["-f", "."]).await;
    told += &synced.diff(&["-f", ".", "-o", "json"]).await;

    told += "# the Service without its endpoints, which the cluster knows\n";
    synced
        .folder
        .write("web.yaml", WEB.split("---").next().unwrap());
    told += &synced.diff(&["-f", "."]).await;
    told += &synced.diff(&["-f", ".", "--prune"]).await;

    told += "# a Service is gone from the files\n";
    synced.folder.remove("api.yaml");
    synced.folder.write("web.yaml", WEB);
    told += &synced.diff(&["-f", "."]).await;
    told += &synced.diff(&["-f", ".", "--prune"]).await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn what_stays_unwritten_is_said() {
    let synced = Synced::with(&[("web.yaml", WEB)]).await;
    let mut told = String::from("# a value that is held keeps what is stored\n");
    synced
        .folder
        .write("web.yaml", &WEB.replace("\"4s\"", "\"soon\""));
    told += &synced.diff(&["-f", "web.yaml"]).await;
    told += "# a route that is taken\n";
    synced.folder.write(
        "late.yaml",
        &API.replace("romulus/path: /api", "")
            .replace("romulus/hots: typo.example.com", ""),
    );
    told += &synced.diff(&["-f", "late.yaml"]).await;
    told += "# under another owner\n";
    synced.folder.write("web.yaml", WEB);
    told += &synced
        .diff(&["-f", "web.yaml", "--owner-id", "other"])
        .await;
    told += "# a file that can't be read beside one that can\n";
    synced
        .folder
        .write("odd.yaml", "kind: Service\nmetadata: {name: [\n");
    told += &synced.diff(&["-f", "web.yaml", "-f", "odd.yaml"]).await;
    insta::assert_snapshot!(told);
}

fn routed(name: &str, host: &str) -> Value {
    service("shop", name, &json!({"romulus/host": host}))
}

#[tokio::test]
async fn a_live_cluster() {
    let synced = Synced::with(&[("web.yaml", WEB)]).await;
    let (api, shown) = (ApiStub::new(), ["--kube", "API"]);
    let server = api.serve().await;
    let url = server.url();
    let live = ["--kube", &url];
    let documents: Vec<Value> = serde_saphyr::from_multiple(WEB).unwrap();
    documents.iter().for_each(|object| api.apply(object));
    let mut told = String::from("# as romulusd has synced it from files\n");
    told += &synced.diff_as(&live, &shown).await;

    told += "# one Service more, and another endpoint\n";
    api.apply(&routed("new", "new.example.com"));
    api.apply(&slice(
        "shop",
        "web-1",
        "web",
        &["10.0.0.1", "10.0.0.9"],
        8080,
    ));
    told += &synced.diff_as(&live, &shown).await;
    told += "# one of them is selected\n";
    let selected = ["-s", "type=external"];
    told += &synced
        .diff_as(&[live, selected].concat(), &[shown, selected].concat())
        .await;
    told += "# one that can't be decoded\n";
    let mut odd = routed("odd", "odd.example.com");
    odd["spec"]["ports"] = json!("none");
    api.apply(&odd);
    told += &synced.diff_as(&live, &shown).await;
    for fault in [
        Fault::Status(401),
        Fault::Status(403),
        Fault::Status(404),
        Fault::Status(500),
        Fault::Html,
    ] {
        writeln!(told, "# the API server answers {fault:?}").unwrap();
        api.heal();
        api.fail(On::List(Resource::Services), fault, usize::MAX);
        told += &synced.diff_as(&live, &shown).await;
    }
    insta::assert_snapshot!(told.replace(&url, "API"));

    drop(server);
    let down = synced.diff_as(&live, &shown).await;
    assert!(
        down.contains(&format!("2> error: {url}")) && down.ends_with("=> 2\n\n"),
        "{down}"
    );
}

#[tokio::test]
async fn errors() {
    let folder = Folder::with(&[
        ("web.yaml", WEB),
        ("odd.yaml", "a: [1\nb: }"),
        ("text.yaml", "just text\n"),
    ]);
    let mut told = String::new();
    for args in [
        &["-f", "nowhere.yaml", "--against", "empty"][..],
        &["-f", "odd.yaml", "--against", "empty"],
        &["-f", "text.yaml", "--against", "empty"],
        &[
            "-f",
            "odd.yaml",
            "-f",
            "web.yaml",
            "--against",
            "empty",
            "-o",
            "json",
        ],
        &["-f", "web.yaml", "--etcd", "ftp://h"],
        &["--prune"],
        &["-f", "web.yaml", "--against", "nothing"],
        &["-f", "web.yaml", "--outptu", "json"],
        &["-f", "web.yaml", "--vulcan-key", "romulus/x"],
    ] {
        told += &diff(&folder, args).await;
    }
    insta::assert_snapshot!(told);

    let etcd = [
        "-f",
        "web.yaml",
        "--etcd",
        "http://127.0.0.1:1",
        "--etcd-timeout",
        "500ms",
    ];
    let down = diff(&folder, &etcd).await;
    assert!(
        down.contains("2> error: reading the store: etcd at http://127.0.0.1:1"),
        "{down}"
    );
    assert!(down.ends_with("=> 2\n\n"), "{down}");
}

#[tokio::test]
async fn manifests_of_any_size_are_answered_by_a_sentence() {
    const SIZE: usize = 30_000_000;
    let deep = format!("kind: Service\nspec: {}", "[".repeat(SIZE));
    let folder = Folder::with(&[("deep.yaml", &deep), ("web.yaml", WEB)]);
    std::fs::write(folder.path().join("binary.json"), vec![0xfe; SIZE]).unwrap();
    let mut told = String::new();
    for file in ["deep.yaml", "binary.json"] {
        let args = [
            "-f",
            file,
            "-f",
            "web.yaml",
            "--against",
            "empty",
            "--summary",
        ];
        told += &diff(&folder, &args).await;
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    let many: String = (0..2000)
        .map(|n| format!("{}\n---\n", routed(&format!("web{n}"), &format!("h{n}"))))
        .collect();
    let folder = Folder::with(&[("many.yaml", &many)]);
    for format in ["text", "json"] {
        let args = [
            "diff",
            "-f",
            "many.yaml",
            "--against",
            "empty",
            "-o",
            format,
        ];
        let mut child = command(folder.path(), &args).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(
            (output.status.code(), text(output.stderr)),
            (Some(0), String::new()),
            "{format}"
        );
    }
}

#[tokio::test]
async fn colours_are_for_terminals() {
    let folder = Folder::with(&[("web.yaml", WEB)]);
    let coloured = async |variables: &[(&str, &str)]| {
        let mut command = command(
            folder.path(),
            &["diff", "-f", "web.yaml", "--against", "empty"],
        );
        let output = command
            .envs(variables.iter().copied())
            .output()
            .await
            .unwrap();
        text(output.stdout).contains("\x1b[32m+ ")
    };
    assert!(!coloured(&[]).await);
    assert!(
        coloured(&[("CLICOLOR_FORCE", "1")]).await,
        "a pipe that wants colours"
    );
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).await);
}
