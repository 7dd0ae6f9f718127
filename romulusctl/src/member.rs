//! Fields of stored values, read as vulcand reads them, whatever else the value holds.

use romulus_core::vulcand::json::{self, Node};

/// The text of a field; names are told apart without upper and lower case.
pub(crate) fn text(value: &str, field: &str) -> Option<String> {
    match &json::parse(value).ok()?.member(field)?.node {
        Node::String(text) => Some(text.to_string()),
        _ => None,
    }
}

/// A field as compact JSON.
pub(crate) fn compact(value: &str, field: &str) -> Option<String> {
    Some(json::parse(value).ok()?.member(field)?.compact())
}

/// A whole number; one that is not there is 0. `None` where vulcand takes no such value.
pub(crate) fn number(value: &str, field: &str) -> Option<i64> {
    match json::parse(value)
        .ok()?
        .member(field)
        .map(|value| &value.node)
    {
        None | Some(Node::Null) => Some(0),
        Some(Node::Number(number)) => number.parse().ok(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_vulcand_reads_them() {
        let value = r#"{"type": "rewrite", "PRIORITY": 7, "Middleware": {"b": 1, "a": "<"}}"#;
        assert_eq!(text(value, "Type").as_deref(), Some("rewrite"));
        assert_eq!(number(value, "Priority"), Some(7));
        assert_eq!(
            compact(value, "Middleware").as_deref(),
            Some(r#"{"b":1,"a":"<"}"#)
        );
        assert_eq!(number("{}", "Priority"), Some(0));
        assert_eq!(number(r#"{"Priority": 1.5}"#, "Priority"), None);
        assert_eq!(
            (text("no JSON", "Type"), number("no JSON", "Priority")),
            (None, None)
        );
    }
}
