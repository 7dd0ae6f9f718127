//! Middlewares of frontends.

mod cbreaker;
mod fallback;
mod limit;
mod rewrite;
mod trace;

use super::backend::refuse_null;
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
        let Some(value) = decoder.read(text) else {
            return decoder.finish(None);
        };
        if refuse_null(&value, &mut decoder) {
            return decoder.finish(None);
        }
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
                format!("use {STOCK}, or name the type to romulus if your vulcand knows it"),
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
