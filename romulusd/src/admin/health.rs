use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A loop that has not turned for so long hangs: every call it makes has a deadline far below.
const HANGS_AFTER: Duration = Duration::from_secs(120);

/// What probes are answered from; the loop tells it facts.
#[derive(Debug, Clone)]
pub(crate) struct Health(Arc<State>);

#[derive(Debug)]
struct State {
    began: Instant,
    /// When the loop turned last, in milliseconds since the beginning.
    turned: AtomicU64,
    listed: AtomicBool,
    loaded: AtomicBool,
    synced: AtomicBool,
    leading: AtomicBool,
    stopping: AtomicBool,
}

/// One thing that has to be so.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: &'static str,
    /// Why it is not so.
    pub(super) failure: Option<&'static str>,
}

impl Health {
    pub(crate) fn new() -> Self {
        Self(Arc::new(State {
            began: Instant::now(),
            turned: AtomicU64::new(0),
            listed: AtomicBool::new(false),
            loaded: AtomicBool::new(false),
            synced: AtomicBool::new(false),
            leading: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
        }))
    }

    /// The loop turned; this is what it knows.
    pub(crate) fn turned(&self, listed: bool, loaded: bool, leading: bool) {
        let now = u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.turned.store(now, Ordering::Relaxed);
        self.0.listed.store(listed, Ordering::Relaxed);
        self.0.loaded.store(loaded, Ordering::Relaxed);
        self.0.leading.store(leading, Ordering::Relaxed);
    }

    /// Everything that could be written was written, once.
    pub(crate) fn synced(&self) {
        self.0.synced.store(true, Ordering::Relaxed);
    }

    pub(crate) fn stopping(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
    }

    pub(super) fn live(&self) -> Vec<Check> {
        let turned = Duration::from_millis(self.0.turned.load(Ordering::Relaxed));
        let hangs = self.0.began.elapsed().saturating_sub(turned) >= HANGS_AFTER;
        vec![check("loop", !hangs, "it has not turned for two minutes")]
    }

    pub(super) fn ready(&self) -> Vec<Check> {
        let is = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        let state = &self.0;
        // A standby is ready to take over, without having written anything.
        let synced = is(&state.synced) || !is(&state.leading);
        let mut checks = self.live();
        checks.extend([
            check(
                "sources",
                is(&state.listed),
                "not everything was listed yet",
            ),
            check("store", is(&state.loaded), "not every tree was loaded yet"),
            check("sync", synced, "the first sync is not through"),
            check("shutdown", !is(&state.stopping), "it is stopping"),
        ]);
        checks
    }
}

fn check(name: &'static str, holds: bool, failure: &'static str) -> Check {
    Check {
        name,
        failure: (!holds).then_some(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(checks: &[Check]) -> Vec<&'static str> {
        let failing = checks.iter().filter(|check| check.failure.is_some());
        failing.map(|check| check.name).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_ready_when_everything_was_read_and_the_leader_has_written() {
        let health = Health::new();
        assert_eq!(failing(&health.ready()), ["sources", "store"]);
        health.turned(true, true, false);
        assert_eq!(failing(&health.ready()), [""; 0], "a standby is ready");
        health.turned(true, true, true);
        assert_eq!(failing(&health.ready()), ["sync"]);
        health.synced();
        assert_eq!(failing(&health.ready()), [""; 0]);
        health.stopping();
        assert_eq!(failing(&health.ready()), ["shutdown"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_hangs_is_not_live() {
        let health = Health::new();
        health.turned(true, true, false);
        tokio::time::advance(HANGS_AFTER - Duration::from_secs(1)).await;
        assert_eq!(failing(&health.live()), [""; 0]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(failing(&health.live()), ["loop"]);
        health.turned(true, true, false);
        assert_eq!(failing(&health.live()), [""; 0]);
    }
}
