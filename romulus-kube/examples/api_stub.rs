//! The API server of the tests as a program, to try romulus by hand.
//!
//! `cargo run -p romulus-kube --features testing --example api_stub -- DIR` prints the URL for
//! `--kube` and holds the first step of the lists in DIR, named `<step>-services.json`,
//! `<step>-endpointslices.json` and `<step>-endpoints.json`; `romulus-kube/tests/data/kube` has
//! eight steps recorded from a real API server. Each line of standard input goes one step further;
//! running watches see the difference. A step may also be named: `3-pods-ready`. It ends with the
//! input.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::collections::BTreeSet;
use std::error::Error;
use std::io::BufRead;
use std::path::Path;

use romulus_kube::Resource;
use romulus_kube::testing::ApiStub;
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .ok_or("which folder of recorded lists?")?;
    let folder = Path::new(&folder);
    let steps = steps(folder)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let stub = ApiStub::new();
    let server = runtime.block_on(stub.serve());
    println!("{}", server.url());
    let mut next = 0;
    let mut lines = std::io::stdin().lock().lines();
    loop {
        let step = steps
            .get(next)
            .or(steps.last())
            .ok_or("no <step>-services.json there")?;
        show(&stub, folder, step)?;
        println!("{step}");
        let Some(line) = lines.next().transpose()? else {
            return Ok(());
        };
        let named = steps.iter().position(|step| step == line.trim());
        next = named.unwrap_or(next + 1);
    }
}

fn steps(folder: &Path) -> Result<Vec<String>, std::io::Error> {
    let mut steps = BTreeSet::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let step = name
            .to_str()
            .and_then(|name| name.strip_suffix("-services.json"));
        steps.extend(step.map(str::to_owned));
    }
    Ok(steps.into_iter().collect())
}

fn show(stub: &ApiStub, folder: &Path, step: &str) -> Result<(), Box<dyn Error>> {
    let mut lists: Vec<Value> = Vec::new();
    for resource in Resource::ALL {
        let path = folder.join(format!("{step}-{}.json", resource.plural()));
        if path.exists() {
            lists.push(serde_json::from_slice(&std::fs::read(path)?)?);
        }
    }
    stub.replace_all(&lists.iter().collect::<Vec<_>>());
    Ok(())
}
