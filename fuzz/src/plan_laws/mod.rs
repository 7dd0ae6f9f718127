//! What holds for plans, whatever happens to a cluster and to its store.
//!
//! The input is a history: each byte chooses from a small alphabet of Services, endpoints, keys of
//! others and accidents, so that ids, routes and roots meet often.

mod alphabet;
mod history;
mod witness;

use std::fmt::Display;
use std::sync::LazyLock;

use arbitrary::Unstructured;

use history::History;

/// Rounds of changes; long histories find no more than many.
const MOST_ROUNDS: usize = 12;

/// After each round of changes: plans come to an end; every write was in order and is one that
/// vulcand takes; keys of others are as they were; and a fresh start has nothing to write.
pub fn check(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Ok(mut history) = History::begin(&mut bytes) else {
        return;
    };
    history.settle(None);
    for _ in 0..MOST_ROUNDS {
        if bytes.is_empty() {
            break;
        }
        let Ok(stop_after) = history.round(&mut bytes) else {
            break;
        };
        history.settle(stop_after);
    }
    history.end();
}

/// Says what happens, for one input that is to be understood: `FUZZ_TELL=1`.
fn tell(what: impl Display) {
    static TELL: LazyLock<bool> = LazyLock::new(|| std::env::var_os("FUZZ_TELL").is_some());
    if *TELL {
        eprintln!("{what}");
    }
}
