//! Do trees stand in each other's way, and does somebody care for each?

use std::collections::{BTreeMap, BTreeSet};

use romulus_core::key::{Key, OWN_PREFIX, Root, Segment};
use romulus_core::world::Record;

use super::finding::{Harm, Report};
use crate::stored::Stored;

/// The roots against each other.
pub(super) fn judge(wanted: &Root, stored: &Stored, report: &mut Report) {
    let has_keys = |root: &Root| {
        let (prefix, own) = (root.prefix(), root.heartbeat());
        let mut keys = stored.snapshot.entries.range(prefix.clone()..);
        keys.by_ref()
            .take_while(|(key, _)| key.starts_with(&prefix))
            .any(|(key, _)| *key != own)
    };
    let used: BTreeSet<&Root> = stored.roots.iter().filter(|root| has_keys(root)).collect();
    if !used.contains(wanted) && !used.is_empty() {
        let others: Vec<&str> = used.iter().map(|root| root.as_str()).collect();
        report.find(
            (Harm::Error, "empty-tree"),
            wanted.as_str(),
            format!(
                "there is nothing in this tree, but in {}",
                others.join(", ")
            ),
            "a vulcand that reads this tree serves nothing; slashes count: vulcand, /vulcand and \
             vulcand/ are three trees",
            "give vulcand and romulus the same root: -etcdKey and --vulcan-key",
        );
    }
    for root in &used {
        let slashed: Option<Root> = format!("/{root}").parse().ok();
        if let Some(twin) = slashed.filter(|twin| used.contains(twin)) {
            report.find(
                (Harm::Warning, "slash-twins"),
                root.as_str(),
                format!("there is a tree {twin} beside it"),
                "each vulcand reads one of them, the one that its -etcdKey spells; the other may be \
                 left over",
                "name vulcand's API with --vulcand to see which it reads; move what is left over",
            );
        }
        for other in used.iter().filter(|other| root.sees(other)) {
            report.find(
                (Harm::Error, "sibling-roots"),
                root.as_str(),
                format!("the root {other} begins with it"),
                format!(
                    "a vulcand that reads {root} takes deletions in {other} for its own, and drops \
                     its object of the same id"
                ),
                "move one of them to a root that does not begin with the other",
            );
        }
    }
}

/// The owners that write trees: does somebody lead each, and keep vulcand from going deaf?
pub(super) fn owners(own: &Segment, stored: &Stored, report: &mut Report) {
    let mut owners: BTreeMap<String, BTreeSet<Root>> = BTreeMap::new();
    for (key, entry) in &stored.snapshot.entries {
        if let (Some(key), Some(record)) = (Key::record(key), Record::parse(&entry.value)) {
            let roots = owners.entry(record.owner.into()).or_default();
            roots.insert(key.object().root.clone());
        }
    }
    let has_written = owners.contains_key(own.as_str());
    let others: Vec<String> = owners.keys().cloned().collect();
    if !has_written {
        owners.insert(own.to_string(), BTreeSet::new());
    }
    for (owner, roots) in &owners {
        let key = format!("{OWN_PREFIX}owners/{owner}/leader");
        match stored.snapshot.entries.get(&key) {
            Some(entry) if entry.lease == 0 => report.find(
                (Harm::Error, "leader-for-ever"),
                &*key,
                "the leader's key has no lease",
                "it does not go when the leader does, and no other can be elected",
                format!("if no romulusd runs: etcdctl del -- '{key}'"),
            ),
            Some(_) => report.saw(format!("owner {owner}: a romulusd leads")),
            None if owner == own.as_str() && !has_written && !others.is_empty() => report.find(
                (Harm::Error, "no-leader"),
                format!("owner {owner}"),
                format!(
                    "no romulusd leads, and none ever wrote; {} did",
                    others.join(", ")
                ),
                "changes of the cluster do not reach vulcand",
                "give the --owner-id that romulusd runs with, or start romulusd",
            ),
            None => report.find(
                (Harm::Error, "no-leader"),
                format!("owner {owner}"),
                "no romulusd leads",
                "changes of the cluster do not reach vulcand",
                "start romulusd, or look at its log; one that runs with --no-leader-election can't \
                 be seen here",
            ),
        }
        for root in roots {
            if !stored.snapshot.entries.contains_key(&root.heartbeat()) {
                report.find(
                    (Harm::Warning, "no-heartbeat"),
                    root.as_str(),
                    "no heartbeat was ever put into this tree",
                    "a vulcand that reconnects after etcd has compacted goes deaf: it serves on, \
                     and sees no change until it is restarted",
                    "run romulusd with --heartbeat (30s unless told otherwise)",
                );
            }
        }
    }
}
