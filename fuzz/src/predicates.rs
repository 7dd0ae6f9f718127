//! Failover predicates and the conditions of circuit breakers.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use romulus_core::vulcand::{Condition, FrontendSettings, Predicate, PredicateError, json};

use crate::assert_within;

/// What is read is printed so that it is read as the same, once and for all; errors have a place;
/// and a frontend takes exactly the predicates that can be read.
pub fn check(text: &str) {
    round_trip::<Condition>(text);
    let predicate = round_trip::<Predicate>(text);
    let settings = format!(
        r#"{{"FailoverPredicate":{}}}"#,
        serde_json::Value::from(text)
    );
    let value = json::parse(&settings).expect("quoted by serde_json");
    let checked = FrontendSettings::from_json(&value);
    assert_eq!(
        checked.is_accepted(),
        text.is_empty() || predicate.is_some(),
        "{text:?}: {:?}",
        checked.problems
    );
    if let (Some(settings), Some(predicate)) = (checked.value, predicate) {
        let is_default = settings == FrontendSettings::default();
        assert_eq!(is_default, predicate.is_default(), "{text:?}");
    }
}

fn round_trip<E>(text: &str) -> Option<E>
where
    E: FromStr<Err = PredicateError> + Display + Debug + PartialEq,
{
    match text.parse::<E>() {
        Ok(read) => {
            let printed = read.to_string();
            let again: E = match printed.parse() {
                Ok(again) => again,
                Err(error) => panic!("{text:?} is printed as {printed:?}: {error}"),
            };
            assert_eq!(again, read, "{text:?} is printed as {printed:?}");
            assert_eq!(again.to_string(), printed, "{text:?}");
            Some(read)
        }
        Err(error) => {
            assert_within(text, error.offset, error.offset, &error);
            assert!(!error.message.is_empty(), "{text:?}");
            None
        }
    }
}
