//! Middlewares of frontends.

mod cbreaker;
mod fallback;
mod limit;
mod rewrite;
mod trace;

use super::backend::read_value;
use super::check::Checked;
use super::decode::{At, Decoder, Field};
use super::environment::Environment;
use super::json::Value;

pub use cbreaker::{CBreaker, Condition};
pub use fallback::{Fallback, Webhook};
pub use limit::{ConnLimit, RateLimit, RateVariable, Variable};
pub use rewrite::Rewrite;
pub use trace::Trace;

/// A middleware as its key describes it. Its `Id` is ignored: the key decides.
///
/// ```
/// use romulus_core::vulcand::{Environment, Middleware};
/// let text = r#"{"Type": "connlimit", "Middleware": {"Variable": "client.ip"}}"#;
/// let checked = Middleware::parse(text, &Environment::default());
/// assert!(checked.is_accepted() && !checked.is_writable());
/// assert_eq!(checked.problems[0].message, "with 0 connections every request is answered 429");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Middleware {
    /// The middleware of the lowest priority is outermost; equal ones come in random order.
    pub priority: i64,
    /// What it does.
    pub spec: MiddlewareSpec,
}

/// What a middleware does.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum MiddlewareSpec {
    /// `ratelimit`: so many requests in so much time.
    RateLimit(RateLimit),
    /// `connlimit`: so many connections at a time.
    ConnLimit(ConnLimit),
    /// `rewrite`: another URL, or a redirect to it.
    Rewrite(Rewrite),
    /// `cbreaker`: another answer while the backend fails.
    CBreaker(Box<CBreaker>),
    /// `trace`: a line to syslog for every request.
    Trace(Trace),
    /// A type of a custom vulcand, whose settings only that vulcand can judge.
    Other {
        /// Its type.
        type_name: String,
        /// Its settings as compact JSON.
        json: String,
    },
}

impl Middleware {
    /// Judges the value of a key below `middlewares`.
    pub fn parse(text: &str, environment: &Environment) -> Checked<Self> {
        let mut decoder = Decoder::default();
        let Some(value) = read_value(text, &mut decoder) else {
            return decoder.finish(None);
        };
        let mut priority = 0;
        let mut kind = At::<String>::default();
        let mut settings = None;
        let fields = &["Id", "Type", "Priority", "Middleware"];
        decoder.object(&value, fields, |field, value, d| match field {
            "Id" => String::new().decode(value, d),
            "Type" => kind.decode(value, d),
            "Priority" => priority.decode(value, d),
            _ => settings.decode(value, d),
        });
        if decoder.is_rejected() {
            return decoder.finish(None);
        }
        let spec = spec(&kind, settings, environment, &mut decoder);
        decoder.finish(spec.map(|spec| Self { priority, spec }))
    }
}

const STOCK: &str = "ratelimit, connlimit, rewrite, cbreaker or trace";

fn spec(
    kind: &At<String>,
    settings: Option<&Value>,
    environment: &Environment,
    decoder: &mut Decoder,
) -> Option<MiddlewareSpec> {
    let stock = matches!(
        &*kind.value,
        "ratelimit" | "connlimit" | "rewrite" | "cbreaker" | "trace"
    );
    if !stock && !environment.middleware_types.contains(&kind.value) {
        decoder.within("Type", |d| {
            d.reject(
                kind.span.clone(),
                format!(
                    "a stock vulcand knows no middleware of type `{}`",
                    kind.value
                ),
                format!(
                    "use {STOCK}, or --allow-middleware {} if your vulcand knows it",
                    kind.value
                ),
            );
        });
        return None;
    }
    decoder.within("Middleware", |d| {
        let value = match settings {
            Some(value) if value.is_null() => {
                let message = "JSON null as a middleware makes vulcand panic";
                d.reject(value.span.clone(), message, "write a JSON object");
                return None;
            }
            Some(value) => value,
            None => {
                d.reject(
                    0..0,
                    "the middleware has no settings",
                    "write a JSON object",
                );
                return None;
            }
        };
        Some(match &*kind.value {
            "ratelimit" => MiddlewareSpec::RateLimit(RateLimit::judge(value, d)?),
            "connlimit" => MiddlewareSpec::ConnLimit(ConnLimit::judge(value, d)?),
            "rewrite" => MiddlewareSpec::Rewrite(Rewrite::judge(value, d)),
            "cbreaker" => MiddlewareSpec::CBreaker(Box::new(CBreaker::judge(value, d)?)),
            "trace" => MiddlewareSpec::Trace(Trace::judge(value, environment, d)?),
            other => MiddlewareSpec::Other {
                type_name: other.to_owned(),
                json: value.compact(),
            },
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vulcand::Verdict;

    fn problems(text: &str) -> Vec<(Verdict, String, String)> {
        Middleware::parse(text, &Environment::default())
            .problems
            .into_iter()
            .map(|problem| (problem.verdict, problem.path, problem.message))
            .collect()
    }

    #[test]
    fn problems_name_the_field_and_the_reason() {
        let rejected = |path: &str, message: &str| (Verdict::Rejected, path.into(), message.into());
        let harmful = |path: &str, message: &str| (Verdict::Harmful, path.into(), message.into());
        for (text, expected) in [
            (
                r#"{"Type": "RateLimit", "Middleware": {}}"#,
                vec![rejected(
                    "Type",
                    "a stock vulcand knows no middleware of type `RateLimit`",
                )],
            ),
            (
                r#"{"Type": "trace", "Middleware": null}"#,
                vec![rejected(
                    "Middleware",
                    "JSON null as a middleware makes vulcand panic",
                )],
            ),
            (
                r#"{"Type": "trace"}"#,
                vec![rejected("Middleware", "the middleware has no settings")],
            ),
            (
                r#"{"Type": "rewrite", "Priority": 1.0, "Middleware": {"Regexp": 5}}"#,
                vec![rejected(
                    "Priority",
                    "`1.0` is not a whole number of 64 bits",
                )],
            ),
            (
                r#"{"Type": "rewrite", "Middleware": {"Regexp": "a**", "Replacement": "{{"}}"#,
                vec![
                    harmful(
                        "Middleware.Regexp",
                        "`**` repeats a repetition: put the first in a group (?:..) (byte 1 of the \
                         regular expression): the frontend answers 404 to all",
                    ),
                    harmful(
                        "Middleware.Replacement",
                        "a `{{` in it is not closed: requests that are rewritten are answered 500",
                    ),
                ],
            ),
            (
                r#"{"Type": "cbreaker", "Middleware": {"Condition": "NetworkErrorRatio() > 1",
                    "Fallback": "{\"Type\": \"response\", \"Action\": {\"StatusCode\": 4e2}}",
                    "OnTripped": {"Type": "webhook", "Action": {"URL": "http://a"}},
                    "FallbackDuration": 1, "RecoveryDuration": 1}}"#,
                vec![
                    rejected(
                        "Middleware.Condition",
                        "`NetworkErrorRatio() > 1` is not a condition: NetworkErrorRatio(): a ratio is \
                         compared with a number that has a decimal point, e.g. 1.0 (byte 20)",
                    ),
                    rejected(
                        "Middleware.Fallback.Action.StatusCode",
                        "`4e2` is not a whole number of 64 bits",
                    ),
                    rejected(
                        "Middleware.OnTripped.Action.Method",
                        "a webhook needs a method",
                    ),
                    harmful(
                        "Middleware.CheckPeriod",
                        "without a positive duration the condition is looked at with every request",
                    ),
                ],
            ),
        ] {
            assert_eq!(problems(text), expected, "{text}");
        }
    }

    #[test]
    fn an_action_is_the_same_as_an_object_and_as_a_string() {
        let middleware = |fallback: &str| {
            let text = format!(
                r#"{{"Type": "cbreaker", "Middleware": {{"Condition": "NetworkErrorRatio() > 0.5",
                    "FallbackDuration": 1, "RecoveryDuration": 1, "CheckPeriod": 1,
                    "Fallback": {fallback}}}}}"#
            );
            Middleware::parse(&text, &Environment::default()).value
        };
        let object = r#"{"Type": "response", "Action": {"StatusCode": 503, "Body": "no way"}}"#;
        let string = serde_json::to_string(object).unwrap();
        assert!(middleware(object).is_some());
        assert_eq!(middleware(object), middleware(&string));
        // As an object it goes through doubles and is sorted: the last spelling wins.
        let double = r#"{"type": "response", "Type": "x", "Action": {"StatusCode": 503.0, "Body": "no way"}}"#;
        assert_eq!(middleware(object), middleware(double));
        assert_eq!(middleware(&serde_json::to_string(double).unwrap()), None);
    }
}
