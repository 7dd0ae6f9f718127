use super::matcher::Part;
use crate::vulcand::expression::Text;

/// A request as it reaches vulcand.
///
/// ```
/// use romulus_core::vulcand::route::Request;
/// let request = Request::new("GET", "WWW.example.com:8080", "/a?b=c").header("X-Env", "blue");
/// assert_eq!(request.host(), "www.example.com");
/// assert_eq!(request.path(), "/a");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    method: String,
    host: String,
    path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    /// A request by its method, its Host header and its target: what stands between method and
    /// protocol on the request line.
    pub fn new(method: impl Into<String>, host: &str, target: &str) -> Self {
        let lower = Text::from(host).to_lowercase().to_string();
        let host = lower.split(':').next().unwrap_or_default().to_owned();
        Self {
            method: method.into(),
            host,
            path: path(target),
            headers: Vec::new(),
        }
    }

    /// Adds a header; of several values of one name vulcand sees the first. `Host` is no header
    /// for it.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = canonical(name);
        if name != "Host" {
            let value = value.trim_matches([' ', '\t', '\r', '\n']);
            self.headers.push((name, value.to_owned()));
        }
        self
    }

    /// The method, as sent.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The host as vulcand compares it: in lower case, cut at the first colon (so that of an IPv6
    /// address only `[` is left).
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path as vulcand compares it: without query, not cleaned, and as sent (not decoded) if
    /// the target has a `%` anywhere.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The first value of a header; empty if there is none.
    pub fn header_value(&self, name: &str) -> &str {
        let name = canonical(name);
        let found = self.headers.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value)
    }

    pub(super) fn part(&self, part: &Part) -> &str {
        match part {
            Part::Host => self.host(),
            Part::Path => self.path(),
            Part::Method => self.method(),
            Part::Header(name) => name.as_str().map_or("", |name| self.header_value(name)),
        }
    }
}

/// The path vulcand's router takes from a request target.
fn path(target: &str) -> String {
    // Absolute form: scheme://host/path.
    let absolute = target.split_once("://").filter(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    let relative = match absolute {
        Some((_, rest)) => rest.find(['/', '?']).map_or("", |slash| &rest[slash..]),
        // Where a target with `%` has `://` in its query but no host, the 2019 router cuts it at
        // the empty host: after its first character.
        None if target.contains('%') && target.contains("://") => target
            .char_indices()
            .nth(1)
            .map_or("", |(second, _)| &target[second..]),
        None => target,
    };
    let path = relative.split('?').next().unwrap_or_default();
    if path.is_empty() && !target.contains('%') {
        "/".into()
    } else {
        path.into()
    }
}

/// Go's canonical form of a header name; what is no token stays as it is.
fn canonical(name: &str) -> String {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.bytes().all(token) {
        return name.to_owned();
    }
    let mut start = true;
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        out.push(if start {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        });
        start = c == '-';
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_as_vulcand_takes_them() {
        for (target, expected) in [
            ("/a?b=c", "/a"),
            ("/a%20b?c", "/a%20b"),
            ("/a?b=%20", "/a"),
            ("//a", "//a"),
            ("", "/"),
            ("?x", "/"),
            ("*", "*"),
            ("http://h.test/x?y", "/x"),
            ("http://h.test", "/"),
            ("http://h.test/%41", "/%41"),
            ("/a?u=http://x", "/a"),
            ("/a?u=http://x%20", "a"),
        ] {
            assert_eq!(path(target), expected, "{target}");
        }
    }

    #[test]
    fn header_names_are_canonicalised() {
        for (name, expected) in [("x-a", "X-A"), ("ETAG", "Etag"), ("x a", "x a"), ("é", "é")] {
            assert_eq!(canonical(name), expected);
        }
    }
}
