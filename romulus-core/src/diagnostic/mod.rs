//! What romulus has to say about its input: diagnostics are values, not log lines.

mod example;

use std::fmt;
use std::ops::Range;

use crate::cluster::ObjectName;
use crate::key::{ObjectRef, Root};
use crate::secret::mask;

/// How much a diagnostic matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something is as the rules want it, but may surprise.
    Info,
    /// Something was read differently than its author may think, or will hurt.
    Warning,
    /// Something that was asked for stays unwritten.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal, $severity:ident, $way_out:literal;)+) => {
        /// What a diagnostic is about. The texts are stable: scripts may rely on them.
        /// `docs/diagnostics.md` explains each with its way out.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The stable text of the code.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The severity of every diagnostic with this code.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)+ }
            }

            /// One sentence on what the code means.
            pub fn summary(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)+).trim_ascii(),)+ }
            }

            /// What to do about it.
            pub fn way_out(self) -> &'static str {
                match self { $(Self::$variant => $way_out,)+ }
            }
        }
    };
}

codes! {
    /// A value that should be JSON is not.
    InvalidJson = "invalid-json", Error,
        "Correct the JSON; the position points at the first character that is wrong.";
    /// Settings that vulcand would reject, or that would take the frontend down.
    InvalidSettings = "invalid-settings", Error,
        "The message carries vulcand's reason. Correct the value; the stored one serves until then.";
    /// A part of a route that vulcand would reject, or that can never match.
    InvalidRoute = "invalid-route", Error,
        "Correct the value; the message says what would match.";
    /// A route for a host that its namespace may not claim.
    HostNotAllowed = "host-not-allowed", Error,
        "Claim a host that the message names, or have the operator add an `--allow-host`.";
    /// A middleware that vulcand would reject, or that would take the frontend down.
    InvalidMiddleware = "invalid-middleware", Error,
        "Correct the value; or name its type with `--allow-middleware` if your vulcand knows it.";
    /// A value that its option does not take.
    InvalidOption = "invalid-option", Error,
        "Write a value of the kind the message names.";
    /// A label `romulus/vulcanKey` that can't be the root of a tree.
    InvalidRoot = "invalid-root", Error,
        "Use a label value that is the root of a vulcand tree, and not `romulus`.";
    /// A name that can't stand in a key without ambiguity.
    AmbiguousName = "ambiguous-name", Error,
        "Names are lower-case letters, digits and `-`, as Kubernetes has them. Ids are joined with dots, so a dot inside one would make two Services share a key.";
    /// Two ports of one Service share a name.
    DuplicatePort = "duplicate-port", Error,
        "Give each port a name of its own.";
    /// The route belongs to another frontend of the tree.
    RouteConflict = "route-conflict", Error,
        "Change one of the routes. Who has the route stored keeps it; among newcomers the oldest Service wins. When it is freed, it is handed over by itself.";
    /// A backend or frontend of this id exists and is not ours.
    ForeignObject = "foreign-object", Error,
        "Remove the foreign keys, or start once with `--adopt` to take them over. What another owner wrote is never taken over.";
    /// The backend's id can't be kept apart from another that begins with it.
    IdConflict = "id-conflict", Error,
        "Rename one of the two. vulcand would give one the servers of the other at its next start.";
    /// The frontend waits for its backend.
    WaitingForBackend = "waiting-for-backend", Error,
        "See what is said about the backend; the frontend follows by itself.";
    /// The backend named by `romulus/backend` is missing or has no servers.
    TargetUnavailable = "target-unavailable", Error,
        "Name a published Service of the same namespace and tree, with endpoints. Requests go where they went before.";
    /// A deletion that was inferred from absence is withheld.
    DeletionWithheld = "deletion-withheld", Error,
        "Look whether the source is complete. If the deletion is meant, start once with `--max-delete-percent 100`; or let the objects come back.";
    /// A file or an object in it that can't be read is left out.
    UnreadableManifest = "unreadable-manifest", Error,
        "Correct what the position points at. Nothing is deleted because of what was left out.";
    /// An option that does not exist.
    UnknownOption = "unknown-option", Warning,
        "Correct the name; the message suggests one.";
    /// An option for a port that the Service does not have.
    UnknownPort = "unknown-port", Warning,
        "Correct the suffix; the message lists the ports.";
    /// An option given twice, in two spellings.
    DuplicateOption = "duplicate-option", Warning,
        "Remove one of the two spellings.";
    /// Text after the end of a JSON value is ignored.
    TrailingText = "trailing-text", Warning,
        "Remove the text after the JSON value.";
    /// A value that vulcand takes, and that does harm.
    HarmfulValue = "harmful-value", Warning,
        "The message says what it does. It is written all the same.";
    /// Two middlewares of one frontend share a priority: vulcand orders them at random.
    EqualPriority = "equal-priority", Warning,
        "Give each middleware a priority of its own.";
    /// An endpoint address that can't be read.
    UnreadableAddress = "unreadable-address", Warning,
        "Write a plain IPv4 or IPv6 address.";
    /// The endpoints were cut at their source.
    TruncatedEndpoints = "truncated-endpoints", Warning,
        "Let romulus read EndpointSlices.";
    /// The roots of two trees in use begin with each other: vulcand mixes their events.
    SiblingRoots = "sibling-roots", Warning,
        "Choose roots that do not begin with each other: see [vulcand.md](vulcand.md).";
    /// A frontend that never answers: another one ranks above it and takes all of its requests.
    ShadowedRoute = "shadowed-route", Warning,
        "Make the other route narrower, or give this one a higher `romulus/priority` (which needs `--route-priorities`).";
    /// Two routes that vulcand mixes up when both are in one tree.
    DangerousPair = "dangerous-pair", Warning,
        "Write the foreign route in a form that vulcand does not merge, for instance with a regular expression.";
    /// A port of a Service that has no endpoints: requests are answered with an error.
    NoEndpoints = "no-endpoints", Warning,
        "Let the port's name be the one in the EndpointSlices; or see why no pod is ready.";
    /// A backend or frontend that nothing wants stays, because of the policy.
    Kept = "kept", Info,
        "Start with `--policy sync` to have it deleted.";
    /// A backend that nothing wants stays while a frontend refers to it.
    StillReferenced = "still-referenced", Info,
        "Point the frontend to another backend, or remove it.";
    /// The Service has no route: a backend is written, no frontend.
    NoRoute = "no-route", Info,
        "Add `romulus/host` or `romulus/path`, if a frontend is wanted.";
    /// A port with a protocol other than TCP is not published.
    UnsupportedProtocol = "unsupported-protocol", Info,
        "Nothing to do, if the port is not for HTTP.";
    /// ExternalName Services are not published without `--allow-external-name`.
    ExternalName = "external-name", Info,
        "Start with `--allow-external-name`, if whoever may write Services may also reach anything vulcand reaches.";
    /// A Service with `romulus/` annotations and no port to publish.
    NoPorts = "no-ports", Info,
        "Add a port.";
    /// No endpoint is ready: terminating ones that still serve are used.
    LastResort = "last-resort", Info,
        "Nothing to do; it ends when an endpoint is ready.";
    /// The backend's id is the beginning of another's: the backend is written under an id of its own.
    SiblingIds = "sibling-ids", Info,
        "Nothing to do: frontends follow by themselves. Only who reads the keys should know.";
}

impl Code {
    /// The code of this text.
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a diagnostic is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A Service.
    Service(ObjectName),
    /// An EndpointSlice or Endpoints object.
    Endpoints(ObjectName),
    /// A stored backend or frontend that no Service is behind any more.
    Object(ObjectRef),
    /// A tree.
    Root(Root),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name) => write!(f, "Service {name}"),
            Self::Endpoints(name) => write!(f, "endpoints {name}"),
            Self::Object(object) => write!(f, "{object}"),
            Self::Root(root) => write!(f, "tree {root}"),
        }
    }
}

/// A field that has to do with a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The object that has the field.
    pub subject: Subject,
    /// The label, annotation or field.
    pub key: String,
    /// What it has to do with the finding; empty where the finding is about it.
    pub note: String,
}

/// One finding: what it is about, where, and the way out.
///
/// ```
/// use romulus_core::cluster::ObjectName;
/// use romulus_core::diagnostic::{Code, Diagnostic, Subject};
/// let service = Subject::Service(ObjectName::new("shop", "web"));
/// let diagnostic = Diagnostic::new(Code::UnknownOption, service, "there is no such option")
///     .at("romulus/hots", "www.example.com")
///     .help("did you mean `romulus/host`?");
/// assert_eq!(
///     diagnostic.to_string(),
///     "warning[unknown-option]: Service shop/web: romulus/hots = \"www.example.com\": \
///      there is no such option (did you mean `romulus/host`?)"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Diagnostic {
    /// What it is about.
    pub subject: Subject,
    /// The label, annotation or field in question.
    pub key: Option<String>,
    /// What it is.
    pub code: Code,
    /// The value in question.
    pub value: Option<String>,
    /// The offending part of the value, in bytes.
    pub span: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// More fields that it has to do with, for who shows them; they are not in its one line.
    pub places: Vec<Place>,
}

impl Diagnostic {
    /// A diagnostic without key and value.
    pub fn new(code: Code, subject: Subject, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            subject,
            key: None,
            code,
            value: None,
            span: None,
            message,
            help: None,
            places: Vec::new(),
        }
    }

    /// Names the label, annotation or field, and its value.
    #[must_use]
    pub fn at(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self.value = Some(value.into());
        self
    }

    /// Points into the value.
    #[must_use]
    pub fn span(mut self, span: Range<usize>) -> Self {
        self.span = Some((span.start, span.end));
        self
    }

    /// Says the way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        let help = help.into();
        self.help = (!help.is_empty()).then_some(help);
        self
    }

    /// Names a field that it is about, or that has to do with it.
    #[must_use]
    pub fn see(
        mut self,
        subject: Subject,
        key: impl Into<String>,
        note: impl Into<String>,
    ) -> Self {
        self.places.push(Place {
            subject,
            key: key.into(),
            note: note.into(),
        });
        self
    }

    /// The severity of its code.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// Longest part of a value that is quoted.
const QUOTED: usize = 120;

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.severity(), self.code, self.subject)?;
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        if let Some(value) = self.value.as_deref().map(mask) {
            match value.char_indices().nth(QUOTED) {
                Some((cut, _)) => write!(f, " = {:?}...", &value[..cut])?,
                None => write!(f, " = {value:?}")?,
            }
        }
        if let Some((start, _)) = self.span.filter(|(start, _)| *start > 0) {
            write!(f, " at byte {start}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

/// The candidate closest to a mistyped word, if one is close enough to be meant.
pub fn did_you_mean<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
