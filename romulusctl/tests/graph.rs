//! `romulusctl graph`: whole pictures, of what is stored, of manifests, and of what would change.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by a panic")]

mod common;

use common::{Folder, Synced, WEB, command, put, run, text};
use serde_json::json;

const FORMATS: [&str; 3] = ["mermaid", "dot", "svg"];

/// One that is published, one whose route is taken, one that is held, one without endpoints of its
/// port, and a frontend on another's backend.
const SHOP: &str = r#"
kind: Service
metadata:
  name: web
  namespace: shop
  annotations:
    romulus/host: www.example.com
    romulus/redirectToSsl: "true"
spec: {ports: [{port: 80}]}
---
kind: Service
metadata: {name: api, namespace: shop, annotations: {romulus/host: www.example.com, romulus/prefix: /api}}
spec: {ports: [{port: 80, name: http}]}
---
kind: Service
metadata: {name: zweb, namespace: shop, annotations: {romulus/host: www.example.com}}
spec: {ports: [{port: 80}]}
---
kind: Service
metadata: {name: odd, namespace: shop, annotations: {romulus/host: odd.example.com, romulus/backendSettings: "{"}}
spec: {ports: [{port: 80}]}
---
kind: Service
metadata: {name: blue, namespace: shop, annotations: {romulus/pathRegexp: "^/a<b&\"c", romulus/backend: web}}
spec: {ports: [{port: 80}]}
---
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.2]}]
ports: [{port: 8080}]
---
kind: EndpointSlice
metadata: {name: api-1, namespace: shop, labels: {kubernetes.io/service-name: api}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.3]}]
ports: [{port: 8080, name: web}]
"#;

#[tokio::test]
async fn manifests_in_every_language() {
    let folder = Folder::with(&[("shop.yaml", SHOP)]);
    for format in FORMATS {
        let told = run(&folder, &["graph", "-f", "shop.yaml", "-o", format]).await;
        insta::assert_snapshot!(format!("manifests_{format}"), told);
    }
}

#[tokio::test]
async fn what_is_stored_and_what_would_change() {
    let synced = Synced::with(&[
        ("web.yaml", WEB),
        (
            "gone.yaml",
            &WEB.replace("web", "gone").replace("www.", "gone."),
        ),
    ])
    .await;
    let route = json!({"Id": "f", "Type": "http", "BackendId": "nowhere", "Route": "Path(`/f`)"});
    put(&synced, "vulcand/frontends/f/frontend", &route.to_string()).await;
    put(&synced, "vulcand/backends/null/backend", "null").await;
    let mut told = String::from("# what is stored\n");
    told += &synced.run(&["graph", "-o", "mermaid"]).await;
    told += &synced.run(&["dump", "all.dump"]).await;
    told += "# the same from a dump\n";
    let args = ["graph", "--from", "all.dump", "-o", "mermaid"];
    told += &run(&synced.folder, &args).await;
    told += "# nothing has changed\n";
    let compared = ["graph", "-f", ".", "--against", "etcd", "-o", "mermaid"];
    told += &synced.run(&compared).await;
    told += "# a server more and one less, another route, a new Service, one that is not there\n";
    synced.folder.write(
        "web.yaml",
        &WEB.replace("10.0.0.1", "10.0.0.9").replace("www.", "shop."),
    );
    synced.folder.remove("gone.yaml");
    synced.folder.write("api.yaml", common::API);
    told += &synced.run(&compared).await;
    insta::assert_snapshot!(told);
}

/// Texts that would end a label, or begin something else, in one of the languages.
const NASTY: &str = "x\"];</text>\\<b>&`|#35;\u{1b}[31m\u{fffe}ü";

#[tokio::test]
async fn no_label_ends_before_its_end() {
    let synced = Synced::with(&[("web.yaml", WEB)]).await;
    let host = NASTY.replace('`', "");
    let value = json!({"Id": "f", "Type": "http", "BackendId": NASTY,
        "Route": format!("Host(`{host}`) && Path(`/{host}`)")});
    let id = NASTY.replace('/', "");
    put(
        &synced,
        &format!("vulcand/frontends/{id}/frontend"),
        &value.to_string(),
    )
    .await;
    for format in FORMATS {
        let told = synced.run(&["graph", "-o", format]).await;
        assert!(told.ends_with("=> 0\n\n"), "{told}");
        insta::assert_snapshot!(format!("nasty_{format}"), told);
    }
    // Nothing but what was drawn is an element.
    let picture = synced.run(&["graph", "-o", "svg"]).await;
    let known = ["svg", "rect", "text", "g", "path", "title"];
    for after in picture.split('<').skip(1) {
        let name = after.trim_start_matches('/');
        let name: String = name.chars().take_while(char::is_ascii_alphabetic).collect();
        assert!(known.contains(&name.as_str()), "<{after}");
    }
}

#[tokio::test]
async fn errors() {
    let folder = Folder::with(&[("web.yaml", WEB), ("odd.yaml", "kind: [")]);
    let mut told = String::new();
    for args in [
        &["graph", "-f", "web.yaml", "-o", "png"][..],
        &["graph", "--from", "nowhere.dump", "-o", "dot"],
        &["graph", "--from", "web.yaml", "-o", "dot"],
        &["graph", "--against", "etcd", "-o", "dot"],
        &["graph", "-f", "odd.yaml", "-o", "svg"],
    ] {
        told += &run(&folder, args).await;
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn many_objects_and_a_reader_that_goes_away() {
    let service = |number: usize| {
        let annotations = json!({"romulus/host": format!("h{number}"), "romulus/backend": "web0"});
        json!({"kind": "Service", "metadata": {"name": format!("web{number}"), "annotations": annotations},
            "spec": {"ports": [{"port": 80}]}})
    };
    let many: Vec<String> = (0..500).map(|number| service(number).to_string()).collect();
    let slice = WEB
        .split("---")
        .nth(1)
        .unwrap()
        .replace("namespace: shop", "namespace: default");
    let slice = slice.replace("service-name: web", "service-name: web0");
    let folder = Folder::with(&[(
        "many.yaml",
        &format!("{}\n---\n{slice}", many.join("\n---\n")),
    )]);
    for format in FORMATS {
        let args = ["graph", "-f", "many.yaml", "-o", format];
        let mut child = command(folder.path(), &args).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(
            (output.status.code(), text(output.stderr)),
            (Some(0), String::new())
        );
    }
}
