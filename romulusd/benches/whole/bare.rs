//! The least that does the same work: what romulusd is measured against.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use etcd_client::{Client, GetOptions, PutOptions, Txn, TxnOp};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use romulus_etcd::Store as _;
use romulus_etcd::testing::EtcdProcess;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Operations of a transaction, as many as etcd takes.
const FULL: usize = 128;
/// Transactions in flight: more gain nothing.
const IN_FLIGHT: usize = 4;
/// Objects or keys of a page.
const PAGE: u32 = 500;

/// Runs a part of the benchmark as a process of its own.
pub(crate) async fn play(role: &str, args: &[String]) {
    match (role, args) {
        ("relay", [api, etcd]) => relay(api, etcd).await,
        ("read", [api, etcd]) => read_all(api, etcd).await,
        ("parse", [folder]) => parse(Path::new(folder)),
        _ => panic!("no such role: {role} {args:?}"),
    }
}

/// Starts a role of this program.
pub(crate) fn start(role: &[&str]) -> Child {
    let program = std::env::current_exe().expect("this program has a path");
    Command::new(program)
        .arg("--role")
        .args(role)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("this program runs again")
}

/// Starts a role and waits until it says that it is ready.
pub(crate) async fn start_ready(role: &[&str]) -> Child {
    let mut child = start(role);
    let stdout = child.stdout.take().expect("piped");
    let line = BufReader::new(stdout).lines().next_line().await;
    assert_eq!(
        line.expect("it prints").as_deref(),
        Some("ready"),
        "{role:?}"
    );
    child
}

/// Runs a role to its end; returns how long that took.
pub(crate) async fn run(role: &[&str]) -> Duration {
    let started = Instant::now();
    let output = start(role)
        .wait_with_output()
        .await
        .expect("it can be waited for");
    assert!(output.status.success(), "{role:?}: {output:?}");
    started.elapsed()
}

/// What romulusd has written, records included.
pub(crate) async fn read(etcd: &EtcdProcess) -> BTreeMap<String, String> {
    let prefixes = ["vulcand/", "romulus/objects/"].map(str::to_owned);
    let snapshot = etcd.store().load(&prefixes).await.expect("etcd answers");
    let beat = |key: &String| key.ends_with("/heartbeat");
    let entries = snapshot.entries.into_iter().filter(|(key, _)| !beat(key));
    entries.map(|(key, entry)| (key, entry.value)).collect()
}

/// Writes these keys into an empty etcd as fast as it takes them; returns how long that took.
pub(crate) async fn write(endpoint: &str, keys: &BTreeMap<String, String>) -> Duration {
    let client = Client::connect([endpoint], None)
        .await
        .expect("etcd answers");
    let keys: Vec<(&String, &String)> = keys.iter().collect();
    let started = Instant::now();
    let writes = keys.chunks(FULL).map(|chunk| {
        let ops: Vec<TxnOp> = chunk
            .iter()
            .map(|(key, value)| TxnOp::put(key.as_str(), value.as_str(), None))
            .collect();
        let mut client = client.clone();
        async move {
            client
                .txn(Txn::new().and_then(ops))
                .await
                .expect("it is taken")
        }
    });
    futures::stream::iter(writes)
        .buffer_unordered(IN_FLIGHT)
        .for_each(|_| std::future::ready(()))
        .await;
    started.elapsed()
}

async fn api_client(url: &str) -> kube::Client {
    let mut config = kube::Config::new(url.parse().expect("a URL"));
    config.root_cert = Some(Vec::new());
    kube::Client::try_from(config).expect("plain HTTP needs nothing")
}

/// A watch of slices that answers each change with one put.
async fn relay(api: &str, etcd: &str) {
    let client = api_client(api).await;
    let mut etcd = Client::connect([etcd], None).await.expect("etcd answers");
    let slices: Api<EndpointSlice> = Api::all(client);
    let listed = slices
        .list_metadata(&ListParams::default().limit(1))
        .await
        .expect("a list");
    let version = listed.metadata.resource_version.unwrap_or_default();
    let parameters = WatchParams::default().timeout(290);
    let mut events = std::pin::pin!(slices.watch(&parameters, &version).await.expect("a watch"));
    println!("ready");
    while let Some(Ok(event)) = events.next().await {
        let (WatchEvent::Added(slice) | WatchEvent::Modified(slice)) = event else {
            continue;
        };
        let name = slice.metadata.name.unwrap_or_default();
        let last = slice.endpoints.iter().flatten().last();
        let last = last.and_then(|endpoint| endpoint.addresses.first());
        let value = format!(
            "{{\"URL\":\"http://{}:80\"}}",
            last.map_or("", String::as_str)
        );
        etcd.put(format!("relay/{name}"), value, None::<PutOptions>)
            .await
            .expect("it is taken");
    }
}

/// Reads a list to its end.
async fn list_all<K: Clone + std::fmt::Debug + DeserializeOwned>(api: Api<K>) {
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = api.list(&page).await.expect("a page");
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return,
        }
    }
}

/// Reads a whole cluster and all keys, page by page, and does nothing with them.
async fn read_all(api: &str, etcd: &str) {
    let client = api_client(api).await;
    let services = list_all(Api::<Service>::all(client.clone()));
    let slices = list_all(Api::<EndpointSlice>::all(client));
    tokio::join!(services, slices);
    let mut etcd = Client::connect([etcd], None).await.expect("etcd answers");
    for (mut from, end) in [
        ("romulus/objects/", "romulus/objects0"),
        ("vulcand/", "vulcand0"),
    ]
    .map(|(from, end)| (from.as_bytes().to_vec(), end))
    {
        loop {
            let options = GetOptions::new().with_range(end).with_limit(5000);
            let answer = etcd.get(from, Some(options)).await.expect("a page");
            let Some(last) = answer.kvs().last().filter(|_| answer.more()) else {
                break;
            };
            from = [last.key(), b"\0"].concat();
        }
    }
}

/// Reads manifests and does nothing with them.
fn parse(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a file");
        let parsed: Vec<serde_json::Value> = serde_saphyr::from_multiple(&text).expect("YAML");
        assert!(!parsed.is_empty());
    }
}
