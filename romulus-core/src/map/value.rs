//! The texts of keys' values: field order as vulcand's own tools print it, compact, no HTML
//! escaping.

use std::fmt::Write as _;

use crate::key::Segment;

/// Settings a Service gives: read once, carried in their author's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings<T> {
    /// What they mean.
    pub parsed: Box<T>,
    /// Their JSON, compact.
    pub text: String,
}

pub(super) fn quoted(text: &str) -> String {
    // A text is always JSON.
    serde_json::to_string(text).unwrap_or_default()
}

/// The value of a backend's key.
///
/// ```
/// use romulus_core::{key::Segment, map::backend_value};
/// let id = Segment::new("web.shop").unwrap();
/// assert_eq!(backend_value(&id, None), r#"{"Id":"web.shop","Type":"http"}"#);
/// ```
pub fn backend_value(id: &Segment, settings: Option<&str>) -> String {
    let mut value = format!(r#"{{"Id":{},"Type":"http""#, quoted(id.as_str()));
    close(&mut value, settings);
    value
}

/// The value of a frontend's key.
pub fn frontend_value(
    id: &Segment,
    backend: &Segment,
    route: &str,
    settings: Option<&str>,
) -> String {
    let mut value = format!(
        r#"{{"Id":{},"Type":"http","BackendId":{},"Route":{}"#,
        quoted(id.as_str()),
        quoted(backend.as_str()),
        quoted(route)
    );
    close(&mut value, settings);
    value
}

fn close(value: &mut String, settings: Option<&str>) {
    if let Some(settings) = settings {
        // Writing to a String can't fail.
        let _ = write!(value, r#","Settings":{settings}"#);
    }
    value.push('}');
}

/// The value of a server's key.
pub fn server_value(url: &str) -> String {
    format!(r#"{{"URL":{}}}"#, quoted(url))
}
