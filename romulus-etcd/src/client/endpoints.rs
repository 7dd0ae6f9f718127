//! The endpoints of a cluster: which one to ask, for how long, and what next when it fails.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use backon::BackoffBuilder as _;
use etcd_client::Client;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::request::{REQUESTS_TARGET, Request};
use super::verdict::{Verdict, judge};
use super::{EtcdOptions, request};
use crate::{Cause, StoreError};

/// Whether a call may be sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sending it twice does no harm: it is tried on every endpoint.
    Idempotent,
    /// It is sent again only where it is known that it was not applied.
    Write,
}

/// An answer, and who gave it.
pub(super) struct Answer<T> {
    pub(super) value: T,
    pub(super) endpoint: usize,
}

/// One client per endpoint, each connected when first used. etcd-client can balance over several
/// endpoints by itself, but then keeps sending its share of the calls to a dead one.
pub(super) struct Endpoints {
    options: EtcdOptions,
    clients: Vec<Mutex<Option<Client>>>,
    /// The endpoint that answered last.
    current: AtomicUsize,
}

/// How a call on one endpoint ended, when not with an answer.
struct Failed {
    verdict: Verdict,
    cause: Option<Cause>,
}

impl Endpoints {
    pub(super) fn new(options: EtcdOptions) -> Self {
        let clients = options
            .endpoints()
            .iter()
            .map(|_| Mutex::default())
            .collect();
        Self {
            options,
            clients,
            current: AtomicUsize::new(0),
        }
    }

    pub(super) fn options(&self) -> &EtcdOptions {
        &self.options
    }

    /// Makes a call, within the deadline of the options.
    pub(super) async fn call<T, F, Fut>(
        &self,
        request: Request<'_>,
        kind: Kind,
        call: F,
    ) -> Result<Answer<T>, StoreError>
    where
        F: Fn(Client) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, etcd_client::Error>> + Send,
        T: Send,
    {
        let deadline = Instant::now() + self.options.timeout;
        let count = self.clients.len();
        let start = self.current.load(Ordering::Relaxed);
        let mut pauses = pauses(count);
        for attempt in 0.. {
            let endpoint = (start + attempt) % count;
            let until = match kind {
                // Leaves a share of the time to those not asked yet.
                Kind::Idempotent => share(deadline, count.saturating_sub(attempt)),
                Kind::Write => deadline,
            };
            let failed = match self.attempt(endpoint, until, request, &call).await {
                Ok(value) => {
                    self.current.store(endpoint, Ordering::Relaxed);
                    return Ok(Answer { value, endpoint });
                }
                Err(failed) => failed,
            };
            let again = match (&failed.verdict, kind) {
                (Verdict::Elsewhere(_) | Verdict::Stale(_), _) => true,
                (Verdict::Lost(_), kind) => kind == Kind::Idempotent,
                (Verdict::Later(_) | Verdict::Never(_), _) => false,
            };
            if again
                && let Some(pause) = pauses.next()
                && Instant::now() + pause < deadline
            {
                tokio::time::sleep(pause).await;
                continue;
            }
            return Err(self.error(endpoint, request, kind, failed));
        }
        // The loop above returns.
        Err(StoreError::InvalidTransaction {
            reason: "no endpoint was asked".to_owned(),
        })
    }

    /// Gives up the connection to an endpoint whose stream broke; the next call starts at another.
    pub(super) async fn leave(&self, endpoint: usize) {
        *self.clients[endpoint].lock().await = None;
        let next = (endpoint + 1) % self.clients.len();
        // Unless somebody has already found a better one.
        let _ = self
            .current
            .compare_exchange(endpoint, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    async fn attempt<T, F, Fut>(
        &self,
        endpoint: usize,
        until: Instant,
        request: Request<'_>,
        call: &F,
    ) -> Result<T, Failed>
    where
        F: Fn(Client) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, etcd_client::Error>> + Send,
        T: Send,
    {
        self.log(endpoint, request);
        let started = Instant::now();
        let has_user = self.options.user.is_some();
        let failed = |error: etcd_client::Error| Failed {
            verdict: judge(&error, has_user),
            cause: Some(Box::new(error)),
        };
        let silent = || {
            let waited = started.elapsed();
            format!("no answer within {waited:.1?}; is it overloaded, or cut off?")
        };
        let client = match timeout_at(until, self.client(endpoint)).await {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => {
                let Failed { verdict, cause } = failed(error);
                // What failed is the authentication: the call itself was not sent.
                let verdict = match verdict {
                    Verdict::Lost(problem) => Verdict::Elsewhere(problem),
                    Verdict::Stale(problem) => Verdict::Elsewhere(problem),
                    verdict => verdict,
                };
                return Err(Failed { verdict, cause });
            }
            Err(_) => {
                return Err(Failed {
                    verdict: Verdict::Elsewhere(silent()),
                    cause: None,
                });
            }
        };
        let failed = match timeout_at(until, call(client)).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => failed(error),
            Err(_) => Failed {
                verdict: Verdict::Lost(silent()),
                cause: None,
            },
        };
        if !matches!(failed.verdict, Verdict::Never(_) | Verdict::Later(_)) {
            self.leave(endpoint).await;
        }
        Err(failed)
    }

    /// The client of an endpoint. Only a user makes this wait for the network.
    async fn client(&self, endpoint: usize) -> Result<Client, etcd_client::Error> {
        let mut slot = self.clients[endpoint].lock().await;
        if let Some(client) = &*slot {
            return Ok(client.clone());
        }
        let url = &self.options.endpoints()[endpoint];
        let client = Client::connect([url], Some(self.options.connect(url))).await?;
        Ok(slot.insert(client).clone())
    }

    fn log(&self, endpoint: usize, request: Request<'_>) {
        if !self.options.log_requests {
            return;
        }
        let mut command = "etcdctl --endpoints=".to_owned();
        // Writing to a String does not fail.
        let _ = request::shell(&mut command, &self.options.endpoints()[endpoint]);
        if let Some((name, _)) = &self.options.user {
            command.push_str(" --user=");
            let _ = request::shell(&mut command, &format!("{name}:***"));
        }
        tracing::debug!(target: REQUESTS_TARGET, "{command} {request}");
    }

    fn error(
        &self,
        endpoint: usize,
        request: Request<'_>,
        kind: Kind,
        failed: Failed,
    ) -> StoreError {
        let Failed {
            verdict,
            cause: source,
        } = failed;
        let endpoint = self.options.endpoints()[endpoint].clone();
        let call = request.name();
        match verdict {
            Verdict::Never(problem) => StoreError::Rejected {
                endpoint,
                call,
                problem,
                source,
            },
            Verdict::Lost(problem) if kind == Kind::Write => StoreError::UnknownOutcome {
                endpoint,
                call,
                problem,
                source,
            },
            Verdict::Elsewhere(problem)
            | Verdict::Stale(problem)
            | Verdict::Later(problem)
            | Verdict::Lost(problem) => StoreError::Unavailable {
                endpoint,
                call,
                problem,
                source,
            },
        }
    }
}

/// Pauses between attempts: none until every endpoint was asked, then a second round.
fn pauses(endpoints: usize) -> impl Iterator<Item = Duration> + Send {
    let backoff = backon::ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(50))
        .with_max_times(endpoints)
        .with_jitter()
        .build();
    std::iter::repeat_n(Duration::ZERO, endpoints - 1).chain(backoff)
}

/// The end of the first of `shares` equal parts of the time that is left.
fn share(deadline: Instant, shares: usize) -> Instant {
    let now = Instant::now();
    let parts = u32::try_from(shares.max(1)).unwrap_or(u32::MAX);
    now + deadline.saturating_duration_since(now) / parts
}
