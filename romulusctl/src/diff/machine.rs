//! A diff for programs.

use std::io::Write;

use romulus_core::diagnostic::Diagnostic;
use serde::Serialize;

use super::report::{ObjectReport, Report, Section};
use crate::change::Change;
use crate::plain::visible;

/// The stable form of a diff.
#[derive(Debug, Serialize)]
pub(crate) struct Form<'a> {
    objects: Vec<Object<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<KeyChange<'a>>>,
    diagnostics: Vec<Finding<'a>>,
}

#[derive(Debug, Serialize)]
struct Object<'a> {
    service: Option<String>,
    tree: &'a str,
    kind: &'static str,
    id: &'a str,
    meaning: &'a [String],
}

#[derive(Debug, Serialize)]
struct KeyChange<'a> {
    action: &'static str,
    key: &'a str,
    old: Option<&'a str>,
    new: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Finding<'a> {
    section: &'static str,
    severity: String,
    code: &'static str,
    subject: String,
    key: Option<&'a str>,
    value: Option<&'a str>,
    span: Option<(usize, usize)>,
    message: &'a str,
    help: Option<&'a str>,
}

impl<'a> Form<'a> {
    /// The form of a report, with or without its keys.
    pub(crate) fn of(report: &'a Report, with_keys: bool) -> Self {
        Self {
            objects: report.objects.iter().map(Object::of).collect(),
            changes: with_keys.then(|| report.changes().map(KeyChange::of).collect()),
            diagnostics: report.diagnostics.iter().map(Finding::of).collect(),
        }
    }
}

impl<'a> Object<'a> {
    fn of(report: &'a ObjectReport) -> Self {
        Self {
            service: report.service.as_ref().map(ToString::to_string),
            tree: report.object.root.as_str(),
            kind: report.object.kind.head(),
            id: report.object.id.as_str(),
            meaning: &report.meaning,
        }
    }
}

impl<'a> KeyChange<'a> {
    fn of(change: &'a Change) -> Self {
        Self {
            action: match (&change.old, &change.new) {
                (None, _) => "add",
                (_, None) => "delete",
                (old, new) if old == new => "recreate",
                _ => "change",
            },
            key: &change.key,
            old: change.old.as_deref(),
            new: change.new.as_deref(),
        }
    }
}

impl<'a> Finding<'a> {
    fn of(diagnostic: &'a Diagnostic) -> Self {
        Self {
            section: Section::of(diagnostic.code).name(),
            severity: diagnostic.severity().to_string(),
            code: diagnostic.code.as_str(),
            subject: diagnostic.subject.to_string(),
            key: diagnostic.key.as_deref(),
            value: diagnostic.value.as_deref(),
            span: diagnostic.span,
            message: &diagnostic.message,
            help: diagnostic.help.as_deref(),
        }
    }
}

/// A line per key, after a sign for what becomes of it.
pub(crate) fn keys(report: &Report, out: &mut dyn Write) -> std::io::Result<()> {
    let mut changes: Vec<&Change> = report.changes().collect();
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    changes.into_iter().try_for_each(|change| {
        let sign = match (&change.old, &change.new) {
            (None, _) => '+',
            (_, None) => '-',
            _ => '~',
        };
        writeln!(out, "{sign} {}", visible(&change.key))
    })
}
