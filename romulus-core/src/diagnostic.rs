//! What romulus has to say about its input: diagnostics are values, not log lines.

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
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal, $severity:ident;)+) => {
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
        }
    };
}

codes! {
    /// A value that should be JSON is not.
    InvalidJson = "invalid-json", Error;
    /// Settings that vulcand would reject, or that would take the frontend down.
    InvalidSettings = "invalid-settings", Error;
    /// A part of a route that vulcand would reject, or that can never match.
    InvalidRoute = "invalid-route", Error;
    /// A route for a host that its namespace may not claim.
    HostNotAllowed = "host-not-allowed", Error;
    /// A middleware that vulcand would reject, or that would take the frontend down.
    InvalidMiddleware = "invalid-middleware", Error;
    /// A value that its option does not take.
    InvalidOption = "invalid-option", Error;
    /// A label `romulus/vulcanKey` that can't be the root of a tree.
    InvalidRoot = "invalid-root", Error;
    /// A name that can't stand in a key without ambiguity.
    AmbiguousName = "ambiguous-name", Error;
    /// Two ports of one Service share a name.
    DuplicatePort = "duplicate-port", Error;
    /// The route belongs to another frontend of the tree.
    RouteConflict = "route-conflict", Error;
    /// A backend or frontend of this id exists and is not ours.
    ForeignObject = "foreign-object", Error;
    /// The backend's id can't be kept apart from another that begins with it.
    IdConflict = "id-conflict", Error;
    /// The frontend waits for its backend.
    WaitingForBackend = "waiting-for-backend", Error;
    /// The backend named by `romulus/backend` is missing or has no servers.
    TargetUnavailable = "target-unavailable", Error;
    /// A deletion that was inferred from absence is withheld.
    DeletionWithheld = "deletion-withheld", Error;
    /// An option that does not exist.
    UnknownOption = "unknown-option", Warning;
    /// An option for a port that the Service does not have.
    UnknownPort = "unknown-port", Warning;
    /// An option given twice, in two spellings.
    DuplicateOption = "duplicate-option", Warning;
    /// Text after the end of a JSON value is ignored.
    TrailingText = "trailing-text", Warning;
    /// A value that vulcand takes, and that does harm.
    HarmfulValue = "harmful-value", Warning;
    /// Two middlewares of one frontend share a priority: vulcand orders them at random.
    EqualPriority = "equal-priority", Warning;
    /// An endpoint address that can't be read.
    UnreadableAddress = "unreadable-address", Warning;
    /// The endpoints were cut at their source.
    TruncatedEndpoints = "truncated-endpoints", Warning;
    /// The roots of two trees in use begin with each other: vulcand mixes their events.
    SiblingRoots = "sibling-roots", Warning;
    /// A backend or frontend that nothing wants stays, because of the policy.
    Kept = "kept", Info;
    /// A backend that nothing wants stays while a frontend refers to it.
    StillReferenced = "still-referenced", Info;
    /// The Service has no route: a backend is written, no frontend.
    NoRoute = "no-route", Info;
    /// A port with a protocol other than TCP is not published.
    UnsupportedProtocol = "unsupported-protocol", Info;
    /// ExternalName Services are not published without `--allow-external-name`.
    ExternalName = "external-name", Info;
    /// A Service with `romulus/` annotations and no port to publish.
    NoPorts = "no-ports", Info;
    /// No endpoint is ready: terminating ones that still serve are used.
    LastResort = "last-resort", Info;
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
pub(crate) fn did_you_mean<'c>(
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
