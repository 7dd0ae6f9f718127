use super::Route;
use super::matcher::{Matcher, Part};
use super::request::Request;
use super::trie::Trie;

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
    /// In the order in which they are tried.
    routes: Vec<Entry<I>>,
    matchers: Vec<Compiled>,
}

#[derive(Debug, Clone)]
struct Entry<I> {
    id: I,
    route: Route,
    alone: Vec<Compiled>,
}

/// What vulcand's router tries: a trie of literal routes, or one route with a regular expression.
#[derive(Debug, Clone)]
enum Compiled {
    Trie(Trie),
    Regexp {
        part: Part,
        regexp: Option<regex::bytes::Regex>,
    },
    /// The route of this index, all of whose groups have to match.
    Route(usize),
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
        let routes: Vec<_> = routes
            .into_iter()
            .enumerate()
            .map(|(index, (id, route))| Entry {
                id,
                alone: groups(&route, index),
                route,
            })
            .collect();
        let mut matchers: Vec<Compiled> = Vec::new();
        for (index, entry) in routes.iter().enumerate() {
            let Some(chain) = entry.route.chain() else {
                matchers.push(Compiled::Route(index));
                continue;
            };
            let merged = match matchers.last_mut() {
                Some(Compiled::Trie(trie)) => trie.merge(chain, index),
                _ => false,
            };
            if !merged {
                matchers.push(Compiled::Trie(Trie::new(chain, index)));
            }
        }
        Self { routes, matchers }
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
        self.matchers.iter().find_map(|matcher| match matcher {
            Compiled::Route(index) => self.routes[*index].matches(request).then_some(*index),
            other => other.find(request),
        })
    }
}

impl<I> Entry<I> {
    fn matches(&self, request: &Request) -> bool {
        self.alone.iter().all(|group| group.find(request).is_some())
    }
}

impl Compiled {
    fn find(&self, request: &Request) -> Option<usize> {
        match self {
            Self::Trie(trie) => trie.find(request),
            Self::Regexp { part, regexp } => {
                let found = regexp
                    .as_ref()
                    .is_some_and(|r| r.is_match(request.part(part).as_bytes()));
                found.then_some(0)
            }
            Self::Route(index) => Some(*index),
        }
    }
}

/// The groups of a route, each compiled.
fn groups(route: &Route, index: usize) -> Vec<Compiled> {
    let compile = |group: &[Matcher]| match group {
        [matcher] if let Some(regexp) = matcher.regexp() => Compiled::Regexp {
            part: matcher.part(),
            regexp: regexp.compile(),
        },
        chain => Compiled::Trie(Trie::new(chain, index)),
    };
    route.groups().map(compile).collect()
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
        groups(self, 0)
            .iter()
            .all(|group| group.find(request).is_some())
    }
}
