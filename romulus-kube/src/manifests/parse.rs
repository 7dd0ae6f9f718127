//! From the text of one file to the objects in it.
use std::path::Path;

use romulus_core::cluster::{Object, ObjectName};

use super::node::{Content, Node};
use crate::Resource;
use crate::problem::{ObjectRef, Outcome, Place, SourceProblem};

/// An object and where it is.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) resource: Resource,
    pub(crate) object: Object,
    pub(crate) place: Place,
    /// How it is written, where that is asked for.
    pub(crate) node: Option<Node>,
}

/// Finds the objects of the kinds that are read; others are passed over, manifests being full of
/// them.
pub(crate) fn parse(
    path: &Path,
    text: &[u8],
    keep_nodes: bool,
    found: &mut Vec<Found>,
    problems: &mut Vec<SourceProblem>,
) {
    let mut file = File {
        path,
        keep_nodes,
        found,
        problems,
    };
    let mut reader = text;
    for document in serde_saphyr::read_with_options::<_, Node>(&mut reader, options()) {
        match document {
            Ok(document) => file.document(&document, None),
            Err(error) => {
                let location = error.location();
                let reason = error.without_snippet().to_string();
                // The position is part of the place already.
                let reason = reason.lines().next().unwrap_or_default();
                let reason = reason.split(" at line ").next().unwrap_or_default();
                let place = file.place(
                    location.map_or(0, |location| location.line()),
                    location.map_or(0, |location| location.column()),
                );
                let is_json = path
                    .extension()
                    .is_some_and(|extension| extension == "json");
                let format = if is_json { "JSON" } else { "YAML" };
                let message = format!("no {format}: {reason}");
                file.report(place, None, None, message, "correct it");
            }
        }
    }
}

/// Limits that hold for a big cluster's objects in one file; those on aliases stay as they are,
/// since nesting them is how a small file becomes an endless one.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: Some(1 << 30),
            max_events: 100_000_000,
            max_documents: 1_000_000,
            max_nodes: 50_000_000,
            max_total_scalar_bytes: 1 << 30,
        },
    }
}

struct File<'a> {
    path: &'a Path,
    keep_nodes: bool,
    found: &'a mut Vec<Found>,
    problems: &'a mut Vec<SourceProblem>,
}

impl File<'_> {
    /// Takes a document or, within a list, an item, whose kind the list may tell.
    fn document(&mut self, node: &Node, of_list: Option<Resource>) {
        if !matches!(node.content, Content::Map(_)) {
            let reason = "no Kubernetes object: a mapping with apiVersion, kind and metadata is \
                          expected";
            let place = self.place_of(node);
            return self.report(place, None, None, reason.to_owned(), "correct it");
        }
        let kind = match (node.get("kind"), of_list) {
            (Some(kind), _) => kind.text(),
            (None, Some(resource)) => Some(resource.object_kind()),
            (None, None) => None,
        };
        let Some(kind) = kind else {
            let (reason, field) = ("it has no kind".to_owned(), Some("kind".to_owned()));
            let place = self.place_of(node.locate("kind"));
            return self.report(place, None, field, reason, "say which kind of object it is");
        };
        let version = node.get("apiVersion").and_then(Node::text);
        if kind == "List" && version.is_none_or(|version| version == "v1") {
            return self.items(node, None);
        }
        let listed = kind.strip_suffix("List").and_then(Resource::of_object_kind);
        if let Some(resource) = listed.filter(|resource| is_of(*resource, version)) {
            return self.items(node, Some(resource));
        }
        if let Some(resource) = Resource::of_object_kind(kind).filter(|r| is_of(*r, version)) {
            self.object(resource, version, node);
        }
    }

    fn items(&mut self, node: &Node, resource: Option<Resource>) {
        match node.get("items").map(|items| (&items.content, items)) {
            None | Some((Content::Null, _)) => {}
            Some((Content::List(items), _)) => {
                items.iter().for_each(|item| self.document(item, resource));
            }
            Some((_, items)) => {
                let place = self.place_of(items);
                let reason = "a sequence of objects is expected".to_owned();
                self.report(place, None, Some("items".to_owned()), reason, "correct it");
            }
        }
    }

    fn object(&mut self, resource: Resource, version: Option<&str>, node: &Node) {
        let text = |field: &str| node.get("metadata")?.get(field)?.text();
        let name = text("name").map(|name| ObjectRef {
            kind: resource.object_kind(),
            name: ObjectName::new(text("namespace").unwrap_or("default"), name),
        });
        if let Some(version) = version.filter(|version| *version != resource.api_version()) {
            let place = self.place_of(node.locate("apiVersion"));
            let reason = format!("{version:?} is not read, {:?} is", resource.api_version());
            let field = Some("apiVersion".to_owned());
            return self.report(place, name, field, reason, "convert the object");
        }
        match resource.decode(&node.to_json().to_string()) {
            Ok(object) => {
                self.found.push(Found {
                    resource,
                    object,
                    place: self.place_of(node),
                    node: self.keep_nodes.then(|| node.clone()),
                });
            }
            Err(error) => {
                let place = self.place_of(node.locate(error.field.as_deref().unwrap_or_default()));
                // Kubernetes refuses numbers and booleans where it wants text, too.
                let way_out = if error.reason.contains("expected a string") {
                    "put the value into quotes"
                } else {
                    "correct it"
                };
                self.report(place, name, error.field, error.reason, way_out);
            }
        }
    }

    fn report(
        &mut self,
        place: Place,
        object: Option<ObjectRef>,
        field: Option<String>,
        reason: String,
        way_out: &'static str,
    ) {
        self.problems.push(SourceProblem {
            place,
            object,
            field,
            reason,
            way_out: way_out.into(),
            outcome: Outcome::Skipped,
        });
    }

    fn place_of(&self, node: &Node) -> Place {
        self.place(node.mark.line.into(), node.mark.column.into())
    }

    fn place(&self, line: u64, column: u64) -> Place {
        let known = |number| Some(number).filter(|number| *number > 0);
        Place::File {
            path: self.path.to_owned(),
            line: known(line),
            column: known(column),
        }
    }
}

/// Whether this is our resource and not one of the same kind in another group, such as Knative's
/// Service.
fn is_of(resource: Resource, version: Option<&str>) -> bool {
    let group = |version: &str| version.split_once('/').map(|(group, _)| group.to_owned());
    version.is_none_or(|version| group(version) == group(resource.api_version()))
}
