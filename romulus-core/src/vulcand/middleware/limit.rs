//! `ratelimit` and `connlimit`.

use std::fmt;
use std::str::FromStr;

use crate::vulcand::decode::{At, Decoder, Field};
use crate::vulcand::json::Value;

/// A limit on the rate of requests; more are answered 429.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// The period in seconds.
    pub period_seconds: i64,
    /// How many requests a period lets through on average.
    pub requests: i64,
    /// How many may come at once.
    pub burst: i64,
    /// What has a limit of its own.
    pub variable: Variable,
    /// Where a request brings limits of its own.
    pub rate_variable: RateVariable,
}

/// A limit on the connections at a time; more are answered 429.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnLimit {
    /// How many there may be.
    pub connections: i64,
    /// What has a limit of its own.
    pub variable: Variable,
}

/// What limits are counted by.
///
/// ```
/// use romulus_core::vulcand::Variable;
/// let variable: Variable = "request.header.X-Account".parse()?;
/// assert_eq!(variable, Variable::Header("X-Account".into()));
/// assert_eq!(variable.to_string(), "request.header.X-Account");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Variable {
    /// `client.ip`
    ClientIp,
    /// `request.host`
    Host,
    /// `request.header.<name>`
    Header(Box<str>),
}

/// Where a request brings the rates that limit it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum RateVariable {
    /// Nowhere.
    #[default]
    None,
    /// `request.header.<name>`
    Header(Box<str>),
}

impl FromStr for Variable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("request.header.")) {
            ("client.ip", _) => Ok(Self::ClientIp),
            ("request.host", _) => Ok(Self::Host),
            (_, Some("")) => Err(format!("`{text}` names no header")),
            (_, Some(name)) => Ok(Self::Header(name.into())),
            _ => Err(format!("vulcand can't limit by `{text}`")),
        }
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientIp => f.write_str("client.ip"),
            Self::Host => f.write_str("request.host"),
            Self::Header(name) => write!(f, "request.header.{name}"),
        }
    }
}

impl FromStr for RateVariable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("request.header.") {
            _ if text.is_empty() => Ok(Self::None),
            Some("") => Err(format!("`{text}` names no header")),
            Some(name) => Ok(Self::Header(name.into())),
            None => Err(format!("vulcand can't take rates from `{text}`")),
        }
    }
}

impl fmt::Display for RateVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Header(name) => write!(f, "request.header.{name}"),
        }
    }
}

impl RateLimit {
    pub(super) fn judge(value: &Value, decoder: &mut Decoder) -> Option<Self> {
        let (mut period, mut requests, mut burst) = (
            At::<i64>::default(),
            At::<i64>::default(),
            At::<i64>::default(),
        );
        let (mut variable, mut rate_variable) = (At::<String>::default(), At::<String>::default());
        let fields = &["PeriodSeconds", "Requests", "Burst", "Variable", "RateVar"];
        decoder.object(value, fields, |field, value, d| match field {
            "PeriodSeconds" => period.decode(value, d),
            "Requests" => requests.decode(value, d),
            "Burst" => burst.decode(value, d),
            "Variable" => variable.decode(value, d),
            _ => rate_variable.decode(value, d),
        });
        if decoder.is_rejected() {
            return None;
        }
        decoder.within("PeriodSeconds", |d| positive(&period, d));
        decoder.within("Requests", |d| positive(&requests, d));
        decoder.within("Burst", |d| check_burst(&burst, d));
        check_rate(&period, &requests, decoder);
        let variable = decoder.within("Variable", |d| judge_variable(&variable, d));
        let rate_variable = decoder.within("RateVar", |d| {
            let help = "use request.header.<name>, or leave it out";
            parse_variable(&rate_variable, help, d)
        });
        Some(Self {
            period_seconds: period.value,
            requests: requests.value,
            burst: burst.value,
            variable: variable?,
            rate_variable: rate_variable?,
        })
    }
}

fn positive(number: &At<i64>, decoder: &mut Decoder) {
    if number.value <= 0 {
        let message = format!("it must be greater than 0, not {}", number.value);
        decoder.reject(
            number.span.clone(),
            message,
            "write a whole number from 1 on",
        );
    }
}

fn check_burst(burst: &At<i64>, decoder: &mut Decoder) {
    let help = "write a whole number from 1 on: how many requests may come at once";
    match burst.value {
        ..0 => {
            let message = format!("it can't be negative: {}", burst.value);
            decoder.reject(burst.span.clone(), message, help);
        }
        0 => {
            let message = "with a Burst of 0, or none, the frontend answers 404 to all";
            decoder.take_down(burst.span.clone(), message, help);
        }
        1.. => {}
    }
}

const NANOSECONDS: i64 = 1_000_000_000;

/// vulcand counts in nanoseconds of 64 bits: long periods overflow, and the time from one request
/// to the next becomes zero for more than a billion requests a second.
fn check_rate(period: &At<i64>, requests: &At<i64>, decoder: &mut Decoder) {
    if period.value <= 0 || requests.value <= 0 {
        return;
    }
    let nanoseconds = period.value.wrapping_mul(NANOSECONDS);
    let overflows = period.value.checked_mul(NANOSECONDS).is_none();
    let (seconds, help) = (period.value, "write a period of at most 9223372036 seconds");
    decoder.within("PeriodSeconds", |d| {
        if nanoseconds <= 0 {
            let message =
                format!("{seconds} seconds are too long: the frontend answers 404 to all");
            d.take_down(period.span.clone(), message, help);
        } else if overflows {
            let message =
                format!("{seconds} seconds are too long: vulcand counts a shorter period");
            d.harm(period.span.clone(), message, help);
        }
    });
    if nanoseconds > 0 && nanoseconds / requests.value == 0 {
        decoder.within("Requests", |d| {
            d.take_down(
                requests.span.clone(),
                "more than a billion requests a second make vulcand cut every connection",
                "write a smaller number, or a longer period",
            );
        });
    }
}

impl ConnLimit {
    pub(super) fn judge(value: &Value, decoder: &mut Decoder) -> Option<Self> {
        let mut connections = At::<i64>::default();
        let mut variable = At::<String>::default();
        decoder.object(value, &["Connections", "Variable"], |field, value, d| {
            if field == "Variable" {
                variable.decode(value, d);
            } else {
                connections.decode(value, d);
            }
        });
        if decoder.is_rejected() {
            return None;
        }
        decoder.within("Connections", |d| match connections.value {
            ..0 => {
                let message = format!("it can't be negative: {}", connections.value);
                d.reject(
                    connections.span.clone(),
                    message,
                    "write a whole number from 1 on",
                );
            }
            0 => d.take_down(
                connections.span.clone(),
                "with 0 connections every request is answered 429",
                "write a whole number from 1 on",
            ),
            1.. => {}
        });
        let variable = decoder.within("Variable", |d| judge_variable(&variable, d))?;
        Some(Self {
            connections: connections.value,
            variable,
        })
    }
}

fn judge_variable(text: &At<String>, decoder: &mut Decoder) -> Option<Variable> {
    parse_variable(
        text,
        "use client.ip, request.host or request.header.<name>",
        decoder,
    )
}

fn parse_variable<V: FromStr<Err = String>>(
    text: &At<String>,
    help: &str,
    decoder: &mut Decoder,
) -> Option<V> {
    text.value
        .parse()
        .map_err(|message| decoder.reject(text.span.clone(), message, help))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_round_trip() {
        for text in [
            "client.ip",
            "request.host",
            "request.header.X",
            "request.header.a b",
        ] {
            assert_eq!(text.parse::<Variable>().unwrap().to_string(), text);
        }
        for text in ["", "request.header.x"] {
            assert_eq!(text.parse::<RateVariable>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "client.IP",
            "request.header",
            "request.header.",
            " client.ip",
        ] {
            assert!(text.parse::<Variable>().is_err(), "{text}");
        }
    }

    #[test]
    fn rates_beyond_what_vulcand_can_count_take_the_frontend_down() {
        for (period, requests, problems) in [
            (1_i64, 1_000_000_000, vec![]),
            (1, 1_000_000_001, vec![("Requests", true)]),
            (9_223_372_036, 1, vec![]),
            (9_223_372_037, 1, vec![("PeriodSeconds", true)]),
            (36_893_488_148, 1, vec![("PeriodSeconds", false)]),
        ] {
            let text = format!(
                r#"{{"PeriodSeconds":{period},"Requests":{requests},"Burst":1,"Variable":"client.ip"}}"#
            );
            let value = crate::vulcand::json::parse(&text).unwrap();
            let mut decoder = Decoder::of(&value);
            let limit = RateLimit::judge(&value, &mut decoder);
            let checked = decoder.finish(limit);
            let found: Vec<_> = checked
                .problems
                .iter()
                .map(|p| (p.path.as_str(), p.takes_down))
                .collect();
            assert_eq!(found, problems, "{text}");
            assert!(checked.is_accepted());
        }
    }
}
