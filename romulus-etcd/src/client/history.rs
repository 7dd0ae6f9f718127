use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// What the answers of a store have in common: they are of one cluster, whose revision only grows.
///
/// Where it does not, the store was restored from a backup, and what was known of it is not so. A
/// watch alone may not notice: of our own last writes it may not have heard yet, and resumes at a
/// revision that exists in the restored store too.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The cluster that answered the last read; 0 before. Another one is another history.
    cluster: AtomicU64,
    /// The newest revision heard of.
    newest: AtomicI64,
    /// How many times the store turned out to have gone back.
    turns: AtomicU64,
}

impl History {
    pub(super) fn cluster(&self) -> u64 {
        self.cluster.load(Ordering::Relaxed)
    }

    pub(super) fn answered_by(&self, cluster: u64) {
        self.cluster.store(cluster, Ordering::Relaxed);
    }

    pub(super) fn newest(&self) -> i64 {
        self.newest.load(Ordering::Relaxed)
    }

    pub(super) fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    /// A revision was told by somebody who may lag behind.
    pub(super) fn heard(&self, revision: i64) {
        self.newest.fetch_max(revision, Ordering::Relaxed);
    }

    /// A majority of the cluster agreed on this revision, which can't be below the least one unless
    /// the store went back.
    pub(super) fn agreed(&self, least: i64, revision: i64) {
        if revision >= least {
            self.heard(revision);
            return;
        }
        tracing::warn!(
            "the store is at revision {revision} and was at {}: restored from a backup?",
            self.newest()
        );
        self.newest.store(revision, Ordering::Relaxed);
        self.turns.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_that_goes_back_is_a_turn() {
        let history = History::default();
        history.agreed(history.newest(), 7);
        history.heard(5);
        history.agreed(history.newest(), 7);
        history.agreed(history.newest() + 1, 8);
        assert_eq!((history.newest(), history.turns()), (8, 0));
        // A write that brought no new revision: another one stands there already.
        history.agreed(history.newest() + 1, 8);
        assert_eq!((history.newest(), history.turns()), (8, 1));
        history.agreed(history.newest(), 3);
        assert_eq!((history.newest(), history.turns()), (3, 2));
    }
}
