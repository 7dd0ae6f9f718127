//! What can be made to go wrong.
use std::time::Duration;

use crate::Resource;

/// What the stub does instead of answering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Answers with this status and a Kubernetes Status object.
    Status(u16),
    /// Answers 429 with this Retry-After, in seconds.
    TooManyRequests(u64),
    /// Answers 200 with a login page.
    Html,
    /// Cuts the answer, or the first line of a watch, in half.
    HalfALine,
    /// Answers a watch with 200 and ends it at once.
    EndAtOnce,
    /// Begins a watch with an error event of this code.
    ErrorEvent(u16),
    /// Begins a watch with a bookmark and goes on with an error event of this code.
    BookmarkThenErrorEvent(u16),
    /// Answers in quarters, each after so long.
    Slow(Duration),
    /// Never answers.
    Hang,
    /// Answers 200 and then never sends anything.
    HangAfterHeaders,
    /// Answers 200 and then breaks the connection.
    Reset,
}

/// Which requests a fault befalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// Every request.
    Any,
    /// The pages of lists of a resource.
    List(Resource),
    /// The nth page of lists of a resource, from 1.
    Page(Resource, u32),
    /// Starts of watches of a resource.
    Watch(Resource),
    /// Posts of Events.
    Events,
    /// Gets of the namespace kube-system.
    Namespace,
    /// Discovery of discovery.k8s.io/v1.
    Discovery,
    /// SelfSubjectAccessReviews.
    Reviews,
}

/// Faults waiting for their requests.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(On, Fault, usize)>);

impl Faults {
    pub(super) fn add(&mut self, on: On, fault: Fault, times: usize) {
        self.0.push((on, fault, times));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault for a request that is all of these.
    pub(super) fn take(&mut self, request: &[On]) -> Option<Fault> {
        let found = self
            .0
            .iter_mut()
            .find(|(on, _, times)| *times > 0 && (*on == On::Any || request.contains(on)));
        let (_, fault, times) = found?;
        *times -= 1;
        Some(fault.clone())
    }
}
