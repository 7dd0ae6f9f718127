//! JSON in annotations, with the findings about it.

use crate::annotation::Annotation;
use crate::diagnostic::Code;
use crate::vulcand::{Problem, json};

use super::Findings;

/// The first JSON value of an annotation. Text after it is a warning: the original README's own
/// example ends in a stray brace, and the original's decoder took it.
pub(super) fn first_value(
    annotation: &Annotation,
    findings: &mut Findings<'_>,
) -> Option<json::Value> {
    match json::parse_first(&annotation.value) {
        Ok((value, end)) => {
            let rest = annotation.value[end..].trim();
            if !rest.is_empty() {
                let start = annotation.value.len() - annotation.value[end..].trim_start().len();
                let found = findings
                    .diagnostic(
                        Code::TrailingText,
                        "the text after the JSON value is ignored",
                    )
                    .at(annotation.key.as_str(), annotation.value.as_str())
                    .span(start..start + rest.len())
                    .help(format!("remove `{rest}`"));
                findings.push(found);
            }
            Some(value)
        }
        Err(error) => {
            let found = findings
                .diagnostic(
                    Code::InvalidJson,
                    format!("this is not JSON: {}", error.message),
                )
                .at(annotation.key.as_str(), annotation.value.as_str())
                .span(error.offset..error.offset)
                .help("correct it; what is stored stays as it is until then");
            findings.push(found);
            None
        }
    }
}

/// Tells the problems of a value. Returns whether it may be written.
pub(super) fn report(
    problems: &[Problem],
    annotation: &Annotation,
    rejected: Code,
    findings: &mut Findings<'_>,
) -> bool {
    for problem in problems {
        let code = if problem.holds() {
            rejected
        } else {
            Code::HarmfulValue
        };
        let place = if problem.path.is_empty() {
            String::new()
        } else {
            format!("{}: ", problem.path)
        };
        let found = findings
            .diagnostic(code, format!("{place}{}", problem.message))
            .at(annotation.key.as_str(), annotation.value.as_str())
            .span(narrowed(problem, &annotation.value))
            .help(problem.help.as_str());
        findings.push(found);
    }
    !problems.iter().any(Problem::holds)
}

/// The byte that a problem is at, where it is within a string; else the whole value.
fn narrowed(problem: &Problem, text: &str) -> std::ops::Range<usize> {
    let start = problem.span.start;
    let is_string = text.as_bytes().get(start) == Some(&b'"');
    let inside = problem.inside.filter(|_| is_string);
    match inside.and_then(|byte| json::byte_in_string(text, start, byte)) {
        Some(at) => at..at,
        None => problem.span.clone(),
    }
}
