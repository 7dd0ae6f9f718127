//! The endpoints of a cluster: which one to ask, for how long, and what next when it fails.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
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
    pub(super) endpoint: Arc<Endpoint>,
}

/// An endpoint, with a client that connects when first used.
pub(super) struct Endpoint {
    url: String,
    client: Mutex<Option<Client>>,
}

impl Endpoint {
    fn new(url: &str) -> Arc<Self> {
        Arc::new(Self {
            url: url.to_owned(),
            client: Mutex::default(),
        })
    }
}

/// One client per endpoint. etcd-client can balance over several endpoints by itself, but then
/// keeps sending its share of the calls to a dead one.
pub(super) struct Endpoints {
    options: EtcdOptions,
    members: RwLock<Arc<[Arc<Endpoint>]>>,
    /// The place of the endpoint that answered last.
    current: AtomicUsize,
    /// Nobody answered: whoever told the endpoints has to be asked again.
    is_stale: AtomicBool,
}

/// How a call on one endpoint ended, when not with an answer.
struct Failed {
    verdict: Verdict,
    cause: Option<Cause>,
}

impl Endpoints {
    pub(super) fn new(options: EtcdOptions) -> Self {
        let members = options.endpoints().iter().map(|url| Endpoint::new(url));
        Self {
            members: RwLock::new(members.collect()),
            current: AtomicUsize::new(0),
            is_stale: AtomicBool::new(options.discovery.is_some()),
            options,
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
        let members = self.found(deadline, request).await?;
        let count = members.len();
        let start = self.current.load(Ordering::Relaxed);
        let mut pauses = pauses(count);
        for attempt in 0.. {
            let place = (start + attempt) % count;
            let endpoint = &members[place];
            let until = match kind {
                // Leaves a share of the time to those not asked yet.
                Kind::Idempotent => share(deadline, count.saturating_sub(attempt)),
                Kind::Write => deadline,
            };
            let failed = match self.attempt(endpoint, until, request, &call).await {
                Ok(value) => {
                    self.current.store(place, Ordering::Relaxed);
                    let endpoint = endpoint.clone();
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
            if !matches!(failed.verdict, Verdict::Never(_)) {
                self.is_stale
                    .store(self.options.discovery.is_some(), Ordering::Relaxed);
            }
            return Err(self.error(endpoint, request, kind, failed));
        }
        // The loop above returns.
        Err(StoreError::InvalidTransaction {
            reason: "no endpoint was asked".to_owned(),
        })
    }

    /// Makes a call on every endpoint at once; none stands in for another.
    pub(super) async fn each<T, F, Fut>(
        &self,
        request: Request<'_>,
        patience: Duration,
        call: F,
    ) -> Result<Vec<(String, Result<T, StoreError>)>, StoreError>
    where
        F: Fn(Client) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, etcd_client::Error>> + Send,
        T: Send,
    {
        let deadline = Instant::now() + self.options.timeout;
        let members = self.found(deadline, request).await?;
        let until = Instant::now() + patience;
        let call = &call;
        let asked = members.iter().map(|endpoint| async move {
            let answer = self.attempt(endpoint, until, request, call).await;
            let answer =
                answer.map_err(|failed| self.error(endpoint, request, Kind::Idempotent, failed));
            (endpoint.url.clone(), answer)
        });
        Ok(futures::future::join_all(asked).await)
    }

    /// The endpoints, as they were told last.
    fn members(&self) -> Arc<[Arc<Endpoint>]> {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        members.clone()
    }

    /// The endpoints' names, for messages.
    pub(super) fn names(&self) -> String {
        let members = self.members();
        let names: Vec<&str> = members.iter().map(|member| member.url.as_str()).collect();
        names.join(",")
    }

    /// The endpoints; asks anew who they are, where nobody answered last time.
    async fn found(
        &self,
        deadline: Instant,
        request: Request<'_>,
    ) -> Result<Arc<[Arc<Endpoint>]>, StoreError> {
        let known = self.members();
        let Some(discovery) = &self.options.discovery else {
            return Ok(known);
        };
        if !self.is_stale.load(Ordering::Relaxed) {
            return Ok(known);
        }
        // Half of the time is left for the endpoints.
        let until = share(deadline, 2);
        let answer = timeout_at(until, discovery.resolve(self.options.only_https())).await;
        let problem = match answer {
            Ok(Ok(urls)) => {
                self.is_stale.store(false, Ordering::Relaxed);
                let member = |url: &String| {
                    let same = known.iter().find(|member| member.url == *url);
                    same.cloned().unwrap_or_else(|| Endpoint::new(url))
                };
                let members: Arc<[Arc<Endpoint>]> = urls.iter().map(member).collect();
                *self.members.write().unwrap_or_else(PoisonError::into_inner) = members.clone();
                return Ok(members);
            }
            Ok(Err(problem)) => problem,
            Err(_) => "the name server does not answer".to_owned(),
        };
        if !known.is_empty() {
            tracing::warn!("the endpoints can't be looked up anew: {problem}");
            return Ok(known);
        }
        Err(StoreError::Unavailable {
            endpoint: discovery.domain().to_owned(),
            call: request.name(),
            problem: format!("its SRV records name no endpoint: {problem}"),
            cause: None,
        })
    }

    /// Gives up the connection to an endpoint whose stream broke; the next call starts at another.
    pub(super) async fn leave(&self, endpoint: &Arc<Endpoint>) {
        *endpoint.client.lock().await = None;
        let members = self.members();
        let Some(place) = members.iter().position(|m| Arc::ptr_eq(m, endpoint)) else {
            return;
        };
        let next = (place + 1) % members.len();
        // Unless somebody has already found a better one.
        let _ = self
            .current
            .compare_exchange(place, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    async fn attempt<T, F, Fut>(
        &self,
        endpoint: &Arc<Endpoint>,
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
    async fn client(&self, endpoint: &Endpoint) -> Result<Client, etcd_client::Error> {
        let mut slot = endpoint.client.lock().await;
        if let Some(client) = &*slot {
            return Ok(client.clone());
        }
        let options = self.options.connect(&endpoint.url);
        let client = Client::connect([&endpoint.url], Some(options)).await?;
        Ok(slot.insert(client).clone())
    }

    fn log(&self, endpoint: &Endpoint, request: Request<'_>) {
        if !self.options.log_requests {
            return;
        }
        let mut command = "etcdctl --endpoints=".to_owned();
        // Writing to a String does not fail.
        let _ = request::shell(&mut command, &endpoint.url);
        if let Some((name, _)) = &self.options.user {
            command.push_str(" --user=");
            let _ = request::shell(&mut command, &format!("{name}:***"));
        }
        tracing::debug!(target: REQUESTS_TARGET, "{command} {request}");
    }

    fn error(
        &self,
        endpoint: &Endpoint,
        request: Request<'_>,
        kind: Kind,
        failed: Failed,
    ) -> StoreError {
        let Failed { verdict, cause } = failed;
        let endpoint = endpoint.url.clone();
        let call = request.name();
        match verdict {
            Verdict::Never(problem) => StoreError::Rejected {
                endpoint,
                call,
                problem,
                cause,
            },
            Verdict::Lost(problem) if kind == Kind::Write => StoreError::UnknownOutcome {
                endpoint,
                call,
                problem,
                cause,
            },
            Verdict::Elsewhere(problem)
            | Verdict::Stale(problem)
            | Verdict::Later(problem)
            | Verdict::Lost(problem) => StoreError::Unavailable {
                endpoint,
                call,
                problem,
                cause,
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
