//! A source over real sockets: what can't be told without them. Short times, every wait with a
//! deadline.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, which stop at once"
)]

mod common;

use std::time::Duration;

use common::Follower;
use romulus_core::cluster::Kind;
use romulus_kube::testing::{ApiStub, Fault, On, service};
use romulus_kube::{KubeArgs, Outcome, Resource, Selection, WatchSettings, watch};
use serde_json::json;
use tokio_util::sync::CancellationToken;

const SERVICES: Resource = Resource::Services;

async fn follow(url: &str) -> Follower {
    let args = KubeArgs {
        kube: Some(url.to_owned()),
        ..KubeArgs::default()
    };
    let connection = args.connect().await.unwrap();
    let settings = WatchSettings {
        request_timeout: Duration::from_secs(1),
        watch_timeout: Duration::from_secs(2),
        watch_grace: Duration::from_millis(500),
        watch_interval: Duration::from_millis(10),
        backoff: Duration::from_millis(10),
        backoff_cap: Duration::from_millis(100),
        ..WatchSettings::default()
    };
    let cancel = CancellationToken::new();
    let source = watch(
        &connection.client,
        &Selection::default(),
        &settings,
        &cancel,
    );
    let mut follower = Follower::new(source, cancel);
    follower.patience = Duration::from_secs(30);
    follower
}

fn shop() -> ApiStub {
    let stub = ApiStub::new();
    stub.apply(&service("shop", "a", &json!({})));
    stub
}

#[tokio::test]
async fn follows_through_every_fault_of_the_connection() {
    for fault in [
        None,
        Some(Fault::Reset),
        Some(Fault::HalfALine),
        Some(Fault::Hang),
        Some(Fault::HangAfterHeaders),
        Some(Fault::EndAtOnce),
        Some(Fault::Status(503)),
    ] {
        let stub = shop();
        let server = stub.serve().await;
        let mut follower = follow(&server.url()).await;
        follower.until_listed().await;
        if let Some(fault) = fault.clone() {
            stub.fail(On::Watch(SERVICES), fault, 1);
        }
        stub.cut_watches();
        stub.apply(&service("shop", "b", &json!({})));
        stub.delete(SERVICES, "shop", "a");
        follower
            .until(&format!("b after {fault:?}"), |f| f.services() == ["b"])
            .await;
        assert_eq!(follower.list_count(Kind::Service), 1, "{fault:?}");
        assert!(
            follower
                .problems
                .iter()
                .all(|p| matches!(p.outcome, Outcome::Retrying(_)))
        );
    }
}

#[tokio::test]
async fn a_list_is_retried_through_every_fault_of_the_connection() {
    for fault in [
        Fault::Reset,
        Fault::HalfALine,
        Fault::Hang,
        Fault::HangAfterHeaders,
    ] {
        let stub = shop();
        stub.fail(On::List(SERVICES), fault.clone(), 2);
        let server = stub.serve().await;
        let mut follower = follow(&server.url()).await;
        follower.until_listed().await;
        assert_eq!(follower.services(), ["a"], "{fault:?}");
        assert_eq!(
            follower.problems.len(),
            2,
            "{fault:?}: {:?}",
            follower.problem_texts()
        );
    }
}

#[tokio::test]
async fn a_server_that_went_away_deletes_nothing() {
    let stub = shop();
    let server = stub.serve().await;
    let url = server.url();
    let mut follower = follow(&url).await;
    follower.until_listed().await;
    drop(server);
    follower
        .until("three problems", |f| f.problems.len() >= 3)
        .await;
    assert_eq!(
        (follower.services(), follower.gone.len()),
        (vec!["a".to_owned()], 0)
    );
    let refused = follower
        .problem_texts()
        .into_iter()
        .find(|text| text.contains("refused"));
    let text = refused.unwrap_or_else(|| panic!("{:?}", follower.problem_texts()));
    assert!(text.contains("; check --kube or the kubeconfig, and that the API server is up"));
}

#[tokio::test]
async fn what_is_no_http_is_a_problem() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let talker = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.writable().await.unwrap();
            stream.try_write(b"SSH-2.0-OpenSSH_9.9\r\n").unwrap();
        }
    });
    let mut follower = follow(&url).await;
    follower
        .until("a problem", |f| !f.problems.is_empty())
        .await;
    assert!(matches!(follower.problems[0].outcome, Outcome::Retrying(_)));
    assert!(follower.lists.is_empty());
    talker.abort();
}
