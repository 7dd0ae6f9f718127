//! The life of one list-and-watch.
use std::collections::BTreeSet;

use kube::api::WatchParams;
use romulus_core::cluster::{ClusterChange, Kind, ObjectName, Scope};
use serde::Deserialize;
use tokio::time::{Duration, Instant, sleep, sleep_until};

use super::backoff::Backoff;
use super::line::{self, Event, Lines};
use super::list::{self, List, Unreadable};
use super::request::{ApiError, excerpt, get, next_data, send};
use super::{Resource, WatchSettings, jittered};
use crate::problem::{ObjectRef, Outcome, Place, SourceProblem};
use crate::selection::EndpointsSource;
use crate::source::{Closed, Sender};

/// What can be asked of a server in whole seconds, zero being its own default.
const SHORTEST_WATCH: Duration = Duration::from_secs(1);
/// What kube's client asks for at most.
const LONGEST_WATCH: Duration = Duration::from_secs(290);

/// What one list-and-watch needs to know.
#[derive(Clone)]
pub(crate) struct Reflector {
    pub(crate) client: kube::Client,
    pub(crate) scope: Scope,
    pub(crate) selector: Option<String>,
    pub(crate) endpoints: EndpointsSource,
    pub(crate) settings: WatchSettings,
    pub(crate) events: Sender,
}

impl Reflector {
    /// Runs until nobody listens any more.
    pub(crate) async fn run(self) {
        // `Closed` is the only way out.
        if let Ok(resource) = self.resource().await {
            Task::new(self, resource).run().await;
        }
    }

    /// Which resource serves this kind; asks the server if that is left to it.
    async fn resource(&self) -> Result<Resource, Closed> {
        match (self.scope.kind, self.endpoints) {
            (Kind::Service, _) => return Ok(Resource::Services),
            (Kind::Endpoints, EndpointsSource::Slices) => return Ok(Resource::EndpointSlices),
            (Kind::Endpoints, EndpointsSource::Endpoints) => return Ok(Resource::Endpoints),
            (Kind::Endpoints, EndpointsSource::Auto) => {}
        }
        let mut backoff = self.backoff();
        loop {
            let error = match serves_slices(&self.client, self.settings.request_timeout).await {
                Ok(true) => return Ok(Resource::EndpointSlices),
                Ok(false) => return Ok(Resource::Endpoints),
                Err(error) => error,
            };
            let delay = backoff.failed(error.retry_after());
            self.events.problem(error.problem(DISCOVERY, delay)).await?;
            sleep(delay).await;
        }
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(self.settings.backoff, self.settings.backoff_cap)
    }
}

/// What is asked whether there are EndpointSlices.
const DISCOVERY: &str = "/apis/discovery.k8s.io/v1";

/// Whether the server has EndpointSlices.
pub(crate) async fn serves_slices(
    client: &kube::Client,
    deadline: Duration,
) -> Result<bool, ApiError> {
    #[derive(Deserialize)]
    struct Group {
        resources: Vec<Served>,
    }
    #[derive(Deserialize)]
    struct Served {
        name: String,
    }
    let body = match get(client, DISCOVERY, deadline).await {
        Ok(body) => body,
        Err(error) if error.is_not_found() => return Ok(false),
        Err(error) => return Err(error),
    };
    let group: Group = serde_json::from_slice(&body).map_err(|error| {
        ApiError::Unreadable(format!(
            "no list of resources ({error}): {}",
            excerpt(&body)
        ))
    })?;
    let slices = Resource::EndpointSlices.plural();
    Ok(group.resources.iter().any(|served| served.name == slices))
}

/// How one watch ended.
enum End {
    /// As a watch ends: the server closes it after a while.
    Closed,
    /// Only a new list helps.
    Relist(String),
    /// With an error after which the watch may go on where it was.
    Failed(ApiError),
}

/// Why a watch can't be read any further.
enum Stop {
    Closed,
    Failed(ApiError),
}

impl From<Closed> for Stop {
    fn from(Closed: Closed) -> Self {
        Self::Closed
    }
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

struct Task {
    config: Reflector,
    resource: Resource,
    path: String,
    list_backoff: Backoff,
    watch_backoff: Backoff,
    /// When the watch has lasted long enough to call it a success. One that says something and
    /// fails at once, again and again, is none.
    proven_at: Instant,
    /// The newest version seen; empty before the first list.
    version: String,
    /// Objects that are there and could not be decoded.
    unreadable: BTreeSet<ObjectName>,
    /// The last list was incomplete for objects that may yet become readable.
    incomplete: bool,
}

impl Task {
    fn new(config: Reflector, resource: Resource) -> Self {
        Self {
            path: resource.path(config.scope.namespace.as_deref()),
            list_backoff: config.backoff(),
            watch_backoff: config.backoff(),
            proven_at: Instant::now(),
            config,
            resource,
            version: String::new(),
            unreadable: BTreeSet::new(),
            incomplete: false,
        }
    }

    async fn run(mut self) {
        while self.list().await.is_ok() && self.watch().await.is_ok() {}
    }

    /// Lists until it succeeds.
    async fn list(&mut self) -> Result<(), Closed> {
        loop {
            let Reflector {
                client,
                selector,
                settings,
                ..
            } = &self.config;
            let listed = list::list(
                client,
                self.resource,
                &self.path,
                selector.as_deref(),
                settings,
            )
            .await;
            let error = match listed {
                Ok(list) => {
                    self.list_backoff.succeeded();
                    return self.tell(list).await;
                }
                Err(error) => error,
            };
            let first = self.list_backoff.failures() == 0;
            let delay = self.list_backoff.failed(error.retry_after());
            if first && error.is_expired() {
                // A continue token lives about five minutes; the list begins again at once.
                continue;
            }
            self.config
                .events
                .problem(error.problem(&self.path, delay))
                .await?;
            sleep(delay).await;
        }
    }

    async fn tell(&mut self, list: List) -> Result<(), Closed> {
        if goes_back(&self.version, &list.version) {
            let reason = format!(
                "resource versions went back from {} to {}, as after a restore of the cluster's etcd",
                self.version, list.version
            );
            self.note(reason, "nothing to do: everything was listed anew")
                .await?;
        }
        self.version = list.version;
        self.unreadable = list
            .unreadable
            .iter()
            .filter_map(|item| item.name.clone())
            .collect();
        // One without even a name can't be recognised when it is repaired; only the next list
        // that is due anyway will show it.
        self.incomplete =
            !list.unreadable.is_empty() && list.unreadable.iter().all(|item| item.name.is_some());
        let complete = list.unreadable.is_empty();
        for item in list.unreadable {
            self.report_unreadable(item).await?;
        }
        let scope = &self.config.scope;
        let mut changes = Vec::with_capacity(list.objects.len() + 2);
        changes.push(ClusterChange::ListStart(scope.clone()));
        changes.extend(list.objects.into_iter().map(ClusterChange::Apply));
        changes.push(ClusterChange::ListEnd {
            scope: scope.clone(),
            complete,
        });
        self.config.events.changes(changes).await
    }

    /// Watches until a new list is due.
    async fn watch(&mut self) -> Result<(), Closed> {
        let every = self.config.settings.relist_every;
        let audit = (!every.is_zero()).then(|| Instant::now() + jittered(every));
        loop {
            let started = Instant::now();
            self.proven_at = started + self.config.settings.watch_interval;
            let end = tokio::select! {
                end = self.watch_once() => end?,
                () = sleep_until(audit.unwrap_or(started)), if audit.is_some() => return Ok(()),
            };
            match end {
                End::Closed => {
                    // Some servers and proxies end a watch as soon as it began.
                    if Instant::now() >= self.proven_at {
                        self.watch_backoff.succeeded();
                    }
                    sleep_until(self.proven_at).await;
                }
                End::Relist(reason) => {
                    tracing::info!(path = self.path, reason, "listing anew");
                    // At once; but a version that is refused right after the list that gave it
                    // would make that a loop.
                    let first = self.watch_backoff.failures() == 0;
                    let delay = self.watch_backoff.failed(None);
                    if !first {
                        sleep(delay).await;
                    }
                    return Ok(());
                }
                End::Failed(error) => {
                    let delay = self.watch_backoff.failed(error.retry_after());
                    self.config
                        .events
                        .problem(error.problem(&self.path, delay))
                        .await?;
                    sleep(delay).await;
                }
            }
        }
    }

    async fn watch_once(&mut self) -> Result<End, Closed> {
        match self.read_watch().await {
            Ok(end) => Ok(end),
            Err(Stop::Closed) => Err(Closed),
            Err(Stop::Failed(error)) if error.is_expired() || error.is_ahead() => {
                Ok(End::Relist(error.to_string()))
            }
            Err(Stop::Failed(error)) => Ok(End::Failed(error)),
        }
    }

    async fn read_watch(&mut self) -> Result<End, Stop> {
        let settings = &self.config.settings;
        let open = jittered(settings.watch_timeout).clamp(SHORTEST_WATCH, LONGEST_WATCH);
        let parameters = WatchParams {
            label_selector: self.config.selector.clone(),
            timeout: Some(u32::try_from(open.as_secs()).unwrap_or(u32::MAX)),
            bookmarks: true,
            ..WatchParams::default()
        };
        let request = kube::core::Request::new(self.path.as_str())
            .watch(&parameters, &self.version)
            .map_err(|error| ApiError::Request(error.to_string()))?;
        let silence = open + settings.watch_grace;
        let until = Instant::now() + silence;
        let response = send(&self.config.client, request, settings.request_timeout).await?;
        let mut body = response.into_body();
        let mut lines = Lines::default();
        // What is left in `lines` at the end is half a line: it comes whole in the next watch.
        while let Some(data) = next_data(&mut body, until, silence).await? {
            lines.push(&data)?;
            let mut changes = Vec::new();
            let end = self.read_lines(&mut lines, &mut changes).await;
            // What was read counts, whatever followed it.
            self.config.events.changes(changes).await?;
            if let Some(end) = end? {
                return Ok(end);
            }
        }
        Ok(End::Closed)
    }

    /// Reads the lines that are there; says if the watch is to end.
    async fn read_lines(
        &mut self,
        lines: &mut Lines,
        changes: &mut Vec<ClusterChange>,
    ) -> Result<Option<End>, Stop> {
        while let Some(line) = lines.next_line() {
            let (version, event) = line::decode(self.resource, &line)?;
            if Instant::now() >= self.proven_at {
                self.watch_backoff.succeeded();
            }
            if let Some(version) = version {
                if goes_back(&self.version, &version) {
                    let reason = format!("version {version} after {}", self.version);
                    return Ok(Some(End::Relist(reason)));
                }
                self.version = version;
            }
            match event {
                Event::Bookmark => {}
                Event::Unreadable(item) => {
                    self.unreadable.extend(item.name.clone());
                    self.report_unreadable(item).await?;
                }
                Event::Change(change) => {
                    if let Some(name) = name_of(&change) {
                        self.unreadable.remove(name);
                    }
                    changes.push(change);
                    if self.incomplete && self.unreadable.is_empty() {
                        let reason = "what the last list could not read is readable or gone";
                        return Ok(Some(End::Relist(reason.to_owned())));
                    }
                }
            }
        }
        Ok(None)
    }

    async fn report_unreadable(&self, item: Unreadable) -> Result<(), Closed> {
        let kind = self.resource.object_kind();
        self.config
            .events
            .problem(SourceProblem {
                place: Place::Request(self.path.clone()),
                object: item.name.map(|name| ObjectRef { kind, name }),
                field: item.error.field,
                reason: item.error.reason,
                way_out: "correct the object; until then its last readable state counts".into(),
                outcome: Outcome::Skipped,
            })
            .await
    }

    async fn note(&self, reason: String, way_out: &'static str) -> Result<(), Closed> {
        self.config
            .events
            .problem(SourceProblem {
                place: Place::Request(self.path.clone()),
                object: None,
                field: None,
                reason,
                way_out: way_out.into(),
                outcome: Outcome::Noted,
            })
            .await
    }
}

fn name_of(change: &ClusterChange) -> Option<&ObjectName> {
    match change {
        ClusterChange::Apply(object) => Some(object.name()),
        ClusterChange::Delete(_, name) => Some(name),
        ClusterChange::ListStart(_) | ClusterChange::ListEnd { .. } => None,
    }
}

/// Whether the second version is older. Versions of one resource are integers in every Kubernetes
/// release and documented as comparable since 1.35; other text proves nothing.
fn goes_back(before: &str, after: &str) -> bool {
    matches!((before.parse::<u128>(), after.parse::<u128>()), (Ok(before), Ok(after)) if after < before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_integers() {
        for (before, after, expected) in [
            ("10", "9", true),
            ("9", "10", false),
            ("9", "9", false),
            ("", "1", false),
            ("x", "1", false),
        ] {
            assert_eq!(goes_back(before, after), expected, "{before:?} {after:?}");
        }
    }
}
