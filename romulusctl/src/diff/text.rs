//! A diff for people.

use std::io::Write;

use owo_colors::OwoColorize as _;

use super::fields::fields;
use super::report::{Report, Section};
use crate::Ended;
use crate::change::Change;
use crate::plain::{count, visible};

/// How much of the changes is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// What they mean.
    Meaning,
    /// Also each key, with the fields that change.
    Keys,
}

/// Changes by Service and object, then what stays unwritten; remarks and totals on `err`.
pub(crate) fn print(
    report: &Report,
    detail: Detail,
    ended: Ended,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> std::io::Result<()> {
    let mut heading = None;
    for object in &report.objects {
        if heading != Some(&object.service) {
            heading = Some(&object.service);
            match &object.service {
                Some(service) => writeln!(out, "{}", format_args!("Service {service}").bold())?,
                None => writeln!(out, "{}", "No Service".bold())?,
            }
        }
        writeln!(out, "  {}", visible(&object.object.to_string()).bold())?;
        for sentence in &object.meaning {
            writeln!(out, "    {}", visible(sentence))?;
        }
        if detail == Detail::Keys {
            for change in &object.changes {
                key(change, out)?;
            }
        }
    }
    for section in Section::UNWRITTEN {
        let mut diagnostics = report.section(section).peekable();
        if diagnostics.peek().is_some() {
            writeln!(out, "{}", section.title().bold())?;
        }
        for diagnostic in diagnostics {
            writeln!(out, "  {}", visible(&diagnostic.to_string()))?;
        }
    }
    out.flush()?;
    for remark in report.section(Section::Remark) {
        writeln!(err, "{}", visible(&remark.to_string()))?;
    }
    writeln!(err, "{}", totals(report, ended))
}

fn key(change: &Change, out: &mut dyn Write) -> std::io::Result<()> {
    const INDENT: &str = "      ";
    let key = visible(&change.key);
    match (&change.old, &change.new) {
        (None, None) => Ok(()),
        (None, Some(new)) => {
            let line = format!("+ {key} {}", visible(new));
            writeln!(out, "{INDENT}{}", line.green())
        }
        (Some(old), None) => {
            let line = format!("- {key} {}", visible(old));
            writeln!(out, "{INDENT}{}", line.red())
        }
        (Some(old), Some(new)) if old == new => {
            let line = format!("~ {key} (deleted and put again)");
            writeln!(out, "{INDENT}{}", line.yellow())
        }
        (Some(old), Some(new)) => {
            writeln!(out, "{INDENT}{}", format!("~ {key}").yellow())?;
            match fields(old, new) {
                Some(fields) => fields.iter().try_for_each(|field| {
                    writeln!(out, "{INDENT}    {}", visible(&field.to_string()))
                }),
                None => writeln!(out, "{INDENT}    {} -> {}", visible(old), visible(new)),
            }
        }
    }
}

fn totals(report: &Report, ended: Ended) -> String {
    if report.objects.is_empty() {
        let told = match ended {
            Ended::Same => "in step: nothing would change",
            Ended::Differs => "nothing would change, but not all is in step",
            Ended::Partial => "nothing would change, as far as could be read",
        };
        return told.into();
    }
    let number = |is: fn(&Change) -> bool| report.changes().filter(|change| is(change)).count();
    let added = number(|change| change.old.is_none());
    let deleted = number(|change| change.new.is_none());
    let again = number(|change| change.old == change.new);
    let changed = report.changes().count() - added - deleted - again;
    let mut services: Vec<_> = report
        .objects
        .iter()
        .map(|object| &object.service)
        .collect();
    services.dedup();
    let mut totals = format!(
        "{}, keys: {added} to add, {changed} to change, {deleted} to delete",
        count(services.len(), "Service")
    );
    if again > 0 {
        totals += &format!(", {again} to put again");
    }
    totals
}
