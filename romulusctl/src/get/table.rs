//! Items as tables, one for each kind, as kubectl prints them.

use std::io::{self, Write};

use tabwriter::TabWriter;

use super::Kind;
use super::item::{Details, Item};
use crate::member;
use crate::plain::visible;

/// Blanks between columns.
const PADDING: usize = 3;

/// Prints items that are sorted by kind.
pub(crate) fn print(
    items: &[Item<'_>],
    has_drift: bool,
    is_wide: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (position, of_kind) in items.chunk_by(|a, b| a.kind() == b.kind()).enumerate() {
        if position > 0 {
            writeln!(out)?;
        }
        let Some(first) = of_kind.first() else {
            continue;
        };
        let mut table = TabWriter::new(&mut *out).padding(PADDING);
        let (before, after) = titles(first.kind());
        let mut titles = vec!["TREE"];
        titles.extend(before);
        titles.extend(["SERVICE", "OWNER"]);
        titles.extend(has_drift.then_some("DRIFT"));
        titles.extend(is_wide.then_some("REVISION"));
        titles.extend(after);
        titles.extend(is_wide.then(|| wide_title(first.kind())).flatten());
        writeln!(table, "{}", titles.join("\t"))?;
        for item in of_kind {
            let (before, after) = cells(item);
            let mut row = vec![item.tree.clone()];
            row.extend(before);
            row.push(item.service.clone().unwrap_or_else(none));
            row.push(item.owner.clone().unwrap_or_else(none));
            row.extend(has_drift.then(|| item.drift.unwrap_or("-").to_owned()));
            row.extend(is_wide.then(|| revision(item)));
            row.extend(after);
            row.extend(is_wide.then(|| wide_cell(item)).flatten());
            let row: Vec<_> = row.iter().map(|cell| visible(cell)).collect();
            writeln!(table, "{}", row.join("\t"))?;
        }
        table.flush()?;
    }
    Ok(())
}

fn none() -> String {
    "<none>".into()
}

fn rejected() -> String {
    "<rejected>".into()
}

/// What is missing has never been written.
fn revision(item: &Item<'_>) -> String {
    match item.revision {
        0 => none(),
        revision => revision.to_string(),
    }
}

type Columns<T> = (Vec<T>, Vec<T>);

/// The columns before and after those that all kinds share; texts of any length are last.
fn titles(kind: Kind) -> Columns<&'static str> {
    match kind {
        Kind::Backends => (vec!["NAME", "SERVERS", "FRONTENDS"], vec![]),
        Kind::Frontends => (vec!["NAME", "BACKEND", "MIDDLEWARES"], vec!["ROUTE"]),
        Kind::Servers => (vec!["BACKEND", "NAME", "URL"], vec![]),
        Kind::Middlewares => (vec!["FRONTEND", "NAME", "TYPE", "PRIORITY"], vec![]),
    }
}

fn cells(item: &Item<'_>) -> Columns<String> {
    let id = item.id.clone();
    match &item.details {
        Details::Backend { servers, frontends } => (
            vec![id, servers.len().to_string(), frontends.len().to_string()],
            vec![],
        ),
        Details::Frontend {
            route,
            backend,
            middlewares,
        } => (
            vec![
                id,
                backend.clone().unwrap_or_else(rejected),
                middlewares.len().to_string(),
            ],
            vec![route.clone().unwrap_or_else(rejected)],
        ),
        Details::Server { name, url } => (
            vec![id, name.clone(), url.clone().unwrap_or_else(rejected)],
            vec![],
        ),
        Details::Middleware {
            name,
            r#type,
            priority,
        } => (
            vec![
                id,
                name.clone(),
                r#type.clone().unwrap_or_else(rejected),
                priority.map_or_else(rejected, |priority| priority.to_string()),
            ],
            vec![],
        ),
    }
}

fn wide_title(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Backends | Kind::Frontends => Some("SETTINGS"),
        Kind::Middlewares => Some("MIDDLEWARE"),
        Kind::Servers => None,
    }
}

fn wide_cell(item: &Item<'_>) -> Option<String> {
    let field = match item.kind() {
        Kind::Backends | Kind::Frontends => "Settings",
        Kind::Middlewares => "Middleware",
        Kind::Servers => return None,
    };
    Some(member::compact(item.value, field).unwrap_or_else(none))
}
