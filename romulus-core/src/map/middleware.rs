use std::collections::BTreeMap;

use crate::annotation::Annotations;
use crate::config::Config;
use crate::diagnostic::Code;
use crate::key::Segment;
use crate::vulcand::{Environment, Middleware, json};

use super::{Findings, sugar};

/// The value of a middleware's key: `{"Priority","Type","Middleware"}`.
#[derive(Debug, Clone, PartialEq)]
pub struct MiddlewareValue {
    /// The text.
    pub text: String,
    /// What it means.
    pub parsed: Middleware,
}

/// The middlewares of a port by name; `None` where one does not validate.
pub(super) fn middlewares(
    port: &str,
    annotations: &Annotations,
    config: &Config,
    findings: &mut Findings<'_>,
) -> Option<BTreeMap<Segment, MiddlewareValue>> {
    let mut values = BTreeMap::new();
    let mut valid = true;
    let environment = environment(config);
    for (name, annotation) in annotations.middlewares(port) {
        match read(annotation, &environment, findings) {
            Some(value) => drop(values.insert(name.clone(), value)),
            None => valid = false,
        }
    }
    valid &= sugar::middlewares(port, annotations, &mut values, findings);
    equal_priorities(&values, port, annotations, findings);
    valid.then_some(values)
}

/// The vulcand that middlewares are written for.
pub(crate) fn environment(config: &Config) -> Environment {
    Environment {
        middleware_types: config.allow_middleware.clone(),
        ..Environment::default()
    }
}

fn read(
    annotation: &crate::annotation::Annotation,
    environment: &Environment,
    findings: &mut Findings<'_>,
) -> Option<MiddlewareValue> {
    let value = super::json::first_value(annotation, findings)?;
    // The text is judged, not the value, so that the findings point into the annotation.
    let checked = Middleware::parse(&annotation.value[..value.span.end], environment);
    if !super::json::report(
        &checked.problems,
        annotation,
        Code::InvalidMiddleware,
        findings,
    ) {
        return None;
    }
    let parsed = checked.value?;
    let member = |name| value.member(name).map(json::Value::compact);
    let text = format!(
        r#"{{"Priority":{},"Type":{},"Middleware":{}}}"#,
        parsed.priority,
        member("Type").unwrap_or_default(),
        member("Middleware").unwrap_or_else(|| "{}".into()),
    );
    Some(MiddlewareValue { text, parsed })
}

fn equal_priorities(
    values: &BTreeMap<Segment, MiddlewareValue>,
    port: &str,
    annotations: &Annotations,
    findings: &mut Findings<'_>,
) {
    let written = annotations.middlewares(port);
    let mut by_priority: BTreeMap<i64, &Segment> = BTreeMap::new();
    for (name, value) in values {
        let priority = value.parsed.priority;
        let Some(other) = by_priority.insert(priority, name) else {
            continue;
        };
        let message = format!(
            "middlewares `{other}` and `{name}` both have priority {priority}: vulcand orders \
             them at random"
        );
        let mut found = findings
            .diagnostic(Code::EqualPriority, message)
            .help("give each a priority; the lowest is outermost");
        for (name, note) in [(name, ""), (other, "it has the same priority")] {
            if let Some(annotation) = written.get(name) {
                let subject = found.subject.clone();
                found = found.see(subject, annotation.key.as_str(), note);
            }
        }
        findings.push(found);
    }
}
