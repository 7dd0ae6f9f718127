//! The documentation names what there is.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of a test fail it by panicking"
)]

use std::path::Path;

use romulus_core::annotation::{MIDDLEWARE, OPTIONS, OptionSpec, Topic, VULCAN_KEY};
use romulus_core::cluster::{ClusterChange, Object, SliceJson};
use romulus_core::config::Config;
use romulus_core::diagnostic::{Code, Severity};
use romulus_core::plan::Op;
use romulus_core::stored::Snapshot;
use romulus_core::world::World;
use serde_json::{Value, json};

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
fn every_option_has_its_row_under_its_topic() {
    let page = page("annotations.md");
    let topics = [
        ("## Label", Topic::Label),
        ("## Route", Topic::Route),
        ("## Frontend", Topic::Frontend),
        ("## Backend", Topic::Backend),
        ("## Middlewares", Topic::Middleware),
    ];
    let specs = || [&VULCAN_KEY, &MIDDLEWARE].into_iter().chain(OPTIONS);
    for (heading, topic) in topics {
        let section = page.split(heading).nth(1).expect(heading);
        let section = section.split("\n## ").next().unwrap();
        let found: Vec<_> = section.lines().filter(|l| l.starts_with("| `")).collect();
        let expected: Vec<_> = specs().filter(|o| o.topic == topic).map(row).collect();
        assert_eq!(found.join("\n"), expected.join("\n"), "{heading}");
    }
}

fn row(option: &OptionSpec) -> String {
    let escaped = |text: &str| text.replace('|', "\\|");
    let code = |text: &str| match text.contains('`') {
        true => format!("``{}``", escaped(text)),
        false => format!("`{}`", escaped(text)),
    };
    let (example, becomes) = (code(option.example), code(option.becomes));
    let meaning = escaped(&option.meaning());
    format!("| `{}` | {example} | {becomes} | {meaning} |", option.name)
}

/// What is written for a Service `web` of the namespace `shop`, beside one named `web-green`.
fn written(labels: &Value, annotations: &Value) -> String {
    let mut config = Config::new("vulcand".parse().unwrap());
    config.route_priorities = annotations.get("romulus/priority").is_some();
    let mut world = World::new(config);
    let service = |name: &str, labels: &Value, annotations: &Value| {
        let metadata = json!({"name": name, "namespace": "shop", "labels": labels,
            "annotations": annotations});
        let service = json!({"metadata": metadata, "spec": {"ports": [{"port": 80}]}});
        ClusterChange::Apply(Object::Service(serde_json::from_value(service).unwrap()))
    };
    let slice = |name: &str| {
        let labels = json!({"kubernetes.io/service-name": name});
        let slice = json!({"metadata": {"name": name, "namespace": "shop", "labels": labels},
            "addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}],
            "ports": [{"port": 8080}]});
        let slice: SliceJson = serde_json::from_value(slice).unwrap();
        ClusterChange::Apply(Object::Endpoints(slice.into()))
    };
    world.apply([
        service("web", labels, annotations),
        service(
            "web-green",
            &json!({}),
            &json!({"romulus/host": "green.test"}),
        ),
        slice("web"),
        slice("web-green"),
    ]);
    for prefix in world.missing_prefixes() {
        world.load(&prefix, &Snapshot::default());
    }
    let mut lines = String::new();
    for group in world.plan().groups {
        for op in group.steps.iter().flat_map(|step| &step.transaction.ops) {
            if let Op::Put { key, value } = op {
                lines += &format!("{key} {}\n", value.replace("\\\\", "\\"));
            }
        }
    }
    let errors: Vec<_> = world.diagnostics().map(ToString::to_string).collect();
    assert_eq!(errors, [""; 0], "{annotations}");
    lines
}

#[test]
fn every_example_becomes_what_is_said() {
    for option in OPTIONS.iter().chain([&MIDDLEWARE]) {
        let key = format!("romulus/{}", option.name.replace("<name>", "auth"));
        let is_part = option.topic == Topic::Route && option.name != "priority";
        let mut annotations = match is_part {
            true => json!({}),
            false => json!({"romulus/host": "www.test"}),
        };
        annotations[key] = option.example.into();
        let written = written(&json!({}), &annotations);
        assert!(
            written.contains(option.becomes),
            "{}: {written}",
            option.name
        );
    }
    let written = written(
        &json!({"romulus/vulcanKey": VULCAN_KEY.example}),
        &json!({"romulus/host": "www.test"}),
    );
    assert!(written.contains(VULCAN_KEY.becomes), "{written}");
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
