//! Findings as workflow commands of GitHub Actions.

use std::io::Write;

use romulus_core::diagnostic::Severity;

use super::finding::Finding;

pub(super) fn print(findings: &[Finding<'_>], out: &mut dyn Write) -> std::io::Result<()> {
    for finding in findings {
        writeln!(out, "{}", command(finding))?;
    }
    Ok(())
}

fn command(finding: &Finding<'_>) -> String {
    let name = match finding.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let mut properties = Vec::new();
    let spot = finding.primary();
    match (
        spot.and_then(|spot| Some((spot, spot.path()?))),
        &finding.file,
    ) {
        (Some((spot, path)), _) => {
            let ((line, column), (end_line, end_column)) = (spot.start(), spot.end());
            properties.push(("file", path.into_owned()));
            properties.push(("line", line.to_string()));
            // Columns are only taken where the end is in the same line; the end is included.
            if line == end_line {
                properties.push(("col", column.to_string()));
                let last = end_column.saturating_sub(1).max(column);
                properties.push(("endColumn", last.to_string()));
            } else {
                properties.push(("endLine", end_line.to_string()));
            }
        }
        (None, Some((path, at))) => {
            properties.push(("file", path.clone()));
            if let Some((line, column)) = at {
                properties.push(("line", line.to_string()));
                properties.push(("col", column.to_string()));
            }
        }
        (None, None) => {}
    }
    properties.push(("title", finding.code.to_string()));
    let properties: Vec<_> = properties
        .iter()
        .map(|(name, value)| format!("{name}={}", property(value)))
        .collect();
    let message = match &finding.object {
        Some(object) => format!("{object}: {}", finding.sentence()),
        None => finding.sentence(),
    };
    format!("::{name} {}::{}", properties.join(","), data(&message))
}

/// Escapes the text behind the last `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
