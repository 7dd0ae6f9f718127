//! World rule 3: trees whose roots begin with each other.
//!
//! A vulcand's watch covers every key that begins with the text of its root, and looks only at the
//! key's tail: one that reads `vulcand` takes a delete under `vulcand-test` for one of its own
//! (found on a running vulcand). What it loses that way is written again.

use crate::annotation::ROOT_LABEL;
use crate::diagnostic::{Code, Diagnostic, Subject};
use crate::key::{Key, ObjectRef, Root};
use crate::plan::{HeadChange, ObjectChange};

use super::World;
use super::report::Origin;

impl World {
    /// Says which trees in use are mixed up by vulcand.
    pub(super) fn report_siblings(&mut self) {
        if self.told_roots == self.trees.len() {
            return;
        }
        self.told_roots = self.trees.len();
        let roots: Vec<Root> = self.trees.keys().cloned().collect();
        for root in &roots {
            let seen = roots.iter().filter(|other| root.sees(other)).map(|other| {
                let message = format!(
                    "a vulcand that reads `{root}` takes deletes under `{other}` for its own; \
                     what it loses that way is written again"
                );
                Diagnostic::new(Code::SiblingRoots, Subject::Root(root.clone()), message)
                    .help("choose roots that do not begin with each other")
                    .see(
                        Subject::Root(other.clone()),
                        ROOT_LABEL,
                        "this is the longer one",
                    )
            });
            let found = seen.collect();
            self.report.set(Origin::Root(root.clone()), found);
        }
    }

    /// What changes delete under a longer root and what stays under a shorter one is written again
    /// by the same plan. Returns whether there is such a thing.
    pub(super) fn lose_to(&mut self, changes: &[ObjectChange]) -> bool {
        let mut lost = false;
        for change in changes {
            let goes = matches!(change.head, HeadChange::Delete | HeadChange::Recreate(_));
            let head = goes.then(|| Key::Head(change.object.clone()));
            let strays = change.strays.iter();
            let strays = strays.map(|name| Key::Child(change.object.clone(), name.clone()));
            for key in head.into_iter().chain(strays) {
                lost |= self.lose_siblings(&key);
            }
        }
        lost
    }

    /// A key is deleted: vulcands that read a tree whose root the key's begins with lose what it
    /// names in their own tree. Returns whether that is news.
    pub(super) fn lose_siblings(&mut self, key: &Key) -> bool {
        let mut news = false;
        let deleted = key.object();
        let seeing: Vec<Root> = self
            .trees
            .keys()
            .filter(|root| root.sees(&deleted.root))
            .cloned()
            .collect();
        for root in seeing {
            let ours = ObjectRef {
                root,
                ..deleted.clone()
            };
            let Some(object) = self.object(&ours) else {
                continue;
            };
            let lost = match key {
                Key::Head(_) => object.head.is_some(),
                Key::Child(_, name) => object.children.contains_key(name),
                Key::Record(_) => false,
            };
            if !lost || !object.is_owned_by(&self.config.owner) {
                continue;
            }
            news |= self.change(&ours, |object| match key {
                Key::Child(_, name) => object.lost_children.insert(name.clone()),
                _ => !std::mem::replace(&mut object.is_lost, true),
            });
            self.dirty.insert(ours);
        }
        news
    }
}
