//! Committing.

use romulus_core::plan::{Guard, Op, Transaction};

use super::{Subject, absent, commit, delete, entry, put, unchanged, write};
use crate::{Fence, Outcome, StoreError};

/// Creating never overwrites what another made.
pub async fn commit_creates_only_what_is_absent(subject: &dyn Subject) {
    let store = subject.store();
    let created = commit(&*store, vec![absent("k")], vec![put("k", "1")]).await;
    let Outcome::Committed { revision } = created else {
        panic!("{created:?}")
    };
    let again = commit(&*store, vec![absent("k")], vec![put("k", "2")]).await;
    let current = vec![("k".to_owned(), entry("1", revision))];
    assert_eq!(again, Outcome::Refused { revision, current });

    let revision = write(&*store, vec![delete("k")]).await;
    let anew = commit(&*store, vec![absent("k")], vec![put("k", "3")]).await;
    assert_eq!(
        anew,
        Outcome::Committed {
            revision: revision + 1
        }
    );
}

/// Changing never overwrites what another changed, or deleted.
pub async fn commit_changes_only_what_is_unchanged(subject: &dyn Subject) {
    let store = subject.store();
    let first = write(&*store, vec![put("k", "1")]).await;
    let second = commit(&*store, vec![unchanged("k", first)], vec![put("k", "2")]).await;
    assert_eq!(
        second,
        Outcome::Committed {
            revision: first + 1
        }
    );

    let late = commit(&*store, vec![unchanged("k", first)], vec![delete("k")]).await;
    let current = vec![("k".to_owned(), entry("2", first + 1))];
    assert_eq!(
        late,
        Outcome::Refused {
            revision: first + 1,
            current
        }
    );

    let gone = write(&*store, vec![delete("k")]).await;
    let late = commit(
        &*store,
        vec![unchanged("k", first + 1)],
        vec![put("k", "3")],
    )
    .await;
    assert_eq!(
        late,
        Outcome::Refused {
            revision: gone,
            current: vec![]
        }
    );
}

/// One guard that does not hold is enough, and the others are told too, in their order.
pub async fn commit_refused_writes_nothing_and_tells_what_is_there(subject: &dyn Subject) {
    let store = subject.store();
    let revision = write(&*store, vec![put("b", "1"), put("a", "1")]).await;
    let guards = vec![unchanged("b", revision), absent("none"), absent("a")];
    let refused = commit(&*store, guards, vec![put("new", "x"), delete("b")]).await;
    let current = ["b", "a"]
        .map(|key| (key.to_owned(), entry("1", revision)))
        .to_vec();
    assert_eq!(refused, Outcome::Refused { revision, current });
    let loaded = store.load(&[String::new()]).await.expect("the store works");
    let keys: Vec<_> = loaded.entries.keys().map(String::as_str).collect();
    assert_eq!((loaded.revision, keys), (revision, vec!["a", "b"]));
}

/// Who lost the leadership writes nothing, and is told this before anything else.
pub async fn commit_is_fenced_by_another_value(subject: &dyn Subject) {
    let store = subject.store();
    let fence = Fence {
        key: "leader".to_owned(),
        value: "mine".to_owned(),
    };
    let write_k = |guards: Vec<Guard>| Transaction {
        guards,
        ops: vec![put("k", "x")],
    };
    let refusable = write_k(vec![absent("leader")]);
    let plain = write_k(vec![]);
    for (leader, transaction) in [(None, &plain), (Some("theirs"), &plain), (None, &refusable)] {
        if let Some(value) = leader {
            write(&*store, vec![put("leader", value)]).await;
        }
        let outcome = store
            .commit(transaction, Some(&fence))
            .await
            .expect("the store works");
        assert_eq!(outcome, Outcome::Fenced, "{leader:?}");
    }
    let loaded = store
        .load(&["k".to_owned()])
        .await
        .expect("the store works");
    assert!(loaded.entries.is_empty(), "written in spite of the fence");

    let revision = write(&*store, vec![put("leader", "mine")]).await;
    let current = vec![("leader".to_owned(), entry("mine", revision))];
    let refused = store
        .commit(&refusable, Some(&fence))
        .await
        .expect("the store works");
    assert_eq!(refused, Outcome::Refused { revision, current });
    let done = store
        .commit(&plain, Some(&fence))
        .await
        .expect("the store works");
    assert_eq!(
        done,
        Outcome::Committed {
            revision: revision + 1
        }
    );
}

/// As etcd counts: deleting what is not there is no change.
pub async fn commit_of_no_change_keeps_the_revision(subject: &dyn Subject) {
    let store = subject.store();
    let revision = write(&*store, vec![put("k", "x")]).await;
    assert_eq!(write(&*store, vec![]).await, revision);
    assert_eq!(write(&*store, vec![delete("none")]).await, revision);
    assert_eq!(write(&*store, vec![put("k", "x")]).await, revision + 1);
}

/// All that one transaction may hold: operations, and guards with the fence.
pub async fn commit_takes_128_operations(subject: &dyn Subject) {
    let store = subject.store();
    let fence = Fence {
        key: "leader".to_owned(),
        value: "mine".to_owned(),
    };
    let before = write(&*store, vec![put("leader", "mine")]).await;
    let key = |n: usize| format!("k{n:03}");
    let transaction = Transaction {
        guards: (0..127).map(|n| absent(&key(n))).collect(),
        ops: (0..128).map(|n| put(&key(n), "x")).collect(),
    };
    let outcome = store
        .commit(&transaction, Some(&fence))
        .await
        .expect("the store works");
    assert_eq!(
        outcome,
        Outcome::Committed {
            revision: before + 1
        }
    );
    let refused = store
        .commit(&transaction, Some(&fence))
        .await
        .expect("the store works");
    let current = (0..127).map(|n| (key(n), entry("x", before + 1))).collect();
    assert_eq!(
        refused,
        Outcome::Refused {
            revision: before + 1,
            current
        }
    );
}

/// All that one request may hold, in as many keys and guards as make it largest.
pub async fn commit_takes_1400000_bytes(subject: &dyn Subject) {
    let store = subject.store();
    let before = write(&*store, vec![put("start", "x")]).await;
    let key = |n: usize| format!("k{n:03}");
    let guards: Vec<_> = (0..128).map(|n| absent(&key(n))).collect();
    let op = |n: usize, len: usize| put(&key(n), &"x".repeat(len));
    let mut ops: Vec<Op> = (0..127).map(|n| op(n, 10_000)).collect();
    let used = Transaction {
        guards: guards.clone(),
        ops: ops.clone(),
    }
    .bytes();
    ops.push(op(127, Transaction::MAX_BYTES - used - key(127).len()));
    let transaction = Transaction { guards, ops };
    assert_eq!(transaction.bytes(), Transaction::MAX_BYTES);
    let outcome = store
        .commit(&transaction, None)
        .await
        .expect("the store works");
    assert_eq!(
        outcome,
        Outcome::Committed {
            revision: before + 1
        }
    );
}

/// Before anything is sent, and in words.
pub async fn commit_says_what_is_beyond_the_limits(subject: &dyn Subject) {
    let store = subject.store();
    let many = (0..129).map(|n| put(&format!("k{n}"), "x")).collect();
    let large = vec![put("k", &"x".repeat(Transaction::MAX_BYTES))];
    let twice = vec![put("k", "x"), delete("k")];
    for ops in [many, large, twice] {
        let result = store
            .commit(
                &Transaction {
                    guards: vec![],
                    ops,
                },
                None,
            )
            .await;
        assert!(
            matches!(result, Err(StoreError::InvalidTransaction { .. })),
            "{result:?}"
        );
    }
    let loaded = store.load(&[String::new()]).await.expect("the store works");
    assert!(loaded.entries.is_empty());
}
