//! Which files there are to read.
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::problem::{Outcome, Place, SourceProblem};

/// What stands for the standard input.
pub(crate) const STDIN: &str = "-";

/// The files of these paths: files as they are, folders with all that is below them, each in the
/// order of their names.
pub(crate) fn find(paths: &[PathBuf], problems: &mut Vec<SourceProblem>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        if path.is_dir() {
            walk(path, &mut seen, &mut files, problems);
        } else {
            files.push(path.clone());
        }
    }
    files
}

fn walk(
    folder: &Path,
    seen: &mut BTreeSet<PathBuf>,
    files: &mut Vec<PathBuf>,
    problems: &mut Vec<SourceProblem>,
) {
    // A link may lead back to where it came from.
    if folder
        .canonicalize()
        .is_ok_and(|folder| !seen.insert(folder))
    {
        return;
    }
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries: Vec<PathBuf> = match entries {
        Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect(),
        Err(error) => return problems.push(unreadable(folder, &error)),
    };
    entries.sort();
    for path in entries {
        // What begins with a dot is hidden: the folders that the links of a mounted ConfigMap
        // lead to, and the scratch files of editors.
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            continue;
        }
        if path.is_dir() {
            walk(&path, seen, files, problems);
        } else if is_manifest(&path) {
            files.push(path);
        }
    }
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| {
            ["yaml", "yml", "json"]
                .iter()
                .any(|known| extension.eq_ignore_ascii_case(known))
        })
}

/// Reads a file, or the standard input.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path.as_os_str() == STDIN {
        let mut text = Vec::new();
        io::stdin().lock().read_to_end(&mut text)?;
        return Ok(text);
    }
    std::fs::read(path)
}

pub(crate) fn unreadable(path: &Path, error: &io::Error) -> SourceProblem {
    SourceProblem {
        place: Place::File {
            path: path.to_owned(),
            line: None,
            column: None,
        },
        object: None,
        field: None,
        reason: format!("cannot be read: {error}"),
        way_out: "check the path and its permissions".into(),
        outcome: Outcome::Skipped,
    }
}
