//! What changes of keys mean for requests, in words that hold for a running vulcand.

use std::collections::{BTreeMap, BTreeSet};

use romulus_core::key::{Key, ObjectKind, ObjectRef, Root, Segment};
use romulus_core::vulcand::{Environment, Frontend};
use romulus_core::world::World;
use serde_json::Value;

use super::fields::{FieldChange, fields};
use super::report::ObjectReport;
use super::settings;
use crate::change::Change;
use crate::plain::{count, short};

/// What of the other changes the meaning of one depends on.
pub(crate) struct Meanings<'w> {
    /// As it is when everything is written.
    world: &'w World,
    /// Which frontend leaves a route.
    left: BTreeMap<(Root, String), ObjectRef>,
    /// Which frontend comes to have a route.
    taken: BTreeMap<(Root, String), ObjectRef>,
    /// Objects whose head key is put or deleted.
    written: BTreeSet<ObjectRef>,
}

/// The changes of one object, by what they are changes of.
struct Parts<'r> {
    head: Option<&'r Change>,
    added: Vec<(&'r Segment, &'r Change)>,
    changed: Vec<(&'r Segment, &'r Change)>,
    removed: Vec<(&'r Segment, &'r Change)>,
}

impl<'r> Parts<'r> {
    fn of(object: &'r ObjectReport) -> Self {
        let mut parts = Self {
            head: None,
            added: Vec::new(),
            changed: Vec::new(),
            removed: Vec::new(),
        };
        for change in &object.changes {
            match &change.part {
                Key::Child(_, name) => match (&change.old, &change.new) {
                    (None, _) => parts.added.push((name, change)),
                    (_, None) => parts.removed.push((name, change)),
                    (old, new) if old == new => {} // told of the head
                    _ => parts.changed.push((name, change)),
                },
                Key::Head(_) | Key::Record(_) => parts.head = Some(change),
            }
        }
        parts
    }

    fn comes(&self) -> bool {
        self.head.is_some_and(|head| head.old.is_none())
    }

    fn goes(&self) -> bool {
        self.head.is_some_and(|head| head.new.is_none())
    }
}

fn frontend(text: Option<&str>) -> Option<Frontend> {
    Frontend::parse(text?, &Environment::default()).value
}

impl<'w> Meanings<'w> {
    pub(crate) fn of(world: &'w World, objects: &[ObjectReport]) -> Self {
        let mut meanings = Self {
            world,
            left: BTreeMap::new(),
            taken: BTreeMap::new(),
            written: BTreeSet::new(),
        };
        for report in objects {
            let object = &report.object;
            let Some(head) = Parts::of(report).head else {
                continue;
            };
            meanings.written.insert(object.clone());
            if object.kind == ObjectKind::Backend {
                continue;
            }
            let route = |text: &Option<String>| Some(frontend(text.as_deref())?.route);
            let (old, new) = (route(&head.old), route(&head.new));
            if old != new {
                let place = |route| (object.root.clone(), route);
                meanings
                    .left
                    .extend(old.map(|old| (place(old), object.clone())));
                meanings
                    .taken
                    .extend(new.map(|new| (place(new), object.clone())));
            }
        }
        meanings
    }

    /// The changes of an object, a sentence each.
    pub(crate) fn tell(&self, report: &ObjectReport) -> Vec<String> {
        let parts = Parts::of(report);
        match report.object.kind {
            ObjectKind::Backend => self.backend(&report.object, &parts),
            ObjectKind::Frontend => self.frontend(&report.object, &parts),
        }
    }

    fn backend(&self, object: &ObjectRef, parts: &Parts<'_>) -> Vec<String> {
        let id = &object.id;
        let (added, removed) = (parts.added.len(), parts.removed.len());
        if parts.goes() {
            let servers = match removed {
                0 => String::new(),
                _ => format!(" and its {}", count(removed, "server")),
            };
            let moved = Segment::new(&format!("{id}_"))
                .map(|id| self.sibling(object, id))
                .filter(|moved| self.written.contains(moved));
            return vec![match moved {
                Some(moved) => format!(
                    "removes backend {id}{servers}: it has moved to {}",
                    moved.id
                ),
                None => format!("removes backend {id}{servers}"),
            }];
        }
        if parts.comes() {
            let moved = id.as_str().strip_suffix('_').and_then(Segment::new);
            let moved = moved
                .map(|id| self.sibling(object, id))
                .filter(|from| self.written.contains(from));
            let servers = match self.world.children(object).count() {
                0 => "without servers".into(),
                servers => format!("with {}", count(servers, "server")),
            };
            let mut told = vec![match moved {
                Some(from) => format!(
                    "moves backend {} to {id}, {servers}: another id begins with it, and a vulcand \
                     that starts would mix their servers",
                    from.id
                ),
                None => format!("adds backend {id} {servers}"),
            }];
            told.extend(self.deaf_frontends(object));
            return told;
        }
        let mut told = Vec::new();
        if let Some(Change {
            old: Some(old),
            new: Some(new),
            ..
        }) = parts.head
        {
            told.push(if old == new {
                format!("deletes backend {id} and creates it again")
            } else {
                match changed_fields(old, new) {
                    Some(fields) => format!("changes settings of {id}: {fields}"),
                    None => format!("writes backend {id} anew"),
                }
            });
        }
        if added > 0 {
            told.push(format!("adds {} to {id}", count(added, "server")));
        }
        if !parts.changed.is_empty() {
            told.push(format!(
                "changes the URL of {} of {id}",
                count(parts.changed.len(), "server")
            ));
        }
        if removed > 0 {
            let is_left = self.world.children(object).next().is_some();
            told.push(match removed {
                _ if is_left => format!("removes {} from {id}", count(removed, "server")),
                1 => format!("removes the last server from {id}: requests are answered with 5xx"),
                _ => format!(
                    "removes the last {removed} servers from {id}: requests are answered with 5xx"
                ),
            });
        }
        told
    }

    /// A frontend whose backend was not there, or was put in the place of another, never comes to
    /// know it.
    fn deaf_frontends(&self, backend: &ObjectRef) -> Vec<String> {
        let referers = self.world.referers(backend);
        let deaf = referers.filter(|frontend| !self.written.contains(frontend));
        let sentence = |frontend: ObjectRef| {
            format!(
                "frontend {} refers to it and is not written: it waits for a vulcand restart to \
                 use it",
                frontend.id
            )
        };
        deaf.map(sentence).collect()
    }

    fn sibling(&self, object: &ObjectRef, id: Segment) -> ObjectRef {
        ObjectRef {
            id,
            ..object.clone()
        }
    }

    fn frontend(&self, object: &ObjectRef, parts: &Parts<'_>) -> Vec<String> {
        let id = &object.id;
        let mut told = Vec::new();
        let head = parts.head.map(|head| {
            let new = frontend(head.new.as_deref());
            (head, frontend(head.old.as_deref()), new)
        });
        match &head {
            Some((head, Some(old), None)) if head.new.is_none() => {
                told.push(match self.successor(object, &old.route) {
                    Some(next) => format!("removes frontend {id}; {} takes its route", next.id),
                    None => format!("removes frontend {id}, route {}", short(&old.route)),
                });
                return told;
            }
            Some((head, _, None)) if head.new.is_none() => {
                return vec![format!("removes frontend {id}")];
            }
            Some((head, None, Some(new))) if head.old.is_none() => {
                told.push(format!(
                    "adds frontend {id}: {} to backend {}",
                    short(&new.route),
                    new.backend_id
                ));
                told.extend(self.hand_over(object, &new.route));
            }
            Some((head, Some(old), Some(new))) => {
                if head.is_recreated {
                    told.push(format!(
                        "deletes frontend {id} and creates it again: meanwhile vulcand does not know \
                         its route"
                    ));
                }
                told.extend(self.moves(object, old, new, head.is_recreated));
                if !head.is_recreated {
                    told.extend(settings::restart(
                        id.as_str(),
                        (old, head.old.as_deref().unwrap_or_default()),
                        (new, head.new.as_deref().unwrap_or_default()),
                    ));
                }
                if told.is_empty() {
                    told.push(format!("writes frontend {id} anew"));
                }
            }
            Some(_) => told.push(format!(
                "replaces a value of frontend {id} that vulcand ignores"
            )),
            None => {}
        }
        for (verb, at, changes) in [
            ("adds", "to", &parts.added),
            ("changes", "of", &parts.changed),
            ("removes", "from", &parts.removed),
        ] {
            for (name, change) in changes {
                let kind = change.new.as_deref().or(change.old.as_deref());
                let kind = kind.map(middleware_type).unwrap_or_default();
                told.push(format!("{verb} middleware {name}{kind} {at} {id}"));
            }
        }
        told
    }

    /// How a frontend that stays comes to serve other requests, or serves them differently.
    fn moves(
        &self,
        object: &ObjectRef,
        old: &Frontend,
        new: &Frontend,
        is_recreated: bool,
    ) -> Vec<String> {
        let id = &object.id;
        let mut told = Vec::new();
        if old.route != new.route {
            // vulcand takes the old route out before it puts the new one in.
            let gap = if is_recreated {
                ""
            } else {
                " (a moment of 404 is possible)"
            };
            told.push(format!(
                "moves route of {id}: {} -> {}{gap}",
                short(&old.route),
                short(&new.route)
            ));
            told.extend(self.hand_over(object, &new.route));
            let next = self.successor(object, &old.route);
            told.extend(next.map(|next| format!("gives its route to {}", next.id)));
        }
        if old.backend_id != new.backend_id {
            told.push(if new.backend_id == format!("{}_", old.backend_id) {
                format!("follows its backend to {}", new.backend_id)
            } else {
                format!(
                    "switches backend: {} (was {})",
                    new.backend_id, old.backend_id
                )
            });
        }
        told.extend(settings::words(id.as_str(), &old.settings, &new.settings));
        told
    }

    fn hand_over(&self, object: &ObjectRef, route: &str) -> Option<String> {
        let from = self.left.get(&(object.root.clone(), route.to_owned()))?;
        Some(format!("takes its route over from {}", from.id))
    }

    fn successor(&self, object: &ObjectRef, route: &str) -> Option<&ObjectRef> {
        self.taken.get(&(object.root.clone(), route.to_owned()))
    }
}

/// The names of the fields that differ, without the `Settings` all of them are in.
fn changed_fields(old: &str, new: &str) -> Option<String> {
    let name = |path: &[String]| match path {
        [first, rest @ ..] if first == "Settings" && !rest.is_empty() => rest.join("."),
        path => path.join("."),
    };
    let leaves = fields(old, new)?.into_iter().flat_map(FieldChange::leaves);
    let names: Vec<String> = leaves.map(|path| name(&path)).collect();
    Some(names.join(", "))
}

/// ` (ratelimit)`
fn middleware_type(value: &str) -> String {
    let value: Option<Value> = serde_json::from_str(value).ok();
    let kind = value.as_ref().and_then(|value| value.get("Type")?.as_str());
    kind.map(|kind| format!(" ({kind})")).unwrap_or_default()
}
