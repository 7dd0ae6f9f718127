//! Findings for programs.

use std::io::Write;

use romulus_core::diagnostic::Severity;
use serde::Serialize;

use super::finding::{Finding, Spot};

#[derive(Serialize)]
struct Report<'f> {
    errors: usize,
    warnings: usize,
    findings: Vec<JsonFinding<'f>>,
}

#[derive(Serialize)]
struct JsonFinding<'f> {
    severity: String,
    code: &'static str,
    object: Option<&'f str>,
    key: Option<&'f str>,
    message: &'f str,
    help: Option<&'f str>,
    /// What it is about.
    location: Option<Location<'f>>,
    /// What has to do with it.
    related: Vec<Location<'f>>,
}

/// Lines and columns count from 1, columns in characters; the end is not included.
#[derive(Serialize)]
struct Location<'f> {
    file: Option<String>,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'f str,
}

/// One JSON object: the counts, and `findings`.
pub(super) fn print(findings: &[Finding<'_>], out: &mut dyn Write) -> std::io::Result<()> {
    let count = |severity| findings.iter().filter(|f| f.severity() == severity).count();
    let report = Report {
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        findings: findings.iter().map(finding).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn finding<'f>(finding: &'f Finding<'_>) -> JsonFinding<'f> {
    let primary = finding.primary();
    let others = finding.spots.iter();
    let others = others.filter(|spot| primary.is_none_or(|primary| !std::ptr::eq(*spot, primary)));
    JsonFinding {
        severity: finding.severity().to_string(),
        code: finding.code.as_str(),
        object: finding.object.as_deref(),
        key: finding.key.as_deref(),
        message: &finding.message,
        help: finding.help.as_deref(),
        location: match (primary, &finding.file) {
            (Some(spot), _) => Some(location(spot)),
            (None, Some((file, at))) => Some(Location {
                file: Some(file.clone()),
                line: at.map(|(line, _)| line),
                column: at.map(|(_, column)| column),
                end_line: None,
                end_column: None,
                note: "",
            }),
            (None, None) => None,
        },
        related: others.map(location).collect(),
    }
}

fn location<'f>(spot: &'f Spot<'_>) -> Location<'f> {
    let ((line, column), (end_line, end_column)) = (spot.start(), spot.end());
    Location {
        file: spot.path().map(std::borrow::Cow::into_owned),
        line: Some(line),
        column: Some(column),
        end_line: Some(end_line),
        end_column: Some(end_column),
        note: &spot.note,
    }
}
