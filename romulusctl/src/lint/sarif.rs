//! Findings as SARIF 2.1.0, the format of code scanning tools.

use std::collections::BTreeSet;
use std::io::Write;

use romulus_core::diagnostic::{Code, Severity};
use serde_json::{Value, json};

use super::finding::{Finding, Spot};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn print(findings: &[Finding<'_>], out: &mut dyn Write) -> std::io::Result<()> {
    let rules: Vec<Code> = findings
        .iter()
        .map(|finding| finding.code)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| result(finding, &rules))
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "romulusctl",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.iter().map(rule).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn rule(code: &Code) -> Value {
    json!({
        "id": code.as_str(),
        "shortDescription": {"text": code.summary()},
        "help": {"text": code.way_out()},
        "defaultConfiguration": {"level": level(code.severity())},
    })
}

fn result(finding: &Finding<'_>, rules: &[Code]) -> Value {
    let mut result = json!({
        "ruleId": finding.code.as_str(),
        "ruleIndex": rules.binary_search(&finding.code).unwrap_or_default(),
        "level": level(finding.severity()),
        "message": {"text": finding.sentence()},
    });
    let primary = finding.primary();
    let mut locations: Vec<Value> = primary.and_then(physical).into_iter().collect();
    if let (None, Some((path, at))) = (primary, &finding.file) {
        let region = at.map(|(line, column)| json!({"startLine": line, "startColumn": column}));
        locations.push(file(path, region));
    }
    if let Some(object) = &finding.object {
        let logical = json!([{"fullyQualifiedName": object}]);
        match locations.first_mut() {
            Some(location) => location["logicalLocations"] = logical,
            None => locations.push(json!({"logicalLocations": logical})),
        }
    }
    result["locations"] = locations.into();
    let related: Vec<Value> = finding
        .spots
        .iter()
        .filter(|spot| !spot.is_primary())
        .filter_map(|spot| {
            let mut location = physical(spot)?;
            location["message"] = json!({"text": spot.note});
            Some(location)
        })
        .collect();
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    result
}

/// The end of a region is the column after its last character.
fn physical(spot: &Spot<'_>) -> Option<Value> {
    let ((line, column), (end_line, end_column)) = (spot.start(), spot.end());
    let region = json!({
        "startLine": line,
        "startColumn": column,
        "endLine": end_line,
        "endColumn": end_column,
    });
    Some(file(&spot.path()?, Some(region)))
}

fn file(path: &str, region: Option<Value>) -> Value {
    let mut location = json!({"artifactLocation": {"uri": uri(path)}});
    if let Some(region) = region {
        location["region"] = region;
    }
    json!({"physicalLocation": location})
}

/// A path as a relative reference of RFC 3986; the standard input has no better name than `-`.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            b'\\' if cfg!(windows) => uri.push('/'),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    if path.starts_with('/') {
        uri.insert_str(0, "file://");
    }
    uri
}
