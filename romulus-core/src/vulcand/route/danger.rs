use std::fmt;

use super::Route;
use super::matcher::{Matcher, Part};
use super::pattern::{Pattern, Piece};
use super::trie::mergeable;

/// How two routes can disturb each other in one tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Danger {
    /// Their texts are equal: vulcand keeps one entry for both, and deleting either removes it.
    SameText,
    /// They are chains that differ in the part their last common matcher looks at. vulcand merges
    /// them nonetheless, so that one of them is compared with the wrong part: it goes dead, or
    /// takes requests of the other.
    OtherParts,
    /// One is a chain that begins like the other's and goes on. The longer one is found first even
    /// where the shorter's text ranks higher; and where it goes on with a parameter alone, which an
    /// absent header fulfils, the shorter one is found first for requests without that header.
    Continued,
    /// One is a chain that ends in a parameter, the other one looks at one part more: the parameter
    /// reads on into that part.
    LastParameter,
    /// One request can fit both, and one has a parameter: which is found first depends on the other
    /// routes of the tree, not on their texts.
    Parameter,
    /// A literal with a NUL byte, which vulcand takes for the start of a matcher.
    Nul,
}

impl fmt::Display for Danger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SameText => "they have the same text, and vulcand keeps one entry for both",
            Self::OtherParts => {
                "vulcand merges them although they look at different parts of a request"
            }
            Self::Continued => {
                "one goes on where the other ends, and vulcand finds the lower ranking one first"
            }
            Self::LastParameter => {
                "the last parameter of the shorter one reads on into the next part of the longer"
            }
            Self::Parameter => {
                "one request can fit both, and which is found depends on other routes"
            }
            Self::Nul => "a NUL byte confuses vulcand's merging",
        })
    }
}

/// Whether two routes disturb each other in one tree, and how.
///
/// Where no two routes of a tree do, every request is answered by the route that ranks highest by
/// its text among those that match it alone. Which others stand between the two in the order of
/// texts, and so may keep them apart for now, is not looked at. In doubt routes are called
/// dangerous: [`Danger::Parameter`] may need a third route to show, header names that differ only
/// in case count as different parts, and parameters in positions where they never match as ones
/// that could.
///
/// ```
/// use romulus_core::vulcand::route::{Danger, Request, Route, RouteTable, dangerous_pair};
/// let path: Route = "Host(`a.test`) && Path(`/x`)".parse()?;
/// let method: Route = "Host(`b.test`) && Method(`GET`)".parse()?;
/// assert_eq!(dangerous_pair(&path, &method), Some(Danger::OtherParts));
/// // The path is compared with `GET`, so the route of b.test is dead.
/// let table = RouteTable::new([("path", path.clone()), ("method", method)]);
/// assert_eq!(table.winner(&Request::new("GET", "b.test", "/y")), None);
///
/// // A regular expression keeps a route out of merges.
/// let safe: Route = "Host(`b.test`) && MethodRegexp(`^GET$`)".parse()?;
/// assert_eq!(dangerous_pair(&path, &safe), None);
/// # Ok::<(), romulus_core::vulcand::route::RouteError>(())
/// ```
pub fn dangerous_pair(a: &Route, b: &Route) -> Option<Danger> {
    if a == b {
        return Some(Danger::SameText);
    }
    let (first, second) = (a.chain()?, b.chain()?);
    if !mergeable(first, second) {
        return None;
    }
    let ((shorter, short), (longer, long)) = if first.len() <= second.len() {
        ((first, a), (second, b))
    } else {
        ((second, b), (first, a))
    };
    if shorter
        .iter()
        .zip(longer)
        .any(|(a, b)| a.part() != b.part())
    {
        return Some(Danger::OtherParts);
    }
    let patterns = |chain| <[Matcher]>::iter(chain).filter_map(Matcher::pattern);
    if patterns(shorter)
        .chain(patterns(longer))
        .any(|pattern| pattern.has_byte(0))
    {
        return Some(Danger::Nul);
    }
    let goes_on = longer.len() > shorter.len();
    if goes_on && reads_on(shorter) {
        return Some(Danger::LastParameter);
    }
    if shorter
        .iter()
        .zip(longer)
        .all(|(a, b)| a.pattern() == b.pattern())
    {
        let next = longer.get(shorter.len()).and_then(Matcher::pattern)?;
        let fits_absence = next.pieces().iter().all(Piece::is_parameter);
        return (short > long || fits_absence).then_some(Danger::Continued);
    }
    if let Some(adds) = adds_parameter(shorter, longer) {
        // Where the parameter is empty, the one without it is found first.
        let first = if adds { short } else { long };
        return (first < short.max(long)).then_some(Danger::Parameter);
    }
    let parameters = patterns(shorter)
        .chain(patterns(longer))
        .any(Pattern::has_parameters);
    (parameters && overlap(shorter, longer)).then_some(Danger::Parameter)
}

/// Whether a chain matches other requests once it is merged with one that goes on: a parameter at
/// the end of a part reads on into the next one. A run that is the whole pattern of the last part
/// is the same in both: requests have no empty paths and methods.
fn reads_on(chain: &[Matcher]) -> bool {
    let Some((last, inner)) = chain.split_last() else {
        return false;
    };
    let whole = matches!(last.pattern().map(Pattern::pieces), Some([Piece::Text(_)]));
    inner.iter().any(ends_in_parameter) || (!whole && ends_in_parameter(last))
}

/// Where two chains are equal but for one more parameter at the end of one: whether that is the
/// second.
fn adds_parameter(a: &[Matcher], b: &[Matcher]) -> Option<bool> {
    let (Some((last_a, inner_a)), Some((last_b, inner_b))) = (a.split_last(), b.split_last())
    else {
        return None;
    };
    let (a, b) = (last_a.pattern()?.pieces(), last_b.pattern()?.pieces());
    let added = |short: &[Piece], long: &[Piece]| {
        matches!(long.strip_prefix(short), Some([Piece::Text(_)]))
    };
    match (inner_a == inner_b, added(a, b), added(b, a)) {
        (true, true, _) => Some(true),
        (true, _, true) => Some(false),
        _ => None,
    }
}

fn ends_in_parameter(matcher: &Matcher) -> bool {
    let last = matcher
        .pattern()
        .and_then(|pattern| pattern.pieces().last());
    last.is_some_and(Piece::is_parameter)
}

/// Whether one request can fit what both chains compare; in doubt it can.
fn overlap(shorter: &[Matcher], longer: &[Matcher]) -> bool {
    let languages = |chain: &[Matcher]| -> Vec<Language> {
        let mut spilled = false;
        let language = |(index, matcher): (usize, &Matcher)| {
            let last = index + 1 == chain.len();
            // A part that the one before read on into can fit in other ways than alone.
            match matcher
                .pattern()
                .map(|pattern| language(pattern, &matcher.part(), last))
            {
                Some(language) if !std::mem::replace(&mut spilled, ends_in_parameter(matcher)) => {
                    language
                }
                Some(Language::Nothing) => Language::Nothing,
                _ => Language::Unsure,
            }
        };
        chain.iter().enumerate().map(language).collect()
    };
    let (shorter, longer) = (languages(shorter), languages(longer));
    shorter.iter().zip(&longer).all(|(a, b)| match (a, b) {
        (Language::Nothing, _) | (_, Language::Nothing) => false,
        (Language::Segments(a), Language::Segments(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.overlaps(b))
        }
        _ => true,
    })
}

/// What a pattern matches.
#[derive(Debug)]
enum Language {
    Segments(Vec<Segment>),
    /// No text at all.
    Nothing,
    /// More than it says, by accidents of the router.
    Unsure,
}

/// What a pattern wants between two separators: some text, then perhaps a run.
#[derive(Debug, Default)]
struct Segment {
    text: Vec<u8>,
    run: Option<Run>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    Any,
    Digits,
}

impl Run {
    fn takes(self, text: &[u8]) -> bool {
        self == Self::Any || text.iter().all(u8::is_ascii_digit)
    }
}

impl Segment {
    fn overlaps(&self, other: &Self) -> bool {
        let (short, long) = if self.text.len() <= other.text.len() {
            (self, other)
        } else {
            (other, self)
        };
        match (long.text.strip_prefix(short.text.as_slice()), short.run) {
            (None, _) => false,
            (Some(rest), Some(run)) => run.takes(rest),
            (Some(rest), None) => rest.is_empty(),
        }
    }
}

/// Whether no request can fit a literal matcher that stands for itself. Digits alone fit what is
/// absent, as a header may be.
pub(super) fn matches_nothing(matcher: &Matcher) -> bool {
    matcher.pattern().is_some_and(|pattern| {
        let language = language(pattern, &matcher.part(), true);
        matches!(language, Language::Nothing) && !matches!(pattern.pieces(), [Piece::Int(_)])
    })
}

fn language(pattern: &Pattern, part: &Part, last: bool) -> Language {
    let mut segments = Vec::new();
    let mut open = Segment::default();
    let mut before = None;
    let mut pieces = pattern.pieces().iter().peekable();
    while let Some(piece) = pieces.next() {
        // Digits at the end of a request put the last byte back, which what follows may take.
        if let (Piece::Int(_), Some(before), Some(next)) = (piece, before, pieces.peek())
            && before == *next
        {
            return Language::Unsure;
        }
        before = Some(piece);
        match (piece, open.run) {
            (Piece::Byte(byte), _) if *byte == part.separator() => {
                segments.push(std::mem::take(&mut open));
            }
            (Piece::Byte(byte), None) => open.text.push(*byte),
            (Piece::Text(_), None | Some(Run::Any)) => open.run = Some(Run::Any),
            (Piece::Int(_), None) => open.run = Some(Run::Digits),
            // A run ends before a separator, where no other text can follow.
            (Piece::Byte(_), Some(Run::Any)) => return Language::Nothing,
            (Piece::Byte(byte), _) if !byte.is_ascii_digit() => return Language::Nothing,
            // Digits put the last one back at the end of a request.
            (Piece::Byte(_) | Piece::Int(_) | Piece::Text(_), Some(_)) => return Language::Unsure,
        }
    }
    match open.run {
        Some(Run::Digits) if last => Language::Nothing,
        _ => {
            segments.push(open);
            Language::Segments(segments)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_danger_has_its_pairs() {
        for (a, b, danger) in [
            ("Host(`a`)", "Host(`a`)", Some(Danger::SameText)),
            ("Path(`/a`)", "Path(\"/a\")", None),
            ("Host(`a`) && Path(`/x`)", "Host(`b`) && Path(`/x`)", None),
            (
                "Host(`a`) && Path(`/x`)",
                "Host(`b`) && Header(`A`, `1`)",
                Some(Danger::OtherParts),
            ),
            ("Path(`/a`)", "Path(`/<x>`)", Some(Danger::Parameter)),
            ("Path(`/a`)", "Path(`/b/<x>`)", None),
            ("Path(`/`)", "Path(`/<x>`)", None),
            ("Path(`/`)", "Path(`/<int:x>/`)", Some(Danger::Parameter)),
            ("Path(`/`)", "Path(`/<int:x>/a`)", Some(Danger::Parameter)),
            ("Path(`/`)", "Path(`/a<int:x>/`)", None),
            ("/*1*/ Path(`/`)", "Path(`/<x>`)", Some(Danger::Parameter)),
            (
                "Host(`a`) && Path(`/x`)",
                "Host(`a`) && Path(`/x`) && Method(`GET`)",
                None,
            ),
            (
                "/*2*/ Host(`a`) && Path(`/x`)",
                "/*1*/ Host(`a`) && Path(`/x`) && Method(`GET`)",
                Some(Danger::Continued),
            ),
            (
                "Host(`a`) && Path(`/x`)",
                "Host(`a`) && Path(`/x`) && Header(`A`, `<v>`)",
                Some(Danger::Continued),
            ),
            (
                "Host(`a`) && Path(`/x/<id>`)",
                "Host(`a`) && Path(`/y`) && Method(`GET`)",
                Some(Danger::LastParameter),
            ),
            ("Path(\"/\\x00\")", "Path(`/a`)", Some(Danger::Nul)),
            (
                "Host(`a`) && PathRegexp(`^/`)",
                "Host(`a`) && Method(`GET`)",
                None,
            ),
        ] {
            let (first, second) = (a.parse().unwrap(), b.parse().unwrap());
            assert_eq!(dangerous_pair(&first, &second), danger, "{a} {b}");
            assert_eq!(dangerous_pair(&second, &first), danger, "{b} {a}");
        }
    }
}
