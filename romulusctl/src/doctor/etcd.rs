//! Is etcd well, and which trees are in it?

use std::collections::BTreeSet;

use romulus_core::key::{Key, OWN_PREFIX, Root};
use romulus_etcd::StoreError;

use super::finding::{Harm, Report};
use crate::reader::Reader;

/// Looks at every endpoint; gives those that answer. Where none does there is nothing more to see.
pub(super) async fn endpoints(
    reader: &Reader,
    report: &mut Report,
) -> Result<Vec<String>, StoreError> {
    let endpoints = reader.status().await?;
    let is_down = endpoints.iter().all(|(_, status)| status.is_err());
    let (mut up, mut clusters) = (Vec::new(), BTreeSet::new());
    for (endpoint, status) in endpoints {
        let status = match status {
            Ok(status) => status,
            Err(error) if is_down => {
                report.find(
                    (Harm::Outage, "etcd-unreachable"),
                    endpoint,
                    error.to_string(),
                    "no change is written, and a vulcand that starts now serves nothing",
                    "check --etcd and its TLS flags, and that etcd is up",
                );
                continue;
            }
            Err(error) => {
                report.find(
                    (Harm::Warning, "etcd-endpoint"),
                    endpoint,
                    error.to_string(),
                    "the other endpoints carry on without it, and fewer may fail",
                    "start it, or take it out of --etcd",
                );
                continue;
            }
        };
        clusters.insert(status.cluster);
        if !status.has_leader {
            report.find(
                (Harm::Outage, "etcd-no-leader"),
                &*endpoint,
                "it knows no leader of its cluster",
                "nothing can be read or written, and no vulcand can start",
                "bring up the majority of its members: `etcdctl endpoint status --cluster`",
            );
        }
        for complaint in &status.complaints {
            report.find(
                (Harm::Error, "etcd-alarm"),
                &*endpoint,
                complaint,
                "with a full database etcd refuses every write",
                "compact and defragment it, then `etcdctl alarm disarm`",
            );
        }
        report.saw(format!("etcd {endpoint}: version {}", status.version));
        up.push(endpoint);
    }
    if clusters.len() > 1 {
        report.find(
            (Harm::Outage, "etcd-clusters"),
            "--etcd",
            format!(
                "its endpoints belong to {} different clusters",
                clusters.len()
            ),
            "what is written to one is not in the other",
            "name the endpoints of one cluster",
        );
    }
    if is_down {
        report.unseen.push("trees: etcd does not answer".to_owned());
    }
    Ok(up)
}

/// An etcd that holds much else is not walked to its end.
const STEPS: usize = 500;

/// Finds the trees, whoever wrote them: walks the keys without reading values, and leaps over each
/// tree, and over what lies beside it.
pub(super) async fn trees(
    reader: &Reader,
    report: &mut Report,
) -> Result<BTreeSet<Root>, StoreError> {
    let (mut roots, mut from) = (BTreeSet::new(), String::new());
    for _ in 0..STEPS {
        let Some(key) = reader.next_key(&from).await? else {
            return Ok(roots);
        };
        if key.starts_with(OWN_PREFIX) {
            from = after(OWN_PREFIX);
        } else if let Some(root) = root_of(&key) {
            from = after(&root.prefix());
            roots.insert(root);
        } else {
            // `/registry/pods/...` is many keys, and no tree.
            from = match key.match_indices('/').filter(|(at, _)| *at > 0).nth(1) {
                Some((at, _)) => after(&key[..=at]),
                None => key + "\0",
            };
        }
    }
    report.left_out.push(format!(
        "trees of other names after {from:?}: etcd holds much else; name one with --vulcan-key"
    ));
    Ok(roots)
}

/// The first text after all that begin with the prefix, which ends with a slash.
fn after(prefix: &str) -> String {
    // In the order of bytes a 0 comes right after a slash.
    let mut text = prefix.strip_suffix('/').unwrap_or(prefix).to_owned();
    text.push('0');
    text
}

/// The root of the tree that a key of a backend or frontend is in.
fn root_of(key: &str) -> Option<Root> {
    let places = key
        .match_indices("/backends/")
        .chain(key.match_indices("/frontends/"));
    let root = |(at, _)| {
        let root: Root = key.get(..at)?.parse().ok()?;
        Key::in_tree(&root, key).map(|_| root)
    };
    places.into_iter().filter_map(root).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_read_from_keys() {
        for (key, root) in [
            ("vulcand/backends/a/backend", Some("vulcand")),
            ("/vulcand/frontends/a/middlewares/m", Some("/vulcand")),
            ("/vulcand//backends/a/servers/s", Some("/vulcand/")),
            ("/a/b/c/frontends/a/frontend", Some("/a/b/c")),
            ("/registry/backends/default/x", None),
            ("vulcand/romulus/heartbeat", None),
            ("/backends/a/backend", None),
        ] {
            assert_eq!(root_of(key).as_ref().map(Root::as_str), root, "{key}");
        }
    }

    #[test]
    fn leaps_end_behind_a_prefix() {
        assert_eq!(after("vulcand/"), "vulcand0");
        assert_eq!(after("/vulcand//"), "/vulcand/0");
        assert!("vulcand/zzz" < &*after("vulcand/") && *"vulcand0" <= *after("vulcand/"));
    }
}
