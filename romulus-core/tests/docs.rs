//! The documentation names what there is.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of a test fail it by panicking"
)]

use romulus_core::annotation::OPTIONS;
use romulus_core::diagnostic::{Code, Severity};

fn page(name: &str) -> String {
    let path = format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_diagnostic_stands_under_its_severity_with_its_meaning() {
    let page = page("diagnostics.md");
    let sections = [
        ("## Errors", Severity::Error),
        ("## Warnings", Severity::Warning),
        ("## Information", Severity::Info),
    ];
    let mut expected = Vec::new();
    let mut found = Vec::new();
    for (heading, severity) in sections {
        let section = page
            .split(heading)
            .nth(1)
            .expect(heading)
            .split("\n## ")
            .next()
            .unwrap();
        for row in section.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            let [code, meaning, way_out] = cells.as_slice() else {
                panic!("three cells are expected: {row}")
            };
            let code = code.trim_matches('`');
            found.push((severity, [code, meaning, way_out].map(str::to_owned)));
        }
        let codes = Code::ALL.iter().filter(|code| code.severity() == severity);
        let row = |code: &Code| {
            let cells = [code.as_str(), code.summary(), code.way_out()];
            (severity, cells.map(str::to_owned))
        };
        expected.extend(codes.map(row));
    }
    assert_eq!(found, expected);
}

#[test]
fn every_option_has_its_row() {
    let page = page("annotations.md");
    for option in OPTIONS {
        assert!(
            page.contains(&format!("\n| `{}` |", option.name)),
            "{} is missing",
            option.name
        );
    }
}
