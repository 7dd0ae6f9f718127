//! Changes as text and as JSON.

use std::io::Write;

use owo_colors::OwoColorize as _;
use romulus_core::diagnostic::Diagnostic;
use serde::Serialize;
use serde_json::Value;

use crate::change::Change;

/// A line per key; under a key that changes, the fields that do.
pub(crate) fn text(
    changes: &[Change],
    is_in_step: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> std::io::Result<()> {
    let (mut added, mut changed, mut deleted) = (0, 0, 0);
    for Change { key, old, new } in changes {
        match (old, new) {
            (None, Some(new)) => {
                added += 1;
                writeln!(out, "{}", format_args!("+ {key} {new}").green())?;
            }
            (Some(old), None) => {
                deleted += 1;
                writeln!(out, "{}", format_args!("- {key} {old}").red())?;
            }
            (Some(old), Some(new)) => {
                changed += 1;
                writeln!(out, "{}", format_args!("~ {key}").yellow())?;
                for line in fields(old, new) {
                    writeln!(out, "    {line}")?;
                }
            }
            (None, None) => {}
        }
    }
    out.flush()?;
    match (changes.is_empty(), is_in_step) {
        (true, true) => writeln!(err, "in step: nothing would change"),
        (true, false) => writeln!(
            err,
            "nothing would change, but not all is in step: see the errors"
        ),
        (false, _) => {
            writeln!(
                err,
                "keys: {added} to add, {changed} to change, {deleted} to delete"
            )
        }
    }
}

/// The fields that differ between two JSON texts; the texts themselves where one is no JSON.
fn fields(old: &str, new: &str) -> Vec<String> {
    let mut lines = Vec::new();
    match (serde_json::from_str(old), serde_json::from_str(new)) {
        (Ok(old), Ok(new)) => compare("", Some(&old), Some(&new), &mut lines),
        _ => lines.push(format!("{old} -> {new}")),
    }
    lines
}

fn compare(path: &str, old: Option<&Value>, new: Option<&Value>, lines: &mut Vec<String>) {
    match (old, new) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let dot = if path.is_empty() { "" } else { "." };
                compare(
                    &format!("{path}{dot}{name}"),
                    old.get(name),
                    new.get(name),
                    lines,
                );
            }
        }
        (Some(old), Some(new)) if old == new => {}
        (Some(old), Some(new)) => lines.push(format!("{path}: {old} -> {new}")),
        (None, Some(new)) => lines.push(format!("{path}: + {new}")),
        (Some(old), None) => lines.push(format!("{path}: - {old}")),
        (None, None) => {}
    }
}

#[derive(Serialize)]
struct Report<'a> {
    changes: Vec<JsonChange<'a>>,
    diagnostics: Vec<JsonDiagnostic<'a>>,
}

#[derive(Serialize)]
struct JsonChange<'a> {
    action: &'static str,
    key: &'a str,
    old: Option<&'a str>,
    new: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonDiagnostic<'a> {
    severity: String,
    code: &'static str,
    subject: String,
    key: Option<&'a str>,
    value: Option<&'a str>,
    span: Option<(usize, usize)>,
    message: &'a str,
    help: Option<&'a str>,
}

/// One JSON object: `changes` and `diagnostics`.
pub(crate) fn json<'d>(
    changes: &[Change],
    diagnostics: impl Iterator<Item = &'d Diagnostic>,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    fn change(change: &Change) -> JsonChange<'_> {
        JsonChange {
            action: match (&change.old, &change.new) {
                (None, _) => "add",
                (_, None) => "delete",
                _ => "change",
            },
            key: &change.key,
            old: change.old.as_deref(),
            new: change.new.as_deref(),
        }
    }
    let changes = changes.iter().map(change).collect();
    let diagnostics = diagnostics
        .map(|d| JsonDiagnostic {
            severity: d.severity().to_string(),
            code: d.code.as_str(),
            subject: d.subject.to_string(),
            key: d.key.as_deref(),
            value: d.value.as_deref(),
            span: d.span,
            message: &d.message,
            help: d.help.as_deref(),
        })
        .collect();
    serde_json::to_writer_pretty(
        &mut *out,
        &Report {
            changes,
            diagnostics,
        },
    )?;
    writeln!(out)
}
