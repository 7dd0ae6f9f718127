//! The head of a frontend: what it matches, and which backend answers.

use super::backend::{check_type, read_value};
use super::check::Checked;
use super::decode::{At, Decoder, Field};
use super::environment::Environment;
use super::json::Value;
use super::predicate::Predicate;
use super::route::Route;
use super::stats::Stats;

/// A frontend as its key describes it. Its `Id` is ignored: the key decides.
///
/// ```
/// use romulus_core::vulcand::{Environment, Frontend};
/// let text = r#"{"Type": "http", "BackendId": "b", "Route": "Host(`h`)", "Settings": {"Stream": 1}}"#;
/// let checked = Frontend::parse(text, &Environment::default());
/// assert_eq!(checked.problems[0].path, "Settings.Stream");
/// assert_eq!(&text[checked.problems[0].span.clone()], "1");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Frontend {
    /// The backend that answers.
    pub backend_id: String,
    /// The route expression; vulcand tells frontends apart by its text.
    pub route: String,
    /// How requests are handled.
    pub settings: FrontendSettings,
}

/// How the requests of a frontend are handled.
///
/// Equal settings make vulcand do the same, however they are written: predicates are compared as
/// expressions, and a missing one equals vulcand's default.
#[derive(Debug, Clone, Default)]
pub struct FrontendSettings {
    /// The most bytes of a request body kept in memory; zero for vulcand's default.
    pub max_mem_body_bytes: i64,
    /// The most bytes of a request body; zero for no limit.
    pub max_body_bytes: i64,
    /// When a request is tried again; `None` for vulcand's default.
    pub failover_predicate: Option<Predicate>,
    /// The host name vulcand gives itself in forwarding headers; empty for the machine's.
    pub hostname: String,
    /// Whether forwarding headers of clients are believed.
    pub trust_forward_header: bool,
    /// Whether servers see the Host header of the client.
    pub pass_host_header: bool,
    /// Whether bodies are passed on as they come, without limits and second tries.
    pub stream: bool,
    /// How often a stream is flushed, in nanoseconds.
    pub stream_flush_interval_ns: i64,
}

impl Frontend {
    /// Judges the value of a `frontend` key.
    pub fn parse(text: &str, environment: &Environment) -> Checked<Self> {
        let mut decoder = Decoder::default();
        let Some(value) = read_value(text, &mut decoder) else {
            return decoder.finish(None);
        };
        let (mut kind, mut backend_id, mut route) = (
            At::<String>::default(),
            At::<String>::default(),
            At::<String>::default(),
        );
        let mut settings = None;
        let fields = &["Id", "Route", "Type", "BackendId", "Settings", "Stats"];
        decoder.object(&value, fields, |field, value, d| match field {
            "Id" => String::new().decode(value, d),
            "Route" => route.decode(value, d),
            "Type" => kind.decode(value, d),
            "BackendId" => backend_id.decode(value, d),
            "Settings" => settings.decode(value, d),
            _ => None::<Stats>.decode(value, d),
        });
        check_type(&kind, &mut decoder);
        decoder.within("BackendId", |d| check_backend(&backend_id, environment, d));
        decoder.within("Route", |d| {
            if let Err(error) = route.value.parse::<Route>() {
                let message = format!("`{}` is not a route expression: {error}", route.value);
                let help = "write matchers joined by &&, e.g. Host(`h`) && Path(`/p`)";
                d.reject(route.span.clone(), message, help);
            }
        });
        let settings = settings.map(|value| {
            decoder.within("Settings", |decoder| {
                FrontendSettings::judge(value, decoder)
            })
        });
        decoder.finish(Some(Self {
            backend_id: backend_id.value,
            route: route.value,
            settings: settings.unwrap_or_default(),
        }))
    }
}

fn check_backend(id: &At<String>, environment: &Environment, decoder: &mut Decoder) {
    if id.value.is_empty() {
        let message = "a frontend without a backend is none";
        decoder.reject(id.span.clone(), message, "name the id of a backend");
    } else if environment
        .backends
        .as_ref()
        .is_some_and(|ids| !ids.contains(&id.value))
    {
        decoder.reject(
            id.span.clone(),
            format!(
                "there is no backend `{}`: vulcand drops the frontend",
                id.value
            ),
            "write the backend first, or name another (upper and lower case differ)",
        );
    }
}

impl FrontendSettings {
    /// Judges the `Settings` of a frontend.
    pub fn from_json(value: &Value) -> Checked<Self> {
        let mut decoder = Decoder::of(value);
        let settings = Self::judge(value, &mut decoder);
        decoder.finish(Some(settings))
    }

    fn judge(value: &Value, decoder: &mut Decoder) -> Self {
        const FIELDS: &[&str] = &[
            "Limits",
            "FailoverPredicate",
            "Hostname",
            "TrustForwardHeader",
            "PassHostHeader",
            "Stream",
            "StreamFlushIntervalNanoSecs",
        ];
        let mut settings = Self::default();
        let (mut mem, mut max) = (At::<i64>::default(), At::<i64>::default());
        let mut predicate = At::<String>::default();
        decoder.object(value, FIELDS, |field, value, d| match field {
            "Limits" => d.object(
                value,
                &["MaxMemBodyBytes", "MaxBodyBytes"],
                |field, value, d| {
                    if field == "MaxBodyBytes" {
                        max.decode(value, d)
                    } else {
                        mem.decode(value, d)
                    }
                },
            ),
            "FailoverPredicate" => predicate.decode(value, d),
            "Hostname" => settings.hostname.decode(value, d),
            "TrustForwardHeader" => settings.trust_forward_header.decode(value, d),
            "PassHostHeader" => settings.pass_host_header.decode(value, d),
            "Stream" => settings.stream.decode(value, d),
            _ => settings.stream_flush_interval_ns.decode(value, d),
        });
        // A stream has neither limits nor second tries, and vulcand doesn't look at them.
        if !settings.stream {
            decoder.within("Limits", |d| {
                d.within("MaxMemBodyBytes", |d| check_limit(&mem, d));
                d.within("MaxBodyBytes", |d| check_limit(&max, d));
            });
        }
        settings.failover_predicate = decoder.within("FailoverPredicate", |d| {
            judge_predicate(&predicate, settings.stream, d)
        });
        settings.max_mem_body_bytes = mem.value;
        settings.max_body_bytes = max.value;
        settings
    }
}

fn check_limit(limit: &At<i64>, decoder: &mut Decoder) {
    if limit.value < 0 {
        decoder.take_down(
            limit.span.clone(),
            format!(
                "with the negative limit {} the frontend answers 404 to all",
                limit.value
            ),
            "set a number of bytes, or leave it out",
        );
    }
}

fn judge_predicate(text: &At<String>, stream: bool, decoder: &mut Decoder) -> Option<Predicate> {
    if text.value.is_empty() {
        return None;
    }
    match text.value.parse() {
        Ok(predicate) => Some(predicate),
        Err(_) if stream => None,
        Err(error) => {
            decoder.reject(
                text.span.clone(),
                format!("`{}` is not a failover predicate: {error}", text.value),
                format!(
                    "write e.g. `{}`, or leave it out for just that",
                    Predicate::DEFAULT
                ),
            );
            decoder.inside(error.offset);
            None
        }
    }
}

/// Whether two predicates are in force alike.
fn same_predicate(one: Option<&Predicate>, other: Option<&Predicate>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => one == other,
        (Some(predicate), None) | (None, Some(predicate)) => predicate.is_default(),
    }
}

impl PartialEq for FrontendSettings {
    fn eq(&self, other: &Self) -> bool {
        let plain = |s: &Self| {
            (
                (
                    s.max_mem_body_bytes,
                    s.max_body_bytes,
                    s.stream,
                    s.stream_flush_interval_ns,
                ),
                (s.trust_forward_header, s.pass_host_header),
            )
        };
        plain(self) == plain(other)
            && self.hostname == other.hostname
            && same_predicate(
                self.failover_predicate.as_ref(),
                other.failover_predicate.as_ref(),
            )
    }
}
