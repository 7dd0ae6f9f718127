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
}

impl OptionSpec {
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

const fn option(
    name: &'static str,
    topic: Topic,
    summary: &'static str,
    example: &'static str,
) -> OptionSpec {
    OptionSpec {
        name,
        topic,
        summary,
        example,
    }
}

/// Every option but `middleware.<name>`, whose suffix is a name.
pub const OPTIONS: &[OptionSpec] = &[
    option(
        "host",
        Topic::Route,
        "the request's host, compared without case and port",
        "www.example.com",
    ),
    option(
        "hostRegexp",
        Topic::Route,
        "a regular expression found in the request's host",
        "^[a-z]+\\.example\\.com$",
    ),
    option(
        "path",
        Topic::Route,
        "the request's whole path; `<name>` stands for one segment",
        "/users/<id>",
    ),
    option(
        "pathRegexp",
        Topic::Route,
        "a regular expression found in the request's path",
        "^/guestbook/.*",
    ),
    option(
        "prefix",
        Topic::Route,
        "the path and everything below it",
        "/api",
    ),
    option("method", Topic::Route, "the request's method", "POST"),
    option(
        "methodRegexp",
        Topic::Route,
        "a regular expression found in the request's method",
        "^(GET|HEAD)$",
    ),
    option(
        "methods",
        Topic::Route,
        "a comma list of methods",
        "GET, HEAD",
    ),
    option(
        "header",
        Topic::Route,
        "a header the request must carry",
        "X-Stage: canary",
    ),
    option(
        "headerRegexp",
        Topic::Route,
        "a header and a regular expression found in its value",
        "Content-Type: ^application/",
    ),
    option(
        "priority",
        Topic::Route,
        "0 to 9999: which of several matching routes answers; needs --route-priorities",
        "7000",
    ),
    option(
        "frontendSettings",
        Topic::Frontend,
        "the frontend's settings, as vulcand's JSON",
        "{\"FailoverPredicate\": \"IsNetworkError()\"}",
    ),
    option(
        "passHostHeader",
        Topic::Frontend,
        "whether servers see the host the client asked for",
        "true",
    ),
    option(
        "trustForwardHeader",
        Topic::Frontend,
        "whether X-Forwarded-* headers of clients are kept",
        "true",
    ),
    option(
        "failoverPredicate",
        Topic::Frontend,
        "when a request is tried on another server",
        "IsNetworkError() && Attempts() < 3",
    ),
    option(
        "maxBodyBytes",
        Topic::Frontend,
        "largest request body, in bytes",
        "1048576",
    ),
    option(
        "maxMemBodyBytes",
        Topic::Frontend,
        "request body kept in memory before it goes to disk, in bytes",
        "65536",
    ),
    option(
        "backendSettings",
        Topic::Backend,
        "the backend's settings, as vulcand's JSON",
        "{\"Timeouts\": {\"Dial\": \"2s\"}}",
    ),
    option(
        "dialTimeout",
        Topic::Backend,
        "how long a connection to a server may take to open",
        "2s",
    ),
    option(
        "readTimeout",
        Topic::Backend,
        "how long a server may take to answer",
        "30s",
    ),
    option(
        "maxIdleConnsPerHost",
        Topic::Backend,
        "idle connections kept to each server",
        "128",
    ),
    option(
        "scheme",
        Topic::Backend,
        "`http` or `https`: how servers are spoken to",
        "https",
    ),
    option(
        "backend",
        Topic::Backend,
        "`<service>[:<port>]` of the same namespace, whose backend this frontend uses",
        "web-green",
    ),
    option(
        "redirectToSsl",
        Topic::Middleware,
        "answers plain HTTP requests with a redirect to https",
        "true",
    ),
    option(
        "maintenance",
        Topic::Middleware,
        "a URL every request is redirected to",
        "https://status.example.com/",
    ),
];
