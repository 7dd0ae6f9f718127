use std::collections::BTreeMap;

use super::matcher::Part;
use super::{Matcher, Request, Route, dangerous_pair};

/// Which routes of a tree never answer, because another one ranks above them and matches all that
/// they match; each with that other one.
///
/// In doubt a route is not told. What is found stays true whatever routes are added.
///
/// ```
/// use romulus_core::vulcand::route::{Route, shadowed};
/// let exact: Route = "Host(`www.example.com`)".parse()?;
/// let any: Route = r"HostRegexp(`^[a-z]+\.example\.com$`)".parse()?;
/// // `HostRegexp(` sorts above `Host(`, and the highest text is tried first.
/// assert_eq!(shadowed([(1, &exact), (2, &any)]), [(1, 2)]);
/// # Ok::<(), romulus_core::vulcand::route::RouteError>(())
/// ```
pub fn shadowed<'r, I: Ord + Copy>(
    routes: impl IntoIterator<Item = (I, &'r Route)>,
) -> Vec<(I, I)> {
    let mut routes: Vec<_> = routes.into_iter().collect();
    routes.sort_by(|(id, route), (other_id, other)| other.cmp(route).then(id.cmp(other_id)));
    // A route that wants exactly one host and one path can only hide routes that want the same.
    let mut above: BTreeMap<Wants<'_>, Vec<(I, &Route)>> = BTreeMap::new();
    let mut found = Vec::new();
    for (id, route) in routes {
        let wants = Wants::of(route);
        let mut candidates = wants.generalised().into_iter().flat_map(|wants| {
            let same = above.get(&wants);
            same.into_iter().flatten()
        });
        if let Some((other, _)) = candidates.find(|(_, high)| covers(high, route)) {
            found.push((id, *other));
        }
        above.entry(wants).or_default().push((id, route));
    }
    found
}

/// The one host and the one path that a route wants, where it wants one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wants<'r> {
    host: Option<&'r [u8]>,
    path: Option<&'r [u8]>,
}

impl<'r> Wants<'r> {
    fn of(route: &'r Route) -> Self {
        let exact = |part: &Part| {
            let mut matchers = route.matchers().iter();
            matchers.find_map(|matcher| (matcher.part() == *part).then(|| text(matcher))?)
        };
        Self {
            host: exact(&Part::Host),
            path: exact(&Part::Path),
        }
    }

    /// What a route may want that matches all that one wanting this does.
    fn generalised(self) -> Vec<Self> {
        let mut all = vec![self];
        if self.path.is_some() {
            all.push(Self { path: None, ..self });
        }
        if self.host.is_some() {
            all.extend(all.clone().into_iter().map(|w| Self { host: None, ..w }));
        }
        all
    }
}

/// The one text that a matcher matches, if it is one.
fn text(matcher: &Matcher) -> Option<&[u8]> {
    let pattern = matcher.pattern()?;
    (!pattern.has_parameters()).then(|| pattern.source().as_bytes())
}

/// Whether a route matches whatever the other one matches; in doubt it does not.
fn covers(high: &Route, low: &Route) -> bool {
    // Beside a parameter that reads on into another part, nothing is as it seems.
    let is_plain = |route: &Route| {
        let parameters = |m: &Matcher| m.pattern().is_some_and(|p| p.has_parameters());
        route.matchers().len() == 1 || !route.matchers().iter().any(parameters)
    };
    is_plain(high)
        && is_plain(low)
        && dangerous_pair(high, low).is_none()
        && high.matchers().iter().all(|wanted| {
            let implied = |given: &Matcher| given.part() == wanted.part() && implies(given, wanted);
            is_always_true(wanted) || low.matchers().iter().any(implied)
        })
}

/// Whether every request fulfils a matcher.
fn is_always_true(matcher: &Matcher) -> bool {
    let Some(source) = matcher.regexp().and_then(|regexp| regexp.source().as_str()) else {
        return false;
    };
    let anything = ["", "^", "$", ".*", "^.*", ".*$", "^.*$"];
    let any_path = ["/", "^/", "/.*", "^/.*", "^/.*$", "^(/|$)"];
    anything.contains(&source) || (matcher.part() == Part::Path && any_path.contains(&source))
}

/// Whether what fulfils one matcher fulfils another one of the same part.
fn implies(given: &Matcher, wanted: &Matcher) -> bool {
    if given == wanted {
        return true;
    }
    match (text(given), prefix(given), prefix(wanted)) {
        (Some(text), ..) => std::str::from_utf8(text).is_ok_and(|text| fits(text, wanted)),
        (None, Some(given), Some(wanted)) => wanted.holds_for(given),
        _ => false,
    }
}

/// Whether a matcher alone matches a text in its part.
fn fits(text: &str, matcher: &Matcher) -> bool {
    let request = match matcher.part() {
        Part::Host => Request::new("GET", text, "/"),
        // A request's path ends before `?`.
        Part::Path if !text.starts_with('/') || text.contains(['?', '%']) => return false,
        Part::Path => Request::new("GET", "host", text),
        Part::Method => Request::new(text, "host", "/"),
        Part::Header(name) => match name.as_str() {
            Some(name) => Request::new("GET", "host", "/").header(name, text),
            None => return false,
        },
    };
    let Ok(alone) = matcher.to_string().parse::<Route>() else {
        return false;
    };
    alone.matches(&request)
}

/// What a regular expression wants at the start.
#[derive(Debug, Clone, Copy)]
struct Prefix<'r> {
    text: &'r str,
    /// What follows is not looked at.
    is_open: bool,
    /// What follows is a slash or nothing.
    is_path: bool,
}

impl Prefix<'_> {
    /// Whether it holds wherever another one does.
    fn holds_for(self, other: Self) -> bool {
        let Some(rest) = other.text.strip_prefix(self.text) else {
            return false;
        };
        self.is_open || (self.is_path && rest.starts_with('/'))
    }
}

fn prefix(matcher: &Matcher) -> Option<Prefix<'_>> {
    let source = matcher.regexp()?.source().as_str()?.strip_prefix('^')?;
    let special = |c: char| r"\.+*?()|[]{}^$".contains(c);
    let end = source.find(special).unwrap_or(source.len());
    let (text, rest) = source.split_at(end);
    // A repetition would be of the last character alone; elsewhere, one side of `|` is not anchored.
    let ends_clean = !rest.starts_with(['+', '*', '?', '{']);
    let is_path = rest == "(/|$)";
    (ends_clean && (is_path || !rest.contains('|'))).then_some(Prefix {
        text,
        is_open: ["", ".*", ".*$"].contains(&rest),
        is_path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_never_answers_is_told() {
        for (low, high, expected) in [
            ("Host(`a.b`)", r"HostRegexp(`.*\.b`)", true),
            ("Host(`a.b`)", r"HostRegexp(`.*\.c`)", false),
            (
                "Host(`a`) && Path(`/x/y`)",
                "Host(`a`) && PathRegexp(`^/x/`)",
                true,
            ),
            (
                "Host(`a`) && Path(`/y`)",
                "Host(`a`) && PathRegexp(`^/x/`)",
                false,
            ),
            (
                "Host(`a`) && Path(`/x/y`)",
                "Host(`b`) && PathRegexp(`^/x/`)",
                false,
            ),
            ("Host(`a`) && PathRegexp(`^/x`)", "PathRegexp(`.*`)", true),
            ("Host(`a`)", "PathRegexp(`^/`)", true),
            ("Host(`a`)", "PathRegexp(`^/x`)", false),
            ("Host(`a`)", "MethodRegexp(`^(GET|HEAD)$`)", false),
            (
                "Host(`a`) && MethodRegexp(`^GET$`)",
                "MethodRegexp(`^GET$`)",
                true,
            ),
            (
                "Host(`a`) && PathRegexp(`^/api(/|$)`)",
                "PathRegexp(`^/api(/|$)`)",
                true,
            ),
            (
                "PathRegexp(`^/api/v1(/|$)`)",
                "/*9*/ PathRegexp(`^/api(/|$)`)",
                false,
            ),
            ("PathRegexp(`^/a/b|/c`)", "PathRegexp(`^/a`)", false),
            ("Path(`/<x>`)", "PathRegexp(`^/`)", true),
            ("Host(`a`) && Path(`/<x>`)", "PathRegexp(`^/`)", false),
        ] {
            let (a, b): (Route, Route) = (low.parse().unwrap(), high.parse().unwrap());
            let found = shadowed([("low", &a), ("high", &b)]);
            let told = found.contains(&("low", "high"));
            assert_eq!(told, expected, "{low} below {high}: {found:?}");
        }
    }

    #[test]
    fn the_longer_of_two_prefixes_ranks_higher_unless_a_priority_says_else() {
        let long: Route = "/*1*/PathRegexp(`^/api/v1(/|$)`)".parse().unwrap();
        let short: Route = "/*1*/PathRegexp(`^/api(/|$)`)".parse().unwrap();
        assert_eq!(shadowed([(1, &long), (2, &short)]), []);
        let first: Route = "/*2*/PathRegexp(`^/api(/|$)`)".parse().unwrap();
        assert_eq!(shadowed([(1, &long), (2, &first)]), [(1, 2)]);
    }
}
