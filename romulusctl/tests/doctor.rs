//! `romulusctl doctor`: whole reports on installations that are well, and on sick ones.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by a panic"
)]

mod common;

use common::http::HttpStub;
use common::running::Running;
use common::{Folder, Synced, WEB, run};
use romulus_core::plan::{Op, Transaction};
use romulus_etcd::testing::EtcdProcess;
use romulus_etcd::{Outcome, Store as _};
use romulus_kube::Resource;
use romulus_kube::testing::{ApiStub, Fault, On};
use serde_json::{Value, json};
use tokio::task::LocalSet;

async fn put(etcd: &EtcdProcess, keys: &[(&str, Value)]) {
    let op = |(key, value): &(&str, Value)| Op::Put {
        key: (*key).to_owned(),
        value: value.to_string(),
    };
    let transaction = Transaction {
        guards: Vec::new(),
        ops: keys.iter().map(op).collect(),
    };
    let outcome = etcd.store().commit(&transaction, None).await.unwrap();
    assert!(matches!(outcome, Outcome::Committed { .. }));
}

/// With names instead of ports, and without the version of whatever etcd is installed.
fn named(told: &str, names: &[(&str, &str)]) -> String {
    let told = names
        .iter()
        .fold(told.to_owned(), |told, (url, name)| told.replace(url, name));
    let line = |line: &str| match line.split_once(": version 3.") {
        Some((etcd, rest)) => {
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            format!("{etcd}: version 3.x{rest}\n")
        }
        None => format!("{line}\n"),
    };
    told.split_terminator('\n').map(line).collect()
}

/// Runs the doctor on an etcd that others write, too.
async fn doctor(synced: &Synced, args: &[&str]) -> String {
    let etcd = synced.etcd.endpoint();
    let args = [&["doctor", "--etcd", etcd], args].concat();
    named(&run(&synced.folder, &args).await, &[(etcd, "ETCD")])
}

fn frontend(backend: &str, route: &str) -> Value {
    json!({"Type": "http", "BackendId": backend, "Route": route})
}

#[tokio::test]
async fn an_installation_that_is_well() {
    LocalSet::new().run_until(well()).await;
}

async fn well() {
    let synced = Synced::with(&[("web.yaml", WEB)]).await;
    let _romulusd = Running::start(synced.folder.path(), &synced.etcd).await;
    let list = json!({"Frontends": [{
        "Id": "web.shop", "Type": "http", "BackendId": "web.shop",
        "Route": "Host(`www.example.com`)", "Settings": {},
    }]})
    .to_string();
    let vulcand = HttpStub::start(&[
        ("/v2/status", 200, r#"{"Status":"ok"}"#),
        ("/v2/frontends", 200, &list),
        ("/v2/top/frontends?limit=0", 200, &list),
        ("/v2/top/frontends", 200, &list),
    ])
    .await;
    let mut told = doctor(&synced, &["-f", "."]).await;
    told += &doctor(
        &synced,
        &["-f", ".", "--vulcand", vulcand.url(), "-o", "json"],
    )
    .await;
    insta::assert_snapshot!(named(&told, &[(vulcand.url(), "VULCAND")]));
}

#[tokio::test]
async fn what_others_wrote_is_judged_too() {
    let synced = Synced::with(&[("web.yaml", WEB)]).await;
    let backend = || json!({"Type": "http"});
    let server = || json!({"URL": "http://10.0.0.9:80"});
    let listener = || json!({"Protocol": "http", "Address": {"Network": "tcp", "Address": ":80"}});
    let none = json!({"Connections": 0, "Variable": "client.ip"});
    let trace = json!({"Addr": "syslog:///run/other.sock"});
    put(
        &synced.etcd,
        &[
            ("vulcand/backends/a/backend", Value::Null),
            (
                "vulcand/backends/b/backend",
                json!({"Type": "http", "Settings": {"Timeouts": {"Read": "soon"}}}),
            ),
            (
                "vulcand/backends/a/servers/1",
                json!({"URL": "10.0.0.9:80"}),
            ),
            ("vulcand/backends/web/backend", backend()),
            ("vulcand/backends/servers/backend", backend()),
            ("vulcand/backends/servers/servers/1", server()),
            ("vulcand/backends/b", json!("x")),
            (
                "vulcand/frontends/gone/frontend",
                frontend("gone", "Host(`gone.test`)"),
            ),
            (
                "vulcand/frontends/odd/frontend",
                frontend("web", "Host(`a`) || Host(`b`)"),
            ),
            (
                "vulcand/frontends/path/frontend",
                frontend("web", "Host(`a`) && Path(`/x`)"),
            ),
            (
                "vulcand/frontends/method/frontend",
                frontend("servers", "Host(`b`) && Method(`GET`)"),
            ),
            (
                "vulcand/frontends/twin/frontend",
                frontend("servers", "Host(`www.example.com`)"),
            ),
            (
                "vulcand/frontends/twin/middlewares/m",
                json!({"Type": "connlimit", "Middleware": none}),
            ),
            (
                "vulcand/frontends/twin/middlewares/auth",
                json!({"Type": "auth", "Middleware": {}}),
            ),
            (
                "vulcand/frontends/twin/middlewares/t",
                json!({"Type": "trace", "Middleware": trace}),
            ),
            (
                "vulcand/hosts/a.test/host",
                json!({"Settings": {"Default": true, "KeyPair": "e30="}}),
            ),
            (
                "vulcand/listeners/l",
                json!({"Protocol": "http", "Address": {"Network": "unix", "Address": "/x"}}),
            ),
            ("vulcand/listeners/m", listener()),
            ("vulcand/listeners/n", listener()),
            ("vulcand/listeners/l/x", json!({})),
            (
                "/vulcand/frontends/web.shop/frontend",
                frontend("web.shop", "Host(`old.test`)"),
            ),
            ("/vulcand/backends/web.shop/backend", backend()),
            ("vulcand-test/backends/web.shop/backend", backend()),
            ("vulcand-test/backends/web.shop/servers/1", server()),
            ("romulus/owners/default/leader", json!("no lease")),
            (
                "romulus/objects/vulcand-test/backends/web.shop",
                json!({"owner": "other", "service": "shop/web"}),
            ),
        ],
    )
    .await;
    let mut told = doctor(&synced, &["-f", "."]).await;
    told += "# with the key of key pairs\n";
    synced
        .folder
        .write("key", &format!("{}\n", "0a".repeat(32)));
    let sealed = doctor(&synced, &["-f", ".", "--seal-key-file", "key"]).await;
    told.extend(
        sealed
            .lines()
            .filter(|line| line.contains("/host"))
            .map(|line| format!("{line}\n")),
    );
    insta::assert_snapshot!(told);
    let many: Vec<String> = (0..30)
        .map(|n| format!("vulcand/backends/x{n}/backend"))
        .collect();
    let keys: Vec<(&str, Value)> = many.iter().map(|key| (&**key, Value::Null)).collect();
    put(&synced.etcd, &keys).await;
    let told = doctor(&synced, &["-f", "."]).await;
    assert_eq!(told.matches("outage[refused-value]").count(), 10, "{told}");
    assert!(
        told.contains("... and 28 more of refused-value; -o json shows all\n"),
        "{told}"
    );
}

#[tokio::test]
async fn a_vulcand_that_reads_something_else() {
    let synced = Synced::with(&[("web.yaml", WEB)]).await;
    put(
        &synced.etcd,
        &[
            ("/vulcand/backends/old/backend", json!({"Type": "http"})),
            (
                "/vulcand/frontends/old/frontend",
                frontend("old", "Host(`old.test`)"),
            ),
        ],
    )
    .await;
    let item = |id: &str, host: &str| json!({"Id": id, "BackendId": id, "Route": format!("Host(`{host}`)")});
    let list = |items: &[Value]| json!({"Frontends": items}).to_string();
    let (old, web) = (item("old", "old.test"), item("web.shop", "www.example.com"));
    let status = ("/v2/status", 200, r#"{"Status":"ok"}"#);
    let mut told = String::new();
    for (title, frontends, top) in [
        (
            "the other spelling of the slash",
            (200, list(std::slice::from_ref(&old))),
            list(&[old]),
        ),
        (
            "nothing at all",
            (200, r#"{"Frontends":null}"#.to_owned()),
            list(&[]),
        ),
        (
            "a copy with one more",
            (200, list(&[web.clone(), item("new", "n")])),
            list(std::slice::from_ref(&web)),
        ),
        (
            "what was before",
            (200, list(&[web])),
            list(&[item("web.shop", "before.test")]),
        ),
        (
            "one that can't list",
            (
                500,
                r#"{"message":"unexpected end of JSON input"}"#.to_owned(),
            ),
            list(&[]),
        ),
        ("no list", (200, "<html>".to_owned()), list(&[])),
    ] {
        let answers = [
            status,
            ("/v2/frontends", frontends.0, &*frontends.1),
            ("/v2/top/frontends", 200, &*top),
        ];
        let vulcand = HttpStub::start(&answers).await;
        let args = ["-f", ".", "--vulcand", vulcand.url()];
        let report = doctor(&synced, &args).await;
        told += &format!("# {title}\n");
        let report = named(&report, &[(vulcand.url(), "VULCAND")]);
        let blocks = report.split_inclusive("\n\n");
        told.extend(blocks.filter(|block| block.contains("VULCAND")));
    }
    insta::assert_snapshot!(told);
    let down = doctor(&synced, &["-f", ".", "--vulcand", "http://127.0.0.1:1"]).await;
    assert!(
        down.contains("outage[vulcand-unreachable]: http://127.0.0.1:1: Connection refused"),
        "{down}"
    );
    assert!(down.ends_with("=> 2\n\n"), "{down}");
}

#[tokio::test]
async fn a_live_cluster() {
    let synced = Synced::with(&[("web.yaml", WEB)]).await;
    let api = ApiStub::new();
    let documents: Vec<Value> = serde_saphyr::from_multiple(WEB).unwrap();
    documents.iter().for_each(|object| api.apply(object));
    let server = api.serve().await;
    let url = server.url();
    let live = ["--kube", &url];
    let mut told = "# in step, but under the owner of manifests\n".to_owned();
    told += &doctor(&synced, &live).await;
    told += "# with a drift, one that can't be read, and one that can't be written\n";
    let mut odd = documents[0].clone();
    odd["metadata"]["name"] = json!("odd");
    odd["metadata"]["annotations"]["romulus/backendSettings"] = json!("{");
    odd["metadata"]["annotations"]["romulus/host"] = json!("odd.example.com");
    api.apply(&odd);
    odd["metadata"]["name"] = json!("undecodable");
    odd["spec"]["ports"] = json!("none");
    api.apply(&odd);
    told += &doctor(&synced, &live).await;
    told += "# without slices, and without the rights\n";
    api.serve_slices(false);
    for (verb, resource) in [
        ("watch", "services"),
        ("list", "endpoints"),
        ("create", "events"),
        ("get", "namespaces"),
    ] {
        api.deny(verb, resource);
    }
    told += &doctor(&synced, &live).await;
    told += "# an API server that refuses\n";
    api.fail(On::Reviews, Fault::Status(403), usize::MAX);
    told += &doctor(&synced, &live).await;
    insta::assert_snapshot!(named(&told, &[(&url, "API")]));
    assert!(
        api.has(Resource::Services, "shop", "web"),
        "nothing is written"
    );
    drop(server);
    let down = doctor(&synced, &live).await;
    assert!(
        down.contains(&format!("error[api-server]: {url}: ")),
        "{down}"
    );
    assert!(down.ends_with("=> 2\n\n"), "{down}");
}

#[tokio::test]
async fn an_etcd_that_is_not_well() {
    let (mut etcd, other) = (EtcdProcess::start().await, EtcdProcess::start().await);
    let (first, second) = (etcd.endpoint().to_owned(), other.endpoint().to_owned());
    let folder = Folder::with(&[("web.yaml", WEB)]);
    let names = [(&*first, "ETCD1"), (&*second, "ETCD2")];
    let mut told = "# two clusters by mistake, in which nobody ever wrote\n".to_owned();
    let both = format!("{first},{second}");
    let args = ["doctor", "-f", "web.yaml", "--etcd"];
    told += &named(&run(&folder, &[&args[..], &[&both]].concat()).await, &names);
    told += "# files that can't be read\n";
    folder.write("odd.yaml", "kind: Service\nmetadata: {name: [\n");
    let odd = ["-f", "nowhere.yaml", "-f", "odd.yaml", "--etcd", &first];
    told += &named(
        &run(&folder, &[&["doctor"], &odd[..]].concat()).await,
        &names,
    );
    insta::assert_snapshot!(told);
    etcd.stop();
    let one = run(&folder, &[&args[..], &[&both]].concat()).await;
    assert!(
        one.contains(&format!(
            "warning[etcd-endpoint]: {first}: etcd at {first}: its status: "
        )),
        "{one}"
    );
    assert!(one.ends_with("=> 1\n\n"), "{one}");
    let none = run(&folder, &[&args[..], &[&first]].concat()).await;
    assert!(
        none.contains(&format!("outage[etcd-unreachable]: {first}: ")),
        "{none}"
    );
    assert!(
        none.contains("\nnot looked at: trees: etcd does not answer\n"),
        "{none}"
    );
    assert!(none.ends_with("=> 2\n\n"), "{none}");
}

#[tokio::test]
async fn errors() {
    let folder = Folder::with(&[("key", "not a key")]);
    let mut told = String::new();
    for args in [
        &["--etcd", "memory"][..],
        &["--seal-key-file", "nowhere"],
        &["--seal-key-file", "key"],
        &["--etcd", "ftp://h"],
        &["-o", "yaml"],
    ] {
        told += &run(&folder, &[&["doctor"], args].concat()).await;
    }
    insta::assert_snapshot!(told);
}
