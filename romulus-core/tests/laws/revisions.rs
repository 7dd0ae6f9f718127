//! What holds at every revision that a plan makes, and between the operations of a transaction.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use romulus_core::key::{Key, ObjectKind, ObjectRef, RECORDS_PREFIX, Root, Segment};
use romulus_core::plan::{Op, Transaction};
use romulus_core::testing::MapStore;
use romulus_core::testing::worlds::Witness;
use romulus_core::vulcand::route::{Route, dangerous_pair};
use romulus_core::vulcand::{Environment, Frontend};
use romulus_core::world::Plan;

/// Keys and values at some point, even in the middle of a transaction.
#[derive(Debug, Clone, Default)]
struct Keys(BTreeMap<String, String>);

impl Keys {
    fn apply(&mut self, op: &Op) {
        match op {
            Op::Put { key, value } => drop(self.0.insert(key.clone(), value.clone())),
            Op::Delete { key } => drop(self.0.remove(key)),
        }
    }

    fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    fn has_children(&self, object: &ObjectRef) -> bool {
        self.0.keys().any(|key| is_child(key, object))
    }

    fn roots(&self) -> Vec<Root> {
        ["vulcand", "vulcand-test", "edge"]
            .map(|root| root.parse().expect("a root"))
            .into()
    }

    fn key(&self, text: &str) -> Option<Key> {
        self.roots()
            .iter()
            .find_map(|root| Key::in_tree(root, text))
    }

    /// Every frontend that is stored and can be read.
    fn frontends(&self) -> Vec<(ObjectRef, Frontend)> {
        let read = |(key, value): (&String, &String)| match self.key(key)? {
            Key::Head(object) if object.kind == ObjectKind::Frontend => Some((
                object,
                Frontend::parse(value, &Environment::default()).value?,
            )),
            _ => None,
        };
        self.0.iter().filter_map(read).collect()
    }

    fn is_owned(&self, object: &ObjectRef) -> bool {
        self.has(&object.record_key())
    }
}

fn is_child(key: &str, object: &ObjectRef) -> bool {
    matches!(Key::in_tree(&object.root, key), Some(Key::Child(of, _)) if of == *object)
}

fn backend_of(frontend: &ObjectRef, id: &str) -> Option<ObjectRef> {
    Some(ObjectRef {
        root: frontend.root.clone(),
        kind: ObjectKind::Backend,
        id: Segment::new(id)?,
    })
}

/// Looks at every revision, and remembers what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Revisions {
    keys: Keys,
    /// What was not ours when the plan was made.
    foreign: BTreeMap<String, String>,
    /// What others had brought about when the plan was made.
    accepted: BTreeSet<String>,
    /// What the plan has not written yet.
    ahead: Vec<Op>,
    wrong: Vec<String>,
}

impl Witness for Revisions {
    fn begin(&mut self, store: &MapStore, plan: &Plan) {
        self.keys = Keys(store.contents());
        let keys = &self.keys;
        let is_foreign = |key: &String| {
            !key.starts_with(RECORDS_PREFIX)
                && keys.key(key).is_none_or(|key| !keys.is_owned(key.object()))
        };
        let foreign = keys.0.iter().filter(|(key, _)| is_foreign(key));
        self.foreign = foreign
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        self.accepted = defects(keys);
        let steps = plan.groups.iter().flat_map(|group| &group.steps);
        self.ahead = steps
            .flat_map(|step| step.transaction.ops.clone())
            .collect();
    }

    fn committed(&mut self, store: &MapStore, transaction: &Transaction) {
        for op in &transaction.ops {
            if let Some(position) = self.ahead.iter().position(|ahead| ahead == op) {
                self.ahead.remove(position);
            }
            let rules = rules(&self.keys, op, &self.ahead);
            self.wrong.extend(
                rules
                    .into_iter()
                    .map(|rule| format!("{rule}: {op:?} in {transaction:#?}")),
            );
            self.keys.apply(op);
        }
        assert_eq!(self.keys.0, store.contents());
        for defect in defects(&self.keys).difference(&self.accepted) {
            self.wrong.push(format!("{defect} after {transaction:#?}"));
        }
        for (key, value) in &self.foreign {
            if self.keys.0.get(key) != Some(value) {
                self.wrong
                    .push(format!("the foreign {key} was touched by {transaction:#?}"));
            }
        }
    }
}

impl Revisions {
    /// What was wrong so far.
    pub(crate) fn verdict(&mut self) -> TestCaseResult {
        let wrong = std::mem::take(&mut self.wrong);
        prop_assert!(wrong.is_empty(), "{}\n{:#?}", wrong.join("\n"), self.keys.0);
        Ok(())
    }
}

/// What no revision may show.
fn defects(keys: &Keys) -> BTreeSet<String> {
    let mut defects = BTreeSet::new();
    let frontends = keys.frontends();
    for (position, (object, frontend)) in frontends.iter().enumerate() {
        let backend = backend_of(object, &frontend.backend_id);
        if keys.is_owned(object) && !backend.is_some_and(|backend| keys.has(&backend.head_key())) {
            defects.insert(format!(
                "{object} refers to `{}`, which is absent",
                frontend.backend_id
            ));
        }
        for (other, its) in &frontends[position + 1..] {
            let ours = keys.is_owned(object) || keys.is_owned(other);
            if !ours || other.root != object.root {
                continue;
            }
            if its.route == frontend.route {
                defects.insert(format!(
                    "{object} and {other} have the same route {}",
                    its.route
                ));
            }
            let (Ok(a), Ok(b)) = (frontend.route.parse::<Route>(), its.route.parse::<Route>())
            else {
                defects.insert(format!("no route: {} or {}", frontend.route, its.route));
                continue;
            };
            if keys.is_owned(object) && keys.is_owned(other) && dangerous_pair(&a, &b).is_some() {
                defects.insert(format!(
                    "vulcand merges {} and {} wrongly",
                    frontend.route, its.route
                ));
            }
        }
    }
    defects
}

/// The rules that an operation breaks, given what is stored before it and what the plan will still
/// do.
fn rules(keys: &Keys, op: &Op, ahead: &[Op]) -> Vec<&'static str> {
    let mut broken = Vec::new();
    let mut rule = |holds: bool, name: &'static str| {
        if !holds {
            broken.push(name);
        }
    };
    let deleted_later = |object: &ObjectRef| {
        ahead.contains(&Op::Delete {
            key: object.head_key(),
        })
    };
    match (keys.key(op.key()), op) {
        (Some(Key::Head(object)), Op::Put { value, .. }) if object.kind == ObjectKind::Frontend => {
            let Some(frontend) = Frontend::parse(value, &Environment::default()).value else {
                rule(false, "no valid frontend");
                return broken;
            };
            let backend = backend_of(&object, &frontend.backend_id);
            rule(
                backend.is_some_and(|backend| keys.has(&backend.head_key())),
                "a frontend before its backend",
            );
            let taken = keys.frontends().into_iter().any(|(other, its)| {
                other != object && other.root == object.root && its.route == frontend.route
            });
            let was = keys
                .frontends()
                .into_iter()
                .find(|(other, _)| *other == object);
            let kept = was.is_some_and(|(_, was)| was.route == frontend.route);
            rule(!taken || kept, "a route before it was released");
        }
        (Some(Key::Child(object, _)), Op::Put { .. }) => {
            rule(
                keys.has(&object.head_key()),
                "a server or middleware before its head",
            );
        }
        (Some(Key::Head(object)), Op::Delete { .. }) if object.kind == ObjectKind::Backend => {
            rule(
                !keys.has_children(&object),
                "a backend deleted before its servers",
            );
            let referred = keys.frontends().iter().any(|(frontend, its)| {
                backend_of(frontend, &its.backend_id).as_ref() == Some(&object)
            });
            rule(!referred, "a backend deleted before its frontends");
        }
        (Some(Key::Child(object, _)), Op::Delete { .. }) => {
            let puts = ahead
                .iter()
                .any(|op| matches!(op, Op::Put { key, .. } if is_child(key, &object)));
            let lives = keys.has(&object.head_key());
            rule(
                !lives || !puts,
                "an old server or middleware deleted before the new one is put",
            );
            if object.kind == ObjectKind::Frontend {
                rule(
                    !lives || !deleted_later(&object),
                    "a middleware deleted before its frontend",
                );
            } else if deleted_later(&object) {
                let referred = keys.frontends().iter().any(|(frontend, its)| {
                    backend_of(frontend, &its.backend_id).as_ref() == Some(&object)
                });
                rule(
                    !referred,
                    "servers of a backend deleted before its frontends",
                );
            }
        }
        (None, _) if !op.key().starts_with(RECORDS_PREFIX) => {
            rule(false, "a key of no known shape")
        }
        _ => {}
    }
    broken
}

/// Counts what random histories get into.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    pub(crate) codes: BTreeSet<String>,
    plans: usize,
    puts: usize,
    deletes: usize,
    settled: usize,
    steps: usize,
    largest: usize,
}

impl Witness for Coverage {
    fn begin(&mut self, _: &MapStore, plan: &Plan) {
        self.plans += 1;
        self.largest = self.largest.max(plan.groups.len());
        for group in &plan.groups {
            self.steps = self.steps.max(group.steps.len());
        }
    }

    fn settled(&mut self, _: &MapStore, _: i64) {
        self.settled += 1;
    }

    fn committed(&mut self, _: &MapStore, transaction: &Transaction) {
        for op in &transaction.ops {
            match op {
                Op::Put { .. } => self.puts += 1,
                Op::Delete { .. } => self.deletes += 1,
            }
        }
    }
}

impl Coverage {
    /// What they should have got into and did not.
    pub(crate) fn missing(&self) -> Vec<&str> {
        const CODES: &[&str] = &[
            "foreign-object",
            "invalid-json",
            "invalid-middleware",
            "invalid-option",
            "invalid-root",
            "invalid-route",
            "invalid-settings",
            "last-resort",
            "no-ports",
            "no-route",
            "route-conflict",
            "still-referenced",
            "target-unavailable",
            "trailing-text",
            "unsupported-protocol",
            "waiting-for-backend",
        ];
        let mut missing: Vec<&str> = CODES
            .iter()
            .copied()
            .filter(|code| !self.codes.contains(*code))
            .collect();
        let counts = [
            ("several groups in a plan", self.largest, 2),
            ("several steps in a group", self.steps, 3),
            ("settle pauses", self.settled, 10),
            ("plans", self.plans, 200),
            ("puts", self.puts, 1000),
            ("deletes", self.deletes, 300),
        ];
        missing.extend(
            counts
                .iter()
                .filter(|(_, n, least)| n < least)
                .map(|(what, ..)| *what),
        );
        missing
    }
}
