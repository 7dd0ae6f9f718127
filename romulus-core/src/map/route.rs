//! From route annotations to the text of a route.

use crate::annotation::{Annotation, Annotations};
use crate::config::Config;
use crate::diagnostic::{Code, Subject};
use crate::vulcand::route::{Matcher, PartError, RouteParts};

use super::{Findings, Head};

/// The parts of a route in their order, each with the options that give it. The first one given
/// for the port wins; two on the same level contradict each other.
const PARTS: &[(&str, &[&str])] = &[
    ("host", &["host", "hostRegexp"]),
    ("path", &["path", "pathRegexp", "prefix"]),
    ("method", &["method", "methodRegexp", "methods"]),
    ("header", &["header", "headerRegexp"]),
];

/// The priority of a route that names none, under `--route-priorities`.
const DEFAULT_PRIORITY: u16 = 5000;

/// A route, and the annotations its parts come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Route {
    pub(super) text: String,
    pub(super) keys: Vec<String>,
}

/// The route of a port; `None` where it has no part.
pub(super) fn route(
    port: &str,
    annotations: &Annotations,
    config: &Config,
    findings: &mut Findings<'_>,
) -> Option<Head<Route>> {
    let mut parts = RouteParts::default();
    let mut given = false;
    let mut valid = true;
    let (mut first, mut keys) = (None, Vec::new());
    for (part, options) in PARTS {
        match choose(port, part, options, annotations, findings) {
            Chosen::Nothing => {}
            Chosen::Contradiction => (given, valid) = (true, false),
            Chosen::Option(option, annotation) => {
                given = true;
                first = first.or(Some(annotation));
                keys.push(annotation.key.clone());
                valid &= apply(option, annotation, &mut parts, findings).is_some();
            }
        }
    }
    valid &= priority(port, annotations, config, &mut parts, findings);
    if !given {
        return None;
    }
    if let Some(annotation) = first.filter(|_| valid) {
        valid = is_allowed(annotation, &parts, config, findings);
    }
    let text = if valid { parts.print() } else { None };
    Some(text.map(|text| Route { text, keys }).into())
}

/// Whether the namespace may claim the host. The annotation is that of the host, if there is one,
/// else of what is there without it.
fn is_allowed(
    annotation: &Annotation,
    parts: &RouteParts,
    config: &Config,
    findings: &mut Findings<'_>,
) -> bool {
    let namespace = findings.service.name.namespace();
    let rules = &config.allow_hosts;
    if rules.permit_pattern(namespace, parts.host_pattern()) {
        return true;
    }
    let claimed = match parts.host_pattern() {
        Some(host) => format!("claims the host `{}`", host.source()),
        None => "claims every host".to_owned(),
    };
    let help = match rules.list(namespace) {
        none if none.is_empty() => "ask the operator for an --allow-host".to_owned(),
        hosts => format!("what it may claim: {hosts}"),
    };
    let message = format!("the route {claimed}, which the namespace `{namespace}` may not");
    findings.at(Code::HostNotAllowed, annotation, message, help);
    false
}

enum Chosen<'a> {
    Nothing,
    Option(&'static str, &'a Annotation),
    Contradiction,
}

fn choose<'a>(
    port: &str,
    part: &str,
    options: &[&'static str],
    annotations: &'a Annotations,
    findings: &mut Findings<'_>,
) -> Chosen<'a> {
    let given = |specific: bool| {
        let level = options
            .iter()
            .filter(move |o| annotations.is_specific(o, port) == specific);
        level.filter_map(|option| Some((*option, annotations.get(option, port)?)))
    };
    let mut found = given(true).peekable();
    if found.peek().is_none() {
        drop(found);
        return only(part, given(false), findings);
    }
    only(part, found, findings)
}

fn only<'a>(
    part: &str,
    mut found: impl Iterator<Item = (&'static str, &'a Annotation)>,
    findings: &mut Findings<'_>,
) -> Chosen<'a> {
    let Some((option, annotation)) = found.next() else {
        return Chosen::Nothing;
    };
    match found.next() {
        None => Chosen::Option(option, annotation),
        Some((_, other)) => {
            let message = format!("`{}` gives the route another {part}", other.key);
            let subject = Subject::Service(findings.service.name.clone());
            let found = findings
                .diagnostic(Code::InvalidRoute, message)
                .at(annotation.key.as_str(), annotation.value.as_str())
                .help("keep one of the two")
                .see(subject, other.key.as_str(), "the other one");
            findings.push(found);
            Chosen::Contradiction
        }
    }
}

/// Sets the part that an option gives; `None` where its value is bad.
fn apply(
    option: &str,
    annotation: &Annotation,
    parts: &mut RouteParts,
    findings: &mut Findings<'_>,
) -> Option<()> {
    let value = annotation.value.as_str();
    let refused = match part(option, value, std::mem::take(parts)) {
        Ok(with_part) if with_part.matchers().any(Matcher::never_matches) => Refused::Never(
            "a parameter in it never matches: `<int:x>` only before a separator, `<x>` only up to \
             one",
            "write `<x>` for all up to the next separator, or use the regular expression form",
        ),
        Ok(with_part) => {
            *parts = with_part;
            return Some(());
        }
        Err(refused) => refused,
    };
    let found = match refused {
        Refused::Never(message, help) => {
            let found = findings.diagnostic(Code::InvalidRoute, message);
            found.help(help)
        }
        Refused::Part(error) => {
            let offset = start(option, value) + error.offset;
            let found = findings.diagnostic(Code::InvalidRoute, error.message);
            let found = found.help(error.help);
            // Hosts are lower-cased before they are judged, which may make them longer.
            let is_exact = value.is_ascii() || !option.starts_with("host");
            if is_exact && value.is_char_boundary(offset) {
                found.span(offset..offset)
            } else {
                found
            }
        }
    };
    findings.push(found.at(annotation.key.as_str(), value));
    None
}

/// Where what is judged begins in a value: it has lost the blanks around it, and the name of a
/// header.
fn start(option: &str, value: &str) -> usize {
    let is_header = matches!(option, "header" | "headerRegexp");
    let name = value.find(':').filter(|_| is_header);
    let skipped = name.map_or(0, |colon| colon + 1);
    let rest = &value[skipped..];
    skipped + rest.len() - rest.trim_start().len()
}

/// Why a value is refused.
enum Refused {
    /// vulcand would take it, but it can't be meant.
    Never(&'static str, &'static str),
    /// vulcand would not take it.
    Part(PartError),
}

impl From<PartError> for Refused {
    fn from(error: PartError) -> Self {
        Self::Part(error)
    }
}

/// The route with the part that an option gives.
fn part(option: &str, value: &str, parts: RouteParts) -> Result<RouteParts, Refused> {
    let value = value.trim();
    if value.is_empty() {
        return Err(Refused::Never(
            "the value is empty",
            "write a value, or remove the annotation",
        ));
    }
    let absolute = || {
        let (message, help) = (
            "a request's path begins with a slash: this never matches",
            "begin it with `/`",
        );
        if value.starts_with('/') {
            Ok(value)
        } else {
            Err(Refused::Never(message, help))
        }
    };
    Ok(match option {
        "host" => parts.host(host(value)?)?,
        "hostRegexp" => parts.host_regexp(value)?,
        "path" if value.contains('?') => {
            let message = "a path is compared without its query: this never matches";
            return Err(Refused::Never(message, "remove `?` and what follows"));
        }
        "path" => parts.path(absolute()?)?,
        "pathRegexp" => parts.path_regexp(value)?,
        "prefix" => parts.path_regexp(&prefix(absolute()?))?,
        "method" => parts.method(&method(value)?)?,
        "methodRegexp" => parts.method_regexp(value)?,
        "methods" => {
            let methods: Result<Vec<_>, _> = value.split(',').map(|m| method(m.trim())).collect();
            parts.method_regexp(&format!("^({})$", methods?.join("|")))?
        }
        _ => {
            let (name, value) = value
                .split_once(':')
                .map(|(name, value)| (name.trim(), value.trim()))
                .filter(|(name, _)| is_token(name))
                .ok_or(Refused::Never(
                    "this is not `Name: value`",
                    "write it as `X-Stage: canary`",
                ))?;
            if option == "header" {
                parts.header(name, value)?
            } else {
                parts.header_regexp(name, value)?
            }
        }
    })
}

/// A method in upper case.
fn method(value: &str) -> Result<String, Refused> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if value.is_empty() || !value.bytes().all(plain) {
        return Err(Refused::Never(
            "this is not a method",
            "write one, like `POST`",
        ));
    }
    Ok(value.to_ascii_uppercase())
}

/// The name of a header: a token of HTTP.
fn is_token(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(token)
}

/// Refuses what is more, or less, than one host.
fn host(value: &str) -> Result<&str, Refused> {
    let (message, help) = if value.contains("://") {
        (
            "a host has no scheme",
            "write only the name, like `www.example.com`",
        )
    } else if value.contains('/') {
        ("a host has no path", "put the path into romulus/path")
    } else if value.contains(|c: char| c.is_whitespace() || c == ',') {
        (
            "this is not one host",
            "write one name; romulus/hostRegexp can match several",
        )
    } else {
        return Ok(value);
    };
    Err(Refused::Never(message, help))
}

/// An expression for a path and everything below it.
fn prefix(value: &str) -> String {
    let bare = value.trim_end_matches('/');
    let mut expression = String::from("^");
    for c in bare.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            expression.push('\\');
        }
        expression.push(c);
    }
    expression.push_str("(/|$)");
    expression
}

fn priority(
    port: &str,
    annotations: &Annotations,
    config: &Config,
    parts: &mut RouteParts,
    findings: &mut Findings<'_>,
) -> bool {
    let annotation = annotations.get("priority", port);
    let given = annotation.map(|a| a.value.trim().parse::<u16>().ok().filter(|p| *p <= 9999));
    if let (Some(annotation), Some(None)) = (annotation, given) {
        findings.at(
            Code::InvalidOption,
            annotation,
            "this should be a whole number from 0 to 9999",
            "correct it",
        );
        return false;
    }
    if config.route_priorities {
        let priority = given.flatten().unwrap_or(DEFAULT_PRIORITY);
        match std::mem::take(parts).priority(priority) {
            Ok(with_priority) => *parts = with_priority,
            Err(_) => return false,
        }
    } else if let Some(annotation) = annotation {
        let message = "priorities are off for this romulus: the annotation has no effect";
        findings.at(
            Code::HarmfulValue,
            annotation,
            message,
            "start romulus with --route-priorities",
        );
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::Blueprint;

    #[test]
    fn a_part_that_never_matches_is_refused() {
        for (option, value, refused) in [
            ("path", "/users/<int:id>", true),
            ("path", "/users/<int:id>/orders", false),
            ("path", "/users/<id>", false),
            ("path", "/<name>.html", true),
            ("host", "<name>-eu.example.com", true),
            ("host", "<name>.example.com", false),
            ("header", "X-Stage: v<int:n>", true),
            ("header", "X-Stage: <n>", false),
        ] {
            let service = serde_json::json!({
                "metadata": { "name": "s", "annotations": { format!("romulus/{option}"): value } },
                "spec": { "ports": [{ "port": 80 }] },
            });
            let service = serde_json::from_value(service).unwrap();
            let config = Config::new("vulcand".parse().unwrap());
            let found = Blueprint::of(&service, &config).diagnostics;
            let codes: Vec<_> = found.iter().map(|d| d.code).collect();
            let expected = if refused {
                vec![Code::InvalidRoute]
            } else {
                vec![]
            };
            assert_eq!(codes, expected, "{option} {value}");
        }
    }
}
