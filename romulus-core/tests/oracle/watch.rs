use std::collections::{BTreeMap, BTreeSet};
use std::iter::Cycle;
use std::vec::IntoIter;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use romulus_core::key::{Key, ObjectKind, Root};
use romulus_core::plan::{Op, Transaction};
use romulus_core::stored::KeyChange;
use romulus_core::testing::MapStore;
use romulus_core::testing::vulcand::{Ignored, Reaction, State, Vulcand};
use romulus_core::testing::worlds::Witness;
use romulus_core::vulcand::{Server, ServerUrl};
use romulus_core::world::Plan;

use crate::checks;

/// The trees of random worlds.
const ROOTS: [&str; 3] = ["vulcand", "vulcand-test", "edge"];

/// A vulcand that has handled the events of the store up to some point.
#[derive(Debug, Clone)]
struct Watcher {
    name: String,
    vulcand: Vulcand,
    handled: usize,
    /// Frontends whose deletion it has handled in this plan.
    deleted: BTreeSet<String>,
    lag: Cycle<IntoIter<usize>>,
}

/// What a plan is about to do to one tree.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    /// What vulcand does before it, and after.
    pub(crate) before: State,
    pub(crate) after: State,
    /// Backends and frontends whose head is deleted, perhaps to come back.
    pub(crate) deleted: BTreeSet<(ObjectKind, String)>,
    /// Backends that lose something to a delete of ours under a longer root.
    pub(crate) hit: BTreeSet<String>,
    /// The servers that each backend had at some revision since the plan began.
    pub(crate) servers: BTreeMap<String, BTreeSet<ServerUrl>>,
}

/// All that watch one tree.
#[derive(Debug)]
struct Tree {
    root: Root,
    /// It has seen every event, from the very first, as it happened.
    steady: Watcher,
    /// How many events there were when the plan began.
    began: usize,
    /// Those that lag in their ways, and one that starts in the middle of the plan.
    watchers: Vec<Watcher>,
    /// Nothing where others made the state in which the plan began.
    course: Option<Course>,
}

/// Vulcands that watch the plans of a history.
#[derive(Debug)]
pub(crate) struct Oracle {
    trees: Vec<Tree>,
    lags: Vec<Vec<usize>>,
    /// After how many transactions of a plan another vulcand starts.
    start: usize,
    commits: usize,
    /// Plans that were watched, and those that began in a state made by others.
    pub(crate) watched: usize,
    pub(crate) left_out: usize,
    wrong: Vec<String>,
}

impl Oracle {
    pub(crate) fn new(lags: Vec<Vec<usize>>, start: usize) -> Self {
        let tree = |root: &str| {
            let root: Root = root.parse().expect("a root");
            let vulcand = Vulcand::start(&root, &MapStore::default()).expect("nothing is stored");
            let steady = Watcher::new("steady", vulcand, 0, vec![usize::MAX]);
            Tree {
                root,
                steady,
                began: 0,
                watchers: Vec::new(),
                course: None,
            }
        };
        Self {
            trees: ROOTS.map(tree).into(),
            lags,
            start,
            commits: 0,
            watched: 0,
            left_out: 0,
            wrong: Vec::new(),
        }
    }

    /// What was wrong so far.
    pub(crate) fn verdict(&mut self) -> TestCaseResult {
        let wrong = std::mem::take(&mut self.wrong);
        prop_assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    }

    /// Those that saw every event, after the last one.
    pub(crate) fn caught_up(&mut self, store: &MapStore) -> Vec<&Vulcand> {
        for tree in &mut self.trees {
            tree.steady.handle(store, usize::MAX, |_, _, _| {});
        }
        self.trees.iter().map(|tree| &tree.steady.vulcand).collect()
    }

    /// Lets watchers of every tree handle events, as many as `count` says, and checks what they do
    /// after each.
    fn advance(&mut self, store: &MapStore, count: impl Fn(&mut Watcher) -> usize) {
        let wrong = &mut self.wrong;
        for tree in &mut self.trees {
            let Some(course) = &tree.course else { continue };
            for watcher in &mut tree.watchers {
                let count = count(watcher);
                let name = watcher.name.clone();
                watcher.handle(store, count, |watcher, event, reaction| {
                    let mut found: Vec<String> = lost(event, reaction, store).into_iter().collect();
                    found.extend(checks::state(
                        &watcher.vulcand.state(),
                        course,
                        &watcher.deleted,
                    ));
                    wrong.extend(
                        found
                            .into_iter()
                            .map(|what| format!("{name} after {event:?}: {what}")),
                    );
                });
            }
        }
    }
}

impl Watcher {
    fn new(name: &str, vulcand: Vulcand, handled: usize, lag: Vec<usize>) -> Self {
        let (name, deleted) = (name.to_owned(), BTreeSet::new());
        Self {
            name,
            vulcand,
            handled,
            deleted,
            lag: lag.into_iter().cycle(),
        }
    }

    /// Handles so many more events, if there are so many.
    fn handle(
        &mut self,
        store: &MapStore,
        count: usize,
        mut seen: impl FnMut(&Self, &KeyChange, Reaction),
    ) {
        for event in store.log().iter().skip(self.handled).take(count) {
            let reaction = self.vulcand.handle(event, store);
            self.handled += 1;
            self.deleted
                .extend(deleted_frontend(self.vulcand.root(), event));
            seen(self, event, reaction);
        }
    }
}

/// The frontend whose deletion the event tells of.
fn deleted_frontend(root: &Root, event: &KeyChange) -> Option<String> {
    match (event, Key::in_tree(root, event.key())?) {
        (KeyChange::Delete { .. }, Key::Head(object)) if object.kind == ObjectKind::Frontend => {
            Some(object.id.to_string())
        }
        _ => None,
    }
}

/// A put that vulcand could not use is lost, unless the key was put again since: then there is
/// another event to come.
fn lost(event: &KeyChange, reaction: Reaction, store: &MapStore) -> Option<String> {
    let Reaction::Ignored(why @ (Ignored::NoBackend | Ignored::NoFrontend | Ignored::Invalid)) =
        reaction
    else {
        return None;
    };
    let KeyChange::Put { key, entry } = event else {
        return None;
    };
    let is_last = store
        .get(key)
        .is_some_and(|stored| stored.revision == entry.revision);
    is_last.then(|| format!("it is lost: {why:?}"))
}

/// The store after the plan.
fn outcome(store: &MapStore, plan: &Plan) -> MapStore {
    let mut store = store.clone();
    for step in plan.groups.iter().flat_map(|group| &group.steps) {
        let ops = step.transaction.ops.clone();
        store
            .commit(&Transaction {
                guards: Vec::new(),
                ops,
            })
            .expect("no guard");
    }
    store
}

/// The servers of each backend that are stored.
fn servers(root: &Root, store: &MapStore) -> BTreeMap<String, BTreeSet<ServerUrl>> {
    let mut servers: BTreeMap<String, BTreeSet<ServerUrl>> = BTreeMap::new();
    for (key, value) in store.contents() {
        if let Some(Key::Child(object, _)) = Key::in_tree(root, &key)
            && object.kind == ObjectKind::Backend
        {
            let url = Server::parse(&value).value.map(|server| server.url);
            servers
                .entry(object.id.to_string())
                .or_default()
                .extend(url);
        }
    }
    servers
}

fn course(root: &Root, live: &Vulcand, store: &MapStore, plan: &Plan) -> Option<Course> {
    let before = Vulcand::start(root, store).ok()?.state();
    if before != live.state() || !checks::is_in_order(&before) {
        return None;
    }
    let after = Vulcand::start(root, &outcome(store, plan)).ok()?.state();
    let ops = plan
        .groups
        .iter()
        .flat_map(|group| &group.steps)
        .flat_map(|step| &step.transaction.ops);
    let deleted = ops.filter_map(|op| match (op, Key::in_tree(root, op.key())?) {
        (Op::Delete { .. }, Key::Head(object)) => Some((object.kind, object.id.to_string())),
        _ => None,
    });
    let deleted = deleted.collect();
    Some(Course {
        before,
        after,
        deleted,
        hit: hit(root, plan),
        servers: servers(root, store),
    })
}

/// The backends of a tree that a vulcand takes to lose something by deletes under longer roots.
fn hit(root: &Root, plan: &Plan) -> BTreeSet<String> {
    let longer: Vec<Root> = ROOTS.map(|root| root.parse().expect("a root")).into();
    let longer: Vec<&Root> = longer.iter().filter(|other| root.sees(other)).collect();
    let steps = plan.groups.iter().flat_map(|group| &group.steps);
    let ops = steps.flat_map(|step| &step.transaction.ops);
    let deletes = ops.filter(|op| matches!(op, Op::Delete { .. }));
    let keys = deletes.flat_map(|op| {
        longer
            .iter()
            .filter_map(|root| Key::in_tree(root, op.key()))
    });
    let backends = keys.filter(|key| key.object().kind == ObjectKind::Backend);
    backends.map(|key| key.object().id.to_string()).collect()
}

impl Witness for Oracle {
    fn begin(&mut self, store: &MapStore, plan: &Plan) {
        self.caught_up(store);
        self.commits = 0;
        for tree in &mut self.trees {
            tree.began = store.log().len();
            tree.course = course(&tree.root, &tree.steady.vulcand, store, plan);
            let late = |(number, lag): (usize, &Vec<usize>)| Watcher {
                name: format!("watcher {number} of {}", tree.root),
                deleted: BTreeSet::new(),
                lag: lag.clone().into_iter().cycle(),
                ..tree.steady.clone()
            };
            tree.watchers = self.lags.iter().enumerate().map(late).collect();
            match tree.course {
                Some(_) => self.watched += 1,
                None => self.left_out += 1,
            }
        }
    }

    fn settled(&mut self, store: &MapStore, revision: i64) {
        let until = store
            .log()
            .partition_point(|event| event.revision() <= revision);
        self.advance(store, |watcher| until.saturating_sub(watcher.handled));
    }

    fn committed(&mut self, store: &MapStore, transaction: &Transaction) {
        self.caught_up(store);
        self.commits += 1;
        for tree in &mut self.trees {
            let Some(course) = &mut tree.course else {
                continue;
            };
            for (backend, urls) in servers(&tree.root, store) {
                course.servers.entry(backend).or_default().extend(urls);
            }
            let fresh = match Vulcand::start(&tree.root, store) {
                Ok(fresh) => fresh,
                Err(refused) => {
                    self.wrong
                        .push(format!("no start after {transaction:#?}: {refused}"));
                    continue;
                }
            };
            if self.commits == self.start {
                // A start handles the events of the last revision again.
                let last = store
                    .log()
                    .partition_point(|event| event.revision() < store.revision());
                let name = format!("a vulcand started for {}", tree.root);
                let lag = self.lags.first().cloned().unwrap_or_default();
                let mut watcher = Watcher::new(&name, fresh, last, lag);
                let since = &store.log()[tree.began.min(last)..last];
                watcher.deleted = since
                    .iter()
                    .filter_map(|e| deleted_frontend(&tree.root, e))
                    .collect();
                tree.watchers.push(watcher);
            }
        }
        self.advance(store, |watcher| watcher.lag.next().unwrap_or_default());
        // What a delete under a longer root hits is there again at the end of the plan.
        self.agree_with_a_start(store, |watcher, course| {
            watcher.handled == store.log().len() && course.hit.is_empty()
        });
    }

    fn end(&mut self, store: &MapStore) {
        self.advance(store, |_| usize::MAX);
        self.agree_with_a_start(store, |_, _| true);
    }
}

impl Oracle {
    /// Whoever has caught up is in the state of one that has just started.
    fn agree_with_a_start(&mut self, store: &MapStore, who: impl Fn(&Watcher, &Course) -> bool) {
        for tree in &self.trees {
            let (Some(course), Ok(fresh)) = (&tree.course, Vulcand::start(&tree.root, store))
            else {
                continue;
            };
            let fresh = fresh.state();
            for watcher in tree.watchers.iter().filter(|watcher| who(watcher, course)) {
                let live = watcher.vulcand.state();
                if live != fresh {
                    self.wrong.push(format!(
                        "{} at revision {}: {live:#?}\nis not the state after a start: {fresh:#?}",
                        watcher.name,
                        store.revision()
                    ));
                }
            }
        }
    }
}
