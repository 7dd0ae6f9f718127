use std::collections::BTreeSet;

use crate::key::{ObjectRef, Segment};
use crate::map::{self, Scheme, ServerAddress};

/// What is to happen to one backend or frontend, before the order of it all is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectChange {
    pub(crate) object: ObjectRef,
    pub(crate) head: HeadChange,
    pub(crate) record: RecordChange,
    /// The servers or middlewares it should have, where they are to be touched at all.
    pub(crate) children: Vec<Child>,
    /// Stored servers or middlewares that should go.
    pub(crate) strays: BTreeSet<Segment>,
    /// Its head key is stored, and at which revision.
    pub(crate) head_revision: Option<i64>,
    /// It is stored, and vulcand has dropped it.
    pub(crate) is_lost: bool,
    /// Its record is stored, and at which revision.
    pub(crate) record_revision: Option<i64>,
    /// How a frontend hangs together with others.
    pub(crate) links: FrontendLinks,
}

/// The head key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeadChange {
    /// It stays as it is.
    Keep,
    /// It gets this value; it is created where it is not stored.
    Put(String),
    /// It is deleted now and gets this value in a later transaction.
    Recreate(String),
    /// It goes.
    Delete,
}

/// The ownership record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RecordChange {
    Keep,
    Put(String),
    Delete,
}

/// A server or middleware that should be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Child {
    pub(crate) name: Segment,
    pub(crate) value: ChildValue,
    /// The store holds it, saying the same.
    pub(crate) in_step: bool,
}

/// What the key of a server or middleware says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChildValue {
    Text(String),
    /// A server: put into words only where it is written, which few of many are.
    Server(Scheme, ServerAddress),
}

impl ChildValue {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Server(scheme, address) => map::server_value(&address.url(*scheme)),
        }
    }
}

/// A frontend's route and backend, before and after; empty for backends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FrontendLinks {
    pub(crate) old_route: Option<String>,
    pub(crate) new_route: Option<String>,
    pub(crate) old_backend: Option<Segment>,
    pub(crate) new_backend: Option<Segment>,
    /// The backend it will use has servers before this plan begins.
    pub(crate) target_serves: bool,
    /// The revision of that backend's head, where it is stored.
    pub(crate) target_revision: Option<i64>,
    /// The stored route is a placeholder from an earlier plan that did not get further.
    pub(crate) is_settling: bool,
    /// The head with a route that never matches, to be written first where the frontend has to
    /// get its middlewares before its first request.
    pub(crate) placeholder: String,
}

impl ObjectChange {
    /// Whether vulcand comes to know the object by this change.
    pub(crate) fn creates(&self) -> bool {
        match self.head {
            HeadChange::Put(_) => self.head_revision.is_none() || self.is_lost,
            HeadChange::Recreate(_) => true,
            HeadChange::Keep | HeadChange::Delete => false,
        }
    }

    /// Whether a frontend is written with a placeholder first.
    pub(crate) fn settles(&self) -> bool {
        self.creates() && !self.children.is_empty() && self.links.target_serves
    }

    /// The servers or middlewares to put.
    pub(crate) fn puts(&self) -> impl Iterator<Item = &Child> {
        // Vulcand drops the children with their head: a head that comes back needs them again.
        let all = self.creates();
        self.children
            .iter()
            .filter(move |child| all || !child.in_step)
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.head == HeadChange::Keep
            && self.record == RecordChange::Keep
            && self.strays.is_empty()
            && self.puts().next().is_none()
    }

    /// Deletes the head first and creates the object again in a later transaction; only a head
    /// that is being changed can be treated so.
    pub(crate) fn recreate(&mut self) -> bool {
        match std::mem::replace(&mut self.head, HeadChange::Keep) {
            HeadChange::Put(text) if self.head_revision.is_some() => {
                self.head = HeadChange::Recreate(text);
                true
            }
            other => {
                self.head = other;
                false
            }
        }
    }
}
