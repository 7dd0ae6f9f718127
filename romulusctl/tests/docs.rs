//! Runs the commands of `docs/romulusctl.md` and compares what they print with what the page says.
//!
//! After a change that is meant, `TRYCMD=overwrite cargo test -p romulusctl --test docs` writes the
//! new outputs into the page; look at the diff before it is committed.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "tests fail by a panic"
)]

use std::path::Path;

use clap::Parser as _;
use romulus_etcd::testing::EtcdProcess;

/// The page's commands run in `tests/docs`, against an etcd in which romulusd has published the
/// manifests of `tests/docs/shop`.
#[tokio::test]
async fn the_page_shows_what_the_commands_print() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Commands inherit it.
    std::env::set_current_dir(home.join("tests/docs")).unwrap();
    let etcd = EtcdProcess::start().await;
    publish("shop", etcd.endpoint()).await;

    let cases = trycmd::TestCases::new();
    cases
        .insert_var("[ETCD]", etcd.endpoint().to_owned())
        .unwrap()
        .env("ETCD_PEERS", etcd.endpoint())
        // Help is wrapped as wide as the terminal is.
        .env("COLUMNS", "100")
        .case(home.join("../docs/romulusctl.md"));
    tokio::task::spawn_blocking(move || cases.run())
        .await
        .expect("the page shows what the commands print");
    assert_picture(&home.join("../docs/romulusctl-graph.svg"), etcd.endpoint()).await;
}

/// The page's picture is what its command draws.
async fn assert_picture(path: &Path, etcd: &str) {
    let args = [
        "graph",
        "-f",
        "change.yaml",
        "--against",
        "etcd",
        "-o",
        "svg",
    ];
    let drawn = tokio::process::Command::new(env!("CARGO_BIN_EXE_romulusctl"))
        .args([&args[..], &["--etcd", etcd]].concat())
        .output()
        .await
        .unwrap();
    let drawn = String::from_utf8(drawn.stdout).unwrap();
    if std::env::var_os("TRYCMD").is_some_and(|mode| mode == "overwrite") {
        std::fs::write(path, &drawn).unwrap();
    }
    let shown = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        shown, drawn,
        "docs/romulusctl-graph.svg is not what is drawn"
    );
}

/// What `romulusd --once` does.
async fn publish(manifests: &str, etcd: &str) {
    let args = ["romulusd", "--once", "--owner-id", "default"];
    let args = [&args[..], &["--manifests", manifests, "--etcd", etcd]].concat();
    let ended = romulusd::run(&romulusd::Args::parse_from(args)).await;
    assert_eq!(ended.unwrap(), romulusd::Ended::Well);
}
