//! Settings and middlewares, and the short options that stand for parts of them. What the explicit
//! JSON says wins.

use std::collections::BTreeMap;

use crate::annotation::{Annotation, Annotations};
use crate::diagnostic::Code;
use crate::key::Segment;
use crate::vulcand::{
    BackendSettings, Checked, Environment, FrontendSettings, Middleware, Problem, json,
};

use super::json::{first_value, report};
use super::value::quoted;
use super::{Findings, MiddlewareValue, Settings};

/// How the value of a short option becomes JSON.
#[derive(Clone, Copy)]
enum Form {
    Bool,
    Integer,
    Text,
}

/// A short option and the member of the settings it stands for.
struct Short {
    option: &'static str,
    path: &'static [&'static str],
    form: Form,
}

const fn short(option: &'static str, path: &'static [&'static str], form: Form) -> Short {
    Short { option, path, form }
}

const FRONTEND: &[Short] = &[
    short(
        "maxMemBodyBytes",
        &["Limits", "MaxMemBodyBytes"],
        Form::Integer,
    ),
    short("maxBodyBytes", &["Limits", "MaxBodyBytes"], Form::Integer),
    short("failoverPredicate", &["FailoverPredicate"], Form::Text),
    short("trustForwardHeader", &["TrustForwardHeader"], Form::Bool),
    short("passHostHeader", &["PassHostHeader"], Form::Bool),
];

const BACKEND: &[Short] = &[
    short("readTimeout", &["Timeouts", "Read"], Form::Text),
    short("dialTimeout", &["Timeouts", "Dial"], Form::Text),
    short(
        "maxIdleConnsPerHost",
        &["KeepAlive", "MaxIdleConnsPerHost"],
        Form::Integer,
    ),
];

/// `None` where they do not validate, `Some(None)` where none are given.
pub(super) fn frontend_settings(
    port: &str,
    annotations: &Annotations,
    findings: &mut Findings<'_>,
) -> Option<Option<Settings<FrontendSettings>>> {
    settings(
        "frontendSettings",
        FRONTEND,
        FrontendSettings::from_json,
        port,
        annotations,
        findings,
    )
}

/// `None` where they do not validate, `Some(None)` where none are given.
pub(super) fn backend_settings(
    port: &str,
    annotations: &Annotations,
    findings: &mut Findings<'_>,
) -> Option<Option<Settings<BackendSettings>>> {
    settings(
        "backendSettings",
        BACKEND,
        BackendSettings::from_json,
        port,
        annotations,
        findings,
    )
}

fn settings<T>(
    option: &'static str,
    shorts: &[Short],
    parse: impl Fn(&json::Value) -> Checked<T>,
    port: &str,
    annotations: &Annotations,
    findings: &mut Findings<'_>,
) -> Option<Option<Settings<T>>> {
    let explicit = annotations.get(option, port);
    let mut valid = true;
    let mut value = None;
    if let Some(annotation) = explicit {
        match first_value(annotation, findings) {
            Some(json) => {
                valid &= report(
                    &parse(&json).problems,
                    annotation,
                    Code::InvalidSettings,
                    findings,
                );
                value = Some(json);
            }
            None => valid = false,
        }
    }
    for short in shorts {
        let Some(annotation) = annotations.get(short.option, port) else {
            continue;
        };
        // Each is judged alone, so that its diagnostic names the annotation its author wrote.
        let Some(json) = nested(short, annotation, findings) else {
            valid = false;
            continue;
        };
        let problems = of_whole(parse(&json).problems, annotation);
        valid &= report(&problems, annotation, Code::InvalidOption, findings);
        match &mut value {
            Some(value) if says(value, short.path) => {}
            Some(value) => merge(value, json),
            None => value = Some(json),
        }
    }
    if !valid {
        return None;
    }
    let Some(json) = value else { return Some(None) };
    let parsed = Box::new(parse(&json).value?);
    Some(Some(Settings {
        parsed,
        text: json.compact(),
    }))
}

/// The problems of JSON that no author wrote: they are about the value of the annotation.
fn of_whole(mut problems: Vec<Problem>, annotation: &Annotation) -> Vec<Problem> {
    let text = &annotation.value;
    let blanks = text.len() - text.trim_start().len();
    for problem in &mut problems {
        // The text is the string, but for the blanks around it.
        problem.span = match problem.inside.take() {
            Some(byte) => blanks + byte..blanks + byte,
            None => 0..text.len(),
        };
    }
    problems
}

/// The JSON that a short option stands for.
fn nested(
    short: &Short,
    annotation: &Annotation,
    findings: &mut Findings<'_>,
) -> Option<json::Value> {
    let text = annotation.value.trim();
    let (json, wants) = match short.form {
        Form::Bool => (parse_bool(text).map(|b| b.to_string()), "`true` or `false`"),
        Form::Integer => (
            text.parse::<i64>().ok().map(|n| n.to_string()),
            "a whole number",
        ),
        Form::Text => (Some(quoted(text)), "text"),
    };
    let Some(mut json) = json else {
        findings.at(
            Code::InvalidOption,
            annotation,
            format!("this should be {wants}"),
            "correct it",
        );
        return None;
    };
    for name in short.path.iter().rev() {
        json = format!(r#"{{"{name}":{json}}}"#);
    }
    json::parse(&json).ok()
}

fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Whether a value has a member at this path, in any of its duplicate members: Go reads them all.
fn says(value: &json::Value, path: &[&str]) -> bool {
    let [name, rest @ ..] = path else { return true };
    let json::Node::Object(members) = &value.node else {
        return false;
    };
    members
        .iter()
        .any(|member| member.is_named(name) && says(&member.value, rest))
}

/// Adds the members of `extra` that `value` does not have; names are compared as Go does.
fn merge(value: &mut json::Value, mut extra: json::Value) {
    let (json::Node::Object(members), json::Node::Object(extras)) =
        (&mut value.node, &mut extra.node)
    else {
        return;
    };
    for extra in extras.drain(..) {
        let same = |member: &&mut json::Member| member.is_named(&extra.name);
        match members.iter_mut().rev().find(same) {
            Some(member) => merge(&mut member.value, extra.value),
            None => members.push(extra),
        }
    }
}

/// The name of the middleware that `redirectToSsl` stands for.
const REDIRECT_TO_SSL: &str = "redirect-to-ssl";
/// The name of the middleware that `maintenance` stands for.
const MAINTENANCE: &str = "maintenance";

/// Adds the middlewares that short options stand for; an explicit one of the same name wins.
/// Returns whether all validate.
pub(super) fn middlewares(
    port: &str,
    annotations: &Annotations,
    values: &mut BTreeMap<Segment, MiddlewareValue>,
    findings: &mut Findings<'_>,
) -> bool {
    let mut valid = true;
    if let Some(annotation) = annotations.get("redirectToSsl", port) {
        match parse_bool(annotation.value.trim()) {
            Some(true) => {
                let text = redirect(-1000, "^http://(.*)$", "https://$1");
                valid &= add(REDIRECT_TO_SSL, text, annotation, values, findings);
            }
            Some(false) => {}
            None => {
                let message = "this should be `true` or `false`";
                findings.at(Code::InvalidOption, annotation, message, "correct it");
                valid = false;
            }
        }
    }
    if let Some(annotation) = annotations.get("maintenance", port) {
        let url = annotation.value.trim();
        // vulcand reads the replacement as a template of Go and `$` as a group of the expression.
        let plain = url.starts_with("https://") || url.starts_with("http://");
        if !plain || url.contains("{{") || url.contains('$') || url.contains(char::is_whitespace) {
            let message = "this should be the URL that requests are redirected to";
            findings.at(
                Code::InvalidOption,
                annotation,
                message,
                "write an absolute URL without `$` and `{{`",
            );
            valid = false;
        } else {
            let text = redirect(-999, "^.*$", url);
            valid &= add(MAINTENANCE, text, annotation, values, findings);
        }
    }
    valid
}

fn redirect(priority: i64, regexp: &str, replacement: &str) -> String {
    format!(
        r#"{{"Priority":{priority},"Type":"rewrite","Middleware":{{"Regexp":{},"Replacement":{},"RewriteBody":false,"Redirect":true}}}}"#,
        quoted(regexp),
        quoted(replacement),
    )
}

fn add(
    name: &str,
    text: String,
    annotation: &Annotation,
    values: &mut BTreeMap<Segment, MiddlewareValue>,
    findings: &mut Findings<'_>,
) -> bool {
    let checked = Middleware::parse(&text, &Environment::default());
    let mut problems = checked.problems;
    problems
        .iter_mut()
        .for_each(|problem| problem.inside = None);
    let problems = of_whole(problems, annotation);
    if !report(&problems, annotation, Code::InvalidOption, findings) {
        return false;
    }
    if let (Some(name), Some(parsed)) = (Segment::new(name), checked.value) {
        values
            .entry(name)
            .or_insert(MiddlewareValue { text, parsed });
    }
    true
}

#[cfg(test)]
mod tests {
    use crate::cluster::Service;
    use crate::config::Config;
    use crate::map::Blueprint;

    #[test]
    fn explicit_settings_win_over_short_options_wherever_their_author_says_them() {
        let settings = r#"{"Limits": {"MaxBodyBytes": 1}, "limits": {"MaxMemBodyBytes": 2}}"#;
        let service: Service = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "web", "annotations": {
                "romulus/host": "a.test",
                "romulus/frontendSettings": settings,
                "romulus/maxBodyBytes": "8",
                "romulus/maxMemBodyBytes": "9",
                "romulus/passHostHeader": "true",
            }},
            "spec": {"ports": [{"port": 80}]},
        }))
        .unwrap();
        let blueprint = Blueprint::of(&service, &Config::new("vulcand".parse().unwrap()));
        let frontend = blueprint.ports[0].frontend.as_ref().unwrap();
        assert_eq!(
            frontend.valid().unwrap().settings.as_ref().unwrap().text,
            r#"{"Limits":{"MaxBodyBytes":1},"limits":{"MaxMemBodyBytes":2},"PassHostHeader":true}"#
        );
    }

    #[test]
    fn what_is_wrong_with_a_short_option_is_about_its_own_value() {
        for (option, value, span) in [
            ("readTimeout", "5", (0, 1)),
            ("failoverPredicate", " Attempts() < x", (14, 14)),
            ("maxBodyBytes", "-1", (0, 2)),
        ] {
            let service: Service = serde_json::from_value(serde_json::json!({
                "metadata": {"name": "web", "annotations": {
                    "romulus/host": "a.test", format!("romulus/{option}"): value,
                }},
                "spec": {"ports": [{"port": 80}]},
            }))
            .unwrap();
            let config = Config::new("vulcand".parse().unwrap());
            let found = Blueprint::of(&service, &config).diagnostics;
            let [diagnostic] = found.as_slice() else {
                panic!("{found:?}")
            };
            assert_eq!(diagnostic.value.as_deref(), Some(value));
            assert_eq!(diagnostic.span, Some(span), "{diagnostic:?}");
        }
    }
}
