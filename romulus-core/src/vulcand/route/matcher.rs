use std::fmt;

use super::danger::matches_nothing;
use super::pattern::Pattern;
use super::regexp::Regexp;
use crate::vulcand::expression::{Text, quote_bytes};

/// One condition of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matcher {
    /// The request's host, in lower case and without port, fits the pattern.
    Host(Pattern),
    /// The request's host, in lower case and without port, has a match of the expression.
    HostRegexp(Regexp),
    /// The request's path fits the pattern.
    Path(Pattern),
    /// The request's path has a match of the expression.
    PathRegexp(Regexp),
    /// The request's method fits the pattern.
    Method(Pattern),
    /// The request's method has a match of the expression.
    MethodRegexp(Regexp),
    /// The first value of the header (empty without one) fits the pattern.
    Header(Text, Pattern),
    /// The first value of the header (empty without one) has a match of the expression.
    HeaderRegexp(Text, Regexp),
}

/// What of a request a matcher looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Host,
    Path,
    Method,
    /// By the name in the route, not canonicalised: vulcand takes `x-a` and `X-A` for two parts.
    Header(Text),
}

impl Part {
    /// Where parameters of a literal stop.
    pub(super) fn separator(&self) -> u8 {
        match self {
            Self::Host => b'.',
            Self::Path | Self::Header(_) => b'/',
            Self::Method => b' ',
        }
    }
}

impl Matcher {
    /// Whether it compares with a pattern; vulcand chains and merges these.
    pub fn is_literal(&self) -> bool {
        self.pattern().is_some()
    }

    /// Whether no request can match it: its pattern ends with digits (`<int:x>`), which only match
    /// before a separator, or has other text behind a parameter.
    ///
    /// ```
    /// use romulus_core::vulcand::route::Route;
    /// let never = |route: &str| Ok::<_, romulus_core::vulcand::route::RouteError>(
    ///     route.parse::<Route>()?.matchers().iter().any(|matcher| matcher.never_matches()),
    /// );
    /// assert!(never("Path(`/users/<int:id>`)")?);
    /// assert!(!never("Path(`/users/<id>`)")?);
    /// # Ok::<(), romulus_core::vulcand::route::RouteError>(())
    /// ```
    pub fn never_matches(&self) -> bool {
        matches_nothing(self)
    }

    /// Its pattern, if it has one.
    pub fn pattern(&self) -> Option<&Pattern> {
        match self {
            Self::Host(pattern)
            | Self::Path(pattern)
            | Self::Method(pattern)
            | Self::Header(_, pattern) => Some(pattern),
            _ => None,
        }
    }

    /// Its regular expression, if it has one.
    pub fn regexp(&self) -> Option<&Regexp> {
        match self {
            Self::HostRegexp(regexp)
            | Self::PathRegexp(regexp)
            | Self::MethodRegexp(regexp)
            | Self::HeaderRegexp(_, regexp) => Some(regexp),
            _ => None,
        }
    }

    pub(super) fn part(&self) -> Part {
        match self {
            Self::Host(_) | Self::HostRegexp(_) => Part::Host,
            Self::Path(_) | Self::PathRegexp(_) => Part::Path,
            Self::Method(_) | Self::MethodRegexp(_) => Part::Method,
            Self::Header(name, _) | Self::HeaderRegexp(name, _) => Part::Header(name.clone()),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self
            .pattern()
            .map(Pattern::source)
            .or(self.regexp().map(Regexp::source));
        let value = quote_bytes(source.map_or(b"", Text::as_bytes));
        let suffix = if self.is_literal() { "" } else { "Regexp" };
        match self.part() {
            Part::Host => write!(f, "Host{suffix}({value})"),
            Part::Path => write!(f, "Path{suffix}({value})"),
            Part::Method => write!(f, "Method{suffix}({value})"),
            Part::Header(name) => {
                write!(
                    f,
                    "Header{suffix}({}, {value})",
                    quote_bytes(name.as_bytes())
                )
            }
        }
    }
}
