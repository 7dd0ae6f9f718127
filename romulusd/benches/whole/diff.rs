//! `romulusctl diff -f` on many manifests, against parsing them.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use tokio::process::Command;

use crate::Args;
use crate::bare;
use crate::cluster::{endpoints, service};
use crate::report::{Report, median};

pub(crate) async fn run(args: &Args, report: &mut Report) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for n in 0..args.services {
        let objects = [service(n), endpoints(n, 10)];
        let documents = objects.map(|object| serde_saphyr::to_string(&object).expect("it is YAML"));
        std::fs::write(
            folder.path().join(format!("{n:05}.yaml")),
            documents.join("---\n"),
        )
        .expect("it can be written");
    }
    let path = folder.path().to_str().expect("a path of plain text");
    let program = Path::new(env!("CARGO_BIN_EXE_romulusd")).with_file_name("romulusctl");
    assert!(
        program.exists(),
        "build it first: cargo build --release --bin romulusctl"
    );
    let (mut ours, mut bares) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds {
        let started = Instant::now();
        let status = Command::new(&program)
            .args(["diff", "-f", path, "--against", "empty", "-o", "json"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await
            .expect("romulusctl runs");
        assert_eq!(status.code(), Some(1), "it differs");
        ours.push(started.elapsed().as_secs_f64());
        bares.push(bare::run(&["parse", path]).await.as_secs_f64());
    }
    let what = format!("romulusctl diff of {} manifests", args.services);
    report.ratio(&what, median(&ours), median(&bares), "s", 1.5);
}
