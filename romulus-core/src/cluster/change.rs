use super::{Endpoints, ObjectName, Service};

/// The kinds of objects a source delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// core/v1 Service.
    Service,
    /// EndpointSlice or core/v1 Endpoints, whichever the source reads; never both.
    Endpoints,
}

/// What one list covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The kind of the objects.
    pub kind: Kind,
    /// The namespace, or all.
    pub namespace: Option<Box<str>>,
}

impl Scope {
    /// All namespaces.
    pub fn all(kind: Kind) -> Self {
        Self {
            kind,
            namespace: None,
        }
    }

    /// Whether an object is within the scope.
    pub fn covers(&self, name: &ObjectName) -> bool {
        self.namespace
            .as_deref()
            .is_none_or(|namespace| namespace == name.namespace())
    }
}

/// An object with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// A Service.
    Service(Service),
    /// The addresses behind one.
    Endpoints(Endpoints),
}

impl Object {
    /// The object's kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Service(_) => Kind::Service,
            Self::Endpoints(_) => Kind::Endpoints,
        }
    }

    /// The object's name.
    pub fn name(&self) -> &ObjectName {
        match self {
            Self::Service(service) => &service.name,
            Self::Endpoints(endpoints) => &endpoints.name,
        }
    }
}

/// One thing a source saw.
///
/// A source tells the whole of a scope between [`ListStart`](Self::ListStart) and
/// [`ListEnd`](Self::ListEnd), and changes of it afterwards. A list that breaks off is simply
/// started again. What a complete list did not show is gone: that is an inference, unlike a
/// [`Delete`](Self::Delete) that was seen, and only inferences are subject to the delete brake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterChange {
    /// A list of the scope begins.
    ListStart(Scope),
    /// The list is through.
    ListEnd {
        /// The scope, as in `ListStart`.
        scope: Scope,
        /// False where something could not be read (an undecodable object or file, one identity
        /// twice): then absence proves nothing, and what the list did not show stays.
        complete: bool,
    },
    /// The object is there, with this content.
    Apply(Object),
    /// The object was deleted, or left the selection.
    Delete(Kind, ObjectName),
}
