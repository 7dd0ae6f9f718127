use super::Code;

/// A Service with a host, and with some more annotations.
macro_rules! annotated {
    ($lines:literal) => {
        annotated!($lines, "    romulus/host: www.example.com\n")
    };
    ($lines:literal, $host:literal) => {
        concat!(
            "kind: Service\nmetadata:\n  name: web\n  annotations:\n",
            $host,
            "    ",
            $lines,
            "\nspec: {ports: [{port: 80}]}\n"
        )
    };
}

/// A Service of a name, with an annotation.
macro_rules! service {
    ($name:literal, $annotation:literal) => {
        service!($name, $annotation, "ports: [{port: 80}]")
    };
    ($name:literal, $annotation:literal, $spec:literal) => {
        concat!(
            "kind: Service\nmetadata: {name: ",
            $name,
            ", annotations: {",
            $annotation,
            "}}\nspec: {",
            $spec,
            "}\n"
        )
    };
}

/// A Service `web` with a host.
macro_rules! web {
    ($spec:literal) => {
        service!("web", "romulus/host: www.example.com", $spec)
    };
}

/// An EndpointSlice of the Service `web`.
macro_rules! slice {
    ($endpoints:literal, $port:literal) => {
        concat!(
            "kind: EndpointSlice\n",
            "metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}\n",
            "addressType: IPv4\nendpoints:\n",
            $endpoints,
            "\nports: [",
            $port,
            "]\n"
        )
    };
}

impl Code {
    /// A manifest about which `romulusctl lint` says this; `None` where it takes more than manifests:
    /// what is stored, or a flag.
    pub fn example(self) -> Option<&'static str> {
        Some(match self {
            Self::InvalidJson => {
                annotated!("romulus/backendSettings: '{\"Timeouts\": {\"Dial\": }}'")
            }
            Self::InvalidSettings => {
                annotated!("romulus/backendSettings: '{\"Timeouts\": {\"Dial\": \"2 seconds\"}}'")
            }
            Self::InvalidRoute => annotated!("romulus/pathRegexp: ^/(api|web"),
            Self::InvalidMiddleware => {
                annotated!(
                    "romulus/middleware.limit: '{\"Type\": \"conlimit\", \"Middleware\": {}}'"
                )
            }
            Self::InvalidOption => annotated!("romulus/maxBodyBytes: 1 MB"),
            Self::UnknownOption => annotated!("romulus/hots: www.example.com"),
            Self::UnknownPort => annotated!("romulus/path.http: /"),
            Self::DuplicateOption => {
                annotated!("romulus/path_regexp: ^/old\n    romulus/pathRegexp: ^/new")
            }
            Self::TrailingText => annotated!("romulus/backendSettings: '{\"Timeouts\": {}} }'"),
            Self::HarmfulValue => annotated!("romulus/priority: \"10\""),
            Self::EqualPriority => annotated!(
                "romulus/redirectToSsl: \"true\"\n    romulus/middleware.up: '{\"Priority\": -1000, \
                 \"Type\": \"connlimit\", \"Middleware\": {\"Connections\": 5, \"Variable\": \
                 \"client.ip\"}}'"
            ),
            Self::TargetUnavailable => annotated!("romulus/backend: web-grene"),
            Self::NoRoute => annotated!("romulus/dialTimeout: 2s", ""),
            _ => return self.larger_example(),
        })
    }

    fn larger_example(self) -> Option<&'static str> {
        Some(match self {
            Self::InvalidRoot => concat!(
                "kind: Service\nmetadata: {name: web, labels: {romulus/vulcanKey: romulus}}\n",
                "spec: {ports: [{port: 80}]}\n"
            ),
            Self::AmbiguousName => service!("web.v1", "romulus/host: www.example.com"),
            Self::DuplicatePort => web!("ports: [{name: http, port: 80}, {name: http, port: 81}]"),
            Self::RouteConflict => concat!(
                web!("ports: [{port: 80}]"),
                "---\n",
                service!("web-new", "romulus/host: www.example.com")
            ),
            Self::UnreadableManifest => web!("ports: [{port: http}]"),
            Self::UnreadableAddress => concat!(
                web!("ports: [{port: 80}]"),
                "---\n",
                slice!(
                    "- addresses: [10.0.0.1]\n- addresses: [10.0.0.02]",
                    "{port: 8080}"
                )
            ),
            Self::TruncatedEndpoints => concat!(
                web!("ports: [{port: 80}]"),
                "---\nkind: Endpoints\nmetadata:\n  name: web\n",
                "  annotations: {endpoints.kubernetes.io/over-capacity: truncated}\n",
                "subsets: [{addresses: [{ip: 10.0.0.1}], ports: [{port: 8080}]}]\n"
            ),
            Self::SiblingRoots => concat!(
                "kind: Service\nmetadata: {name: web, labels: {romulus/vulcanKey: vulcand-test}}\n",
                "spec: {ports: [{port: 80}]}\n"
            ),
            Self::ShadowedRoute => concat!(
                web!("ports: [{port: 80}]"),
                "---\n",
                service!("any", "romulus/hostRegexp: '[.]example[.]com$'")
            ),
            Self::NoEndpoints => concat!(
                web!("ports: [{name: http, port: 80}]"),
                "---\n",
                slice!("- addresses: [10.0.0.1]", "{name: web, port: 8080}")
            ),
            Self::UnsupportedProtocol => {
                web!("ports: [{name: http, port: 80}, {name: dns, port: 53, protocol: UDP}]")
            }
            Self::ExternalName => {
                web!("type: ExternalName, externalName: example.org, ports: [{port: 80}]")
            }
            Self::NoPorts => web!("clusterIP: None"),
            Self::LastResort => concat!(
                web!("ports: [{port: 80}]"),
                "---\n",
                slice!(
                    "- addresses: [10.0.0.1]\n  conditions: {ready: false, serving: true, terminating: true}",
                    "{port: 8080}"
                )
            ),
            Self::SiblingIds => concat!(
                service!("web, namespace: prod", "romulus/host: www.example.com"),
                "---\n",
                service!("web, namespace: prod-eu", "romulus/host: eu.example.com")
            ),
            _ => return None,
        })
    }
}
