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
            Self::InvalidRoot => {
                "\
kind: Service
metadata:
  name: web
  labels: {romulus/vulcanKey: romulus}
spec: {ports: [{port: 80}]}
"
            }
            Self::AmbiguousName => {
                "\
kind: Service
metadata: {name: web.v1, annotations: {romulus/host: www.example.com}}
spec: {ports: [{port: 80}]}
"
            }
            Self::DuplicatePort => {
                "\
kind: Service
metadata: {name: web, annotations: {romulus/host: www.example.com}}
spec: {ports: [{name: http, port: 80}, {name: http, port: 8080}]}
"
            }
            Self::RouteConflict => {
                "\
kind: Service
metadata: {name: web, annotations: {romulus/host: www.example.com}}
spec: {ports: [{port: 80}]}
---
kind: Service
metadata: {name: web-new, annotations: {romulus/host: www.example.com}}
spec: {ports: [{port: 80}]}
"
            }
            Self::UnreadableManifest => {
                "\
kind: Service
metadata: {name: web, annotations: {romulus/host: www.example.com}}
spec: {ports: [{port: http}]}
"
            }
            Self::UnreadableAddress => {
                "\
kind: Service
metadata: {name: web, annotations: {romulus/host: www.example.com}}
spec: {ports: [{port: 80}]}
---
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.02]}]
ports: [{port: 8080}]
"
            }
            Self::TruncatedEndpoints => {
                "\
kind: Service
metadata: {name: web, annotations: {romulus/host: www.example.com}}
spec: {ports: [{port: 80}]}
---
kind: Endpoints
metadata: {name: web, annotations: {endpoints.kubernetes.io/over-capacity: truncated}}
subsets: [{addresses: [{ip: 10.0.0.1}], ports: [{port: 8080}]}]
"
            }
            Self::SiblingRoots => {
                "\
kind: Service
metadata:
  name: web
  labels: {romulus/vulcanKey: vulcand-test}
  annotations: {romulus/host: www.example.com}
spec: {ports: [{port: 80}]}
"
            }
            Self::ShadowedRoute => {
                "\
kind: Service
metadata: {name: web, annotations: {romulus/host: www.example.com}}
spec: {ports: [{port: 80}]}
---
kind: Service
metadata: {name: any, annotations: {romulus/hostRegexp: '[.]example[.]com$'}}
spec: {ports: [{port: 80}]}
"
            }
            Self::NoEndpoints => {
                "\
kind: Service
metadata: {name: web, annotations: {romulus/host: www.example.com}}
spec: {ports: [{name: http, port: 80}]}
---
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1]}]
ports: [{name: web, port: 8080}]
"
            }
            Self::UnsupportedProtocol => {
                "\
kind: Service
metadata: {name: web, annotations: {romulus/host: www.example.com}}
spec: {ports: [{name: http, port: 80}, {name: dns, port: 53, protocol: UDP}]}
"
            }
            Self::ExternalName => {
                "\
kind: Service
metadata: {name: web, annotations: {romulus/host: www.example.com}}
spec: {type: ExternalName, externalName: example.org, ports: [{port: 80}]}
"
            }
            Self::NoPorts => {
                "\
kind: Service
metadata: {name: web, annotations: {romulus/host: www.example.com}}
spec: {clusterIP: None}
"
            }
            Self::LastResort => {
                "\
kind: Service
metadata: {name: web, annotations: {romulus/host: www.example.com}}
spec: {ports: [{port: 80}]}
---
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints:
- addresses: [10.0.0.1]
  conditions: {ready: false, serving: true, terminating: true}
ports: [{port: 8080}]
"
            }
            Self::SiblingIds => {
                "\
kind: Service
metadata: {name: web, namespace: prod, annotations: {romulus/host: www.example.com}}
spec: {ports: [{port: 80}]}
---
kind: Service
metadata: {name: web, namespace: prod-eu, annotations: {romulus/host: eu.example.com}}
spec: {ports: [{port: 80}]}
"
            }
            _ => return None,
        })
    }
}
