use super::Route;
use super::trie::mergeable;

/// Why two routes must not be in one tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Danger {
    /// vulcand merges them although they look at different parts.
    OtherParts,
}

/// Whether two routes disturb each other in one tree, and how.
pub fn dangerous_pair(a: &Route, b: &Route) -> Option<Danger> {
    let (upper, lower) = if a > b { (a, b) } else { (b, a) };
    let (upper, lower) = (upper.chain()?, lower.chain()?);
    if !mergeable(upper, lower) {
        return None;
    }
    let different = upper.iter().zip(lower).any(|(a, b)| a.part() != b.part());
    different.then_some(Danger::OtherParts)
}
