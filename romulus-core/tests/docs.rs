//! The documentation names what there is.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of a test fail it by panicking"
)]

use std::path::Path;

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

/// Every `.rs` file of the workspace's crates, as one text.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).expect("a text"));
        }
    }
}

#[test]
fn every_trap_has_its_tests_and_they_exist() {
    let page = page("reliability.md");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut code = String::new();
    for member in ["romulus-core", "romulus-etcd", "romulus-kube", "romulusd"] {
        for part in ["src", "tests"] {
            sources(&workspace.join(member).join(part), &mut code);
        }
    }
    let mut traps = Vec::new();
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        if cells.last() == Some(&"test") {
            continue;
        }
        traps.extend(cells[0].parse::<usize>());
        let names = cells.last().unwrap().split('`').skip(1).step_by(2);
        let tests: Vec<_> = names
            .filter(|name| name.contains('_') && !name.contains('.'))
            .collect();
        assert!(!tests.is_empty(), "no test: {row}");
        for test in tests {
            assert!(
                code.contains(&format!("fn {test}(")),
                "no such test: {test}"
            );
        }
    }
    assert_eq!(traps, (1..=37).collect::<Vec<_>>());
}
