//! The words of `romulusctl diff`: what changes mean for requests.
#![allow(clippy::unwrap_used, reason = "tests fail by a panic")]

mod common;

use std::fmt::Write as _;

use common::{Synced, delete, put};
use serde_json::{Map, Value, json};

/// `namespace/name`, annotations without their prefix, and addresses.
type Service<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

/// A file that holds a Service with its endpoints.
fn file((name, annotations, addresses): &Service<'_>) -> (String, String) {
    let (namespace, short) = name.split_once('/').unwrap();
    let annotations: Map<String, Value> = annotations
        .iter()
        .map(|(name, value)| (format!("romulus/{name}"), json!(value)))
        .collect();
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": short, "namespace": namespace, "annotations": annotations},
        "spec": {"ports": [{"port": 80}]},
    });
    let addresses = addresses
        .iter()
        .map(|address| json!({"addresses": [address]}));
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": short,
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": short},
        },
        "addressType": "IPv4",
        "endpoints": addresses.collect::<Vec<_>>(),
        "ports": [{"port": 80}],
    });
    (
        format!("{namespace}-{short}.yaml"),
        format!("{service}\n---\n{slice}\n"),
    )
}

async fn synced(services: &[Service<'_>]) -> Synced {
    let files: Vec<(String, String)> = services.iter().map(file).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (&**n, &**t)).collect();
    Synced::with(&files).await
}

/// What it means to come to these Services from what is synced.
async fn meaning(synced: &Synced, services: &[Service<'_>]) -> String {
    for file in std::fs::read_dir(synced.folder.path()).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    for (name, text) in services.iter().map(file) {
        synced.folder.write(&name, &text);
    }
    synced
        .run(&["diff", "-f", ".", "--prune", "--summary"])
        .await
}

const A: Service<'static> = (
    "shop/a",
    &[("host", "a.example.com")],
    &["10.0.0.1", "10.0.0.2"],
);
const B: Service<'static> = ("shop/b", &[("host", "b.example.com")], &["10.0.0.1"]);

#[tokio::test]
async fn servers_and_routes() {
    let synced = synced(&[A, B]).await;
    let scenarios: &[(&str, &[Service<'_>])] = &[
        (
            "more servers, and none",
            &[
                ("shop/a", A.1, &["10.0.0.1", "10.0.0.3", "10.0.0.4"]),
                ("shop/b", B.1, &[]),
            ],
        ),
        (
            "the same server under another scheme",
            &[
                A,
                (
                    "shop/b",
                    &[("host", "b.example.com"), ("scheme", "https")],
                    B.2,
                ),
            ],
        ),
        (
            "a route that moves, and is taken by another",
            &[
                ("shop/a", &[("host", "c.example.com")], A.2),
                ("shop/b", &[("host", "a.example.com")], B.2),
            ],
        ),
        (
            "two that swap their routes",
            &[
                ("shop/a", &[("host", "b.example.com")], A.2),
                ("shop/b", &[("host", "a.example.com")], B.2),
            ],
        ),
        (
            "a newcomer in the place of another",
            &[A, ("shop/new", &[("host", "b.example.com")], &["10.0.0.9"])],
        ),
        (
            "an id that becomes the beginning of another",
            &[
                A,
                B,
                ("shop2/a", &[("host", "d.example.com")], &["10.0.0.9"]),
            ],
        ),
        (
            "blue and green",
            &[
                (
                    "shop/a",
                    &[("host", "a.example.com"), ("backend", "b")],
                    A.2,
                ),
                B,
            ],
        ),
        (
            "no route any more",
            &[A, ("shop/b", &[("scheme", "http")], B.2)],
        ),
        ("nothing", &[]),
    ];
    let mut told = String::new();
    for (title, services) in scenarios {
        write!(told, "# {title}\n{}", meaning(&synced, services).await).unwrap();
    }
    insta::assert_snapshot!(told);
}

const LIMIT: &str =
    r#"{"Type":"connlimit","Middleware":{"Connections":9,"Variable":"client.ip"},"Priority":1}"#;

#[tokio::test]
async fn settings_and_middlewares() {
    let retried = ("failoverPredicate", "Attempts() < 3");
    let before: Service<'_> = (
        "shop/a",
        &[
            ("host", "a.example.com"),
            ("failoverPredicate", "Attempts() < 3"),
            ("middleware.limit", LIMIT),
            ("middleware.old", LIMIT),
        ],
        &["10.0.0.1"],
    );
    let synced = synced(&[before]).await;
    let mut told = String::new();
    let scenarios: &[(&str, &[(&str, &str)])] = &[
        (
            "what a running vulcand does not notice by itself",
            &[
                before.1[0],
                retried,
                before.1[2],
                before.1[3],
                ("passHostHeader", "true"),
            ],
        ),
        (
            "the same beside what it notices",
            &[
                before.1[0],
                before.1[2],
                before.1[3],
                ("passHostHeader", "true"),
                ("maxBodyBytes", "1024"),
            ],
        ),
        (
            "middlewares",
            &[
                before.1[0],
                retried,
                (
                    "middleware.limit",
                    r#"{"Type":"connlimit","Middleware":{"Connections":5,"Variable":"client.ip"}}"#,
                ),
                ("middleware.new", LIMIT),
            ],
        ),
        (
            "a backend's settings",
            &[
                before.1[0],
                retried,
                before.1[2],
                before.1[3],
                ("dialTimeout", "3s"),
                ("maxIdleConnsPerHost", "7"),
            ],
        ),
    ];
    for (title, annotations) in scenarios {
        let services = [("shop/a", *annotations, before.2)];
        write!(told, "# {title}\n{}", meaning(&synced, &services).await).unwrap();
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn what_others_did() {
    let synced = synced(&[A, B]).await;
    let foreign = r#"{"Type":"http","BackendId":"a.shop","Route":"Host(`x`)"}"#;
    put(&synced, "vulcand/frontends/foreign/frontend", foreign).await;
    delete(&synced, "vulcand/backends/a.shop/backend").await;
    put(&synced, "vulcand/frontends/b.shop/frontend", "null").await;
    put(
        &synced,
        "vulcand/backends/b.shop/servers/odd\u{1b}[2J",
        "{}",
    )
    .await;
    let mut told = meaning(&synced, &[A, B]).await;
    told += &synced.run(&["diff", "-f", "."]).await;
    told += &synced.run(&["diff", "-f", ".", "-o", "keys"]).await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn what_stays_unwritten_has_its_sections() {
    let synced = synced(&[A, B]).await;
    let foreign = r#"{"Type":"http","BackendId":"a.shop","Route":"Host(`x.example.com`)"}"#;
    put(&synced, "vulcand/frontends/foreign/frontend", foreign).await;
    let services: &[Service<'_>] = &[
        (
            "shop/a",
            &[("host", "a.example.com"), ("maxBodyBytes", "many")],
            A.2,
        ),
        ("shop/c", &[("host", "x.example.com")], &["10.0.0.9"]),
        (
            "shop/d",
            &[("host", "d.example.com"), ("backend", "gone")],
            &["10.0.0.9"],
        ),
    ];
    let mut told = meaning(&synced, services).await;
    for output in ["json", "yaml", "keys"] {
        let args = ["diff", "-f", ".", "--prune", "-o", output];
        told += &synced.run(&args).await;
    }
    told += &synced
        .run(&["diff", "-f", ".", "--prune", "-o", "yaml", "--summary"])
        .await;
    told += &synced
        .run(&["diff", "-f", ".", "-o", "keys", "--summary"])
        .await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn the_brake_shows_what_it_withholds() {
    let names: Vec<(String, String)> = (0..6)
        .map(|n| (format!("shop/s{n}"), format!("s{n}.example.com")))
        .collect();
    let annotations: Vec<[(&str, &str); 1]> = names
        .iter()
        .map(|(_, host)| [("host", host.as_str())])
        .collect();
    let services: Vec<Service<'_>> = names
        .iter()
        .zip(&annotations)
        .map(|((name, _), annotations)| (name.as_str(), annotations.as_slice(), A.2))
        .collect();
    let synced = synced(&services).await;
    let mut told = meaning(&synced, &services[..4]).await;
    let confirmed = [
        "diff",
        "-f",
        ".",
        "--prune",
        "--max-delete-percent",
        "100",
        "-o",
        "keys",
    ];
    told += &synced.run(&confirmed).await;
    insta::assert_snapshot!(told);
}
