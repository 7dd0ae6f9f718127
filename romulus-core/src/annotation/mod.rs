//! The `romulus/` annotations of a Service: which options there are, and which one a port gets.

mod options;

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::Service;
use crate::diagnostic::{Code, Diagnostic, Subject, did_you_mean};
use crate::key::Segment;

pub use options::{MIDDLEWARE, OPTIONS, OptionSpec, Topic, VULCAN_KEY};

/// The prefix of every label and annotation that romulus reads.
pub const PREFIX: &str = "romulus/";
/// The label that names the tree a Service is written to.
pub const ROOT_LABEL: &str = "romulus/vulcanKey";
/// What stands before the name of a middleware.
const MIDDLEWARE_PREFIX: &str = "middleware";

/// An annotation as its author wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The whole key, `romulus/path.web`.
    pub key: String,
    /// The value.
    pub value: String,
}

/// The annotations of one Service, sorted by option and port.
///
/// ```
/// use romulus_core::annotation::Annotations;
/// use romulus_core::cluster::Service;
/// let service: Service = serde_json::from_str(
///     r#"{"metadata": {"name": "x", "annotations": {
///             "romulus/path": "/", "romulus/path.web": "/web", "romulus/hots": "a"}},
///         "spec": {"ports": [{"name": "web", "port": 80}, {"name": "api", "port": 81}]}}"#,
/// )?;
/// let (annotations, diagnostics) = Annotations::read(&service);
/// assert_eq!(annotations.get("path", "web").unwrap().value, "/web");
/// assert_eq!(annotations.get("path", "api").unwrap().value, "/");
/// assert_eq!(diagnostics[0].help.as_deref(), Some("did you mean `romulus/host`?"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Annotations {
    options: BTreeMap<(&'static str, Box<str>), Annotation>,
    middlewares: BTreeMap<(Box<str>, Segment), Annotation>,
}

impl Annotations {
    /// Reads the annotations of a Service, with a diagnostic for each that nothing will use.
    pub fn read(service: &Service) -> (Self, Vec<Diagnostic>) {
        let mut reader = Reader {
            service,
            ports: service
                .ports
                .iter()
                .map(|port| port.name.as_str())
                .collect(),
            annotations: Self::default(),
            diagnostics: Vec::new(),
        };
        for (key, value) in &service.annotations {
            reader.read(key, value);
        }
        (reader.annotations, reader.diagnostics)
    }

    /// The annotation of an option for a port: `<option>.<port>` wins over `<option>`.
    pub fn get(&self, option: &'static str, port: &str) -> Option<&Annotation> {
        let specific = (!port.is_empty()).then(|| self.options.get(&(option, port.into())));
        specific
            .flatten()
            .or_else(|| self.options.get(&(option, "".into())))
    }

    /// Whether the option is given for this port by name.
    pub fn is_specific(&self, option: &'static str, port: &str) -> bool {
        !port.is_empty() && self.options.contains_key(&(option, port.into()))
    }

    /// The middlewares of a port, by name.
    pub fn middlewares(&self, port: &str) -> BTreeMap<&Segment, &Annotation> {
        let of = |port: &str| {
            let port: Box<str> = port.into();
            self.middlewares
                .iter()
                .filter(move |((p, _), _)| *p == port)
        };
        let mut all: BTreeMap<_, _> = of("").map(|((_, name), a)| (name, a)).collect();
        if !port.is_empty() {
            all.extend(of(port).map(|((_, name), a)| (name, a)));
        }
        all
    }
}

struct Reader<'s> {
    service: &'s Service,
    ports: BTreeSet<&'s str>,
    annotations: Annotations,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn read(&mut self, key: &str, value: &str) {
        let Some(rest) = key.strip_prefix(PREFIX) else {
            return;
        };
        let annotation = Annotation {
            key: key.into(),
            value: value.into(),
        };
        let (option, suffix) = rest.split_once('.').unwrap_or((rest, ""));
        if option == MIDDLEWARE_PREFIX {
            return self.middleware(suffix, annotation);
        }
        let Some(spec) = OptionSpec::find(option) else {
            return self.unknown_option(option, suffix, annotation);
        };
        if !suffix.is_empty() && !self.ports.contains(suffix) {
            let help = match did_you_mean(suffix, self.ports.iter().copied()) {
                Some(port) => format!("did you mean `romulus/{option}.{port}`?"),
                None if self.ports.iter().all(|port| port.is_empty()) => {
                    format!("its ports have no names: write `romulus/{option}`")
                }
                None => format!("its ports are {}", list(&self.ports)),
            };
            let message = format!("the Service has no port `{suffix}`; the annotation is ignored");
            return self.warn(Code::UnknownPort, annotation, message, help);
        }
        let canonical = option == spec.name;
        let slot = (spec.name, suffix.into());
        match self.annotations.options.get(&slot) {
            // Keys arrive in byte order, so either spelling may come first.
            Some(other) => {
                let (kept, lost) = if canonical {
                    (annotation, other.clone())
                } else {
                    (other.clone(), annotation)
                };
                let message = format!("`{}` says the same and wins", kept.key);
                let subject = Subject::Service(self.service.name.clone());
                let found = Diagnostic::new(Code::DuplicateOption, subject.clone(), message)
                    .at(lost.key, lost.value)
                    .help("remove one of the two")
                    .see(subject, kept.key.as_str(), "this one wins");
                self.annotations.options.insert(slot, kept);
                self.diagnostics.push(found);
            }
            None => {
                self.annotations.options.insert(slot, annotation);
            }
        }
    }

    fn middleware(&mut self, suffix: &str, annotation: Annotation) {
        let (port, name) = match suffix.split_once('.') {
            Some((port, name)) if self.ports.contains(port) => (port, name),
            _ => ("", suffix),
        };
        match Segment::new(name) {
            Some(name) => {
                self.annotations
                    .middlewares
                    .insert((port.into(), name), annotation);
            }
            None => {
                let message = "a middleware needs a name".into();
                let help = "write `romulus/middleware.<name>`".into();
                self.warn(Code::UnknownOption, annotation, message, help);
            }
        }
    }

    fn unknown_option(&mut self, option: &str, suffix: &str, annotation: Annotation) {
        let dot = if suffix.is_empty() { "" } else { "." };
        let names = OPTIONS
            .iter()
            .map(|spec| spec.name)
            .chain([MIDDLEWARE_PREFIX]);
        let help = if annotation.key == ROOT_LABEL {
            "it is a label, not an annotation".into()
        } else if let Some(name) = did_you_mean(option, names) {
            format!("did you mean `romulus/{name}{dot}{suffix}`?")
        } else {
            "the options are listed in docs/annotations.md".into()
        };
        let message = "there is no such option; the annotation is ignored".into();
        self.warn(Code::UnknownOption, annotation, message, help);
    }

    fn warn(&mut self, code: Code, annotation: Annotation, message: String, help: String) {
        let subject = Subject::Service(self.service.name.clone());
        let Annotation { key, value } = annotation;
        self.diagnostics.push(
            Diagnostic::new(code, subject, message)
                .at(key, value)
                .help(help),
        );
    }
}

fn list(names: &BTreeSet<&str>) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(annotations: &[(&str, &str)], ports: &[&str]) -> Service {
        let annotations: BTreeMap<_, _> = annotations.iter().copied().collect();
        let ports: Vec<_> = ports
            .iter()
            .map(|name| serde_json::json!({"name": name, "port": 80}))
            .collect();
        serde_json::from_value(serde_json::json!({
            "metadata": {"name": "web", "annotations": annotations},
            "spec": {"ports": ports},
        }))
        .unwrap()
    }

    fn read(annotations: &[(&str, &str)], ports: &[&str]) -> (Annotations, Vec<String>) {
        let (annotations, diagnostics) = Annotations::read(&service(annotations, ports));
        (
            annotations,
            diagnostics.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn a_middleware_with_a_dot_belongs_to_a_port_only_where_the_port_exists() {
        let given = [
            ("romulus/middleware.auth", "all"),
            ("romulus/middleware.web.auth", "web"),
            ("romulus/middleware.v1.limit", "dotted"),
        ];
        let (annotations, diagnostics) = read(&given, &["web", "api"]);
        let of = |port: &str| -> Vec<(String, String)> {
            let middlewares = annotations.middlewares(port);
            middlewares
                .iter()
                .map(|(n, a)| (n.to_string(), a.value.clone()))
                .collect()
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(of("web"), [pair("auth", "web"), pair("v1.limit", "dotted")]);
        assert_eq!(of("api"), [pair("auth", "all"), pair("v1.limit", "dotted")]);
        assert_eq!(diagnostics, [""; 0]);
    }

    #[test]
    fn the_snake_case_spelling_of_2016_is_understood_and_loses_to_the_present_one() {
        let given = [
            ("romulus/path_regexp", "/old"),
            ("romulus/pathRegexp", "/new"),
        ];
        let (annotations, diagnostics) = read(&given, &[""]);
        assert_eq!(annotations.get("pathRegexp", "").unwrap().value, "/new");
        assert_eq!(
            diagnostics,
            [
                "warning[duplicate-option]: Service default/web: romulus/path_regexp = \"/old\": \
              `romulus/pathRegexp` says the same and wins (remove one of the two)"
            ]
        );
        let (annotations, diagnostics) = read(&given[..1], &[""]);
        assert_eq!(annotations.get("pathRegexp", "").unwrap().value, "/old");
        assert_eq!(diagnostics, [""; 0]);
    }

    #[test]
    fn what_nothing_will_use_is_told_with_the_way_out() {
        let given = [
            ("romulus/hsot", "a"),
            ("romulus/middleware.", "{}"),
            ("romulus/path.wbe", "/"),
            ("romulus/vulcanKey", "v"),
            ("romulus/zzzzzzzzzz", "z"),
        ];
        let (annotations, diagnostics) = read(&given, &["web"]);
        assert_eq!(annotations, Annotations::default());
        insta::assert_snapshot!(diagnostics.join("\n"));
    }
}
