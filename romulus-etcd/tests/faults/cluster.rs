//! A cluster of three that loses its members one after another.

use std::time::Duration;

use romulus_core::plan::{Group, Step};
use romulus_etcd::testing::EtcdProcess;
use romulus_etcd::{CancellationToken, EtcdOptions, EtcdStore, GroupEnd, Store, commit_group};

use crate::support::{TIMEOUT, next_values, put, soon};

/// Writes until it is known to be written, as the daemon does: after an unknown outcome it looks.
async fn write(store: &dyn Store, value: &str) {
    let step = Step {
        transaction: put("k", value),
        settle: false,
    };
    let group = Group {
        objects: vec![],
        steps: vec![step],
    };
    let cancel = CancellationToken::new();
    loop {
        let result = commit_group(store, &group, None, Duration::ZERO, &cancel).await;
        match result.end {
            GroupEnd::Done => return,
            GroupEnd::Unknown(_) => {
                // A member that does not know yet that its leader is gone may fail reads too.
                let read = async {
                    loop {
                        if let Ok(loaded) = store.load(&["k".to_owned()]).await {
                            return loaded;
                        }
                    }
                };
                let loaded = soon(read).await;
                if loaded
                    .entries
                    .get("k")
                    .is_some_and(|entry| entry.value == value)
                {
                    return;
                }
            }
            end => panic!("{end:?}"),
        }
    }
}

/// No change is lost or seen twice, and the leader keeps leading, whichever member is gone.
#[tokio::test(flavor = "multi_thread")]
async fn any_member_may_be_down() {
    let mut members = EtcdProcess::start_cluster().await;
    let urls = members
        .each_ref()
        .map(|member| member.endpoint().to_owned());
    let options = EtcdOptions::new(&urls).unwrap().with_timeout(2 * TIMEOUT);
    let store = EtcdStore::new(options);
    let before = store.load(&[]).await.unwrap().revision;
    let mut watch = store.watch("k", before).await.unwrap();
    let term = store.lead("l", Duration::from_secs(30)).await.unwrap();
    let mut expected = Vec::new();
    for (n, member) in members.iter_mut().enumerate() {
        member.stop();
        for m in 0..5 {
            let value = format!("{n}-{m}");
            write(&store, &value).await;
            expected.push(value);
        }
        assert_eq!(next_values(&mut watch, 5).await, expected[5 * n..]);
        member.restart().await;
    }
    let held = store
        .commit(&put("k", "end"), Some(term.fence()))
        .await
        .unwrap();
    assert!(
        matches!(held, romulus_etcd::Outcome::Committed { .. }),
        "{held:?}"
    );
    term.resign().await;
}
