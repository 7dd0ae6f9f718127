use compact_str::{CompactString, ToCompactString as _};
use serde::{Deserialize, Serialize};

use crate::cluster::{ObjectName, Service};
use crate::key::Segment;

/// Who owns a backend or frontend: the value of `romulus/objects/...`.
///
/// ```
/// use romulus_core::world::Record;
/// let record = Record::parse(r#"{"owner":"default","service":"shop/web","uid":"7"}"#).unwrap();
/// assert_eq!(record.service, "shop/web");
/// assert_eq!(record.to_string(), r#"{"owner":"default","service":"shop/web","uid":"7"}"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The owner id of the romulus that wrote it.
    pub owner: CompactString,
    /// `namespace/name` of the Service it was written for.
    pub service: CompactString,
    /// The Service's uid; absent where the Service came from a manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<CompactString>,
}

impl Record {
    /// The record of an object of this Service.
    pub(crate) fn of(owner: &Segment, service: &Service) -> Self {
        Self {
            owner: owner.as_str().into(),
            service: service.name.to_compact_string(),
            uid: service.uid.as_deref().map(CompactString::from),
        }
    }

    /// Reads a record; what is no record owns nothing.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The Service it was written for.
    pub(crate) fn service_name(&self) -> Option<ObjectName> {
        service_name(&self.service)
    }

    /// Whether it says what would be written for an object of this Service: an absent uid equals
    /// any.
    pub(crate) fn is_of(&self, owner: &Segment, service: &Service) -> bool {
        let same_uid = match (&self.uid, &service.uid) {
            (Some(stored), Some(wanted)) => stored == wanted,
            _ => true,
        };
        self.owner == owner.as_str() && same_uid && self.names(&service.name)
    }

    /// Whether it was written for the Service of this name.
    pub(crate) fn names(&self, service: &ObjectName) -> bool {
        self.service.split_once('/') == Some((service.namespace(), service.name()))
    }
}

/// The Service that a record calls `namespace/name`.
pub(super) fn service_name(text: &str) -> Option<ObjectName> {
    let (namespace, name) = text.split_once('/')?;
    Some(ObjectName::new(namespace, name))
}

impl std::fmt::Display for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}
