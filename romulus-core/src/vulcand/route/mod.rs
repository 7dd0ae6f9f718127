//! Routes: the expressions by which vulcand tells which frontend answers a request.
//!
//! A route is one or more matchers joined by `&&`, in the syntax of Go expressions:
//! ``Host(`www.example.com`) && PathRegexp(`/guestbook/.*`)``. What is accepted here, and what it
//! matches, is what a running vulcand was found to accept and match, its defects included:
//!
//! - [`Route`] parses and prints one; [`RouteError`] says where and why not.
//! - [`RouteTable`] answers which of many routes takes a [`Request`].
//! - [`dangerous_pair`] says which routes must not be in one tree.
//! - [`shadowed`] says which routes of a tree never answer.
//! - [`RouteParts`] writes routes that are safe beside all others it writes.

mod danger;
mod error;
mod matcher;
mod parse;
mod parts;
mod pattern;
mod regexp;
mod request;
mod shadow;
mod table;
mod trie;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

pub use crate::vulcand::expression::{Text, quote};
pub use danger::{Danger, dangerous_pair};
pub use error::RouteError;
pub use matcher::Matcher;
pub use parts::{PartError, RouteParts};
pub use pattern::Pattern;
pub use regexp::Regexp;
pub use request::Request;
pub use shadow::shadowed;
pub use table::{Answer, RouteTable, Why};

/// A route expression that vulcand accepts.
///
/// vulcand knows a route by its **text**: two routes are the same exactly if their texts are, and
/// they rank by their texts. So equality and order are those of [`as_str`](Self::as_str), while
/// `Display` prints the canonical form of the expression: matchers joined by ` && `, values in
/// backticks, no comments.
///
/// ```
/// use romulus_core::vulcand::route::Route;
/// let route: Route = r#"/*0300*/ Host("WWW.example.com")&&Path("/api")"#.parse()?;
/// assert_eq!(route.to_string(), "Host(`www.example.com`) && Path(`/api`)");
/// assert_eq!(route.matchers().len(), 2);
///
/// let error = "Host(`a`) || Host(`b`)".parse::<Route>().unwrap_err();
/// assert_eq!(error.offset, 10);
/// # Ok::<(), romulus_core::vulcand::route::RouteError>(())
/// ```
#[derive(Clone)]
pub struct Route {
    text: Box<str>,
    expression: parse::Expression,
}

impl Route {
    /// The text as it was given: what vulcand stores, sorts and compares.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The matchers, in source order. All of them have to match.
    pub fn matchers(&self) -> &[Matcher] {
        &self.expression.matchers
    }

    /// The matchers in the groups that vulcand evaluates together: chains of literal matchers, and
    /// everything else one by one.
    pub fn groups(&self) -> impl Iterator<Item = &[Matcher]> {
        let mut rest = self.expression.matchers.as_slice();
        self.expression.groups.iter().map(move |&length| {
            let (group, tail) = rest.split_at(length.min(rest.len()));
            rest = tail;
            group
        })
    }

    /// The one chain of literal matchers that the whole route is, if it is one. Only such routes
    /// are merged with others.
    pub fn chain(&self) -> Option<&[Matcher]> {
        let mut groups = self.groups();
        let chain = groups.next()?;
        (groups.next().is_none() && chain.iter().all(Matcher::is_literal)).then_some(chain)
    }
}

impl FromStr for Route {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        Ok(Self {
            expression: parse::parse(text)?,
            text: text.into(),
        })
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Joining from the left, a chain would swallow the chain to its right; parentheses keep
        // them apart until something that is no chain has been joined.
        let mut chain_so_far = true;
        let mut open = 0;
        for (index, group) in self.groups().enumerate() {
            let chain = group.iter().all(Matcher::is_literal);
            let text = group
                .iter()
                .map(Matcher::to_string)
                .collect::<Vec<_>>()
                .join(" && ");
            match (index, chain) {
                (0, _) => {
                    chain_so_far = chain;
                    f.write_str(&text)?;
                }
                (_, true) if chain_so_far => {
                    open += 1;
                    write!(f, " && ({text}")?;
                }
                (_, true) if group.len() > 1 => write!(f, " && ({text})")?,
                (_, true) => write!(f, " && {text}")?,
                (_, false) => {
                    chain_so_far = false;
                    write!(f, " && {text}{}", ")".repeat(std::mem::take(&mut open)))?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Route").field(&self.text).finish()
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Route {}

impl PartialOrd for Route {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Route {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for Route {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}
