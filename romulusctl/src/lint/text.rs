//! Findings for people, in the look of a compiler's messages.

use std::io::Write;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use romulus_core::diagnostic::Severity;

use super::finding::{Finding, Spot, Text};

/// Lines this long are not shown: who writes a list without line breaks is told the column only.
const LONGEST: usize = 256 * 1024;

pub(super) fn print(findings: &[Finding<'_>], out: &mut dyn Write) -> std::io::Result<()> {
    let renderer = Renderer::styled();
    for finding in findings {
        writeln!(out, "{}\n", renderer.render(&[group(finding)]))?;
    }
    Ok(())
}

fn group<'f>(finding: &'f Finding<'_>) -> Group<'f> {
    let level = match finding.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let title = level
        .primary_title(finding.message.as_str())
        .id(finding.code.as_str());
    let mut group = Group::with_title(title);
    let mut shown = false;
    for window in windows(&finding.spots) {
        shown = true;
        group = window.add_to(group);
    }
    if let Some((path, at)) = finding.file.as_ref().filter(|_| !shown) {
        let mut origin = Origin::path(path.as_str());
        if let Some((line, column)) = *at {
            origin = origin.line(line).char_column(column);
        }
        group = group.element(origin);
    }
    if let Some(object) = &finding.object {
        group = group.element(Level::NOTE.with_name("in").message(object.as_str()));
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

/// Whole lines of a source, with what is to be pointed at in them.
struct Window<'f> {
    source: &'f str,
    origin: String,
    /// The number of the first line.
    line: usize,
    lines: Range<usize>,
    spots: Vec<&'f Spot<'f>>,
}

/// The lines that hold the spots; those close together are shown together.
fn windows<'f>(spots: &'f [Spot<'f>]) -> Vec<Window<'f>> {
    const CLOSE: usize = 1024;
    let mut windows: Vec<Window<'f>> = Vec::new();
    for spot in spots {
        let source: &str = match &spot.text {
            Text::File(file) => file.text(),
            Text::Value { value, .. } => value,
        };
        let origin = spot.origin().into_owned();
        let lines = lines(source, &spot.range);
        let is_close = |window: &&mut Window<'_>| {
            window.origin == origin
                && lines.start <= window.lines.end + CLOSE
                && window.lines.start <= lines.end + CLOSE
        };
        match windows.iter_mut().find(is_close) {
            Some(window) => {
                if lines.start < window.lines.start {
                    window.lines.start = lines.start;
                    window.line = spot.start().0;
                }
                window.lines.end = window.lines.end.max(lines.end);
                window.spots.push(spot);
            }
            None => windows.push(Window {
                source,
                origin,
                line: spot.start().0,
                lines,
                spots: vec![spot],
            }),
        }
    }
    windows
}

/// The lines that a range touches, without the last line break.
fn lines(source: &str, range: &Range<usize>) -> Range<usize> {
    let start = source[..range.start].rfind('\n').map_or(0, |at| at + 1);
    // What ends with a line break does not touch the next line.
    let end = range.end.max(range.start + 1).min(source.len());
    let inside = &source[range.start..range.end];
    let last = if inside.ends_with('\n') {
        end.saturating_sub(1)
    } else {
        range.end
    };
    let end = source[last..]
        .find('\n')
        .map_or(source.len(), |at| last + at);
    start..end
}

impl<'f> Window<'f> {
    fn add_to(self, group: Group<'f>) -> Group<'f> {
        if self.lines.len() > LONGEST {
            let (line, column) = self.spots.first().map_or((1, 1), |spot| spot.start());
            let origin = Origin::path(self.origin).line(line).char_column(column);
            return group.element(origin);
        }
        // A blank takes as many bytes, and is not shown at the end of a line.
        let source = self.source[self.lines.clone()].replace('\r', " ");
        let mut snippet = Snippet::source(source)
            .line_start(self.line)
            .path(self.origin);
        for spot in self.spots {
            let kind = match spot.is_primary() {
                true => AnnotationKind::Primary,
                false => AnnotationKind::Context,
            };
            // A line break at the end is not underlined.
            let end = spot.range.end.min(self.lines.end).max(spot.range.start);
            let span = spot.range.start - self.lines.start..end - self.lines.start;
            let annotation = kind.span(span);
            snippet = snippet.annotation(match spot.note.as_str() {
                "" => annotation,
                note => annotation.label(note),
            });
        }
        group.element(snippet)
    }
}
