//! Telling a Service's owner, where they look: as Kubernetes Events.
use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta, PostParams};
use romulus_core::cluster::ObjectName;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::source::supervise;

const CONTROLLER: &str = "romulus.io/romulusd";
/// What Kubernetes takes, in bytes.
const MAX_NOTE: usize = 1024;
/// Events waiting to be posted; more are dropped.
const QUEUE: usize = 256;
/// So many at once, then one per interval.
const BURST: u32 = 25;
const INTERVAL: Duration = Duration::from_secs(1);
/// The same is not said again for so long; Kubernetes keeps Events for an hour.
const FORGET: Duration = Duration::from_secs(3600);
const DEADLINE: Duration = Duration::from_secs(30);

/// Whether all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Only news.
    Normal,
    /// Something needs attention.
    Warning,
}

/// What is said about a Service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceEvent {
    /// The Service.
    pub service: ObjectName,
    /// Its UID: without it `kubectl describe` does not show the Event.
    pub uid: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// One word in CamelCase, the code of a diagnostic.
    pub reason: String,
    /// The sentence; what is beyond 1 kB is cut off.
    pub note: String,
}

/// Posts Events, best effort: what is said twice is posted once an hour, what comes in floods is
/// dropped, and an API server that refuses them is no reason to stop anything.
#[derive(Debug)]
pub struct EventRecorder {
    queue: mpsc::Sender<ServiceEvent>,
    cancel: CancellationToken,
    posting: JoinHandle<()>,
}

impl EventRecorder {
    /// Starts posting in the name of this process, usually its pod's name.
    ///
    /// Must be called within a Tokio runtime, and [closed](Self::close) before that ends.
    pub fn start(client: &kube::Client, instance: &str) -> Self {
        let (queue, events) = mpsc::channel(QUEUE);
        let events = std::sync::Arc::new(tokio::sync::Mutex::new(events));
        let (client, instance) = (client.clone(), instance.to_owned());
        let cancel = CancellationToken::new();
        let what = "Kubernetes Events".to_owned();
        let posting = supervise(cancel.clone(), what, move || {
            let poster = Poster::new(client.clone(), instance.clone());
            let events = std::sync::Arc::clone(&events);
            async move { poster.run(&mut *events.lock().await).await }
        });
        Self {
            queue,
            cancel,
            posting,
        }
    }

    /// Says something. Never waits: where too much is said already, it is dropped.
    pub fn record(&self, event: ServiceEvent) {
        if self.queue.try_send(event).is_err() {
            tracing::debug!("too many Kubernetes Events; one is dropped");
        }
    }

    /// Posts what was said, and what is not through after `patience` no more.
    pub async fn close(mut self, patience: Duration) {
        drop(self.queue);
        if timeout(patience, &mut self.posting).await.is_err() {
            self.cancel.cancel();
            // It was told to end, so it does.
            let _ = self.posting.await;
        }
    }
}

struct Poster {
    client: kube::Client,
    instance: String,
    said: BTreeSet<ServiceEvent>,
    forget_at: Instant,
    /// When the bucket would be full again; a leaky bucket needs no more.
    full_at: Instant,
    failing: bool,
}

impl Poster {
    fn new(client: kube::Client, instance: String) -> Self {
        let now = Instant::now();
        let said = BTreeSet::new();
        Self {
            client,
            instance,
            said,
            forget_at: now + FORGET,
            full_at: now,
            failing: false,
        }
    }

    async fn run(mut self, events: &mut mpsc::Receiver<ServiceEvent>) {
        while let Some(event) = events.recv().await {
            if Instant::now() >= self.forget_at {
                self.said.clear();
                self.forget_at = Instant::now() + FORGET;
            }
            if !self.said.insert(event.clone()) {
                continue;
            }
            let earliest = self.full_at.checked_sub(INTERVAL * (BURST - 1));
            sleep_until(earliest.unwrap_or_else(Instant::now)).await;
            self.full_at = self.full_at.max(Instant::now()) + INTERVAL;
            self.post(event).await;
        }
    }

    async fn post(&mut self, event: ServiceEvent) {
        let api = Api::<Event>::namespaced(self.client.clone(), event.service.namespace());
        let (parameters, object) = (PostParams::default(), self.object(&event));
        let error = match timeout(DEADLINE, api.create(&parameters, &object)).await {
            Ok(Ok(_)) => {
                self.failing = false;
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {}s", DEADLINE.as_secs()),
        };
        // Not said, so it may be said again.
        self.said.remove(&event);
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(
                service = %event.service,
                error,
                "Kubernetes Events cannot be posted; grant create on events.events.k8s.io"
            );
        }
    }

    fn object(&self, event: &ServiceEvent) -> Event {
        let ServiceEvent {
            service,
            uid,
            severity,
            reason,
            note,
        } = event;
        Event {
            metadata: ObjectMeta {
                generate_name: Some(format!("{}.", service.name())),
                namespace: Some(service.namespace().to_owned()),
                ..ObjectMeta::default()
            },
            regarding: Some(ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Service".to_owned()),
                namespace: Some(service.namespace().to_owned()),
                name: Some(service.name().to_owned()),
                uid: uid.clone(),
                ..ObjectReference::default()
            }),
            event_time: Some(MicroTime(Timestamp::now())),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(cut(&self.instance, 128).to_owned()),
            action: Some("Sync".to_owned()),
            reason: Some(cut(reason, 128).to_owned()),
            note: Some(cut(note, MAX_NOTE).to_owned()),
            type_: Some(match severity {
                Severity::Normal => "Normal".to_owned(),
                Severity::Warning => "Warning".to_owned(),
            }),
            ..Event::default()
        }
    }
}

/// The beginning of a text, at most so many bytes.
fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{ApiStub, Fault, On};

    fn event(note: &str) -> ServiceEvent {
        ServiceEvent {
            service: ObjectName::new("shop", "web"),
            uid: Some("u".to_owned()),
            severity: Severity::Warning,
            reason: "RouteTaken".to_owned(),
            note: note.to_owned(),
        }
    }

    fn start(stub: &ApiStub) -> EventRecorder {
        EventRecorder::start(&stub.client(), "romulusd-0")
    }

    async fn posted(stub: &ApiStub, count: usize) -> Vec<serde_json::Value> {
        let enough = async {
            while stub.posted_events().len() < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(600), enough)
            .await
            .expect("they are posted in time");
        stub.posted_events()
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_says_about_which_service_who_and_why() {
        let stub = ApiStub::new();
        let recorder = start(&stub);
        recorder.record(event(&"é".repeat(600)));
        let mut posted = posted(&stub, 1).await.remove(0);
        let time = posted["eventTime"].take();
        assert!(
            time.as_str().is_some_and(|time| time.ends_with('Z')),
            "{time}"
        );
        assert_eq!(
            posted,
            json!({
                "apiVersion": "events.k8s.io/v1",
                "kind": "Event",
                "metadata": {"generateName": "web.", "namespace": "shop"},
                "regarding": {"apiVersion": "v1", "kind": "Service", "namespace": "shop",
                              "name": "web", "uid": "u"},
                "eventTime": null,
                "reportingController": "romulus.io/romulusd",
                "reportingInstance": "romulusd-0",
                "action": "Sync",
                "reason": "RouteTaken",
                "note": "é".repeat(512),
                "type": "Warning",
            })
        );
        assert_eq!(
            stub.requests()[0].path,
            "/apis/events.k8s.io/v1/namespaces/shop/events"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_is_said_once_an_hour() {
        let stub = ApiStub::new();
        let recorder = start(&stub);
        for note in ["a", "a", "b", "a"] {
            recorder.record(event(note));
        }
        posted(&stub, 2).await;
        tokio::time::sleep(FORGET).await;
        assert_eq!(stub.posted_events().len(), 2);
        recorder.record(event("a"));
        assert_eq!(posted(&stub, 3).await.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_slowed_down() {
        let stub = ApiStub::new();
        let recorder = start(&stub);
        for i in 0..100 {
            recorder.record(event(&i.to_string()));
        }
        posted(&stub, 100).await;
        let times: Vec<_> = stub.requests().iter().map(|request| request.at).collect();
        let first = times[0];
        let within = |seconds| {
            let end = first + Duration::from_secs(seconds);
            times.iter().filter(|time| **time < end).count()
        };
        assert_eq!((within(1), within(11), within(76)), (25, 35, 100));
    }

    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_posted_may_be_said_again() {
        let stub = ApiStub::new();
        stub.fail(On::Events, Fault::Status(403), 1);
        stub.fail(On::Events, Fault::Hang, 1);
        let recorder = start(&stub);
        for _ in 0..3 {
            recorder.record(event("a"));
            tokio::time::sleep(DEADLINE * 2).await;
        }
        assert_eq!(stub.posted_events().len(), 1);
    }
    #[tokio::test(start_paused = true)]
    async fn what_was_said_is_posted_before_it_closes() {
        let stub = ApiStub::new();
        let recorder = start(&stub);
        recorder.record(event("a"));
        recorder.record(event("b"));
        recorder.close(DEADLINE).await;
        assert_eq!(stub.posted_events().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_hangs_keeps_it_open_no_longer_than_said() {
        let stub = ApiStub::new();
        stub.fail(On::Events, Fault::Hang, 1);
        let recorder = start(&stub);
        recorder.record(event("a"));
        let began = Instant::now();
        recorder.close(Duration::from_secs(2)).await;
        assert_eq!(began.elapsed().as_secs(), 2);
        assert_eq!(stub.posted_events().len(), 0);
    }
}
