//! The texts of manifests, and where in them the fields of objects are.
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use romulus_core::cluster::{Kind, ObjectName};

use super::node::{Mark, Node};
use super::scalar;

/// Manifests that have been read: what is needed to point into them.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
    objects: BTreeMap<(Kind, ObjectName), (usize, Node)>,
}

impl Sources {
    /// Takes the text of a file. One that is not UTF-8 can't be pointed into.
    pub(super) fn add(&mut self, path: PathBuf, text: Vec<u8>) {
        if let Ok(text) = String::from_utf8(text) {
            self.files.push(SourceFile {
                path,
                text,
                lines: OnceLock::new(),
            });
        }
    }

    pub(super) fn keep(
        &mut self,
        objects: impl Iterator<Item = ((Kind, ObjectName), PathBuf, Node)>,
    ) {
        for (key, path, node) in objects {
            if let Some(file) = self.files.iter().position(|file| file.path == path) {
                self.objects.insert(key, (file, node));
            }
        }
    }

    /// A file by the path it was named or found by.
    pub fn file(&self, path: &Path) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// How an object is written.
    pub fn object(&self, kind: Kind, name: &ObjectName) -> Option<Written<'_>> {
        let (file, node) = self.objects.get(&(kind, name.clone()))?;
        let file = &self.files[*file];
        Some(Written { file, node })
    }
}

/// The text of a manifest.
#[derive(Debug)]
pub struct SourceFile {
    path: PathBuf,
    text: String,
    /// Where each line begins.
    lines: OnceLock<Vec<usize>>,
}

impl SourceFile {
    /// The path it was named or found by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let lines = self.lines();
        let line = lines.partition_point(|start| *start <= byte).max(1);
        let start = lines[line - 1];
        let column = self.text.get(start..byte).map_or(0, |t| t.chars().count());
        (line, column + 1)
    }

    /// The byte at a line and a column, both from 1, the column in characters.
    pub fn byte(&self, line: u64, column: u64) -> Option<usize> {
        let line = usize::try_from(line).ok()?.checked_sub(1)?;
        let column = usize::try_from(column).ok()?.checked_sub(1)?;
        let start = *self.lines().get(line)?;
        let rest = &self.text[start..];
        let mut characters = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        Some(start + characters.nth(column)?)
    }

    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let bytes = self.text.as_bytes();
            let is_break = |at: usize| match bytes[at] {
                b'\n' => true,
                b'\r' => bytes.get(at + 1) != Some(&b'\n'),
                _ => false,
            };
            let starts = (0..bytes.len()).filter(|at| is_break(*at)).map(|at| at + 1);
            std::iter::once(0).chain(starts).collect()
        })
    }

    fn start(&self, mark: Mark) -> Option<usize> {
        self.byte(mark.line.into(), mark.column.into())
    }

    fn part(&self, mark: Mark, text: &str, part: Range<usize>) -> Option<Range<usize>> {
        let start = self.start(mark)?;
        Some(scalar::read(&self.text, start, text)?.range(part))
    }

    /// The bytes a text is written in.
    fn whole(&self, mark: Mark, text: &str) -> Option<Range<usize>> {
        let start = self.start(mark)?;
        if let Some(written) = scalar::read(&self.text, start, text) {
            return Some(written.range(0..text.len()));
        }
        let rest = &self.text[start..];
        let length = usize::try_from(mark.length).ok()?;
        let mut characters = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        Some(start..start + characters.nth(length)?)
    }
}

/// How an object is written: where its fields are, by paths such as `spec.ports[0].port`.
#[derive(Debug, Clone, Copy)]
pub struct Written<'s> {
    file: &'s SourceFile,
    node: &'s Node,
}

impl<'s> Written<'s> {
    /// The file it is in.
    pub fn file(&self) -> &'s SourceFile {
        self.file
    }

    /// Where the key of a field is.
    pub fn key(&self, path: &str) -> Option<Range<usize>> {
        let (key, _) = self.node.find(path)?;
        let key = key?;
        self.file.whole(key.mark, &key.text)
    }

    /// Where a part of a key is.
    pub fn part_of_key(&self, path: &str, part: Range<usize>) -> Option<Range<usize>> {
        let (key, _) = self.node.find(path)?;
        let key = key?;
        self.file.part(key.mark, &key.text, part)
    }

    /// Where a text is, without its quotes.
    pub fn value(&self, path: &str) -> Option<Range<usize>> {
        let (_, node) = self.node.find(path)?;
        self.file
            .whole(node.written, node.text().unwrap_or_default())
    }

    /// Where a part of a text is. A part that can't be told apart from the rest, because of how the
    /// text is written, is `None`.
    pub fn part(&self, path: &str, part: Range<usize>) -> Option<Range<usize>> {
        let (_, node) = self.node.find(path)?;
        self.file.part(node.written, node.text()?, part)
    }

    /// The text of a field.
    pub fn text(&self, path: &str) -> Option<&'s str> {
        let (_, node) = self.node.find(path)?;
        node.text()
    }

    /// Where a text is, if it stands somewhere in the field.
    pub fn search(&self, path: &str, text: &str) -> Option<Range<usize>> {
        let (_, node) = self.node.find(path)?;
        let found = node.search(text)?;
        self.file.whole(found.written, text)
    }
}
