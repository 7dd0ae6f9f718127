use std::collections::BTreeMap;

use crate::cluster::ObjectName;
use crate::diagnostic::Diagnostic;
use crate::key::{ObjectRef, Root};

/// What a set of diagnostics was found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// Reading a Service.
    Service(ObjectName),
    /// Reading the endpoints of a Service.
    Endpoints(ObjectName),
    /// Deciding about an object.
    Object(ObjectRef),
    /// Looking at a tree.
    Root(Root),
}

/// All diagnostics that hold, and what changed since they were last told.
#[derive(Debug, Default)]
pub(super) struct Report {
    by_origin: BTreeMap<Origin, Vec<Diagnostic>>,
    /// How many origins found it: ports of one Service may find the same.
    holding: BTreeMap<Diagnostic, usize>,
    /// Diagnostics whose count changed, with whether they had been told.
    touched: BTreeMap<Diagnostic, bool>,
}

impl Report {
    /// What this origin finds now, instead of what it found before.
    pub(super) fn set(&mut self, origin: Origin, found: Vec<Diagnostic>) {
        let before = if found.is_empty() {
            self.by_origin.remove(&origin)
        } else {
            if self.by_origin.get(&origin) == Some(&found) {
                return;
            }
            self.by_origin.insert(origin, found.clone())
        };
        for diagnostic in before.into_iter().flatten() {
            self.touch(&diagnostic);
            if let Some(count) = self.holding.get_mut(&diagnostic) {
                *count -= 1;
                if *count == 0 {
                    self.holding.remove(&diagnostic);
                }
            }
        }
        for diagnostic in found {
            self.touch(&diagnostic);
            *self.holding.entry(diagnostic).or_default() += 1;
        }
    }

    fn touch(&mut self, diagnostic: &Diagnostic) {
        if !self.touched.contains_key(diagnostic) {
            let held = self.holding.contains_key(diagnostic);
            self.touched.insert(diagnostic.clone(), held);
        }
    }

    /// What is new and what no longer holds, since this was last asked.
    pub(super) fn news(&mut self) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
        let (mut raised, mut cleared) = (Vec::new(), Vec::new());
        for (diagnostic, told) in std::mem::take(&mut self.touched) {
            match (told, self.holding.contains_key(&diagnostic)) {
                (false, true) => raised.push(diagnostic),
                (true, false) => cleared.push(diagnostic),
                _ => {}
            }
        }
        (raised, cleared)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Diagnostic> {
        self.holding.keys()
    }
}
