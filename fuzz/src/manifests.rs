//! Manifest files, any bytes whatever.

use std::collections::BTreeSet;
use std::path::PathBuf;

use romulus_core::cluster::{ClusterChange, Kind, Object, Service};
use romulus_core::config::Config;
use romulus_core::map::Blueprint;
use romulus_kube::manifests::parse;
use romulus_kube::{EndpointsSource, Outcome, Place, Selection, SourceProblem};

const PATH: &str = "shop/web.yaml";

/// Every scope is listed once, no object twice; what is left out has a place in the file, and then
/// nothing counts as deleted; and what is read can be mapped.
pub fn check(bytes: &[u8]) {
    let sources = [
        EndpointsSource::Auto,
        EndpointsSource::Slices,
        EndpointsSource::Endpoints,
    ];
    for endpoints in sources {
        let selection = Selection {
            endpoints,
            ..Selection::default()
        };
        let loaded = parse([(PathBuf::from(PATH), bytes.to_vec())], &selection);
        for problem in &loaded.problems {
            has_a_place(problem, bytes);
        }
        let skipped = loaded
            .problems
            .iter()
            .any(|problem| problem.outcome == Outcome::Skipped);
        for object in objects(&loaded.changes, !skipped) {
            if let Object::Service(service) = object {
                maps(service);
            }
        }
    }
}

fn has_a_place(problem: &SourceProblem, bytes: &[u8]) {
    let text = problem.to_string();
    assert!(text.starts_with(PATH), "{text}");
    assert!(
        !problem.reason.is_empty() && !text.contains('\n'),
        "{text:?}"
    );
    let Place::File { path, line, column } = &problem.place else {
        panic!("no file: {problem:?}");
    };
    assert_eq!(path.to_str(), Some(PATH));
    // YAML ends lines at either character, or at both together; UTF-16 has as many.
    let ends = bytes
        .iter()
        .filter(|byte| matches!(byte, b'\n' | b'\r'))
        .count() as u64;
    let length = bytes.len() as u64;
    assert!(
        line.is_none_or(|line| (1..=ends + 1).contains(&line)),
        "{text}"
    );
    assert!(
        column.is_none_or(|column| (1..=length + 1).contains(&column)),
        "{text}"
    );
}

/// The objects of two whole lists, Services first.
fn objects(changes: &[ClusterChange], complete: bool) -> Vec<&Object> {
    let mut objects = Vec::new();
    let mut names = BTreeSet::new();
    let mut kinds = [Kind::Service, Kind::Endpoints].into_iter();
    let mut open = None;
    for change in changes {
        match change {
            ClusterChange::ListStart(scope) => {
                assert_eq!((open, &scope.namespace), (None, &None));
                assert_eq!(Some(scope.kind), kinds.next());
                open = Some(scope.kind);
            }
            ClusterChange::ListEnd {
                scope,
                complete: said,
            } => {
                assert_eq!((open.take(), *said), (Some(scope.kind), complete));
            }
            ClusterChange::Apply(object) => {
                assert_eq!(open, Some(object.kind()));
                assert!(
                    names.insert((object.kind(), object.name())),
                    "twice: {object:?}"
                );
                objects.push(object);
            }
            ClusterChange::Delete(..) => panic!("a list has no {change:?}"),
        }
    }
    assert_eq!((open, kinds.next()), (None, None), "a list is missing");
    objects
}

fn maps(service: &Service) {
    let config = Config::new("vulcand".parse().expect("a plain word"));
    let blueprint = Blueprint::of(service, &config);
    for port in &blueprint.ports {
        let parts = [
            port.port.name.as_str(),
            service.name.name(),
            service.name.namespace(),
        ];
        let named = parts
            .iter()
            .filter(|part| !part.is_empty())
            .copied()
            .collect::<Vec<_>>();
        assert_eq!(port.id.as_str(), named.join("."));
    }
}
