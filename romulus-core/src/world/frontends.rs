//! Frontends, and world rule 1: one route text, one frontend.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Code, Diagnostic};
use crate::key::{ObjectKind, ObjectRef, Segment};
use crate::map::{self, FrontendBlueprint, Head};
use crate::plan::{Child, ChildValue, HeadChange, ObjectChange, RecordChange};
use crate::vulcand;

use super::decide::{Decider, Standing, untouched};
use super::quiet;
use super::service::Rank;
use super::tree::Object;

/// What every placeholder route begins with.
const PLACEHOLDER: &str = "Host(`settling:";

/// A route that no request matches: vulcand cuts the request's host at the first colon. It is
/// different for each frontend, because two with one route text would share an entry.
fn placeholder_route(id: &Segment) -> String {
    format!("{PLACEHOLDER}{id}`)")
}

/// A frontend that is to be written, if it gets its route.
struct Wish<'w> {
    blueprint: &'w FrontendBlueprint,
    backend: Segment,
    rank: Rank<'w>,
}

/// Decides every frontend of the component; those not in the result stay as they are.
pub(super) fn decide(decider: &mut Decider<'_>) -> BTreeMap<ObjectRef, ObjectChange> {
    let mut wishes = BTreeMap::new();
    let mut changes = BTreeMap::new();
    for reference in decider
        .component
        .iter()
        .filter(|o| o.kind == ObjectKind::Frontend)
    {
        match decider.standing(reference) {
            Standing::Claimed => {
                if let Some(wish) = wish(decider, reference) {
                    wishes.insert(reference, wish);
                }
            }
            Standing::Doomed => {
                let Some(object) = decider.object(reference) else {
                    continue;
                };
                changes.insert(reference.clone(), delete(reference, object));
            }
            Standing::Foreign | Standing::Kept | Standing::Nothing => {}
        }
    }
    for (loser, winner) in assign_routes(decider, &wishes, &changes) {
        if let Some(wish) = wishes.remove(&loser) {
            conflict(decider, &loser, wish.blueprint, &winner);
        }
    }
    for (reference, wish) in &wishes {
        if let Some(change) = write(decider, reference, wish) {
            changes.insert((*reference).clone(), change);
        }
    }
    follow_moved_backends(decider, &mut changes);
    follow_lost_backends(decider, &mut changes);
    changes
}

/// What the frontend should become; `None` where it is held or has to wait.
fn wish<'w>(decider: &mut Decider<'w>, reference: &ObjectRef) -> Option<Wish<'w>> {
    let (_, port) = decider.claim(reference)?;
    let is_stored = decider.head_revision(reference).is_some();
    if is_stored && decider.is_paused(|| reference.head_key()) {
        return None;
    }
    let Some(Head::Valid(blueprint)) = &port.blueprint.frontend else {
        return None;
    };
    let backend = match &blueprint.target {
        None => {
            let own = decider.world.backend_of(reference, &port.backend);
            if !decider.is_available(&own) {
                wait(decider, reference, &own);
                return None;
            }
            own.id
        }
        Some(target) => target_backend(decider, reference, target)?,
    };
    Some(Wish {
        blueprint,
        backend,
        rank: Rank::of(decider.service(decider.object(reference)?)?),
    })
}

fn wait(decider: &mut Decider<'_>, reference: &ObjectRef, backend: &ObjectRef) {
    let message = format!("{reference} waits: {backend} can't be written");
    let found = Diagnostic::new(Code::WaitingForBackend, decider.subject(reference), message);
    decider.say(reference, found.help("see what is said about the backend"));
}

/// The backend that `romulus/backend` names, or the present one where that one can't be used.
fn target_backend(
    decider: &mut Decider<'_>,
    reference: &ObjectRef,
    target: &map::BackendTarget,
) -> Option<Segment> {
    let placed = decider.world.placed_backend(&reference.root, &target.id);
    let backend = decider.world.backend_of(reference, &placed);
    let has_servers = decider
        .claim(&backend)
        .is_some_and(|(_, port)| !port.servers.is_empty())
        || decider.serves(&backend);
    if decider.is_available(&backend) && has_servers {
        return Some(placed);
    }
    let present = decider.object(reference).and_then(Object::stored_frontend);
    let present = present
        .and_then(|stored| Segment::new(&stored.backend_id))
        .filter(|present| {
            let backend = decider.world.backend_of(reference, present);
            decider
                .object(&backend)
                .is_some_and(|object| object.head.is_some())
        })
        .map(|present| {
            decider
                .moved_backend(reference, &present)
                .unwrap_or(present)
        });
    let what = if decider.is_available(&backend) {
        "has no servers"
    } else {
        "does not exist in this tree"
    };
    let then = match &present {
        Some(present) => format!("requests still go to `{present}`"),
        None => "the frontend is not written".into(),
    };
    let message = format!("the backend `{}` {what}: {then}", target.id);
    let found = Diagnostic::new(Code::TargetUnavailable, decider.subject(reference), message)
        .at(target.key.as_str(), target.value.as_str());
    decider.say(
        reference,
        found.help("name a published Service of the same namespace and tree"),
    );
    present
}

fn conflict(
    decider: &mut Decider<'_>,
    loser: &ObjectRef,
    blueprint: &FrontendBlueprint,
    winner: &ObjectRef,
) {
    let message = format!(
        "the route {} belongs to {winner}: {loser} is not written",
        blueprint.route
    );
    let mut found = Diagnostic::new(Code::RouteConflict, decider.subject(loser), message);
    for (object, note) in [(loser, ""), (winner, "it belongs to this one")] {
        for key in decider.world.route_keys(object) {
            found = found.see(decider.subject(object), key.as_str(), note);
        }
    }
    decider.say(
        loser,
        found.help(
            "change one of the routes; a stored one keeps its place, then the oldest Service",
        ),
    );
}

/// Who does not get the route it wants, and who has it.
fn assign_routes(
    decider: &Decider<'_>,
    wishes: &BTreeMap<&ObjectRef, Wish<'_>>,
    changes: &BTreeMap<ObjectRef, ObjectChange>,
) -> Vec<(ObjectRef, ObjectRef)> {
    let stored = |reference: &ObjectRef| {
        decider
            .object(reference)
            .and_then(Object::stored_frontend)
            .map(|f| f.route.as_str())
    };
    let mut losers: BTreeMap<&ObjectRef, ObjectRef> = BTreeMap::new();
    loop {
        // Who holds which route and does not leave it. One that loses what it wants stays where it
        // is, which may cost another its place: so it goes on until nobody loses any more.
        let mut holders: BTreeMap<(&crate::key::Root, &str), &ObjectRef> = BTreeMap::new();
        for reference in decider
            .component
            .iter()
            .filter(|o| o.kind == ObjectKind::Frontend)
        {
            let Some(route) = stored(reference) else {
                continue;
            };
            let leaves = changes.contains_key(reference)
                || (!losers.contains_key(reference)
                    && wishes
                        .get(reference)
                        .is_some_and(|wish| *wish.blueprint.route != *route));
            if !leaves {
                holders.entry((&reference.root, route)).or_insert(reference);
            }
        }
        let mut wanted: BTreeMap<(&crate::key::Root, &str), Vec<&ObjectRef>> = BTreeMap::new();
        for (reference, wish) in wishes {
            if !losers.contains_key(reference) && stored(reference) != Some(&wish.blueprint.route) {
                let slot = (&reference.root, &*wish.blueprint.route);
                wanted.entry(slot).or_default().push(reference);
            }
        }
        let before = losers.len();
        for (slot, newcomers) in wanted {
            let oldest = newcomers
                .iter()
                .min_by_key(|r| wishes.get(**r).map(|w| (&w.rank, **r)));
            let Some(winner) = holders.get(&slot).or(oldest).copied() else {
                continue;
            };
            for newcomer in newcomers {
                if newcomer != winner {
                    losers.insert(newcomer, winner.clone());
                }
            }
        }
        if losers.len() == before {
            return losers.into_iter().map(|(l, w)| (l.clone(), w)).collect();
        }
    }
}

fn delete(reference: &ObjectRef, object: &Object) -> ObjectChange {
    let mut change = untouched(reference, object);
    if object.head.is_some() {
        change.head = HeadChange::Delete;
    }
    change.record = RecordChange::Delete;
    change.strays = object.children.keys().cloned().collect();
    change
}

fn write(decider: &Decider<'_>, reference: &ObjectRef, wish: &Wish<'_>) -> Option<ObjectChange> {
    let object = decider.object(reference)?;
    let blueprint = wish.blueprint;
    let mut change = untouched(reference, object);
    let settings = blueprint
        .settings
        .as_ref()
        .map(|settings| settings.text.as_str());
    let value = |route: &str| map::frontend_value(&reference.id, &wish.backend, route, settings);
    let text = value(&blueprint.route);
    change.head = match object.head.as_ref().filter(|_| !object.is_lost) {
        Some(stored) if stored.entry.value == text => HeadChange::Keep,
        Some(stored) => match stored.frontend() {
            Some(frontend) if says(frontend, wish) => HeadChange::Keep,
            Some(frontend) if is_quiet(frontend, wish) => {
                let settings = quiet::loud(settings, &stored.entry.value);
                let value = map::frontend_value(
                    &reference.id,
                    &wish.backend,
                    &blueprint.route,
                    settings.as_deref(),
                );
                HeadChange::Put(value)
            }
            _ => HeadChange::Put(text),
        },
        None => HeadChange::Put(text),
    };
    change.record = decider.record(object);
    change.links.new_route = Some(blueprint.route.to_string());
    change.links.new_backend = Some(wish.backend.clone());
    if !blueprint.middlewares.is_empty() {
        change.links.placeholder = value(&placeholder_route(&reference.id));
    }
    let is_placeholder = |route: &String| route.starts_with(PLACEHOLDER);
    change.links.is_settling = change.links.old_route.as_ref().is_some_and(is_placeholder);
    let target = decider.world.backend_of(reference, &wish.backend);
    change.links.target_serves = decider.serves(&target);
    change.links.target_revision = decider.head_revision(&target);
    for (name, middleware) in &blueprint.middlewares {
        let stored = object
            .children
            .get(name)
            .filter(|_| !object.lost_children.contains(name));
        let in_step = stored.is_some_and(|stored| {
            let stored = stored.value();
            stored == middleware.text || same_middleware(&stored, &middleware.parsed, decider)
        });
        change.children.push(Child {
            name: name.clone(),
            value: ChildValue::Text(middleware.text.clone()),
            in_step,
        });
    }
    let strays = object
        .children
        .keys()
        .filter(|name| !blueprint.middlewares.contains_key(*name));
    change.strays = strays.cloned().collect();
    Some(change)
}

/// Whether a wish differs from a stored frontend only in what a running vulcand does not notice.
fn is_quiet(stored: &vulcand::Frontend, wish: &Wish<'_>) -> bool {
    let mut settings = wish
        .blueprint
        .settings
        .as_ref()
        .map(|s| (*s.parsed).clone())
        .unwrap_or_default();
    settings.pass_host_header = stored.settings.pass_host_header;
    settings.stream = stored.settings.stream;
    settings.stream_flush_interval_ns = stored.settings.stream_flush_interval_ns;
    *stored.route == *wish.blueprint.route
        && stored.backend_id == wish.backend.as_str()
        && stored.settings == settings
}

/// Whether a stored frontend says what is wished.
fn says(stored: &vulcand::Frontend, wish: &Wish<'_>) -> bool {
    let settings = wish
        .blueprint
        .settings
        .as_ref()
        .map(|s| (*s.parsed).clone())
        .unwrap_or_default();
    *stored.route == *wish.blueprint.route
        && stored.backend_id == wish.backend.as_str()
        && stored.settings == settings
}

fn same_middleware(stored: &str, wanted: &vulcand::Middleware, decider: &Decider<'_>) -> bool {
    let environment = map::environment(&decider.world.config);
    vulcand::Middleware::parse(stored, &environment)
        .value
        .as_ref()
        == Some(wanted)
}

/// A frontend that stays as it is, because it is held or another has the route it wants, follows
/// its backend all the same: what stays of one Service must not stand in the way of others.
fn follow_moved_backends(decider: &Decider<'_>, changes: &mut BTreeMap<ObjectRef, ObjectChange>) {
    for reference in decider.component {
        if reference.kind != ObjectKind::Frontend
            || changes.contains_key(reference)
            || decider.standing(reference) != Standing::Claimed
            || decider.is_paused(|| reference.head_key())
        {
            continue;
        }
        let Some(object) = decider.object(reference).filter(|object| !object.is_lost) else {
            continue;
        };
        let stored = object.stored_frontend().zip(object.head.as_ref());
        let moved = stored.and_then(|(frontend, head)| {
            let present = Segment::new(&frontend.backend_id)?;
            let backend = decider.moved_backend(reference, &present)?;
            let value = map::with_backend(&head.entry.value, &backend)?;
            Some((backend, value))
        });
        let Some((backend, value)) = moved else {
            continue;
        };
        let target = decider.world.backend_of(reference, &backend);
        let mut change = untouched(reference, object);
        decider.keep_children(object, &mut change);
        change.head = HeadChange::Put(value);
        change.links.new_route = change.links.old_route.clone();
        change.links.new_backend = Some(backend);
        change.links.target_serves = decider.serves(&target);
        change.links.target_revision = decider.head_revision(&target);
        changes.insert(reference.clone(), change);
    }
}

/// A frontend that outlives its backend never follows the servers of the one that is put in its
/// place: where a backend has to be created again, its frontends are as well.
fn follow_lost_backends(decider: &Decider<'_>, changes: &mut BTreeMap<ObjectRef, ObjectChange>) {
    let lost: BTreeSet<&ObjectRef> = decider
        .component
        .iter()
        .filter(|o| o.kind == ObjectKind::Backend && decider.is_to_be_created(o))
        .collect();
    for backend in lost {
        let Some(tree) = decider.world.trees.get(&backend.root) else {
            continue;
        };
        for id in tree.referers(&backend.id) {
            let reference = ObjectRef {
                root: backend.root.clone(),
                kind: ObjectKind::Frontend,
                id: id.clone(),
            };
            let Some(object) = decider.object(&reference) else {
                continue;
            };
            let refers = object
                .stored_frontend()
                .is_some_and(|f| f.backend_id == backend.id.as_str());
            if !refers || decider.standing(&reference) != Standing::Claimed {
                continue;
            }
            let change = changes.entry(reference.clone()).or_insert_with(|| {
                let mut change = untouched(&reference, object);
                change.links.new_route = change.links.old_route.clone();
                change.links.new_backend = change.links.old_backend.clone();
                decider.keep_children(object, &mut change);
                change
            });
            let Some(head) = &object.head else { continue };
            // One that goes, or turns to another backend, needs nothing of this one.
            if change.head == HeadChange::Delete
                || change.links.new_backend.as_ref() != Some(&backend.id)
            {
                continue;
            }
            if change.head == HeadChange::Keep {
                change.head = HeadChange::Put(head.entry.value.clone());
            }
            change.links.target_serves = true;
            if change.links.placeholder.is_empty() {
                let Some(stored) = object.stored_frontend() else {
                    continue;
                };
                // The settings are left out: nothing is served until the real value follows.
                let Some(backend) = Segment::new(&stored.backend_id) else {
                    continue;
                };
                change.links.placeholder = map::frontend_value(
                    &reference.id,
                    &backend,
                    &placeholder_route(&reference.id),
                    None,
                );
            }
            change.recreate();
        }
    }
}
