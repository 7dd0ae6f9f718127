//! What a diff has to tell: objects with their changed keys, and what the changes mean.

use romulus_core::cluster::ObjectName;
use romulus_core::diagnostic::{Code, Diagnostic, Severity};
use romulus_core::key::ObjectRef;
use romulus_core::world::World;

use super::meaning::Meanings;
use crate::change::Change;

/// A backend or frontend of which a key changes.
#[derive(Debug)]
pub(crate) struct ObjectReport {
    pub(crate) object: ObjectRef,
    /// The Service behind it, if one is known.
    pub(crate) service: Option<ObjectName>,
    /// What the changes mean, a sentence each.
    pub(crate) meaning: Vec<String>,
    /// At least one.
    pub(crate) changes: Vec<Change>,
}

/// Everything that would change, by Service, then by object; objects of no known Service are last.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) objects: Vec<ObjectReport>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// The report on changes that `world` believes to be made.
    pub(crate) fn of(world: &World, changes: Vec<Change>) -> Self {
        let mut objects: Vec<ObjectReport> = Vec::new();
        // Keys come in order, so those of an object follow each other.
        for change in changes {
            let object = change.part.object();
            match objects.last_mut() {
                Some(last) if last.object == *object => last.changes.push(change),
                _ => objects.push(ObjectReport {
                    object: object.clone(),
                    service: change.service.clone(),
                    meaning: Vec::new(),
                    changes: vec![change],
                }),
            }
        }
        let meanings = Meanings::of(world, &objects);
        let told: Vec<Vec<String>> = objects.iter().map(|o| meanings.tell(o)).collect();
        for (object, meaning) in objects.iter_mut().zip(told) {
            object.meaning = meaning;
        }
        objects.sort_by(|a, b| {
            let place = |o: &ObjectReport| o.service.is_none();
            let by_service = place(a)
                .cmp(&place(b))
                .then_with(|| a.service.cmp(&b.service));
            by_service.then_with(|| a.object.cmp(&b.object))
        });
        Self {
            objects,
            diagnostics: world.diagnostics().cloned().collect(),
        }
    }

    /// Every changed key, in the order of the objects.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.objects.iter().flat_map(|object| &object.changes)
    }

    /// What there is to say of one kind.
    pub(crate) fn section(&self, section: Section) -> impl Iterator<Item = &Diagnostic> {
        let of_section = move |d: &&Diagnostic| Section::of(d.code) == section;
        self.diagnostics.iter().filter(of_section)
    }

    /// Whether nothing would change and nothing that is wanted stays unwritten.
    pub(crate) fn is_in_step(&self) -> bool {
        let is_unwritten = |d: &Diagnostic| d.severity() == Severity::Error;
        self.objects.is_empty() && !self.diagnostics.iter().any(is_unwritten)
    }
}

/// What kind of thing a diagnostic tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// Something else has the key, the id or the route.
    Conflict,
    /// A value keeps an object from being written; what is stored stays.
    Held,
    /// The brake, or a source that could not be read as a whole, keeps something from going.
    Withheld,
    /// It keeps nothing from being written.
    Remark,
}

impl Section {
    /// Those that keep something from being written, in the order they are shown.
    pub(crate) const UNWRITTEN: [Self; 3] = [Self::Conflict, Self::Held, Self::Withheld];

    pub(crate) fn of(code: Code) -> Self {
        match code {
            Code::RouteConflict | Code::ForeignObject | Code::IdConflict => Self::Conflict,
            Code::DeletionWithheld => Self::Withheld,
            code if code.severity() == Severity::Error => Self::Held,
            _ => Self::Remark,
        }
    }

    /// One stable word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Held => "held",
            Self::Withheld => "withheld",
            Self::Remark => "remark",
        }
    }

    /// What a person reads above its diagnostics.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Conflict => "Conflicts: not written, others have the key, the id or the route",
            Self::Held => "Held: not written, what is stored stays as it is",
            Self::Withheld => "Withheld: not deleted, absence alone asks for it",
            Self::Remark => "Remarks",
        }
    }
}
