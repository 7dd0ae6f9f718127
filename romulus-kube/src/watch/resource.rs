//! The three resources that are read, and how one object of them is decoded.
use romulus_core::cluster::{
    Endpoints, EndpointsJson, Kind, Object, ObjectName, Service, SliceJson,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A resource of the Kubernetes API that romulus reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// core/v1 `services`.
    Services,
    /// discovery.k8s.io/v1 `endpointslices`.
    EndpointSlices,
    /// core/v1 `endpoints`.
    Endpoints,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Services, Self::EndpointSlices, Self::Endpoints];

    /// The `kind` of one object.
    pub fn object_kind(self) -> &'static str {
        match self {
            Self::Services => "Service",
            Self::EndpointSlices => "EndpointSlice",
            Self::Endpoints => "Endpoints",
        }
    }

    /// The `apiVersion` of its objects.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::Services | Self::Endpoints => "v1",
            Self::EndpointSlices => "discovery.k8s.io/v1",
        }
    }

    /// Its API group; empty for the core.
    pub fn group(self) -> &'static str {
        match self {
            Self::Services | Self::Endpoints => "",
            Self::EndpointSlices => "discovery.k8s.io",
        }
    }

    /// The last part of its path.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::EndpointSlices => "endpointslices",
            Self::Endpoints => "endpoints",
        }
    }

    /// The resource of an object with this `kind`.
    pub fn of_object_kind(kind: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|resource| resource.object_kind() == kind)
    }

    /// What its objects are to romulus.
    pub fn kind(self) -> Kind {
        match self {
            Self::Services => Kind::Service,
            Self::EndpointSlices | Self::Endpoints => Kind::Endpoints,
        }
    }

    /// Where it is listed and watched.
    pub(crate) fn path(self, namespace: Option<&str>) -> String {
        let group = match self {
            Self::Services | Self::Endpoints => "/api/v1",
            Self::EndpointSlices => "/apis/discovery.k8s.io/v1",
        };
        match namespace {
            Some(namespace) => format!("{group}/namespaces/{namespace}/{}", self.plural()),
            None => format!("{group}/{}", self.plural()),
        }
    }

    /// Decodes one object, only the fields that are used.
    pub(crate) fn decode(self, json: &str) -> Result<Object, DecodeError> {
        let object = match self {
            Self::Services => Object::Service(decode::<Service>(json)?),
            Self::EndpointSlices => Object::Endpoints(decode::<SliceJson>(json)?.into()),
            Self::Endpoints => Object::Endpoints(Endpoints::from(decode::<EndpointsJson>(json)?)),
        };
        if object.name().name().is_empty() {
            let field = Some("metadata.name".to_owned());
            return Err(DecodeError {
                field,
                reason: "it has no name".to_owned(),
            });
        }
        Ok(object)
    }
}

/// Why an object could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DecodeError {
    /// The path of the field at fault.
    pub(crate) field: Option<String>,
    pub(crate) reason: String,
}

fn decode<T: DeserializeOwned>(json: &str) -> Result<T, DecodeError> {
    // Keeping track of the path costs; so that is done only once it is known to be needed.
    serde_json::from_str(json).or_else(|_| {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            let reason = error.into_inner().to_string();
            // The position is one within an excerpt that nobody sees.
            let reason = reason
                .rsplit_once(" at line ")
                .map_or(reason.as_str(), |(text, _)| text);
            DecodeError {
                field: (path != ".").then_some(path),
                reason: reason.to_owned(),
            }
        })
    })
}

/// What identifies an object whatever the rest of it looks like.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Identity {
    metadata: IdentityMetadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct IdentityMetadata {
    name: String,
    namespace: String,
    resource_version: String,
}

impl Identity {
    pub(crate) fn of(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }

    pub(crate) fn name(&self) -> Option<ObjectName> {
        let IdentityMetadata {
            name, namespace, ..
        } = &self.metadata;
        let namespace = if namespace.is_empty() {
            "default"
        } else {
            namespace
        };
        (!name.is_empty()).then(|| ObjectName::new(namespace, name.as_str()))
    }

    pub(crate) fn resource_version(&self) -> Option<&str> {
        Some(self.metadata.resource_version.as_str()).filter(|version| !version.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_that_cannot_be_decoded_is_named_with_its_field() {
        let table = [
            (
                Resource::Services,
                r#"{"metadata":{"name":"a"},"spec":{"ports":[{"port":1},{"port":70000}]}}"#,
                Some("spec.ports[1].port"),
                "invalid value: integer `70000`, expected u16",
            ),
            (
                Resource::Services,
                r#"{"metadata":{"name":"a","annotations":{"romulus/priority":7}}}"#,
                Some("metadata.annotations.romulus/priority"),
                "invalid type: integer `7`, expected a string",
            ),
            (
                Resource::EndpointSlices,
                r#"{"metadata":{"name":"a"},"endpoints":{}}"#,
                Some("endpoints"),
                "invalid type: map, expected a sequence",
            ),
            (
                Resource::Endpoints,
                r#"{"metadata":{"name":""}}"#,
                Some("metadata.name"),
                "it has no name",
            ),
        ];
        for (resource, json, field, reason) in table {
            let error = resource.decode(json).unwrap_err();
            assert_eq!(
                (error.field.as_deref(), error.reason.as_str()),
                (field, reason)
            );
        }
    }

    #[test]
    fn shapes_that_kubernetes_allows_are_decoded() {
        let table = [
            (Resource::Services, r#"{"metadata":{"name":"a"}}"#),
            (
                Resource::Services,
                r#"{"metadata":{"name":"a"},"spec":{"type":"ExternalName","externalName":"x.y"}}"#,
            ),
            (
                Resource::EndpointSlices,
                r#"{"metadata":{"name":"a"},"addressType":"FQDN",
                    "endpoints":[{"addresses":["x.y"],"conditions":null}],"ports":null}"#,
            ),
            (
                Resource::EndpointSlices,
                r#"{"metadata":{"name":"a"},"addressType":"IPv6","endpoints":[{"addresses":["::1"],
                    "conditions":{"ready":null}}],"ports":[{"name":null,"port":null}]}"#,
            ),
            (
                Resource::EndpointSlices,
                r#"{"metadata":{"name":"a"},"endpoints":null,"ports":[]}"#,
            ),
            (Resource::Endpoints, r#"{"metadata":{"name":"a"}}"#),
            (
                Resource::Endpoints,
                r#"{"metadata":{"name":"a"},"subsets":[{"ports":null}]}"#,
            ),
        ];
        for (resource, json) in table {
            let decoded = resource.decode(json);
            assert!(decoded.is_ok(), "{json}: {decoded:?}");
        }
    }
}
