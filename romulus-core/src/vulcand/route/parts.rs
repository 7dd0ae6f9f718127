use super::matcher::Matcher;
use super::pattern::Pattern;
use super::regexp::Regexp;
use crate::vulcand::expression::{Text, quote};

/// The highest priority.
const MAX_PRIORITY: u16 = 9999;

/// A route to be written: at most one condition each on host, path, method and a header.
///
/// [`print`](Self::print) writes it so that it works beside all other routes written this way. Plain
/// conditions on host and path stay as they are; others get a regular expression where vulcand's
/// router would merge them wrongly with other routes, or read a parameter past the end of its part.
///
/// ```
/// use romulus_core::vulcand::route::RouteParts;
/// let route = RouteParts::new().host("www.example.com")?.path_regexp("/guestbook/.*")?;
/// let text = "Host(`www.example.com`) && PathRegexp(`/guestbook/.*`)";
/// assert_eq!(route.print().as_deref(), Some(text));
///
/// let route = RouteParts::new().host("a.test")?.method("get")?.priority(300)?;
/// let text = "/*0300*/ Host(`a.test`) && MethodRegexp(`^GET$`)";
/// assert_eq!(route.print().as_deref(), Some(text));
/// # Ok::<(), romulus_core::vulcand::route::PartError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteParts {
    host: Option<Matcher>,
    path: Option<Matcher>,
    method: Option<Matcher>,
    header: Option<Matcher>,
    priority: Option<u16>,
}

/// Why a value can't be a part of a route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}, at byte {offset} of the value; {help}")]
pub struct PartError {
    /// Where in the value, in bytes from its start.
    pub offset: usize,
    /// What is wrong there.
    pub message: String,
    /// The way out.
    pub help: &'static str,
}

impl PartError {
    fn new(offset: usize, message: impl Into<String>, help: &'static str) -> Self {
        Self {
            offset,
            message: message.into(),
            help,
        }
    }
}

impl RouteParts {
    /// No part at all: no route.
    pub fn new() -> Self {
        Self::default()
    }

    /// The request's host fits the pattern. Lower-cased here, and a port is dropped: vulcand cuts
    /// it from requests.
    pub fn host(mut self, pattern: &str) -> Result<Self, PartError> {
        let lower = Text::from(pattern).to_lowercase().to_string();
        let host = match lower.rsplit_once(':') {
            Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
                host
            }
            _ => lower.as_str(),
        };
        let parsed = literal(host)?;
        if parsed.has_byte(b':') {
            return Err(PartError::new(
                host.find(':').unwrap_or_default(),
                format!("the host `{host}` can't match: vulcand cuts hosts at the first colon"),
                "give a host name; requests to IPv6 addresses can't be told apart",
            ));
        }
        put(&mut self.host, Matcher::Host(parsed))?;
        Ok(self)
    }

    /// The pattern that hosts have to fit; `None` where there is no such part, or an expression.
    pub fn host_pattern(&self) -> Option<&Pattern> {
        self.host.as_ref()?.pattern()
    }

    /// The request's host, in lower case and without port, has a match of the expression.
    pub fn host_regexp(mut self, regexp: &str) -> Result<Self, PartError> {
        put(
            &mut self.host,
            Matcher::HostRegexp(expression(regexp, true)?),
        )?;
        Ok(self)
    }

    /// The request's path fits the pattern.
    pub fn path(mut self, pattern: &str) -> Result<Self, PartError> {
        put(&mut self.path, Matcher::Path(literal(pattern)?))?;
        Ok(self)
    }

    /// The request's path has a match of the expression.
    pub fn path_regexp(mut self, regexp: &str) -> Result<Self, PartError> {
        put(
            &mut self.path,
            Matcher::PathRegexp(expression(regexp, false)?),
        )?;
        Ok(self)
    }

    /// The request's method fits the pattern. Upper-cased here.
    pub fn method(mut self, pattern: &str) -> Result<Self, PartError> {
        let upper = if literal(pattern)?.has_parameters() {
            pattern.to_owned()
        } else {
            pattern.to_ascii_uppercase()
        };
        put(&mut self.method, Matcher::Method(literal(&upper)?))?;
        Ok(self)
    }

    /// The request's method has a match of the expression.
    pub fn method_regexp(mut self, regexp: &str) -> Result<Self, PartError> {
        put(
            &mut self.method,
            Matcher::MethodRegexp(expression(regexp, false)?),
        )?;
        Ok(self)
    }

    /// The header's first value fits the pattern.
    pub fn header(mut self, name: &str, pattern: &str) -> Result<Self, PartError> {
        put(
            &mut self.header,
            Matcher::Header(name.into(), literal(pattern)?),
        )?;
        Ok(self)
    }

    /// The header's first value (empty without the header) has a match of the expression.
    pub fn header_regexp(mut self, name: &str, regexp: &str) -> Result<Self, PartError> {
        put(
            &mut self.header,
            Matcher::HeaderRegexp(name.into(), expression(regexp, false)?),
        )?;
        Ok(self)
    }

    /// How the route ranks among others with a priority, 0 to 9999, the highest first: a leading
    /// comment, by which vulcand sorts. Routes without one rank above all of them.
    pub fn priority(mut self, priority: u16) -> Result<Self, PartError> {
        if priority > MAX_PRIORITY {
            let message = format!("the priority {priority} is above {MAX_PRIORITY}");
            return Err(PartError::new(0, message, "give a number from 0 to 9999"));
        }
        self.priority = Some(priority);
        Ok(self)
    }

    /// Whether there is no condition, and so no route.
    pub fn is_empty(&self) -> bool {
        self.matchers().next().is_none()
    }

    /// The conditions, in the order in which they are written.
    pub fn matchers(&self) -> impl Iterator<Item = &Matcher> {
        [&self.host, &self.path, &self.method, &self.header]
            .into_iter()
            .flatten()
    }

    /// The route's text, in a form that is safe beside all others; `None` without any condition.
    pub fn print(&self) -> Option<String> {
        let mut terms: Vec<String> = Vec::new();
        // The literal conditions that vulcand would chain so far, while there is nothing else.
        let mut chain: Option<Vec<&Pattern>> = Some(Vec::new());
        for matcher in self.matchers() {
            let (Some(pattern), Some(previous)) = (matcher.pattern(), &mut chain) else {
                chain = None;
                terms.push(matcher.to_string());
                continue;
            };
            // Of chains, only host and path compare equal parts in all routes.
            let apart = !matches!(matcher, Matcher::Host(_) | Matcher::Path(_));
            if previous.is_empty() || !(apart || previous.iter().any(|p| p.spills())) {
                previous.push(pattern);
                terms.push(matcher.to_string());
                continue;
            }
            chain = None;
            match plain_text(pattern) {
                Some(text) if apart => terms.push(exactly(matcher, text)),
                _ => terms.extend([always(matcher), matcher.to_string()]),
            }
        }
        // A trie with parameters may find another of its routes first.
        if chain.is_some_and(|patterns| patterns.iter().any(|p| p.has_parameters())) {
            terms.push("PathRegexp(``)".into());
        }
        let comment = self.priority.map(|priority| format!("/*{priority:04}*/ "));
        (!terms.is_empty()).then(|| comment.unwrap_or_default() + &terms.join(" && "))
    }
}

fn put(slot: &mut Option<Matcher>, matcher: Matcher) -> Result<(), PartError> {
    match slot {
        Some(before) => Err(PartError::new(
            0,
            format!("{matcher} comes in addition to {before}"),
            "give one condition for each part, or one regular expression for both",
        )),
        None => {
            *slot = Some(matcher);
            Ok(())
        }
    }
}

fn literal(text: &str) -> Result<Pattern, PartError> {
    if let Some(offset) = text.find('\0') {
        let message = "a NUL matches nothing in vulcand";
        return Err(PartError::new(offset, message, "take it out"));
    }
    Pattern::new(text.into()).map_err(|error| {
        let help = "write `<name>` for a run up to the next separator, `<int:name>` for digits \
                    before one, or use the regular expression form";
        PartError::new(error.at, error.message, help)
    })
}

fn expression(text: &str, lower: bool) -> Result<Regexp, PartError> {
    Regexp::new(&text.into(), lower).map_err(|bad| {
        PartError::new(
            bad.offset,
            bad.message,
            "vulcand's regular expressions are those of Go (RE2)",
        )
    })
}

/// The text of a pattern without parameters.
fn plain_text(pattern: &Pattern) -> Option<&str> {
    if pattern.has_parameters() {
        None
    } else {
        pattern.source().as_str()
    }
}

/// The regular expression term that matches exactly what the literal one does.
fn exactly(matcher: &Matcher, text: &str) -> String {
    let mut regexp = String::from("^");
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            regexp.push('\\');
        }
        regexp.push(c);
    }
    regexp.push('$');
    regexp_term(matcher, &quote(&regexp))
}

/// A term on the same part that always matches. In double quotes it sorts below the terms that
/// [`exactly`] writes, as a parameter does below a letter.
fn always(matcher: &Matcher) -> String {
    regexp_term(matcher, r#""""#)
}

fn regexp_term(matcher: &Matcher, literal: &str) -> String {
    match matcher {
        Matcher::Header(name, _) | Matcher::HeaderRegexp(name, _) => {
            format!("HeaderRegexp({}, {literal})", quote(&name.to_string()))
        }
        Matcher::Host(_) | Matcher::HostRegexp(_) => format!("HostRegexp({literal})"),
        Matcher::Path(_) | Matcher::PathRegexp(_) => format!("PathRegexp({literal})"),
        Matcher::Method(_) | Matcher::MethodRegexp(_) => format!("MethodRegexp({literal})"),
    }
}
