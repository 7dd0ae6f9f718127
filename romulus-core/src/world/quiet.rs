//! Settings whose change a running vulcand does not notice by itself.
//!
//! When it compares a frontend's new settings with the old ones, vulcand leaves out
//! `PassHostHeader`, `Stream` and `StreamFlushIntervalNanoSecs` (found on a running vulcand). The
//! text of the predicate is compared: one blank more at its end makes the change take effect, and
//! means nothing.

use crate::vulcand::{Predicate, json};

const PREDICATE: &str = "FailoverPredicate";

/// The settings with a predicate that says the same as before in another text.
pub(super) fn loud(settings: Option<&str>, stored: &str) -> Option<String> {
    let stored = json::parse(stored).ok();
    let before = stored
        .as_ref()
        .and_then(|stored| text(stored.member("Settings")?));
    let mut value = json::parse(settings.unwrap_or("{}")).ok()?;
    let wanted = text(&value).unwrap_or(Predicate::DEFAULT).to_owned();
    let spelled = if before == Some(wanted.as_str()) {
        format!("{wanted} ")
    } else {
        wanted
    };
    set(&mut value, spelled);
    Some(value.compact())
}

/// The text of the predicate; an empty one is none.
fn text(settings: &json::Value) -> Option<&str> {
    match &settings.member(PREDICATE)?.node {
        json::Node::String(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn set(settings: &mut json::Value, predicate: String) {
    let json::Node::Object(members) = &mut settings.node else {
        return;
    };
    let value = json::Value {
        span: 0..0,
        node: json::Node::String(predicate.into()),
    };
    let named = |member: &&mut json::Member| member.is_named(PREDICATE);
    match members.iter_mut().rev().find(named) {
        Some(member) => member.value = value,
        None => members.push(json::Member {
            name: PREDICATE.into(),
            name_span: 0..0,
            value,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_predicate_changes_its_text_and_nothing_else() {
        let stored = |predicate: &str| {
            format!(
                r#"{{"Type":"http","Settings":{{"FailoverPredicate":"{predicate}","Stream":true}}}}"#
            )
        };
        let wanted = Some(r#"{"FailoverPredicate":"Attempts() < 3","PassHostHeader":true}"#);
        assert_eq!(
            loud(wanted, &stored("Attempts() < 3")).unwrap(),
            r#"{"FailoverPredicate":"Attempts() < 3 ","PassHostHeader":true}"#
        );
        assert_eq!(
            loud(wanted, &stored("Attempts() < 3 ")).unwrap(),
            r#"{"FailoverPredicate":"Attempts() < 3","PassHostHeader":true}"#
        );
        let default = r#"IsNetworkError() && RequestMethod() == \"GET\" && Attempts() < 2"#;
        assert_eq!(
            loud(Some(r#"{"PassHostHeader":true}"#), r#"{"Type":"http"}"#).unwrap(),
            format!(r#"{{"PassHostHeader":true,"FailoverPredicate":"{default}"}}"#)
        );
        assert_eq!(
            loud(None, &stored(default)).unwrap(),
            format!(r#"{{"FailoverPredicate":"{default} "}}"#)
        );
    }
}
