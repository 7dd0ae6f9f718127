use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::{BoxedStrategy, Union};

use crate::cluster::{Endpoints, ObjectName, Service};

use super::{ForeignEdit, WorldOptions, endpoints, foreign, service};

/// One thing that happens outside romulus, or to it.
#[derive(Debug, Clone)]
pub enum Event {
    /// A Service is created or changed.
    ApplyService(Service),
    /// A Service is deleted, with its slices or before them.
    DeleteService(ObjectName, bool),
    /// A slice is created or changed.
    ApplyEndpoints(Endpoints),
    /// A slice is deleted.
    DeleteEndpoints(ObjectName),
    /// Two Services exchange their annotations, and so their routes.
    Swap(ObjectName, ObjectName),
    /// The watches break: everything is listed again, with what happened while nobody watched.
    Relist(Vec<Missed>),
    /// romulus starts again.
    Restart,
    /// Somebody writes or deletes keys of their own.
    Foreign(ForeignEdit),
    /// Somebody touches keys of ours; the number picks one of those that are stored.
    Drift(usize, Drift),
}

/// What happened while nobody watched.
#[derive(Debug, Clone)]
pub enum Missed {
    /// A Service was created or changed.
    Service(Service),
    /// A Service was deleted.
    Deleted(ObjectName),
}

/// What somebody does to a key of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drift {
    /// A head key is deleted.
    DeleteHead,
    /// A server or middleware is deleted.
    DeleteChild,
    /// A record is deleted: the object is nobody's from now on.
    DeleteRecord,
    /// A head key gets another valid value.
    EditHead,
    /// A server or middleware gets another valid value.
    EditChild,
    /// A server or middleware is added.
    AddChild,
}

/// Events, and the plan that follows them.
#[derive(Debug, Clone)]
pub struct Round {
    /// What happens before the plan.
    pub events: Vec<Event>,
    /// How the plan is carried out.
    pub schedule: Schedule,
}

/// In which order the steps of independent groups are committed, and how far.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Picks the group whose step is next; used over and over.
    pub picks: Vec<usize>,
    /// romulus stops after so many steps, and starts again.
    pub stop_after: Option<usize>,
}

impl Default for Schedule {
    /// One group after the other, to the end.
    fn default() -> Self {
        Self {
            picks: vec![0],
            stop_after: None,
        }
    }
}

fn event(options: WorldOptions) -> BoxedStrategy<Event> {
    let missed = prop_oneof![
        service::service(options).prop_map(Missed::Service),
        service::name(options).prop_map(Missed::Deleted),
    ];
    let mut events: Vec<(u32, BoxedStrategy<Event>)> = vec![
        (
            6,
            service::service(options)
                .prop_map(Event::ApplyService)
                .boxed(),
        ),
        (
            2,
            (service::name(options), any::<bool>())
                .prop_map(|(n, all)| Event::DeleteService(n, all))
                .boxed(),
        ),
        (
            4,
            endpoints::endpoints(options)
                .prop_map(Event::ApplyEndpoints)
                .boxed(),
        ),
        (
            1,
            endpoints::name(options)
                .prop_map(|(name, _)| Event::DeleteEndpoints(name))
                .boxed(),
        ),
        (
            2,
            (service::name(options), service::name(options))
                .prop_map(|(a, b)| Event::Swap(a, b))
                .boxed(),
        ),
        (1, vec(missed, 0..3).prop_map(Event::Relist).boxed()),
        (1, Just(Event::Restart).boxed()),
    ];
    if options.foreign {
        events.push((1, foreign::edit().prop_map(Event::Foreign).boxed()));
    }
    if options.drift {
        let drift = prop_oneof![
            4 => Just(Drift::DeleteHead),
            2 => Just(Drift::DeleteChild),
            1 => Just(if options.disowning { Drift::DeleteRecord } else { Drift::DeleteChild }),
            2 => Just(Drift::EditHead),
            1 => Just(Drift::EditChild),
            1 => Just(Drift::AddChild),
        ];
        events.push((
            2,
            (0..1000usize, drift)
                .prop_map(|(pick, drift)| Event::Drift(pick, drift))
                .boxed(),
        ));
    }
    Union::new_weighted(events).boxed()
}

pub(super) fn round(options: WorldOptions) -> impl Strategy<Value = Round> {
    let stop = if options.interruptions {
        prop::option::weighted(0.15, 0..5usize).boxed()
    } else {
        Just(None).boxed()
    };
    let schedule =
        (vec(0..8usize, 1..6), stop).prop_map(|(picks, stop_after)| Schedule { picks, stop_after });
    (vec(event(options), 1..4), schedule).prop_map(|(events, schedule)| Round { events, schedule })
}
