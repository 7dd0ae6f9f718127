//! Loading.

use std::collections::BTreeMap;
use std::time::Duration;

use romulus_core::plan::Op;
use romulus_core::stored::Snapshot;

use super::{Subject, delete, entry, put, write};

/// Keys under each prefix, none beside, all at the revision of the last write.
pub async fn load_reads_several_prefixes_at_one_revision(subject: &dyn Subject) {
    let store = subject.store();
    let first = write(
        &*store,
        vec![put("a/1", "x"), put("a/2", "y"), put("a0", "beside")],
    )
    .await;
    let second = write(
        &*store,
        vec![put("b/1", "ü\"\n"), delete("a/2"), put("ab", "beside")],
    )
    .await;
    let loaded = store
        .load(&["a/".to_owned(), "b/".to_owned()])
        .await
        .expect("the store works");
    let expected = Snapshot {
        revision: second,
        entries: BTreeMap::from([
            ("a/1".to_owned(), entry("x", first)),
            ("b/1".to_owned(), entry("ü\"\n", second)),
        ]),
    };
    assert_eq!(loaded, expected);

    let all = store.load(&[String::new()]).await.expect("the store works");
    let keys: Vec<_> = all.entries.keys().map(String::as_str).collect();
    assert_eq!(keys, ["a/1", "a0", "ab", "b/1"]);
}

/// The revision is that of the store, also where no key is asked for or there.
pub async fn load_of_nothing_tells_the_revision(subject: &dyn Subject) {
    let store = subject.store();
    let revision = write(&*store, vec![put("a", "x")]).await;
    for prefixes in [vec![], vec!["nothing/".to_owned()]] {
        let loaded = store.load(&prefixes).await.expect("the store works");
        assert_eq!(
            loaded,
            Snapshot {
                revision,
                entries: BTreeMap::new()
            }
        );
    }
}

/// gRPC clients take 4 MiB in one message by default; here are 6, in values large and small.
pub async fn load_reads_more_than_a_message_holds(subject: &dyn Subject) {
    let store = subject.store();
    for n in 0..5 {
        let value = "x".repeat(1 << 20);
        write(&*store, vec![put(&format!("big/l{n}"), &value)]).await;
    }
    for n in 0..16 {
        let small = |m: usize| put(&format!("big/{n:02}-{m:03}"), &"y".repeat(512));
        write(&*store, (0..128).map(small).collect::<Vec<Op>>()).await;
    }
    let loaded = store
        .load(&["big/".to_owned()])
        .await
        .expect("the store works");
    assert_eq!(loaded.entries.len(), 5 + 16 * 128);
    let bytes: usize = loaded.entries.values().map(|entry| entry.value.len()).sum();
    assert_eq!(bytes, 5 * (1 << 20) + 16 * 128 * 512);
}

/// A key on a lease says so, which is how others know a leader from a leftover.
pub async fn load_tells_revision_and_lease_of_a_key(subject: &dyn Subject) {
    let store = subject.store();
    let term = store
        .lead("leader", Duration::from_secs(60))
        .await
        .expect("nobody leads");
    let loaded = store
        .load(&["leader".to_owned()])
        .await
        .expect("the store works");
    let entry = &loaded.entries["leader"];
    assert_eq!(
        (&entry.value, entry.revision),
        (&term.fence().value, term.revision())
    );
    assert_ne!(entry.lease, 0);
    term.resign().await;
}
