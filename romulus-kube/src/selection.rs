//! What of a cluster is read.
use romulus_core::cluster::{Kind, Scope};
use romulus_core::selector::Selector;

/// What of a cluster, or of manifests, is read.
///
/// ```
/// use romulus_kube::Selection;
/// let selection = Selection { namespaces: vec!["shop".to_owned()], ..Selection::default() };
/// assert_eq!(selection.scopes().len(), 2); // Services and endpoints of one namespace
/// ```
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Which Services; their endpoints are always read unfiltered, since labels of a Service are
    /// not on them.
    pub selector: Selector,
    /// The namespaces; none means all.
    pub namespaces: Vec<String>,
    /// Where endpoints are read from.
    pub endpoints: EndpointsSource,
}

impl Selection {
    /// The lists that together show everything selected.
    pub fn scopes(&self) -> Vec<Scope> {
        let of = |kind| {
            let namespaces: Vec<_> = match self.namespaces.as_slice() {
                [] => vec![Scope::all(kind)],
                names => names
                    .iter()
                    .map(|name| Scope {
                        kind,
                        namespace: Some(name.as_str().into()),
                    })
                    .collect(),
            };
            namespaces
        };
        let mut scopes = of(Kind::Service);
        scopes.extend(of(Kind::Endpoints));
        scopes.sort();
        scopes.dedup();
        scopes
    }

    /// Whether the namespace is read.
    pub(crate) fn covers(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.iter().any(|name| name == namespace)
    }
}

/// Which of the two forms of endpoints is read. Never both: they describe the same addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum EndpointsSource {
    /// EndpointSlices where there are any, else Endpoints.
    #[default]
    Auto,
    /// EndpointSlices (discovery.k8s.io/v1).
    Slices,
    /// Endpoints (core/v1), cut at 1000 addresses by Kubernetes and deprecated there.
    Endpoints,
}
