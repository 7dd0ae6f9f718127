//! The delete brake: absence proves little, so what is inferred from it is limited.

use std::collections::BTreeSet;

use crate::config::{Policy, Prune};
use crate::key::{ObjectKind, ObjectRef};

use super::World;
use super::cluster::Seen;

/// With fewer owned objects than this, the brake does not act: deleting one of two is 50 %.
const MIN_OWNED: usize = 10;

/// What would be deleted only because something was not there.
#[derive(Debug, Default)]
pub(super) struct Brake {
    /// Objects, and backends about to lose their last server.
    losses: BTreeSet<ObjectRef>,
    /// They were too many at once: all are withheld until none is left.
    is_tripped: bool,
    /// They are withheld, for whatever reason.
    is_on: bool,
}

/// Whether, and why, a loss is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Withheld {
    /// Too many at once.
    TooMany { losses: usize, owned: usize },
    /// Something could not be read: what is missing may be in there.
    Incomplete,
}

impl World {
    /// Keeps the losses up to date with one object.
    pub(super) fn weigh(&mut self, object: &ObjectRef) {
        if self.is_inferred_loss(object) {
            self.brake.losses.insert(object.clone());
        } else if self.brake.losses.remove(object) && self.brake.is_on {
            // It was withheld.
            self.dirty.insert(object.clone());
        }
    }

    fn is_inferred_loss(&self, reference: &ObjectRef) -> bool {
        let Some(object) = self.object(reference) else {
            return false;
        };
        if !object.is_owned_by(&self.config.owner) {
            return false;
        }
        let Some(claim) = &object.claim else {
            return self.config.policy == Policy::Sync
                && self.is_prunable(object)
                && !object.unclaimed_live;
        };
        let Some(state) = self.services.get(&claim.service) else {
            return false;
        };
        let Some(port) = state.ports.get(claim.port) else {
            return false;
        };
        reference.kind == ObjectKind::Backend
            && port.servers.is_empty()
            && !object.children.is_empty()
            && state.endpoints_seen == Seen::Listed
            && (self.config.prune == Prune::Owner || state.has_endpoints)
    }

    /// Whether an object that nothing claims may be deleted as far as its Service goes.
    pub(super) fn is_prunable(&self, object: &super::tree::Object) -> bool {
        let service = object
            .record
            .as_ref()
            .and_then(|(record, _)| record.service_name());
        match service {
            // A Service whose tree is unknown keeps what it has.
            Some(service)
                if self
                    .services
                    .get(&service)
                    .is_some_and(|state| state.is_held) =>
            {
                false
            }
            Some(service) => {
                self.config.prune == Prune::Owner || self.cluster.service(&service).is_some()
            }
            None => self.config.prune == Prune::Owner,
        }
    }

    /// Sets or releases the brake before a plan.
    pub(super) fn apply_brake(&mut self) {
        let losses = self.brake.losses.len();
        let too_many = self.owned() >= MIN_OWNED
            && losses * 100 > self.owned() * usize::from(self.config.max_delete_percent);
        // Once tripped it stays so: a list that comes back bit by bit must not release the rest.
        self.brake.is_tripped = losses > 0 && (self.brake.is_tripped || too_many);
        let is_on = self.brake.is_tripped || (losses > 0 && !self.cluster.is_complete());
        if is_on != self.brake.is_on {
            self.brake.is_on = is_on;
            self.dirty.extend(self.brake.losses.iter().cloned());
        }
    }

    /// Whether the loss of this object is withheld.
    pub(super) fn is_withheld(&self, object: &ObjectRef) -> Option<Withheld> {
        if !self.brake.is_on || !self.brake.losses.contains(object) {
            return None;
        }
        if !self.brake.is_tripped {
            return Some(Withheld::Incomplete);
        }
        Some(Withheld::TooMany {
            losses: self.brake.losses.len(),
            owned: self.owned(),
        })
    }
}
