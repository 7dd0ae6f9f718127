use std::borrow::Cow;
use std::ops::Range;

use romulus_core::diagnostic::{Code, Severity};
use romulus_kube::manifests::SourceFile;

/// Something to be said, and where.
#[derive(Debug)]
pub(crate) struct Finding<'s> {
    pub(crate) code: Code,
    /// The object, as `Service shop/web`.
    pub(crate) object: Option<String>,
    /// The label, annotation or field.
    pub(crate) key: Option<String>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// The file, where no character of it can be pointed at, with line and column if they are known.
    pub(crate) file: Option<(String, Option<(usize, usize)>)>,
    /// What it is about, then what has to do with it.
    pub(crate) spots: Vec<Spot<'s>>,
}

/// Characters to point at.
#[derive(Debug)]
pub(crate) struct Spot<'s> {
    pub(crate) text: Text<'s>,
    pub(crate) range: Range<usize>,
    /// What it has to do with the finding; empty where the finding is about it.
    pub(crate) note: String,
}

/// Where characters are.
#[derive(Debug)]
pub(crate) enum Text<'s> {
    File(&'s SourceFile),
    /// In a value of an object of the cluster.
    Value {
        object: String,
        key: String,
        value: String,
    },
}

/// Line and column, both from 1, the column in characters.
pub(crate) type Position = (usize, usize);

impl Spot<'_> {
    /// Whether the finding is about it.
    pub(crate) fn is_primary(&self) -> bool {
        self.note.is_empty()
    }

    /// Where it is: a path, or object and key.
    pub(crate) fn origin(&self) -> Cow<'_, str> {
        match &self.text {
            Text::File(file) => file.path().to_string_lossy(),
            Text::Value { object, key, .. } => format!("{object} {key}").into(),
        }
    }

    /// The path, if it is in a file.
    pub(crate) fn path(&self) -> Option<Cow<'_, str>> {
        match &self.text {
            Text::File(file) => Some(file.path().to_string_lossy()),
            Text::Value { .. } => None,
        }
    }

    pub(crate) fn start(&self) -> Position {
        self.position(self.range.start)
    }

    /// Where what follows it begins.
    pub(crate) fn end(&self) -> Position {
        self.position(self.range.end)
    }

    fn position(&self, byte: usize) -> Position {
        match &self.text {
            Text::File(file) => file.position(byte),
            Text::Value { value, .. } => {
                let before = value.get(..byte).unwrap_or(value);
                let line = before.matches('\n').count() + 1;
                let start = before.rfind('\n').map_or(0, |at| at + 1);
                (line, before[start..].chars().count() + 1)
            }
        }
    }
}

impl Finding<'_> {
    pub(crate) fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// What it is about, as far as it can be pointed at.
    pub(crate) fn primary(&self) -> Option<&Spot<'_>> {
        self.spots.iter().find(|spot| spot.is_primary())
    }

    /// Its place in a list of findings.
    pub(super) fn order(&self) -> impl Ord + '_ {
        let spot = self.primary();
        let file = match (spot, &self.file) {
            (Some(spot), _) => Some((spot.origin().into_owned(), Some(spot.start()))),
            (None, file) => file.clone(),
        };
        // What has no place comes last.
        let place = (file.is_none(), file);
        let severity = std::cmp::Reverse(self.severity());
        (place, severity, self.code, &self.object, &self.message)
    }

    /// The message, and the way out as a second sentence: for formats that have one text.
    pub(crate) fn sentence(&self) -> String {
        match &self.help {
            Some(help) => format!("{} ({help})", self.message),
            None => self.message.clone(),
        }
    }
}
