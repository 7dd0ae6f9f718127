//! What a vulcand says of itself, and whether etcd's old store holds what one may read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use romulus_core::key::Root;
use romulus_core::vulcand::Environment;
use serde::Deserialize;

use super::finding::{Harm, Report};
use super::http::get;
use crate::plain::count;
use crate::proxy::{ProxyFrontend, ProxyTree};
use crate::stored::Stored;

/// Routes and backends by the ids of frontends.
type Frontends = BTreeMap<String, (String, String)>;

#[derive(Deserialize)]
struct List {
    #[serde(rename = "Frontends")]
    frontends: Option<Vec<Item>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    id: String,
    route: String,
    backend_id: String,
}

/// Asks a vulcand's API which frontends its etcd has, and which it serves.
pub(super) async fn api(
    url: &str,
    wanted: &Root,
    stored: Option<&Stored>,
    deadline: Duration,
    report: &mut Report,
) {
    let url = url.trim_end_matches('/');
    let base = if url.contains("://") {
        url.to_owned()
    } else {
        format!("http://{url}")
    };
    let problem = match get(&format!("{base}/v2/status"), deadline).await {
        Ok((StatusCode::OK, _)) => None,
        Ok((status, _)) => Some(format!("its API answers {status} to /v2/status")),
        Err(problem) => Some(problem),
    };
    if let Some(problem) = problem {
        report.find(
            (Harm::Outage, "vulcand-unreachable"),
            &*base,
            problem,
            "a vulcand whose API does not answer may serve nothing: one that starts with a frontend \
             whose backend is missing hangs like this",
            "check --vulcand (the API listens on port 8182, plain HTTP), and vulcand's log",
        );
        report.unseen.push(format!("vulcand {base}"));
        return;
    }
    let stored_there = match list(&base, "frontends", deadline).await {
        Ok(frontends) => frontends,
        Err(problem) => {
            report.find(
                (Harm::Outage, "vulcand-list"),
                &*base,
                format!("its API can't list frontends: {problem}"),
                "one malformed object is enough, and the next vulcand does not start with it",
                "correct what is refused in its tree; where this report names nothing, it reads \
                 another tree or an etcd v2: see its -etcdKey and -etcdApiVer",
            );
            return;
        }
    };
    report.saw(format!(
        "vulcand {base}: its tree has {}",
        count(stored_there.len(), "frontend")
    ));
    if let Some(stored) = stored {
        tree(&base, wanted, &stored_there, stored, report);
    }
    // What it serves now; not every version lists frontends that nobody asked for yet.
    if let Ok(served) = list(&base, "top/frontends", deadline).await {
        live(&base, &stored_there, &served, report);
    }
}

/// Which tree it reads: the API shows what etcd holds under its -etcdKey.
fn tree(base: &str, wanted: &Root, there: &Frontends, stored: &Stored, report: &mut Report) {
    let here = frontends_of(wanted, stored);
    if *there == here {
        if !here.is_empty() {
            report.saw(format!("vulcand {base}: reads the tree {wanted}"));
        }
        return;
    }
    let other = stored
        .roots
        .iter()
        .filter(|root| *root != wanted && !there.is_empty())
        .find(|root| frontends_of(root, stored) == *there);
    if let Some(other) = other {
        report.find(
            (Harm::Outage, "vulcand-other-tree"),
            base,
            format!("it reads the tree {other}, and romulus writes {wanted}"),
            "nothing that is written arrives; slashes count: vulcand, /vulcand and vulcand/ are \
             three trees",
            format!("start vulcand with -etcdKey={wanted}, or romulusd with --vulcan-key {other}"),
        );
    } else if there.keys().any(|id| here.contains_key(id)) {
        let ids: BTreeSet<&String> = here.keys().chain(there.keys()).collect();
        let other = ids
            .iter()
            .filter(|id| here.get(**id) != there.get(**id))
            .count();
        report.find(
            (Harm::Warning, "vulcand-differs"),
            base,
            format!(
                "its list and the tree {wanted} differ in {}",
                count(other, "frontend")
            ),
            "either the tree just changed, or vulcand reads a copy of it elsewhere",
            "run this again; if it stays, compare -etcd and -etcdKey of vulcand with --etcd and \
             --vulcan-key",
        );
    } else {
        report.find(
            (Harm::Outage, "vulcand-other-tree"),
            base,
            format!(
                "it knows {}, and none of those in {wanted}",
                count(there.len(), "frontend")
            ),
            "nothing that is written arrives",
            format!(
                "start vulcand with -etcdApiVer=3 (its default is 2), -etcdKey={wanted}, and the \
                 etcd of --etcd"
            ),
        );
    }
}

fn frontends_of(root: &Root, stored: &Stored) -> Frontends {
    let tree = ProxyTree::read(root, &stored.snapshot, &Environment::default());
    let frontend = |(id, frontend): (_, &ProxyFrontend<'_>)| {
        let frontend = frontend.frontend()?;
        Some((id, (frontend.route.clone(), frontend.backend_id.clone())))
    };
    let frontends = tree.frontends.iter();
    frontends
        .filter_map(|(id, f)| frontend((id.to_string(), f)))
        .collect()
}

/// Whether it serves what is stored: one that is deaf serves what was.
fn live(base: &str, stored: &Frontends, served: &Frontends, report: &mut Report) {
    let stale: Vec<&str> = served
        .iter()
        .filter(|(id, frontend)| stored.get(*id) != Some(frontend))
        .map(|(id, _)| id.as_str())
        .collect();
    if let [first, ..] = stale[..] {
        report.find(
            (Harm::Error, "vulcand-behind"),
            base,
            format!(
                "it serves {} otherwise than they are stored, {first} among them",
                count(stale.len(), "frontend")
            ),
            "it missed changes: it ignored values that it refuses, or it is deaf since etcd \
             compacted while it was not connected",
            "correct what is refused; if nothing is, restart this vulcand",
        );
    }
}

async fn list(base: &str, what: &str, deadline: Duration) -> Result<Frontends, String> {
    let (status, body) = get(&format!("{base}/v2/{what}"), deadline).await?;
    if status != StatusCode::OK {
        return Err(format!("{status}: {}", excerpt(&body)));
    }
    let list: List = serde_json::from_slice(&body)
        .map_err(|error| format!("the answer is no list of frontends ({error})"))?;
    let item = |item: Item| (item.id, (item.route, item.backend_id));
    Ok(list
        .frontends
        .unwrap_or_default()
        .into_iter()
        .map(item)
        .collect())
}

fn excerpt(body: &Bytes) -> String {
    let text = String::from_utf8_lossy(body);
    text.chars().take(200).collect::<String>().trim().to_owned()
}

#[derive(Deserialize)]
struct OldStore {
    node: OldNode,
}

#[derive(Deserialize)]
struct OldNode {
    #[serde(default)]
    nodes: Vec<serde_json::Value>,
}

/// Whether etcd's old store, which a vulcand reads unless told otherwise, has a tree of this name.
pub(super) async fn old_store(
    endpoints: &[String],
    root: &Root,
    deadline: Duration,
    report: &mut Report,
) {
    let path = root.as_str().trim_matches('/');
    // Where etcd speaks TLS, it wants certificates that are not given to this look.
    let plain = endpoints.iter().filter(|url| url.starts_with("http://"));
    for endpoint in plain {
        let url = format!("{}/v2/keys/{path}", endpoint.trim_end_matches('/'));
        let Ok((status, body)) = get(&url, deadline).await else {
            continue;
        };
        let old: Option<OldStore> = serde_json::from_slice(&body).ok();
        if status == StatusCode::OK && old.is_some_and(|old| !old.node.nodes.is_empty()) {
            report.find(
                (Harm::Error, "v2-tree"),
                url,
                format!("etcd's v2 store has a tree /{path}, too"),
                "a vulcand without -etcdApiVer=3 reads that one, and nothing that romulus writes",
                "start vulcand with -etcdApiVer=3; when no vulcand reads it any more, delete it",
            );
        }
        return;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request.
    async fn answer(listener: TcpListener, body: &str) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let read = stream.read(&mut request).await.unwrap();
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
        stream
            .write_all(format!("{head}{body}").as_bytes())
            .await
            .unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    }

    #[tokio::test]
    async fn a_tree_in_the_old_store_is_found() {
        let full = r#"{"action":"get","node":{"key":"/vulcand","dir":true,"nodes":[{"key":"/vulcand/frontends","dir":true}]}}"#;
        let empty = r#"{"action":"get","node":{"key":"/vulcand","dir":true}}"#;
        for (body, expected) in [(full, 1), (empty, 0), ("404 page not found", 0)] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let (root, mut report) = ("vulcand".parse().unwrap(), Report::default());
            let (endpoints, deadline) = ([url], Duration::from_secs(30));
            let look = old_store(&endpoints, &root, deadline, &mut report);
            let (request, ()) = tokio::join!(answer(listener, body), look);
            assert!(
                request.starts_with("GET /v2/keys/vulcand HTTP/1.1"),
                "{request}"
            );
            let found = report.findings();
            assert_eq!(found.len(), expected, "{body}");
            assert!(found.iter().all(|finding| finding.code == "v2-tree"));
        }
    }
}
