//! Manifest files as a source: the same objects, written down.
//!
//! Files and folders of YAML or JSON, several documents to a file, and lists as `kubectl get -o
//! yaml` prints them. A file is read whole or not at all, and what can't be read is a problem that
//! names file, line, object and field; then nothing is taken for deleted because it is absent.
mod files;
mod follow;
mod node;
mod parse;
mod scalar;
mod sources;

pub use follow::follow;
pub use sources::{SourceFile, Sources, Written};

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use rayon::prelude::*;
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
    let files = read(paths, &mut problems);
    assemble(files, problems, selection, None, tell)
}

/// [`load_telling`] that keeps the texts, to point into them.
///
/// ```
/// use romulus_core::cluster::{Kind, ObjectName};
/// use romulus_kube::{Selection, manifests};
///
/// let folder = tempfile::tempdir()?;
/// let text = "kind: Service\nmetadata:\n  name: web\n  annotations:\n    romulus/host: 'it''s'\n";
/// std::fs::write(folder.path().join("web.yaml"), text)?;
/// let (paths, selection) = ([folder.path().into()], Selection::default());
/// let (_, sources) = manifests::load_with_sources(&paths, &selection, |_, _| {});
/// let web = sources.object(Kind::Service, &ObjectName::new("default", "web")).unwrap();
/// // The last two characters of the value.
/// let range = web.part("metadata.annotations.romulus/host", 2..4).unwrap();
/// assert_eq!(&text[range], "''s");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn load_with_sources(
    paths: &[PathBuf],
    selection: &Selection,
    tell: impl FnMut(usize, usize),
) -> (Loaded, Sources) {
    let (mut problems, mut sources) = (Vec::new(), Sources::default());
    let files = read(paths, &mut problems);
    let loaded = assemble(files, problems, selection, Some(&mut sources), tell);
    (loaded, sources)
}

fn read(paths: &[PathBuf], problems: &mut Vec<SourceProblem>) -> Vec<(PathBuf, Vec<u8>)> {
    let mut texts = Vec::new();
    for path in files::find(paths, problems) {
        match files::read(&path) {
            Ok(text) => texts.push((path, text)),
            Err(error) => problems.push(files::unreadable(&path, &error)),
        }
    }
    texts
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
    assemble(files, Vec::new(), selection, None, |_, _| {})
}

/// [`parse`] that keeps the texts, to point into them.
pub fn parse_with_sources(
    files: impl IntoIterator<Item = (PathBuf, Vec<u8>)>,
    selection: &Selection,
) -> (Loaded, Sources) {
    let mut sources = Sources::default();
    let files: Vec<_> = files.into_iter().collect();
    let loaded = assemble(files, Vec::new(), selection, Some(&mut sources), |_, _| {});
    (loaded, sources)
}

/// Files that are parsed by all processors before it is told how far it is.
const AT_ONCE: usize = 256;

fn assemble(
    files: Vec<(PathBuf, Vec<u8>)>,
    mut problems: Vec<SourceProblem>,
    selection: &Selection,
    mut sources: Option<&mut Sources>,
    mut tell: impl FnMut(usize, usize),
) -> Loaded {
    let (mut found, total) = (Vec::new(), files.len());
    let keep_nodes = sources.is_some();
    for (read, some) in files.chunks(AT_ONCE).enumerate() {
        tell(read * AT_ONCE, total);
        let parsed: Vec<_> = some
            .par_iter()
            .map(|(path, text)| {
                let (mut found, mut problems) = (Vec::new(), Vec::new());
                parse::parse(path, text, keep_nodes, &mut found, &mut problems);
                (found, problems)
            })
            .collect();
        for (more_found, more_problems) in parsed {
            found.extend(more_found);
            problems.extend(more_problems);
        }
    }
    if let Some(sources) = &mut sources {
        for (path, text) in files {
            sources.add(path, text);
        }
    }
    choose_endpoints(selection.endpoints, &mut found, &mut problems);
    let objects = distinct(found, &mut problems, sources);
    let complete = problems
        .iter()
        .all(|problem| problem.outcome != Outcome::Skipped);
    let mut changes = Vec::with_capacity(objects.len() + 4);
    let selected = objects
        .into_iter()
        .filter(|object| selects(selection, object));
    let (services, endpoints): (Vec<_>, Vec<_>) =
        selected.partition(|object| object.kind() == Kind::Service);
    for (scope, objects) in scopes().into_iter().zip([services, endpoints]) {
        changes.push(ClusterChange::ListStart(scope.clone()));
        changes.extend(objects.into_iter().map(ClusterChange::Apply));
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
fn distinct(
    found: Vec<Found>,
    problems: &mut Vec<SourceProblem>,
    sources: Option<&mut Sources>,
) -> Vec<Object> {
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
    if let Some(sources) = sources {
        let written = |(key, item): (&(Kind, ObjectName), &mut Found)| {
            let Place::File { path, .. } = &item.place else {
                return None;
            };
            Some((key.clone(), path.clone(), item.node.take()?))
        };
        sources.keep(objects.iter_mut().filter_map(written));
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
