//! The statistics that vulcand's API adds to objects.

use super::decode::{Decoder, Field, Slice};
use super::json::Value;

/// Statistics in a key: they are ignored, their types are not.
#[derive(Default)]
pub(crate) struct Stats;

impl<'a> Field<'a> for Stats {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        decoder.object(
            value,
            &["Verdict", "Counters", "LatencyBrackets"],
            |field, value, d| match field {
                "Verdict" => d.object(value, &["IsBad", "Anomalies"], |field, value, d| {
                    if field == "IsBad" {
                        false.decode(value, d);
                    } else {
                        Slice::<Anomaly>::default().decode(value, d);
                    }
                }),
                "Counters" => d.object(
                    value,
                    &["Period", "NetErrors", "Total", "StatusCodes"],
                    |field, value, d| {
                        if field == "StatusCodes" {
                            Slice::<StatusCode>::default().decode(value, d);
                        } else {
                            0_i64.decode(value, d);
                        }
                    },
                ),
                _ => Slice::<Bracket>::default().decode(value, d),
            },
        );
    }
}

#[derive(Default)]
struct Anomaly;

impl<'a> Field<'a> for Anomaly {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        decoder.object(value, &["Code", "Message"], |field, value, d| {
            if field == "Code" {
                0_i64.decode(value, d)
            } else {
                String::new().decode(value, d)
            }
        });
    }
}

#[derive(Default)]
struct StatusCode;

impl<'a> Field<'a> for StatusCode {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        decoder.object(value, &["Code", "Count"], |_, value, d| {
            0_i64.decode(value, d)
        });
    }
}

#[derive(Default)]
struct Bracket;

impl<'a> Field<'a> for Bracket {
    fn decode(&mut self, value: &'a Value, decoder: &mut Decoder) {
        decoder.object(value, &["Quantile", "Value"], |field, value, d| {
            if field == "Quantile" {
                0_f64.decode(value, d)
            } else {
                0_i64.decode(value, d)
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vulcand::json;

    #[test]
    fn statistics_are_ignored_and_their_types_are_not() {
        for (text, accepted) in [
            ("null", true),
            ("{}", true),
            (
                r#"{"Verdict": {"IsBad": true, "Anomalies": [{"Code": 1, "Message": "m"}]}}"#,
                true,
            ),
            (
                r#"{"Counters": {"Period": 1, "StatusCodes": [{"Code": 200, "Count": 1}]}}"#,
                true,
            ),
            (
                r#"{"LatencyBrackets": [{"Quantile": 99.9, "Value": 1}, null]}"#,
                true,
            ),
            (r#"{"Verdict": {"IsBad": 1}}"#, false),
            (r#"{"Counters": {"Total": 1.5}}"#, false),
            (r#"{"Counters": {"StatusCodes": {}}}"#, false),
            (r#"{"LatencyBrackets": [{"Quantile": "99"}]}"#, false),
            (r#"{"LatencyBrackets": [{"Quantile": 1e999}]}"#, false),
            (r#""x""#, false),
        ] {
            let value = json::parse(text).unwrap();
            let mut decoder = Decoder::of(&value);
            None::<Stats>.decode(&value, &mut decoder);
            assert_eq!(decoder.finish(Some(())).is_accepted(), accepted, "{text}");
        }
    }
}
