//! Manifest files as a source: the same objects, written down.
//!
//! Files and folders of YAML or JSON, several documents to a file, and lists as `kubectl get -o
//! yaml` prints them. A file is read whole or not at all, and what can't be read is a problem that
//! names file, line, object and field; then nothing is taken for deleted because it is absent.
mod files;
mod follow;
mod node;
mod parse;

pub use follow::follow;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use romulus_core::cluster::{ClusterChange, Kind, Object, ObjectName, Scope};

use crate::problem::{ObjectRef, Outcome, Place, SourceProblem};
use crate::selection::{EndpointsSource, Selection};
use crate::source::Loaded;
use crate::watch::Resource;
use parse::Found;

/// Reads manifests once.
///
/// Folders are read with all `.yaml`, `.yml` and `.json` files below them that are not hidden; `-`
/// is the standard input. Objects of kinds that romulus does not read are passed over.
///
/// Where the same object is there twice, the later one counts; where there are EndpointSlices,
/// Endpoints objects are left out unless the selection asks for them. Both are told as problems.
///
/// ```
/// use romulus_kube::{Selection, manifests};
/// use romulus_core::cluster::ClusterChange;
///
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("web.yaml"), "
/// apiVersion: v1
/// kind: Service
/// metadata: {name: web, namespace: shop}
/// ")?;
/// let loaded = manifests::load(&[folder.path().to_owned()], &Selection::default());
/// assert_eq!(loaded.problems, []);
/// let ClusterChange::Apply(object) = &loaded.changes[1] else { panic!("after ListStart") };
/// assert_eq!(object.name().to_string(), "shop/web");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn load(paths: &[PathBuf], selection: &Selection) -> Loaded {
    load_telling(paths, selection, |_, _| {})
}

/// [`load`], for those who show how far it is: `tell` hears how many files are read, of how many.
pub fn load_telling(
    paths: &[PathBuf],
    selection: &Selection,
    tell: impl FnMut(usize, usize),
) -> Loaded {
    let mut problems = Vec::new();
    let files = files::find(paths, &mut problems)
        .into_iter()
        .filter_map(|path| {
            let text = files::read(&path);
            match text {
                Ok(text) => Some((path, text)),
                Err(error) => {
                    problems.push(files::unreadable(&path, &error));
                    None
                }
            }
        });
    let files: Vec<_> = files.collect();
    assemble(files, problems, selection, tell)
}

/// Reads manifests that are in memory already, each with the path that problems name it by.
///
/// ```
/// use romulus_kube::{Selection, manifests};
/// let text = "kind: Service\nmetadata: {name: web}\nspec: {ports: [{port: http}]}\n";
/// let files = [("web.yaml".into(), text.into())];
/// let loaded = manifests::parse(files, &Selection::default());
/// assert_eq!(
///     loaded.problems[0].to_string(),
///     "web.yaml:3:23: Service default/web: spec.ports[0].port: invalid type: string \"http\", \
///      expected u16; correct it (left out; nothing is deleted because of it)"
/// );
/// ```
pub fn parse(files: impl IntoIterator<Item = (PathBuf, Vec<u8>)>, selection: &Selection) -> Loaded {
    let files: Vec<_> = files.into_iter().collect();
    assemble(files, Vec::new(), selection, |_, _| {})
}

fn assemble(
    files: Vec<(PathBuf, Vec<u8>)>,
    mut problems: Vec<SourceProblem>,
    selection: &Selection,
    mut tell: impl FnMut(usize, usize),
) -> Loaded {
    let (mut found, total) = (Vec::new(), files.len());
    for (read, (path, text)) in files.into_iter().enumerate() {
        tell(read, total);
        parse::parse(&path, &text, &mut found, &mut problems);
    }
    choose_endpoints(selection.endpoints, &mut found, &mut problems);
    let objects = distinct(found, &mut problems);
    let complete = problems
        .iter()
        .all(|problem| problem.outcome != Outcome::Skipped);
    let mut changes = Vec::with_capacity(objects.len() + 4);
    for scope in scopes() {
        changes.push(ClusterChange::ListStart(scope.clone()));
        let of_scope = objects.iter().filter(|object| object.kind() == scope.kind);
        let selected = of_scope.filter(|object| selects(selection, object));
        changes.extend(selected.cloned().map(ClusterChange::Apply));
        changes.push(ClusterChange::ListEnd { scope, complete });
    }
    Loaded { changes, problems }
}

fn scopes() -> [Scope; 2] {
    [Scope::all(Kind::Service), Scope::all(Kind::Endpoints)]
}

fn selects(selection: &Selection, object: &Object) -> bool {
    let labelled = match object {
        Object::Service(service) => selection.selector.matches(&service.labels),
        Object::Endpoints(_) => true,
    };
    labelled && selection.covers(object.name().namespace())
}

/// Leaves out one of the two forms of endpoints: they describe the same addresses. Where nothing is
/// said, a Service's slices count if it has any, else its Endpoints.
fn choose_endpoints(
    source: EndpointsSource,
    found: &mut Vec<Found>,
    problems: &mut Vec<SourceProblem>,
) {
    let unread = match source {
        EndpointsSource::Slices | EndpointsSource::Auto => Resource::Endpoints,
        EndpointsSource::Endpoints => Resource::EndpointSlices,
    };
    let services = |item: &Found| match &item.object {
        Object::Endpoints(endpoints) => endpoints.service.clone(),
        Object::Service(_) => None,
    };
    let read: BTreeSet<_> = found
        .iter()
        .filter(|i| i.resource != unread)
        .filter_map(services)
        .collect();
    found.retain(|item| {
        if item.resource != unread {
            return true;
        }
        let is_only_form = services(item).is_some_and(|service| !read.contains(&service));
        if source == EndpointsSource::Auto {
            return is_only_form;
        }
        // The addresses of a Service that has the other form, too, are not lost.
        if is_only_form {
            problems.push(SourceProblem {
                place: item.place.clone(),
                object: Some(reference(item)),
                field: None,
                reason: format!(
                    "{} objects are not read here, and its Service has no endpoints of the other \
                     form",
                    unread.object_kind()
                ),
                way_out: "let --endpoints-source auto choose for each Service".into(),
                outcome: Outcome::Skipped,
            });
        }
        false
    });
}

/// The objects by kind and name; of those with one identity the last.
fn distinct(found: Vec<Found>, problems: &mut Vec<SourceProblem>) -> Vec<Object> {
    let mut objects: BTreeMap<(Kind, ObjectName), Found> = BTreeMap::new();
    for item in found {
        let key = (item.object.kind(), item.object.name().clone());
        if let Some(first) = objects.get(&key) {
            problems.push(SourceProblem {
                place: item.place.clone(),
                object: Some(reference(&item)),
                field: None,
                reason: format!("it is also at {}; this one counts", first.place),
                way_out: "remove one of the two".into(),
                outcome: Outcome::Skipped,
            });
        }
        objects.insert(key, item);
    }
    objects.into_values().map(|item| item.object).collect()
}

fn reference(item: &Found) -> ObjectRef {
    ObjectRef {
        kind: item.resource.object_kind(),
        name: item.object.name().clone(),
    }
}

/// The place of a path as such.
fn place(path: &std::path::Path) -> Place {
    Place::File {
        path: path.to_owned(),
        line: None,
        column: None,
    }
}

#[cfg(test)]
mod tests;
