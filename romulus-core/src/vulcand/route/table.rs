use super::Route;
use super::matcher::{Matcher, Part};
use super::request::Request;
use super::trie::Trie;
use crate::vulcand::regexp;

/// The routes of one vulcand, compiled as its router compiles them.
///
/// Routes are sorted by text, highest first, and the first that matches wins; neighbours that are
/// chains of literal matchers are merged into one trie, which doesn't always find what its routes
/// would find alone. `I` is what stands for a frontend, its id for example.
///
/// ```
/// use romulus_core::vulcand::route::{Request, RouteTable, Why};
/// let table = RouteTable::new([
///     ("web", "Host(`www.example.com`)".parse()?),
///     ("api", "Host(`www.example.com`) && PathRegexp(`^/api/.*`)".parse()?),
/// ]);
/// let answer = table.answer(&Request::new("GET", "www.example.com", "/api/1"));
/// assert_eq!(answer.winner, Some(&"api"));
/// assert_eq!(answer.also_matched, [&"web"]);
/// assert_eq!(answer.why, Why::First);
/// # Ok::<(), romulus_core::vulcand::route::RouteError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RouteTable<I> {
    /// In descending order of their texts.
    routes: Vec<Entry<I>>,
    /// In the order in which they are tried.
    attempts: Vec<Attempt>,
}

#[derive(Debug, Clone)]
struct Entry<I> {
    id: I,
    route: Route,
    /// Compiled unless the route is a single chain.
    groups: Vec<Group>,
}

/// What the router tries at once.
#[derive(Debug, Clone)]
enum Attempt {
    /// Neighbouring routes that are chains of literals.
    Merged(Trie),
    /// The route of this index, which has a regular expression.
    Single(usize),
}

/// A compiled group of matchers.
#[derive(Debug, Clone)]
enum Group {
    Chain(Trie),
    Regexp(Part, Option<regexp::Regexp>),
}

/// Which frontend answers a request, and which others would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<'t, I> {
    /// The frontend that answers; `None` is vulcand's 404.
    pub winner: Option<&'t I>,
    /// Why it is this one.
    pub why: Why,
    /// The frontends whose routes, alone in a vulcand, would match the request but lose here,
    /// highest text first.
    pub also_matched: Vec<&'t I>,
}

/// Why a request goes where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No route matches.
    NoMatch,
    /// Only the winner's route matches.
    Only,
    /// Several routes match, and the winner's text sorts highest.
    First,
    /// Several routes match, and the trie they were merged into found the winner before one whose
    /// text sorts higher.
    Trie,
    /// The winner's route doesn't match: vulcand merged it with a route of other parts and compares
    /// the wrong ones.
    WrongMerge,
    /// A route matches, but vulcand merged it with another one and doesn't find it.
    LostInMerge,
}

impl<I: Ord> RouteTable<I> {
    /// The table of a vulcand that has just started with these frontends: of those with equal
    /// texts, which share one entry, the greatest id has it.
    pub fn new(routes: impl IntoIterator<Item = (I, Route)>) -> Self {
        let mut routes: Vec<_> = routes.into_iter().collect();
        routes.sort_by(|(id, route), (other_id, other)| {
            other.cmp(route).then_with(|| other_id.cmp(id))
        });
        routes.dedup_by(|(_, next), (_, kept)| next == kept);
        let mut attempts = Vec::new();
        for (index, (_, route)) in routes.iter().enumerate() {
            let Some(chain) = route.chain() else {
                attempts.push(Attempt::Single(index));
                continue;
            };
            let merged = match attempts.last_mut() {
                Some(Attempt::Merged(trie)) => trie.merge(chain, index),
                _ => false,
            };
            if !merged {
                attempts.push(Attempt::Merged(Trie::new(chain, index)));
            }
        }
        let routes = routes
            .into_iter()
            .map(|(id, route)| Entry::new(id, route))
            .collect();
        Self { routes, attempts }
    }
}

impl<I> RouteTable<I> {
    /// The frontend that answers the request; `None` is vulcand's 404.
    pub fn winner(&self, request: &Request) -> Option<&I> {
        self.find(request).map(|index| &self.routes[index].id)
    }

    /// The frontend that answers the request, why, and which others match but lose.
    pub fn answer(&self, request: &Request) -> Answer<'_, I> {
        let winner = self.find(request);
        let alone: Vec<_> = (0..self.routes.len())
            .filter(|&index| self.routes[index].matches(request))
            .collect();
        let why = match (winner, alone.as_slice()) {
            (None, []) => Why::NoMatch,
            (None, _) => Why::LostInMerge,
            (Some(winner), alone) if !alone.contains(&winner) => Why::WrongMerge,
            (Some(_), [_]) => Why::Only,
            (Some(winner), [first, ..]) if winner == *first => Why::First,
            (Some(_), _) => Why::Trie,
        };
        let losers = alone.into_iter().filter(|&index| Some(index) != winner);
        Answer {
            winner: winner.map(|index| &self.routes[index].id),
            why,
            also_matched: losers.map(|index| &self.routes[index].id).collect(),
        }
    }

    fn find(&self, request: &Request) -> Option<usize> {
        self.attempts.iter().find_map(|attempt| match attempt {
            Attempt::Merged(trie) => trie.find(request),
            Attempt::Single(index) => self.routes[*index].matches(request).then_some(*index),
        })
    }
}

impl<I> Entry<I> {
    fn new(id: I, route: Route) -> Self {
        let single = route.chain().is_some();
        let groups = if single {
            Vec::new()
        } else {
            route.groups().map(Group::new).collect()
        };
        Self { id, route, groups }
    }

    /// Whether the route matches alone.
    fn matches(&self, request: &Request) -> bool {
        match self.route.chain() {
            Some(chain) => Group::new(chain).matches(request),
            None => self.groups.iter().all(|group| group.matches(request)),
        }
    }
}

impl Group {
    fn new(matchers: &[Matcher]) -> Self {
        match matchers {
            [matcher] if let Some(regexp) = matcher.regexp() => {
                Self::Regexp(matcher.part(), regexp.compile())
            }
            chain => Self::Chain(Trie::new(chain, 0)),
        }
    }

    fn matches(&self, request: &Request) -> bool {
        match self {
            Self::Chain(trie) => trie.find(request).is_some(),
            Self::Regexp(part, regexp) => {
                let text = request.part(part);
                regexp.as_ref().is_some_and(|regexp| regexp.is_match(text))
            }
        }
    }
}

impl Route {
    /// Whether the route matches the request in a vulcand that has no other.
    ///
    /// Compiles the route each time; for many requests make a [`RouteTable`].
    ///
    /// ```
    /// use romulus_core::vulcand::route::{Request, Route};
    /// let route: Route = "Path(`/a/<x>`) && Method(`GET`)".parse()?;
    /// // A parameter at the end of a part runs into the next part.
    /// assert!(!route.matches(&Request::new("GET", "a.test", "/a/b")));
    /// # Ok::<(), romulus_core::vulcand::route::RouteError>(())
    /// ```
    pub fn matches(&self, request: &Request) -> bool {
        self.groups()
            .all(|group| Group::new(group).matches(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(routes: &[(&'static str, &str)]) -> RouteTable<&'static str> {
        RouteTable::new(
            routes
                .iter()
                .map(|(id, route)| (*id, route.parse().unwrap())),
        )
    }

    #[test]
    fn answers_say_why() {
        let table = table(&[
            ("path", "Host(`a`) && Path(`/x`)"),
            ("method", "Host(`a`) && Method(`GET`)"),
            ("get", "Host(`b`) && Path(`GET`)"),
            ("literal", "/*1*/ Path(`/b`)"),
            ("other", "/*1*/ Path(`/<x>/y`)"),
            ("any", "/*1*/ Path(`/<x>`)"),
            ("prefix", "PathRegexp(`^/p`)"),
        ]);
        for (request, winner, why, also) in [
            (("GET", "a", "/y"), Some("method"), Why::First, vec!["any"]),
            (
                ("GET", "a", "/x"),
                Some("method"),
                Why::Trie,
                vec!["path", "any"],
            ),
            (("GET", "b", "/x/z"), Some("get"), Why::WrongMerge, vec![]),
            (("GET", "c", "/b"), Some("any"), Why::Trie, vec!["literal"]),
            (("GET", "c", "/p"), Some("prefix"), Why::First, vec!["any"]),
            (("GET", "c", "/c"), Some("any"), Why::Only, vec![]),
            (("GET", "c", "/c/d"), None, Why::NoMatch, vec![]),
        ] {
            let (method, host, path) = request;
            let answer = table.answer(&Request::new(method, host, path));
            let shown = (answer.winner.copied(), answer.why);
            let losers: Vec<&str> = answer.also_matched.into_iter().copied().collect();
            assert_eq!((shown, losers), ((winner, why), also), "{request:?}");
        }
    }

    #[test]
    fn a_route_can_be_lost() {
        let table = table(&[
            ("a", "Host(`a`) && Path(`/x`)"),
            ("b", "Host(`b`) && Method(`GET`)"),
        ]);
        let answer = table.answer(&Request::new("GET", "b", "/x"));
        assert_eq!((answer.winner, answer.why), (None, Why::LostInMerge));
        assert_eq!(answer.also_matched, [&"b"]);
    }

    #[test]
    fn of_equal_texts_the_greatest_id_is_started() {
        let table = table(&[("a", "Path(`/`)"), ("c", "Path(`/`)"), ("b", "Path(`/`)")]);
        let answer = table.answer(&Request::new("GET", "h", "/"));
        assert_eq!((answer.winner, answer.also_matched.len()), (Some(&"c"), 0));
    }

    #[test]
    fn expressions_match_as_gos_do() {
        for (regexp, path, matched) in [
            (r"^/\d$", "/1", true),
            (r"^/\d$", "/\u{661}", false),
            (r"^/\w$", "/é", false),
            (r"^/\W$", "/é", true),
            (r"^/[\W]$", "/é", true),
            (r"^/a\b", "/aé", true),
            (r"^/.$", "/é", true),
            (r"^/a(?i)*b$", "/aaB", true),
            (r"^/(?i)k$", "/\u{212a}", true),
            (r"^/[&&a]$", "/&", true),
            (r"^/\Qa.b\E+$", "/a.bb", true),
            (r"^/a{,2}$", "/a{,2}", true),
            (r"^/\x{2F}", "//", true),
            (r"/x$", "/x\n", false),
            (r"(?m)/x$", "/x\n", true),
            (r"^/(?P<1>x)$", "/x", true),
        ] {
            let route: Route = format!("PathRegexp(`{regexp}`)").parse().unwrap();
            assert_eq!(
                route.matches(&Request::new("GET", "h", path)),
                matched,
                "{regexp} {path}"
            );
        }
    }
}
