//! Following manifests while they change. Real files and real time; every wait has a deadline.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, which stop at once"
)]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::Follower;
use romulus_core::cluster::Kind;
use romulus_kube::{Outcome, Selection, manifests};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

fn service(name: &str) -> String {
    format!("apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\n")
}

fn follow(paths: &[PathBuf]) -> Follower {
    let cancel = CancellationToken::new();
    let source = manifests::follow(paths, &Selection::default(), &cancel);
    // Shorter than the polling interval: what is seen was told by the system.
    let mut follower = Follower::new(source, cancel);
    follower.patience = Duration::from_secs(20);
    follower
}

fn folder(files: &[(&str, String)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

async fn until_services(follower: &mut Follower, names: &[&str]) {
    follower
        .until(&format!("{names:?}"), |f| f.services() == names)
        .await;
}

#[tokio::test]
async fn a_folder_is_read_again_when_files_come_change_and_go() {
    let folder = folder(&[("a.yaml", service("a"))]);
    let mut follower = follow(&[folder.path().to_owned()]);
    follower.until_listed().await;
    assert_eq!(follower.services(), ["a"]);
    fs::create_dir(folder.path().join("deep")).unwrap();
    fs::write(folder.path().join("deep/b.yaml"), service("b")).unwrap();
    until_services(&mut follower, &["a", "b"]).await;
    fs::write(folder.path().join("a.yaml"), service("c")).unwrap();
    until_services(&mut follower, &["b", "c"]).await;
    fs::remove_file(folder.path().join("deep/b.yaml")).unwrap();
    until_services(&mut follower, &["c"]).await;
    assert_eq!(follower.problems, []);
}

#[tokio::test]
async fn a_file_replaced_by_an_editor_is_read_again() {
    let folder = folder(&[("a.yaml", service("a"))]);
    let file = folder.path().join("a.yaml");
    let mut follower = follow(std::slice::from_ref(&file));
    follower.until_listed().await;
    for name in ["b", "c"] {
        let scratch = folder.path().join(".a.yaml.swp");
        fs::write(&scratch, service(name)).unwrap();
        fs::rename(&scratch, &file).unwrap();
        until_services(&mut follower, &[name]).await;
    }
}

/// As kubelet writes a ConfigMap: links to `..data/<key>`, and `..data` a link that is swapped.
fn write_config_map(mount: &Path, version: &str, name: &str) {
    let content = mount.join(version);
    fs::create_dir(&content).unwrap();
    fs::write(content.join("web.yaml"), service(name)).unwrap();
    symlink(version, mount.join("..data_tmp")).unwrap();
    fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
}

#[tokio::test]
async fn a_config_map_that_is_swapped_is_read_again() {
    for whole_folder in [true, false] {
        let mount = tempfile::tempdir().unwrap();
        write_config_map(mount.path(), "..2026_1", "a");
        symlink("..data/web.yaml", mount.path().join("web.yaml")).unwrap();
        let file = mount.path().join("web.yaml");
        let path = if whole_folder {
            mount.path().to_owned()
        } else {
            file
        };
        let mut follower = follow(&[path]);
        follower.until_listed().await;
        assert_eq!(follower.services(), ["a"]);
        write_config_map(mount.path(), "..2026_2", "b");
        until_services(&mut follower, &["b"]).await;
        write_config_map(mount.path(), "..2026_3", "c");
        until_services(&mut follower, &["c"]).await;
        assert_eq!(follower.problems, []);
    }
}

#[tokio::test]
async fn a_broken_file_deletes_nothing_and_its_repair_is_seen() {
    let folder = folder(&[("a.yaml", service("a")), ("b.yaml", service("b"))]);
    let mut follower = follow(&[folder.path().to_owned()]);
    follower.until_listed().await;
    fs::write(folder.path().join("b.yaml"), "a: [").unwrap();
    follower
        .until("a problem", |f| !f.problems.is_empty())
        .await;
    follower
        .until("it is listed", |f| f.list_count(Kind::Endpoints) == 2)
        .await;
    assert_eq!((follower.services().len(), follower.gone.len()), (2, 0));
    assert_eq!(follower.problems[0].outcome, Outcome::Skipped);
    fs::write(folder.path().join("b.yaml"), service("c")).unwrap();
    until_services(&mut follower, &["a", "c"]).await;
}

#[tokio::test]
async fn a_path_that_comes_into_being_is_read() {
    let folder = folder(&[]);
    let file = folder.path().join("later.yaml");
    let mut follower = follow(std::slice::from_ref(&file));
    follower.until_listed().await;
    assert!(follower.problem_texts()[0].contains("later.yaml: cannot be read"));
    fs::write(&file, service("a")).unwrap();
    until_services(&mut follower, &["a"]).await;
}

#[tokio::test]
async fn reading_again_what_did_not_change_says_nothing() {
    let folder = folder(&[("a.yaml", service("a"))]);
    let mut follower = follow(&[folder.path().to_owned()]);
    follower.until_listed().await;
    fs::write(folder.path().join("a.yaml"), service("a")).unwrap();
    fs::write(folder.path().join("notes.txt"), "nothing").unwrap();
    fs::write(folder.path().join("b.yaml"), service("b")).unwrap();
    until_services(&mut follower, &["a", "b"]).await;
    // The three writes may have been read together or one by one; only b was news.
    follower
        .until("both kinds", |f| f.list_count(Kind::Endpoints) == 2)
        .await;
    assert_eq!(follower.list_count(Kind::Service), 2);
}

#[tokio::test]
async fn the_standard_input_cannot_be_followed() {
    let mut follower = follow(&["-".into()]);
    follower
        .until("a problem", |f| !f.problems.is_empty())
        .await;
    assert_eq!(
        follower.problem_texts(),
        ["-: the standard input can be read only once; name a file or a folder"]
    );
    assert!(follower.problems[0].is_fatal());
}
