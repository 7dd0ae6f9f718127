/// What an option is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// A part of the route.
    Route,
    /// Settings of the frontend.
    Frontend,
    /// Settings of the backend and its servers.
    Backend,
    /// Middlewares.
    Middleware,
    /// No annotation but a label.
    Label,
}

/// One option: `romulus/<name>`, or `romulus/<name>.<port name>` for one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionSpec {
    /// The name.
    pub name: &'static str,
    /// What it is about.
    pub topic: Topic,
    /// What its value means.
    pub summary: &'static str,
    /// A value, as an example.
    pub example: &'static str,
    /// What the example becomes in vulcand's keys, for a Service `web` of the namespace `shop`.
    pub becomes: &'static str,
    /// More about it, in sentences.
    pub detail: &'static str,
}

impl OptionSpec {
    /// The summary and what more there is to say.
    pub fn meaning(&self) -> String {
        match self.detail {
            "" => self.summary.to_owned(),
            detail => format!("{}. {detail}", self.summary),
        }
    }

    /// The option of this name, in its present spelling or in the snake_case of the 2016 release.
    pub fn find(name: &str) -> Option<&'static Self> {
        let same =
            |spec: &&Self| spec.name == name || (name.contains('_') && snake(spec.name) == name);
        OPTIONS.iter().find(same)
    }
}

fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// The option whose suffix is the name of a middleware.
pub const MIDDLEWARE: OptionSpec = OptionSpec {
    name: "middleware.<name>",
    topic: Topic::Middleware,
    summary: "a middleware of every frontend of the Service",
    example: r#"{"Priority": 1, "Type": "connlimit", "Middleware": {"Connections": 5, "Variable": "client.ip"}}"#,
    becomes: r#"{"Priority":1,"Type":"connlimit","Middleware":{"Connections":5,"Variable":"client.ip"}}"#,
    detail: "`middleware.<port>.<name>` is for one port only; where the Service has no such port, the \
             name contains a dot. The lowest priority is outermost; equal ones come in random order.",
};

/// The label that names a tree.
pub const VULCAN_KEY: OptionSpec = OptionSpec {
    name: "vulcanKey",
    topic: Topic::Label,
    summary: "the root of the tree the Service is written to, instead of `--vulcan-key`",
    example: "staging",
    becomes: "staging/backends/web.shop/backend",
    detail: "It takes the slash style of that flag.",
};

/// Every option but `middleware.<name>`, whose suffix is a name.
pub const OPTIONS: &[OptionSpec] = &[
    OptionSpec {
        name: "host",
        topic: Topic::Route,
        summary: "the request's host",
        example: "www.example.com",
        becomes: "Host(`www.example.com`)",
        detail: "Compared in lower case and without port; `<name>` stands for one label.",
    },
    OptionSpec {
        name: "hostRegexp",
        topic: Topic::Route,
        summary: "a regular expression found in the request's host",
        example: r"^[a-z]+\.example\.com$",
        becomes: r"HostRegexp(`^[a-z]+\.example\.com$`)",
        detail: "It is found anywhere in the host unless it is anchored. It ranks above `host`, and so hides exact hosts that it matches.",
    },
    OptionSpec {
        name: "path",
        topic: Topic::Route,
        summary: "the request's whole path",
        example: "/users/<id>",
        becomes: "Path(`/users/<id>`)",
        detail: "`<id>` stands for one segment; the query is not looked at.",
    },
    OptionSpec {
        name: "pathRegexp",
        topic: Topic::Route,
        summary: "a regular expression found in the request's path",
        example: "^/guestbook/.*",
        becomes: "PathRegexp(`^/guestbook/.*`)",
        detail: "It is found anywhere in the path unless it is anchored.",
    },
    OptionSpec {
        name: "prefix",
        topic: Topic::Route,
        summary: "the path and everything below it",
        example: "/api",
        becomes: "PathRegexp(`^/api(/|$)`)",
        detail: "`/apis` is not below `/api`.",
    },
    OptionSpec {
        name: "method",
        topic: Topic::Route,
        summary: "the request's method",
        example: "post",
        becomes: "Method(`POST`)",
        detail: "Written in upper case.",
    },
    OptionSpec {
        name: "methodRegexp",
        topic: Topic::Route,
        summary: "a regular expression found in the request's method",
        example: "^(GET|HEAD)$",
        becomes: "MethodRegexp(`^(GET|HEAD)$`)",
        detail: "",
    },
    OptionSpec {
        name: "methods",
        topic: Topic::Route,
        summary: "a comma list of methods",
        example: "GET, HEAD",
        becomes: "MethodRegexp(`^(GET|HEAD)$`)",
        detail: "",
    },
    OptionSpec {
        name: "header",
        topic: Topic::Route,
        summary: "a header the request must carry",
        example: "X-Stage: canary",
        becomes: "Header(`X-Stage`, `canary`)",
        detail: "The first value of the header counts.",
    },
    OptionSpec {
        name: "headerRegexp",
        topic: Topic::Route,
        summary: "a header and a regular expression found in its value",
        example: "Accept: json",
        becomes: "HeaderRegexp(`Accept`, `json`)",
        detail: "",
    },
    OptionSpec {
        name: "priority",
        topic: Topic::Route,
        summary: "which of several matching routes answers",
        example: "7000",
        becomes: "/*7000*/",
        detail: "From 0 to 9999, the highest first; 5000 where none is given. It needs `--route-priorities`, and is a warning without.",
    },
    OptionSpec {
        name: "frontendSettings",
        topic: Topic::Frontend,
        summary: "the frontend's settings, as vulcand's JSON",
        example: r#"{"FailoverPredicate": "IsNetworkError()"}"#,
        becomes: r#""Settings":{"FailoverPredicate":"IsNetworkError()"}"#,
        detail: "Kept in the author's order. What it says wins over the short options.",
    },
    OptionSpec {
        name: "passHostHeader",
        topic: Topic::Frontend,
        summary: "whether servers see the host the client asked for",
        example: "true",
        becomes: r#""Settings":{"PassHostHeader":true}"#,
        detail: "",
    },
    OptionSpec {
        name: "trustForwardHeader",
        topic: Topic::Frontend,
        summary: "whether X-Forwarded-* headers of clients are kept",
        example: "true",
        becomes: r#""Settings":{"TrustForwardHeader":true}"#,
        detail: "",
    },
    OptionSpec {
        name: "failoverPredicate",
        topic: Topic::Frontend,
        summary: "when a request is tried on another server",
        example: "IsNetworkError() && Attempts() < 3",
        becomes: r#""Settings":{"FailoverPredicate":"IsNetworkError() && Attempts() < 3"}"#,
        detail: "",
    },
    OptionSpec {
        name: "maxBodyBytes",
        topic: Topic::Frontend,
        summary: "the largest request body, in bytes",
        example: "1048576",
        becomes: r#""Settings":{"Limits":{"MaxBodyBytes":1048576}}"#,
        detail: "",
    },
    OptionSpec {
        name: "maxMemBodyBytes",
        topic: Topic::Frontend,
        summary: "how much of a request body is kept in memory before it goes to disk, in bytes",
        example: "65536",
        becomes: r#""Settings":{"Limits":{"MaxMemBodyBytes":65536}}"#,
        detail: "",
    },
    OptionSpec {
        name: "backend",
        topic: Topic::Frontend,
        summary: "the Service of the same namespace whose backend this frontend uses",
        example: "web-green",
        becomes: r#""BackendId":"web-green.shop""#,
        detail: "`<service>:<port name>` where it has several ports.",
    },
    OptionSpec {
        name: "backendSettings",
        topic: Topic::Backend,
        summary: "the backend's settings, as vulcand's JSON",
        example: r#"{"Timeouts": {"Dial": "2s"}}"#,
        becomes: r#""Settings":{"Timeouts":{"Dial":"2s"}}"#,
        detail: "Kept in the author's order. What it says wins over the short options.",
    },
    OptionSpec {
        name: "dialTimeout",
        topic: Topic::Backend,
        summary: "how long a connection to a server may take to open",
        example: "2s",
        becomes: r#""Settings":{"Timeouts":{"Dial":"2s"}}"#,
        detail: "",
    },
    OptionSpec {
        name: "readTimeout",
        topic: Topic::Backend,
        summary: "how long a server may take to answer",
        example: "30s",
        becomes: r#""Settings":{"Timeouts":{"Read":"30s"}}"#,
        detail: "",
    },
    OptionSpec {
        name: "maxIdleConnsPerHost",
        topic: Topic::Backend,
        summary: "idle connections kept to each server",
        example: "128",
        becomes: r#""Settings":{"KeepAlive":{"MaxIdleConnsPerHost":128}}"#,
        detail: "",
    },
    OptionSpec {
        name: "scheme",
        topic: Topic::Backend,
        summary: "`http` or `https`: how servers are spoken to",
        example: "https",
        becomes: r#"{"URL":"https://10.0.0.1:8080"}"#,
        detail: "Without it the port's `appProtocol` decides: `https` and `kubernetes.io/wss` mean https.",
    },
    OptionSpec {
        name: "redirectToSsl",
        topic: Topic::Middleware,
        summary: "answers plain HTTP requests with a redirect to https",
        example: "true",
        becomes: r#"{"Priority":-1000,"Type":"rewrite","Middleware":{"Regexp":"^http://(.*)$","Replacement":"https://$1","RewriteBody":false,"Redirect":true}}"#,
        detail: "The middleware is named `redirect-to-ssl`.",
    },
    OptionSpec {
        name: "maintenance",
        topic: Topic::Middleware,
        summary: "a URL every request is redirected to",
        example: "https://status.example.com/",
        becomes: r#"{"Priority":-999,"Type":"rewrite","Middleware":{"Regexp":"^.*$","Replacement":"https://status.example.com/","RewriteBody":false,"Redirect":true}}"#,
        detail: "The middleware is named `maintenance`.",
    },
];
