//! The etcd keys of vulcand and of romulus's own records, parsed once and printed exactly.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use compact_str::CompactString;

/// The prefix of everything romulus keeps for itself, outside every vulcand tree.
pub const OWN_PREFIX: &str = "romulus/";
/// The prefix of ownership records.
pub const RECORDS_PREFIX: &str = "romulus/objects/";

/// The root of a vulcand tree: what vulcand's `-etcdKey` says, taken literally.
///
/// On etcd v3 vulcand uses it as a byte prefix followed by a slash, so `vulcand`, `/vulcand` and
/// `vulcand/` are three different trees (found on a running vulcand).
///
/// ```
/// use romulus_core::key::Root;
/// let root: Root = "/vulcand".parse()?;
/// assert_eq!(root.prefix(), "/vulcand/");
/// assert_eq!(root.escaped(), "%2Fvulcand");
/// assert!("romulus".parse::<Root>().is_err());
/// # Ok::<(), romulus_core::key::RootError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Root(Arc<str>);

/// Roots are few and keys are many: most comparisons are of one root with itself.
impl Ord for Root {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Ordering::Equal;
        }
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Root {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Root {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Root {}

impl Hash for Root {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// Why a text can't be the root of a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// It is empty.
    #[error("the root of a vulcand tree can't be empty: give vulcand's -etcdKey, e.g. `vulcand`")]
    Empty,
    /// Its tree would hold romulus's records, or lie among them.
    #[error(
        "`{0}` can't be the root of a vulcand tree: romulus keeps its own records under `romulus/`"
    )]
    Reserved(Box<str>),
    /// It has a character that no vulcand flag or label can carry safely.
    #[error("`{0}` can't be the root of a vulcand tree: it has a blank or a control character")]
    Character(Box<str>),
}

impl FromStr for Root {
    type Err = RootError;

    fn from_str(text: &str) -> Result<Self, RootError> {
        if text.is_empty() {
            return Err(RootError::Empty);
        }
        if OWN_PREFIX.starts_with(text) || text.starts_with(OWN_PREFIX) {
            return Err(RootError::Reserved(text.into()));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(RootError::Character(text.into()));
        }
        Ok(Self(text.into()))
    }
}

impl Root {
    /// The text as vulcand's `-etcdKey` takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What every key of the tree begins with.
    pub fn prefix(&self) -> String {
        [&self.0, "/"].concat()
    }

    /// One path segment that stands for the root in romulus's own keys: `%` and `/` are escaped.
    pub fn escaped(&self) -> Cow<'_, str> {
        if self.0.contains(['%', '/']) {
            self.0.replace('%', "%25").replace('/', "%2F").into()
        } else {
            self.as_str().into()
        }
    }

    /// The reverse of [`escaped`](Self::escaped).
    fn unescape(text: &str) -> Option<Self> {
        text.replace("%2F", "/").replace("%25", "%").parse().ok()
    }

    /// The key whose periodic put keeps vulcand's watch from being compacted away.
    pub fn heartbeat(&self) -> String {
        format!("{}/romulus/heartbeat", self.0)
    }

    /// Whether a vulcand that reads this tree also sees events of `other`: it matches the text of
    /// its root without a slash.
    pub fn sees(&self, other: &Root) -> bool {
        self != other && other.0.starts_with(&*self.0)
    }

    /// The key's tail below this root.
    fn strip<'k>(&self, key: &'k str) -> Option<&'k str> {
        key.strip_prefix(&*self.0)?.strip_prefix('/')
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a backend, frontend, server or middleware: one path segment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Segment(CompactString);

/// Most of what an index costs is comparing: bytes are compared without looking for characters.
impl Ord for Segment {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.as_bytes().cmp(other.0.as_bytes())
    }
}

impl PartialOrd for Segment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Segment {
    /// Takes a text as a segment of a key; `None` where it is empty or has a slash or a control
    /// character, which would change the shape of the key or hide in a terminal.
    pub fn new(text: &str) -> Option<Self> {
        let is_bad = |c: char| c == '/' || c.is_control();
        let has_bad = if text.is_ascii() {
            text.bytes().any(|b| is_bad(b.into()))
        } else {
            text.contains(is_bad)
        };
        (!text.is_empty() && !has_bad).then(|| Self(text.into()))
    }

    /// A segment read from a key: only the slash is impossible.
    fn stored(text: &str) -> Option<Self> {
        (!text.is_empty() && !text.bytes().any(|b| b == b'/')).then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Indexes of segments can be asked by text: the order of segments is that of their texts.
impl std::borrow::Borrow<str> for Segment {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The two kinds of objects with a head key and children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A backend; its children are servers.
    Backend,
    /// A frontend; its children are middlewares.
    Frontend,
}

impl ObjectKind {
    /// `backends` or `frontends`.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Backend => "backends",
            Self::Frontend => "frontends",
        }
    }

    /// The last segment of the head key: `backend` or `frontend`.
    pub fn head(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::Frontend => "frontend",
        }
    }

    /// `servers` or `middlewares`.
    pub fn children(self) -> &'static str {
        match self {
            Self::Backend => "servers",
            Self::Frontend => "middlewares",
        }
    }

    /// `server` or `middleware`.
    pub fn child(self) -> &'static str {
        match self {
            Self::Backend => "server",
            Self::Frontend => "middleware",
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.head())
    }
}

/// Which backend or frontend: tree, kind and id.
///
/// ```
/// use romulus_core::key::{ObjectKind, ObjectRef, Segment};
/// let object = ObjectRef {
///     root: "vulcand".parse()?,
///     kind: ObjectKind::Backend,
///     id: Segment::new("web.shop").unwrap(),
/// };
/// assert_eq!(object.head_key(), "vulcand/backends/web.shop/backend");
/// assert_eq!(object.record_key(), "romulus/objects/vulcand/backends/web.shop");
/// # Ok::<(), romulus_core::key::RootError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// The tree.
    pub root: Root,
    /// Backend or frontend.
    pub kind: ObjectKind,
    /// The id within tree and kind.
    pub id: Segment,
}

impl ObjectRef {
    /// The key of the object itself.
    pub fn head_key(&self) -> String {
        let (root, id) = (self.root.as_str(), self.id.as_str());
        [root, self.kind.folder(), id, self.kind.head()].join("/")
    }

    /// The key of one of its servers or middlewares.
    pub fn child_key(&self, name: &Segment) -> String {
        let (root, id) = (self.root.as_str(), self.id.as_str());
        let (folder, children) = (self.kind.folder(), self.kind.children());
        [root, folder, id, children, name.as_str()].join("/")
    }

    /// The key of the record that says who owns it.
    pub fn record_key(&self) -> String {
        let (root, folder, id) = (self.root.escaped(), self.kind.folder(), self.id.as_str());
        [RECORDS_PREFIX, &root, "/", folder, "/", id].concat()
    }
}

impl fmt::Display for ObjectRef {
    /// `frontend web.shop in vulcand`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} in {}", self.kind, self.id, self.root)
    }
}

/// What a key of a vulcand tree or of romulus's records is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// `<root>/backends/<id>/backend` or `<root>/frontends/<id>/frontend`.
    Head(ObjectRef),
    /// `<root>/backends/<id>/servers/<name>` or `<root>/frontends/<id>/middlewares/<name>`.
    Child(ObjectRef, Segment),
    /// `romulus/objects/<escaped root>/{backends,frontends}/<id>`.
    Record(ObjectRef),
}

impl Key {
    /// Reads a key of the tree under `root`; `None` for keys of other shapes, which vulcand ignores.
    pub fn in_tree(root: &Root, key: &str) -> Option<Self> {
        let mut parts = root.strip(key)?.split('/');
        let kind = kind_of_folder(parts.next()?)?;
        let object = ObjectRef {
            root: root.clone(),
            kind,
            id: Segment::stored(parts.next()?)?,
        };
        let last = parts.next()?;
        match (parts.next(), parts.next()) {
            (None, None) if last == kind.head() => Some(Self::Head(object)),
            (Some(name), None) if last == kind.children() => {
                Some(Self::Child(object, Segment::stored(name)?))
            }
            _ => None,
        }
    }

    /// Reads the key of an ownership record.
    pub fn record(key: &str) -> Option<Self> {
        let mut parts = key.strip_prefix(RECORDS_PREFIX)?.split('/');
        let root = Root::unescape(parts.next()?)?;
        let kind = kind_of_folder(parts.next()?)?;
        let id = Segment::stored(parts.next()?)?;
        parts
            .next()
            .is_none()
            .then_some(Self::Record(ObjectRef { root, kind, id }))
    }

    /// The object the key belongs to.
    pub fn object(&self) -> &ObjectRef {
        match self {
            Self::Head(object) | Self::Child(object, _) | Self::Record(object) => object,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Self::Head(object) => object.head_key(),
            Self::Child(object, name) => object.child_key(name),
            Self::Record(object) => object.record_key(),
        })
    }
}

fn kind_of_folder(folder: &str) -> Option<ObjectKind> {
    match folder {
        "backends" => Some(ObjectKind::Backend),
        "frontends" => Some(ObjectKind::Frontend),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn root(text: &str) -> Root {
        text.parse().unwrap()
    }

    #[test]
    fn roots_that_touch_our_own_records_are_refused() {
        for text in [
            "",
            "r",
            "romulus",
            "romulus/",
            "romulus/objects",
            "a b",
            "a\n",
        ] {
            assert!(text.parse::<Root>().is_err(), "{text:?}");
        }
        for text in ["vulcand", "/vulcand", "vulcand/", "/romulus", "romulusx"] {
            assert!(text.parse::<Root>().is_ok(), "{text:?}");
        }
    }

    #[test]
    fn keys_of_other_shapes_are_not_ours_to_read() {
        let root = root("vulcand");
        for key in [
            "vulcand/backends/a",
            "vulcand/backends/a/backend/x",
            "vulcand/backends/a/frontend",
            "vulcand/backends//backend",
            "vulcand/frontends/a/servers/b",
            "vulcand/frontends/a/middlewares/",
            "vulcand/romulus/heartbeat",
            "vulcand-test/backends/a/backend",
            "/vulcand/backends/a/backend",
        ] {
            assert_eq!(Key::in_tree(&root, key), None, "{key}");
        }
    }

    proptest! {
        #[test]
        fn keys_round_trip(
            root in "/?[a-z%]{1,4}(/[a-z%2F]{1,3}){0,2}/?",
            id in "[a-z.:%\\[\\] \"]{1,8}",
            name in "[a-z.:]{1,5}",
            backend: bool,
        ) {
            prop_assume!(root.parse::<Root>().is_ok());
            let kind = if backend { ObjectKind::Backend } else { ObjectKind::Frontend };
            let root: Root = root.parse().unwrap();
            let object = ObjectRef { root: root.clone(), kind, id: Segment::new(&id).unwrap() };
            let head = Key::Head(object.clone());
            prop_assert_eq!(Key::in_tree(&root, &head.to_string()), Some(head));
            let child = Key::Child(object.clone(), Segment::new(&name).unwrap());
            prop_assert_eq!(Key::in_tree(&root, &child.to_string()), Some(child));
            let record = Key::Record(object);
            prop_assert_eq!(Key::record(&record.to_string()), Some(record));
        }
    }
}
