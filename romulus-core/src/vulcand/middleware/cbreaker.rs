//! `cbreaker`.

use std::fmt;
use std::str::FromStr;

use super::fallback::numbers_fit;
use super::fallback::{Fallback, Webhook};
use crate::vulcand::decode::{At, Decoder, Field};
use crate::vulcand::expression::{
    CONDITIONS, Call, Expression, ExpressionError, Kind, Language, Literal, Signature, SyntaxError,
    Words,
};
use crate::vulcand::json::Value;

/// A circuit breaker: another answer while a condition on the backend's answers holds.
#[derive(Debug, Clone, PartialEq)]
pub struct CBreaker {
    /// When it trips.
    pub condition: Condition,
    /// What clients get while it is open.
    pub fallback: Fallback,
    /// What it calls when it trips.
    pub on_tripped: Option<Webhook>,
    /// What it calls when all is well again.
    pub on_standby: Option<Webhook>,
    /// How long it stays open, in nanoseconds.
    pub fallback_duration_ns: i64,
    /// How long it takes to let all requests through again, in nanoseconds.
    pub recovery_duration_ns: i64,
    /// How often the condition is looked at, in nanoseconds.
    pub check_period_ns: i64,
}

impl CBreaker {
    pub(super) fn judge(value: &Value, decoder: &mut Decoder) -> Option<Self> {
        const FIELDS: &[&str] = &[
            "Condition",
            "Fallback",
            "OnTripped",
            "OnStandby",
            "FallbackDuration",
            "RecoveryDuration",
            "CheckPeriod",
        ];
        let mut condition = At::<String>::default();
        let (mut fallback, mut on_tripped, mut on_standby) = (None, None, None);
        let (mut fallback_duration, mut recovery_duration, mut check_period) = (
            At::<i64>::default(),
            At::<i64>::default(),
            At::<i64>::default(),
        );
        decoder.object(value, FIELDS, |field, value, d| match field {
            "Condition" => condition.decode(value, d),
            "Fallback" => decode_action(&mut fallback, value, d),
            "OnTripped" => decode_action(&mut on_tripped, value, d),
            "OnStandby" => decode_action(&mut on_standby, value, d),
            "FallbackDuration" => fallback_duration.decode(value, d),
            "RecoveryDuration" => recovery_duration.decode(value, d),
            _ => check_period.decode(value, d),
        });
        if decoder.is_rejected() {
            return None;
        }
        let condition = decoder.within("Condition", |d| judge_condition(&condition, d));
        let fallback = decoder.within("Fallback", |d| Fallback::judge(fallback, d));
        let on_tripped = decoder.within("OnTripped", |d| Webhook::judge(on_tripped, d));
        let on_standby = decoder.within("OnStandby", |d| Webhook::judge(on_standby, d));
        for (field, duration, effect) in [
            (
                "FallbackDuration",
                &fallback_duration,
                "the breaker closes as soon as it opens",
            ),
            (
                "RecoveryDuration",
                &recovery_duration,
                "all requests come back at once",
            ),
            (
                "CheckPeriod",
                &check_period,
                "the condition is looked at with every request",
            ),
        ] {
            if duration.value <= 0 {
                let message = format!("without a positive duration {effect}");
                let help = "write a number of nanoseconds, e.g. 10000000000 for 10 seconds; there \
                            is no default";
                decoder.within(field, |d| d.harm(duration.span.clone(), message, help));
            }
        }
        Some(Self {
            condition: condition?,
            fallback: fallback?,
            on_tripped,
            on_standby,
            fallback_duration_ns: fallback_duration.value,
            recovery_duration_ns: recovery_duration.value,
            check_period_ns: check_period.value,
        })
    }
}

/// Takes a field of Go's type `interface{}`, in which all is fine but numbers that are too big.
fn decode_action<'a>(action: &mut Option<&'a Value>, value: &'a Value, decoder: &mut Decoder) {
    if !numbers_fit(value) {
        let message = "a number in it is too big";
        decoder.reject(value.span.clone(), message, "write numbers below 1.8e308");
    }
    action.decode(value, decoder);
}

fn judge_condition(text: &At<String>, decoder: &mut Decoder) -> Option<Condition> {
    let judged = text.value.parse();
    judged
        .map_err(|error: ExpressionError| {
            decoder.reject(
                text.span.clone(),
                format!("`{}` is not a condition: {error}", text.value),
                "write e.g. NetworkErrorRatio() > 0.5 || LatencyAtQuantileMS(50.0) > 100",
            );
            decoder.inside(error.offset);
        })
        .ok()
}

/// When a circuit breaker trips, compared as an expression.
///
/// ```
/// use romulus_core::vulcand::Condition;
/// let condition: Condition = "NetworkErrorRatio()>.5 && LatencyAtQuantileMS(99.9) > 100".parse()?;
/// assert_eq!(
///     condition.to_string(),
///     "NetworkErrorRatio() > 0.5 && LatencyAtQuantileMS(99.9) > 100"
/// );
/// assert!("LatencyAtQuantileMS(50) > 100".parse::<Condition>().is_err());
/// # Ok::<(), romulus_core::vulcand::PredicateError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Condition(Expression<Call>);

impl FromStr for Condition {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        Ok(Self(Expression::parse::<Metric>(text)?))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a condition can ask.
enum Metric {}

impl Language for Metric {
    type Call = Call;

    const FUNCTIONS: &'static [Signature] = &[
        Signature {
            name: "LatencyAtQuantileMS",
            takes: (&[Kind::Float], "one number with a decimal point"),
            gives: Kind::Int,
            usage: "write LatencyAtQuantileMS(50.0) > 100",
        },
        Signature {
            name: "NetworkErrorRatio",
            takes: (&[], "no argument"),
            gives: Kind::Float,
            usage: "write NetworkErrorRatio() > 0.5",
        },
        Signature {
            name: "ResponseCodeRatio",
            takes: (&[Kind::Int; 4], "four whole numbers"),
            gives: Kind::Float,
            usage: "write ResponseCodeRatio(500, 600, 0, 600) > 0.5",
        },
    ];
    const WORDS: Words = Words {
        expression: "condition",
        function: "function",
        example: "NetworkErrorRatio() > 0.5",
        grammar: CONDITIONS,
    };

    fn call(
        function: &'static Signature,
        arguments: Vec<(Literal, usize)>,
    ) -> Result<Call, SyntaxError> {
        Ok(Call::new(function, arguments))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_follow_gos_syntax() {
        for (text, printed) in [
            (
                "ResponseCodeRatio(500,600,\n0,600,)>=1e-2",
                "ResponseCodeRatio(500, 600, 0, 600) >= 0.01",
            ),
            (
                "LatencyAtQuantileMS(50.0...) != 1",
                "LatencyAtQuantileMS(50.0) != 1",
            ),
            ("NetworkErrorRatio() > 0x1p-1", "NetworkErrorRatio() > 0.5"),
            (
                "NetworkErrorRatio() > 1_0.0_5e1_0",
                "NetworkErrorRatio() > 100500000000.0",
            ),
            ("NetworkErrorRatio() > 1.", "NetworkErrorRatio() > 1.0"),
            ("NetworkErrorRatio() > 09.5", "NetworkErrorRatio() > 9.5"),
            (
                "NetworkErrorRatio() == 1e-400",
                "NetworkErrorRatio() == 0.0",
            ),
        ] {
            let condition: Condition = text.parse().unwrap();
            assert_eq!(condition.to_string(), printed);
            assert_eq!(printed.parse(), Ok(condition));
        }
        for text in [
            "NetworkErrorRatio()",
            "NetworkErrorRatio() > 1",
            "NetworkErrorRatio() > -0.5",
            "NetworkErrorRatio() > 1e400",
            "NetworkErrorRatio() > 0x1.8",
            "NetworkErrorRatio() > 1__0.5",
            "NetworkErrorRatio() > 1e",
            "NetworkErrorRatio() > 0.5i",
            "LatencyAtQuantileMS(50.0) > 1.0",
            "LatencyAtQuantileMS((50.0)) > 1",
            "LatencyAtQuantileMS(50.0, 1.0) > 1",
            "LatencyAtQuantileMS(50.0 ..., 1.0) > 1",
            "LatencyAtQuantileMS(50.0\n) > 1",
            "ResponseCodeRatio(500, 600, 0) > 0.1",
            "RequestThreshold() > 1",
            "IsNetworkError()",
        ] {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
    }
}
