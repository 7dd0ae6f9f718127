//! The texts of keys' values: field order as vulcand's own tools print it, compact, no HTML
//! escaping.

use crate::key::Segment;
use crate::vulcand::json;

/// Settings a Service gives: read once, carried in their author's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings<T> {
    /// What they mean.
    pub parsed: Box<T>,
    /// Their JSON, compact.
    pub text: String,
}

pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quote(&mut quoted, text);
    quoted
}

/// Nearly every text is JSON as it stands.
fn quote(value: &mut String, text: &str) {
    if text.bytes().any(|b| b < b' ' || b == b'"' || b == b'\\') {
        // A text is always JSON.
        return value.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
    value.extend(["\"", text, "\""]);
}

/// The value of a backend's key.
///
/// ```
/// use romulus_core::{key::Segment, map::backend_value};
/// let id = Segment::new("web.shop").unwrap();
/// assert_eq!(backend_value(&id, None), r#"{"Id":"web.shop","Type":"http"}"#);
/// ```
pub fn backend_value(id: &Segment, settings: Option<&str>) -> String {
    let mut value = String::from(r#"{"Id":"#);
    quote(&mut value, id.as_str());
    value.push_str(r#","Type":"http""#);
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
    let mut value = String::from(r#"{"Id":"#);
    quote(&mut value, id.as_str());
    value.push_str(r#","Type":"http","BackendId":"#);
    quote(&mut value, backend.as_str());
    value.push_str(r#","Route":"#);
    quote(&mut value, route);
    close(&mut value, settings);
    value
}

/// The value of a frontend's key that says the same of another backend.
pub(crate) fn with_backend(value: &str, backend: &Segment) -> Option<String> {
    let mut frontend = json::parse(value).ok()?;
    let json::Node::Object(members) = &mut frontend.node else {
        return None;
    };
    for member in members
        .iter_mut()
        .filter(|member| member.is_named("BackendId"))
    {
        member.value.node = json::Node::String(backend.as_str().into());
    }
    Some(frontend.compact())
}

fn close(value: &mut String, settings: Option<&str>) {
    if let Some(settings) = settings {
        value.extend([r#","Settings":"#, settings]);
    }
    value.push('}');
}

/// The value of a server's key.
pub fn server_value(url: &str) -> String {
    let mut value = String::with_capacity(url.len() + 10);
    value.push_str(r#"{"URL":"#);
    quote(&mut value, url);
    value.push('}');
    value
}
