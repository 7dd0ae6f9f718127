use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

/// Growing pauses after failures, with jitter, forgotten after a success.
#[derive(Debug)]
pub(crate) struct Pause {
    delays: ExponentialBackoff,
    until: Option<Instant>,
}

/// The longest pause, before jitter.
const LONGEST: Duration = Duration::from_secs(30);

fn delays() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(LONGEST)
        .with_jitter()
        .without_max_times()
        .build()
}

impl Pause {
    /// No pause yet.
    pub(crate) fn new() -> Self {
        Self {
            delays: delays(),
            until: None,
        }
    }

    /// Something failed: waits a little longer than the last time. Returns how long.
    pub(crate) fn grow(&mut self) -> Duration {
        let delay = self.delays.next().unwrap_or(LONGEST);
        self.until = Some(Instant::now() + delay);
        delay
    }

    /// Something went well.
    pub(crate) fn reset(&mut self) {
        if self.until.take().is_some() {
            self.delays = delays();
        }
    }

    /// Whether it is time to try.
    pub(crate) fn is_over(&self) -> bool {
        self.until.is_none_or(|until| until <= Instant::now())
    }

    /// Returns when the pause is over; never, if there is none.
    pub(crate) async fn over(&self) {
        match self.until.filter(|until| *until > Instant::now()) {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    }
}
