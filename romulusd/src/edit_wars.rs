//! Another writer that puts keys of ours again and again: putting them back each time at once
//! would keep both, etcd and vulcand busy for ever.

use std::collections::BTreeMap;
use std::time::Duration;

use romulus_core::plan::{Op, Transaction};
use romulus_core::secret::mask;
use romulus_core::stored::Entry;
use tokio::time::Instant;
use tracing::warn;

/// How many times a key is put back at once.
const PATIENCE: u32 = 3;
/// How long a key is left alone then; twice as long each time.
const FIRST_TRUCE: Duration = Duration::from_secs(1);
const LONGEST_TRUCE: Duration = Duration::from_secs(300);
/// After this time without a put by others a key's past is forgotten.
const QUIET: Duration = Duration::from_secs(600);
/// Keys that are remembered at most; more are put back at once, as if for the first time.
const KEYS: usize = 10_000;

/// The keys that others have put lately.
#[derive(Debug, Default)]
pub(crate) struct EditWars {
    keys: BTreeMap<String, Rival>,
}

#[derive(Debug)]
struct Rival {
    /// What they put last, and when.
    theirs: Entry,
    seen: Instant,
    /// It was put back since.
    is_answered: bool,
    /// How many times it was put back.
    answers: u32,
    truce: Option<Instant>,
}

impl EditWars {
    /// Somebody else put a key of an object of ours.
    pub(crate) fn edited(&mut self, key: &str, theirs: &Entry) {
        let now = Instant::now();
        if self.keys.len() >= KEYS {
            self.keys
                .retain(|_, rival| rival.truce.is_some() || now - rival.seen < QUIET);
        }
        let has_room = self.keys.len() < KEYS;
        match self.keys.get_mut(key) {
            Some(rival) => {
                if now - rival.seen >= QUIET {
                    rival.answers = 0;
                }
                rival.theirs = theirs.clone();
                rival.seen = now;
                rival.is_answered = false;
            }
            None if has_room => {
                let rival = Rival {
                    theirs: theirs.clone(),
                    seen: now,
                    is_answered: false,
                    answers: 0,
                    truce: None,
                };
                self.keys.insert(key.to_owned(), rival);
            }
            None => {}
        }
    }

    /// A transaction of ours was applied. Returns the keys that are to be left alone for a while.
    pub(crate) fn wrote(&mut self, transaction: &Transaction) -> Vec<String> {
        if self.keys.is_empty() {
            return Vec::new();
        }
        let mut truces = Vec::new();
        for op in &transaction.ops {
            let Some(rival) = self.keys.get_mut(op.key()).filter(|r| !r.is_answered) else {
                continue;
            };
            rival.is_answered = true;
            rival.answers += 1;
            let Some(rounds) = rival.answers.checked_sub(PATIENCE) else {
                continue;
            };
            let truce = FIRST_TRUCE
                .saturating_mul(1 << rounds.min(16))
                .min(LONGEST_TRUCE);
            rival.truce = Some(Instant::now() + truce);
            tell(op, rival, truce);
            truces.push(op.key().to_owned());
        }
        truces
    }

    /// The next key that is no longer left alone; never, where none is.
    pub(crate) async fn resumed(&mut self) -> String {
        let next = self
            .keys
            .iter()
            .filter_map(|(key, rival)| Some((rival.truce?, key.clone())))
            .min();
        let Some((truce, key)) = next else {
            return std::future::pending().await;
        };
        tokio::time::sleep_until(truce).await;
        if let Some(rival) = self.keys.get_mut(&key) {
            rival.truce = None;
        }
        key
    }
}

fn tell(op: &Op, rival: &Rival, truce: Duration) {
    let ours = match op {
        Op::Put { value, .. } => format!("romulus puts {}", mask(value)),
        Op::Delete { .. } => "romulus deletes it".to_owned(),
    };
    let lease = match rival.theirs.lease {
        0 => "without a lease".to_owned(),
        lease => format!("on lease {lease:x}"),
    };
    warn!(
        "edit war over {}: another writer puts {} ({lease}), {ours}; that was {} times: the key is \
         left alone for {truce:.0?} (find out who else writes it, or remove the Service's \
         annotations)",
        op.key(),
        mask(&rival.theirs.value),
        rival.answers,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theirs() -> Entry {
        Entry {
            value: "theirs".into(),
            revision: 7,
            lease: 0x1f,
        }
    }

    fn ours() -> Transaction {
        let put = |key: &str| Op::Put {
            key: key.into(),
            value: "ours".into(),
        };
        Transaction {
            guards: Vec::new(),
            ops: vec![put("a"), put("b")],
        }
    }

    /// How long the key is left alone after one more edit and its answer.
    async fn round(wars: &mut EditWars) -> Duration {
        wars.edited("a", &theirs());
        let began = Instant::now();
        match wars.wrote(&ours()).as_slice() {
            [] => Duration::ZERO,
            [key] => {
                assert_eq!(*key, wars.resumed().await);
                began.elapsed()
            }
            more => panic!("{more:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_truce_is_longer_up_to_a_bound() {
        let mut wars = EditWars::default();
        let mut truces = Vec::new();
        for _ in 0..13 {
            truces.push(round(&mut wars).await.as_secs_f64().round());
        }
        let doubled = [1., 2., 4., 8., 16., 32., 64., 128., 256., 300., 300.];
        assert_eq!(truces[..2], [0., 0.]);
        assert_eq!(truces[2..], doubled);
    }

    #[tokio::test(start_paused = true)]
    async fn writes_that_answer_nobody_count_for_nothing() {
        let mut wars = EditWars::default();
        for _ in 0..2 {
            assert_eq!(round(&mut wars).await, Duration::ZERO);
        }
        for _ in 0..9 {
            assert!(wars.wrote(&ours()).is_empty());
        }
        tokio::time::advance(QUIET).await;
        assert_eq!(round(&mut wars).await, Duration::ZERO, "that is long past");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let mut wars = EditWars::default();
        for n in 0..KEYS + 9 {
            wars.edited(&n.to_string(), &theirs());
        }
        assert_eq!(wars.keys.len(), KEYS);
        tokio::time::advance(QUIET).await;
        wars.edited("new", &theirs());
        assert_eq!(wars.keys.len(), 1);
    }
}
