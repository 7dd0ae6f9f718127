use std::fmt;
use std::sync::Arc;

use compact_str::CompactString;

/// Namespace and name of a namespaced Kubernetes object; prints as `namespace/name`.
///
/// ```
/// use romulus_core::cluster::ObjectName;
/// let name = ObjectName::new("shop", "web");
/// assert_eq!(name.to_string(), "shop/web");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName(Arc<Parts>);

/// Shared: an object is found by its name in many places.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Parts {
    namespace: CompactString,
    name: CompactString,
}

impl ObjectName {
    /// Names an object. Any text is taken here; whether it can stand in a key is judged when the
    /// object is mapped, where a diagnostic can say so.
    pub fn new(namespace: impl AsRef<str>, name: impl AsRef<str>) -> Self {
        Self(Arc::new(Parts {
            namespace: namespace.as_ref().into(),
            name: name.as_ref().into(),
        }))
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// The name within the namespace.
    pub fn name(&self) -> &str {
        &self.0.name
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.namespace, self.0.name)
    }
}

/// Whether Kubernetes would take this as one label of a DNS name: no dot, so ids made of such
/// names can be taken apart again.
pub(crate) fn is_dns_label(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty()
        && text.len() <= 63
        && text.bytes().all(inside)
        && !text.starts_with('-')
        && !text.ends_with('-')
}
