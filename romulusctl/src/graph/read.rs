//! What there is to draw, stored or wanted.

use std::collections::BTreeMap;
use std::io::Write;

use romulus_core::diagnostic::Severity;
use romulus_core::key::{Key, ObjectKind, ObjectRef, Segment};
use romulus_core::vulcand::Server;
use romulus_core::world::{Wish, World};

use super::GraphArgs;
use crate::change::{self, Change};
use crate::input::{self, Against};
use crate::plain::visible;
use crate::{member, stored};

/// How something stands to what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum State {
    /// It was not compared.
    Plain,
    /// It is stored as it is wanted.
    InStep,
    /// It would be written.
    Added,
    /// It would be changed.
    Changed,
    /// It would be deleted.
    Deleted,
    /// It is wanted, and stays unwritten or as it is.
    Held,
    /// A backend without servers.
    NoServers,
}

/// A frontend or backend.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) state: State,
    /// The text of a frontend's route.
    pub(super) route: Option<String>,
    /// The id of a frontend's backend.
    pub(super) backend: Option<String>,
    /// Servers by name with their URLs, or middlewares by name with their types.
    pub(super) children: BTreeMap<String, (String, State)>,
}

pub(super) type Objects = BTreeMap<ObjectRef, Object>;

/// Reads what the arguments ask for; false where not all of it could be read.
pub(super) async fn read(args: &GraphArgs, err: &mut dyn Write) -> anyhow::Result<(Objects, bool)> {
    let has_files = !args.input.filename.is_empty();
    if !has_files && !args.drift {
        let named = [args.input.config.vulcan_key.clone()];
        let from = args.from.as_deref();
        let stored = stored::trees(from, &args.input.etcd, &named).await?;
        let mut objects = Objects::new();
        for root in &stored.roots {
            for (key, entry) in &stored.snapshot.entries {
                if let Some(part) = Key::in_tree(root, key) {
                    put(&mut objects, &part, &entry.value, State::Plain);
                }
            }
        }
        mark_empty(&mut objects, |_| true);
        return Ok((objects, true));
    }
    let against = match (has_files, &args.from) {
        (true, _) => args.against.clone(),
        (false, Some(path)) => Against::File(path.clone()),
        (false, None) => Against::Etcd,
    };
    let (mut world, problems) = input::cluster(&args.input, false).await?;
    for problem in &problems {
        writeln!(err, "error: {problem}")?;
    }
    input::store(&args.input, &against, &mut world).await?;
    let changes = change::changes(&mut world);
    for diagnostic in world.diagnostics() {
        if diagnostic.severity() != Severity::Info {
            writeln!(err, "{}", visible(&diagnostic.to_string()))?;
        }
    }
    let is_compared = against != Against::Empty;
    Ok((compared(&world, changes, is_compared), problems.is_empty()))
}

/// Takes over what a key says.
fn put(objects: &mut Objects, part: &Key, value: &str, state: State) {
    let object = objects
        .entry(part.object().clone())
        .or_insert_with(|| Object {
            state,
            route: None,
            backend: None,
            children: BTreeMap::new(),
        });
    match part {
        Key::Head(_) => {
            object.state = state;
            object.route = member::text(value, "Route");
            object.backend = member::text(value, "BackendId");
        }
        Key::Child(of, name) => {
            let says = match of.kind {
                ObjectKind::Backend => Server::parse(value).value.map(|s| s.url.to_string()),
                ObjectKind::Frontend => member::text(value, "Type"),
            };
            let child = (says.unwrap_or_else(|| "unreadable".to_owned()), state);
            object.children.insert(name.to_string(), child);
        }
        Key::Record(_) => {}
    }
}

/// What is stored now that all is planned, what would go, and what is wanted and stays unwritten.
fn compared(world: &World, changes: Vec<Change>, is_compared: bool) -> Objects {
    let changes: BTreeMap<String, Change> = changes
        .into_iter()
        .map(|change| (change.key.clone(), change))
        .collect();
    let mut objects = Objects::new();
    for object in world.objects() {
        let wish = world.wish(&object);
        let owner = world.record(&object).map(|record| record.owner.as_str());
        let is_ours = owner == Some(world.config().owner.as_str());
        let state = |key: &str| match changes.get(key) {
            // There is nothing to compare with what others wrote, or what files don't speak of.
            None if !is_ours || wish == Wish::Nobody => State::Plain,
            _ if !is_compared => State::Plain,
            None => State::InStep,
            Some(change) if change.old.is_none() => State::Added,
            Some(_) => State::Changed,
        };
        let names: Vec<Segment> = world.children(&object).cloned().collect();
        let children = names
            .into_iter()
            .map(|name| Key::Child(object.clone(), name));
        for part in [Key::Head(object.clone())].into_iter().chain(children) {
            let key = part.to_string();
            if let Some(value) = world.stored(&key) {
                put(&mut objects, &part, &value, state(&key));
            }
        }
        let is_stored = world.stored(&object.head_key()).is_some();
        let is_held = wish == Wish::Held || (wish == Wish::Valid && !(is_stored && is_ours));
        if is_held {
            let (route, backend) = world.wanted_links(&object);
            let drawn = objects.entry(object).or_insert_with(|| Object {
                state: State::Held,
                route: route.map(str::to_owned),
                backend: backend.map(ToString::to_string),
                children: BTreeMap::new(),
            });
            drawn.state = State::Held;
        }
    }
    for change in changes.values().filter(|change| change.new.is_none()) {
        if let Some(old) = &change.old {
            put(&mut objects, &change.part, old, State::Deleted);
        }
    }
    for (_, frontend) in objects
        .iter_mut()
        .filter(|(reference, _)| reference.kind == ObjectKind::Frontend)
    {
        let differs = |(_, state): &(String, State)| *state != State::InStep;
        if frontend.state == State::InStep && frontend.children.values().any(differs) {
            frontend.state = State::Changed;
        }
    }
    mark_empty(&mut objects, |backend| {
        let service = world.service_behind(backend);
        // Manifests seldom hold endpoints.
        service.is_none_or(|service| {
            is_compared || world.has_endpoints(&service) || world.service(&service).is_none()
        })
    });
    objects
}

/// Marks backends without servers, where it is known that they have none.
fn mark_empty(objects: &mut Objects, is_known: impl Fn(&ObjectRef) -> bool) {
    for (reference, object) in objects {
        let serves = |(_, state): &(String, State)| *state != State::Deleted;
        let is_empty = !object.children.values().any(serves);
        let is_settled = matches!(object.state, State::Held | State::Deleted);
        if reference.kind == ObjectKind::Backend && is_empty && !is_settled && is_known(reference) {
            object.state = State::NoServers;
        }
    }
}
