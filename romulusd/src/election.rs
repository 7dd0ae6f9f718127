use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use romulus_core::key::{OWN_PREFIX, Segment};
use romulus_etcd::{Fence, Leadership, Store, StoreError};
use tracing::{info, warn};

use crate::pause::Pause;

/// Who writes.
pub(crate) struct Election {
    store: Arc<dyn Store>,
    key: String,
    ttl: Duration,
    state: State,
    pause: Pause,
}

enum State {
    /// There is no election: this process writes.
    Off,
    /// Waiting to be elected.
    Candidate(BoxFuture<'static, Result<Box<dyn Leadership>, StoreError>>),
    /// Elected.
    Leader(Box<dyn Leadership>),
    /// The candidature failed; the next one begins after a pause.
    Pausing,
}

/// What changed about the leadership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// A term begins.
    Elected,
    /// The term is over.
    Lost,
}

impl Election {
    pub(crate) fn new(store: Arc<dyn Store>, owner: &Segment, ttl: Duration, on: bool) -> Self {
        let key = format!("{OWN_PREFIX}owners/{owner}/leader");
        let mut election = Self {
            store,
            key,
            ttl,
            state: State::Off,
            pause: Pause::new(),
        };
        if on {
            election.stand();
        }
        election
    }

    /// Becomes a candidate.
    fn stand(&mut self) {
        let (store, key, ttl) = (self.store.clone(), self.key.clone(), self.ttl);
        self.state = State::Candidate(Box::pin(async move { store.lead(&key, ttl).await }));
    }

    pub(crate) fn is_leading(&self) -> bool {
        matches!(self.state, State::Off | State::Leader(_))
    }

    pub(crate) fn fence(&self) -> Option<&Fence> {
        match &self.state {
            State::Leader(term) => Some(term.fence()),
            _ => None,
        }
    }

    /// What the watches must have passed before this term's first plan.
    pub(crate) fn revision(&self) -> i64 {
        match &self.state {
            State::Leader(term) => term.revision(),
            _ => 0,
        }
    }

    /// The next turn; never, where there is no election.
    pub(crate) async fn next(&mut self) -> Turn {
        loop {
            match &mut self.state {
                State::Off => std::future::pending().await,
                State::Leader(term) => {
                    term.lost().await;
                    warn!("the leadership was lost; standing again");
                    self.stand();
                    return Turn::Lost;
                }
                State::Candidate(candidature) => match candidature.await {
                    Ok(term) => {
                        info!("leading: this process writes");
                        self.pause.reset();
                        self.state = State::Leader(term);
                        return Turn::Elected;
                    }
                    Err(error) => {
                        let delay = self.pause.grow();
                        warn!("no leadership yet: {error}; trying again in {delay:.1?}");
                        self.state = State::Pausing;
                    }
                },
                State::Pausing => {
                    if !self.pause.is_over() {
                        self.pause.over().await;
                    }
                    self.stand();
                }
            }
        }
    }

    /// A write was refused because somebody else leads.
    pub(crate) fn fenced(&mut self) {
        if let State::Leader(_) = self.state {
            self.stand();
        }
    }

    /// Hands over at once.
    pub(crate) async fn resign(self) {
        if let State::Leader(term) = self.state {
            term.resign().await;
        }
    }
}
