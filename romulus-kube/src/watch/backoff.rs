//! Waiting between attempts.
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// Delays that double with every failure, each with a random part of its own size on top so that
/// the replicas of a fleet spread. What a server asks for with Retry-After is honoured up to a cap.
#[derive(Debug)]
pub(crate) struct Backoff {
    builder: ExponentialBuilder,
    delays: ExponentialBackoff,
    cap: Duration,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(first: Duration, cap: Duration) -> Self {
        let builder = ExponentialBuilder::default()
            .with_min_delay(first)
            .with_max_delay(cap)
            .with_jitter()
            .without_max_times();
        Self {
            delays: builder.build(),
            builder,
            cap,
            failures: 0,
        }
    }

    /// How long to wait after one more failure.
    pub(crate) fn failed(&mut self, retry_after: Option<Duration>) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let delay = self.delays.next().unwrap_or(self.cap);
        delay.max(retry_after.unwrap_or_default().min(self.cap))
    }

    /// Failures since the last success.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    pub(crate) fn succeeded(&mut self) {
        if self.failures > 0 {
            self.failures = 0;
            self.delays = self.builder.build();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_cap_and_begin_anew_after_a_success() {
        let cap = Duration::from_secs(30);
        let mut backoff = Backoff::new(Duration::from_millis(800), cap);
        let delays: Vec<_> = (0..10).map(|_| backoff.failed(None)).collect();
        assert!(delays[0] < Duration::from_secs(2), "{delays:?}");
        assert!(
            delays[6..]
                .iter()
                .all(|delay| *delay >= cap && *delay <= cap * 2),
            "{delays:?}"
        );
        backoff.succeeded();
        assert!(backoff.failed(None) < Duration::from_secs(2));
    }

    #[test]
    fn retry_after_is_honoured_up_to_the_cap() {
        let cap = Duration::from_secs(30);
        let mut backoff = Backoff::new(Duration::from_millis(800), cap);
        assert_eq!(
            backoff.failed(Some(Duration::from_secs(7))),
            Duration::from_secs(7)
        );
        assert_eq!(backoff.failed(Some(Duration::from_secs(3600))), cap);
    }
}
