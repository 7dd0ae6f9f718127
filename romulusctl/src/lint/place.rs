//! From what a diagnostic is about to the characters of a file.

use std::collections::BTreeMap;
use std::ops::Range;

use romulus_core::annotation::ROOT_LABEL;
use romulus_core::cluster::{Kind, ObjectName};
use romulus_core::diagnostic::{Code, Diagnostic, Subject};
use romulus_core::key::Root;
use romulus_core::world::World;
use romulus_kube::manifests::{Sources, Written};
use romulus_kube::{Place, SourceProblem};

use super::finding::{Finding, Spot, Text};

/// Knows where things are written.
pub(super) struct Places<'s> {
    sources: &'s Sources,
    /// A Service that names a tree by its label.
    trees: BTreeMap<&'s Root, &'s ObjectName>,
}

/// Which part of a field is meant.
#[derive(Debug, Clone)]
enum Part {
    Key,
    /// What stands behind the first dot of the key, or the whole key.
    Suffix,
    Value,
    Span(Range<usize>),
}

impl<'s> Places<'s> {
    pub(super) fn new(sources: &'s Sources, world: &'s World, names: &'s [ObjectName]) -> Self {
        let mut trees = BTreeMap::new();
        for name in names {
            let is_labelled = world
                .service(name)
                .is_some_and(|service| service.labels.contains_key(ROOT_LABEL));
            if let Some(root) = world.root_of(name).filter(|_| is_labelled) {
                trees.entry(root).or_insert(name);
            }
        }
        Self { sources, trees }
    }

    /// A problem of a source.
    pub(super) fn problem(&self, problem: &SourceProblem) -> Finding<'s> {
        let field = problem.field.as_ref();
        let mut finding = Finding {
            code: Code::UnreadableManifest,
            object: problem.object.as_ref().map(ToString::to_string),
            key: problem.field.clone(),
            message: match field {
                Some(field) => format!("{field}: {}", problem.reason),
                None => problem.reason.clone(),
            },
            help: Some(problem.way_out.to_string()).filter(|help| !help.is_empty()),
            file: None,
            spots: Vec::new(),
        };
        match &problem.place {
            Place::Request(path) => finding.file = Some((format!("GET {path}"), None)),
            Place::File { path, line, column } => {
                let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
                let at = line.zip(*column).map(|(l, c)| (number(l), number(c)));
                finding.file = Some((path.to_string_lossy().into_owned(), at));
                let start = || {
                    let file = self.sources.file(path)?;
                    Some((file, file.byte((*line)?, (*column)?)?))
                };
                if let Some((file, start)) = start() {
                    let range = start..start + word(&file.text()[start..]);
                    let (text, note) = (Text::File(file), String::new());
                    finding.spots.push(Spot { text, range, note });
                }
            }
        }
        finding
    }

    /// A diagnostic.
    pub(super) fn diagnostic(&self, found: Diagnostic) -> Finding<'s> {
        let mut spots = Vec::new();
        if let Some(key) = &found.key {
            spots.extend(self.own(&found, key));
        }
        for place in &found.places {
            let part = Part::Value;
            let spot = self.spot(&place.subject, &place.key, found.code, part);
            spots.extend(spot.map(|spot| Spot {
                note: place.note.clone(),
                ..spot
            }));
        }
        if !spots.iter().any(Spot::is_primary) {
            let key = match &found.subject {
                Subject::Root(_) => ROOT_LABEL,
                _ => "metadata.name",
            };
            spots.extend(self.spot(&found.subject, key, found.code, Part::Value));
        }
        spots.sort_by_key(|spot| !spot.is_primary());
        // Two ports may share an annotation: it needs no pointer to itself.
        let mut seen = Vec::new();
        spots.retain(|spot: &Spot<'_>| {
            let place = (spot.origin().into_owned(), spot.range.clone());
            let is_new = !seen.contains(&place);
            seen.push(place);
            is_new
        });
        if spots.is_empty() {
            spots.extend(in_value(&found));
        }
        Finding {
            code: found.code,
            object: Some(found.subject.to_string()),
            key: found.key,
            message: found.message,
            help: found.help,
            file: None,
            spots,
        }
    }

    /// The field that the diagnostic names.
    fn own(&self, found: &Diagnostic, key: &str) -> Option<Spot<'s>> {
        let part = match (found.code, found.span) {
            (Code::UnknownOption | Code::DuplicateOption, _) => Part::Key,
            (Code::UnknownPort, _) => Part::Suffix,
            (_, Some((start, end))) => Part::Span(start..end),
            (_, None) => Part::Value,
        };
        if let Subject::Endpoints(name) = &found.subject {
            let written = self.sources.object(Kind::Endpoints, name)?;
            let address = found.value.as_deref()?;
            let range = ["endpoints", "subsets"]
                .into_iter()
                .find_map(|field| written.search(field, address))?;
            return Some(spot(written, range));
        }
        self.spot(&found.subject, key, found.code, part)
    }

    fn spot(&self, subject: &Subject, key: &str, code: Code, part: Part) -> Option<Spot<'s>> {
        let (kind, name) = match subject {
            Subject::Service(name) => (Kind::Service, name),
            Subject::Endpoints(name) => (Kind::Endpoints, name),
            Subject::Root(root) => (Kind::Service, *self.trees.get(root)?),
            Subject::Object(_) => return None,
        };
        let written = self.sources.object(kind, name)?;
        let path = match key {
            ROOT_LABEL if code != Code::UnknownOption => format!("metadata.labels.{key}"),
            _ if key.starts_with("romulus/") => format!("metadata.annotations.{key}"),
            _ => key.to_owned(),
        };
        let range = match part {
            Part::Key => written.key(&path),
            Part::Suffix => match key.find('.') {
                Some(dot) => written.part_of_key(&path, dot + 1..key.len()),
                None => written.key(&path),
            },
            Part::Value => written.value(&path),
            // Where the part can't be told apart, the whole value is meant.
            Part::Span(span) => written.part(&path, span).or_else(|| written.value(&path)),
        };
        Some(spot(written, range?))
    }
}

fn spot<'s>(written: Written<'s>, range: Range<usize>) -> Spot<'s> {
    Spot {
        text: Text::File(written.file()),
        range,
        note: String::new(),
    }
}

/// Of a live object, the value can be shown.
fn in_value<'s>(found: &Diagnostic) -> Option<Spot<'s>> {
    let (key, value) = (found.key.clone()?, found.value.clone()?);
    let range = match found.span {
        Some((start, end)) => start..end,
        None => 0..value.len(),
    };
    let is_inside = value.get(range.clone()).is_some();
    is_inside.then(|| Spot {
        text: Text::Value {
            object: found.subject.to_string(),
            key,
            value,
        },
        range,
        note: String::new(),
    })
}

/// The length of the word that a text begins with.
fn word(text: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || ",]}".contains(c);
    let first = text.chars().next().map_or(0, char::len_utf8);
    match text.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let line = text.lines().next().unwrap_or_default();
            line[1..].find(quote).map_or(line.len(), |end| end + 2)
        }
        Some('\n' | '\r') | None => 0,
        _ => text.find(ends).unwrap_or(text.len()).max(first),
    }
}
