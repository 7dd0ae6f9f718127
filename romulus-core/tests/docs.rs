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
            assert!(
                cells.len() == 3 && !cells[2].is_empty(),
                "no way out: {row}"
            );
            found.push((
                severity,
                cells[0].trim_matches('`').to_owned(),
                cells[1].to_owned(),
            ));
        }
        let codes = Code::ALL.iter().filter(|code| code.severity() == severity);
        expected.extend(codes.map(|c| (severity, c.as_str().to_owned(), c.summary().to_owned())));
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
