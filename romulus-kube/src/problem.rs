//! What went wrong with a source, as a value.
use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use romulus_core::cluster::ObjectName;

/// Something about a source that a person should know.
///
/// It prints as one line: where, which object and field, what is wrong, what to do, and what
/// romulus does meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceProblem {
    /// Where it was found.
    pub place: Place,
    /// The object at fault, where it is known which.
    pub object: Option<ObjectRef>,
    /// The path of the field at fault within the object, such as `spec.ports[0].port`.
    pub field: Option<String>,
    /// What is wrong, with the value.
    pub reason: String,
    /// What to do about it; empty where there is nothing to do.
    pub way_out: Cow<'static, str>,
    /// What the source does meanwhile.
    pub outcome: Outcome,
}

/// Where a problem was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A request to the API server: its path and query.
    Request(String),
    /// A manifest; line and column count from 1 where they are known.
    File {
        /// The file as it was named or found; `-` is the standard input.
        path: PathBuf,
        /// The line.
        line: Option<u64>,
        /// The column, in characters.
        column: Option<u64>,
    },
}

/// An object by its kind and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectRef {
    /// `Service`, `EndpointSlice` or `Endpoints`.
    pub kind: &'static str,
    /// Namespace and name.
    pub name: ObjectName,
}

/// What a source does about a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It will not get better until somebody acts (rights, credentials, addresses). The source
    /// still tries again now and then; what wants to finish should give up.
    Fatal,
    /// The source tries again after this time.
    Retrying(Duration),
    /// The object or file is left out, and nothing is taken for deleted because it is absent.
    Skipped,
    /// Nothing is left out.
    Noted,
}

impl SourceProblem {
    /// Whether it will not get better by itself.
    pub fn is_fatal(&self) -> bool {
        self.outcome == Outcome::Fatal
    }
}

impl fmt::Display for SourceProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.reason)?;
        if !self.way_out.is_empty() {
            write!(f, "; {}", self.way_out)?;
        }
        match self.outcome {
            Outcome::Retrying(after) => write!(f, " (next try in {:.1}s)", after.as_secs_f64()),
            Outcome::Skipped => f.write_str(" (left out; nothing is deleted because of it)"),
            Outcome::Fatal | Outcome::Noted => Ok(()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(path) => write!(f, "GET {path}"),
            Self::File { path, line, column } => {
                write!(f, "{}", path.display())?;
                for number in [line, column].into_iter().flatten() {
                    write!(f, ":{number}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_place_object_field_reason_way_out_and_outcome() {
        let problem = SourceProblem {
            place: Place::File {
                path: "a.yaml".into(),
                line: Some(7),
                column: Some(3),
            },
            object: Some(ObjectRef {
                kind: "Service",
                name: ObjectName::new("shop", "web"),
            }),
            field: Some("spec.ports[0].port".to_owned()),
            reason: "invalid value: 70000".to_owned(),
            way_out: "correct it".into(),
            outcome: Outcome::Skipped,
        };
        assert_eq!(
            problem.to_string(),
            "a.yaml:7:3: Service shop/web: spec.ports[0].port: invalid value: 70000; correct it \
             (left out; nothing is deleted because of it)"
        );
        let problem = SourceProblem {
            place: Place::Request("/api/v1/services".to_owned()),
            object: None,
            field: None,
            reason: "timed out".to_owned(),
            way_out: "".into(),
            outcome: Outcome::Retrying(Duration::from_millis(1500)),
        };
        assert_eq!(
            problem.to_string(),
            "GET /api/v1/services: timed out (next try in 1.5s)"
        );
    }
}
