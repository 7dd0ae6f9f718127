//! vulcand's trie of literal routes, defects included.

use super::matcher::{Matcher, Part};
use super::pattern::Piece;
use super::request::Request;

/// What a trie compares its levels with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Parts {
    /// A single matcher.
    One(Part),
    /// A chain of matchers.
    Chain(Vec<Part>),
}

impl Parts {
    fn of(chain: &[Matcher]) -> Self {
        let mut parts: Vec<_> = chain.iter().map(Matcher::part).collect();
        match parts.len() {
            1 => Self::One(parts.remove(0)),
            _ => Self::Chain(parts),
        }
    }

    /// The parts of the trie that `self`, and after it `next`, are merged into; `None` keeps them
    /// apart. Of chains only the parts before the last of the shorter one are compared, and of two
    /// equally long ones the next one's parts are used for both.
    fn merged(&self, next: &Self) -> Option<Self> {
        match (self, next) {
            (Self::One(part), Self::One(other)) => (part == other).then(|| self.clone()),
            (Self::Chain(parts), Self::Chain(others)) => {
                let (longer, shorter) = if parts.len() > others.len() {
                    (self, others)
                } else {
                    (next, parts)
                };
                let compared = shorter.len() - 1;
                (parts[..compared] == others[..compared]).then(|| longer.clone())
            }
            _ => None,
        }
    }

    fn as_slice(&self) -> &[Part] {
        match self {
            Self::One(part) => std::slice::from_ref(part),
            Self::Chain(parts) => parts,
        }
    }
}

/// Whether vulcand merges two neighbouring chains into one trie.
pub(super) fn mergeable(chain: &[Matcher], next: &[Matcher]) -> bool {
    Parts::of(chain).merged(&Parts::of(next)).is_some()
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// The start of a matcher. A NUL byte in a literal is one too.
    Start,
    Byte(u8),
    Text(Box<[u8]>),
    Int(Box<[u8]>),
}

#[derive(Debug, Clone)]
struct Node {
    step: Step,
    /// Which part of the request it looks at.
    level: usize,
    children: Vec<usize>,
    /// The routes that end here, the best first.
    matches: Vec<usize>,
}

impl Node {
    /// vulcand compares the level of bytes, but not of parameters.
    fn same(&self, other: &Self) -> bool {
        match (&self.step, &other.step) {
            (Step::Text(a), Step::Text(b)) | (Step::Int(a), Step::Int(b)) => a == b,
            (a, b) => a == b && self.level == other.level,
        }
    }
}

/// One or more literal routes, merged.
#[derive(Debug, Clone)]
pub(super) struct Trie {
    parts: Parts,
    /// The first one is the root.
    nodes: Vec<Node>,
}

impl Trie {
    /// The trie of one route.
    pub(super) fn new(chain: &[Matcher], route: usize) -> Self {
        let mut nodes = path(chain, route);
        let last = nodes.len();
        for (index, node) in nodes.iter_mut().enumerate().take(last - 1) {
            node.children.push(index + 1);
        }
        Self {
            parts: Parts::of(chain),
            nodes,
        }
    }

    /// Merges the next route into this trie if vulcand would; says whether it did.
    pub(super) fn merge(&mut self, chain: &[Matcher], route: usize) -> bool {
        let Some(parts) = self.parts.merged(&Parts::of(chain)) else {
            return false;
        };
        self.parts = parts;
        let mut at = 0;
        for node in path(chain, route).into_iter().skip(1) {
            let same = self.nodes[at]
                .children
                .iter()
                .position(|&child| self.nodes[child].same(&node));
            at = match same {
                Some(position) => {
                    // A node that two routes share moves before its siblings.
                    let child = self.nodes[at].children.remove(position);
                    self.nodes[at].children.insert(0, child);
                    self.nodes[child].matches.extend(node.matches);
                    child
                }
                None => {
                    let child = self.nodes.len();
                    self.nodes[at].children.push(child);
                    self.nodes.push(node);
                    child
                }
            };
        }
        true
    }

    /// The route that this trie finds for a request.
    pub(super) fn find(&self, request: &Request) -> Option<usize> {
        let mut cursor = Cursor::new(self.parts.as_slice(), request);
        // Depth first; of each node entered: which child is next, and where its children start.
        let mut open = vec![(0, 0, cursor.at)];
        while let Some((node, child, start)) = open.pop() {
            cursor.at = start;
            let node_index = node;
            let node = &self.nodes[node];
            let Some(&next) = node.children.get(child) else {
                if cursor.at.part > node.level && !node.matches.is_empty() {
                    return node.matches.first().copied();
                }
                continue;
            };
            open.push((node_index, child + 1, start));
            let child = &self.nodes[next];
            if cursor.enter(child) {
                if cursor.is_end() && !child.matches.is_empty() {
                    return child.matches.first().copied();
                }
                open.push((next, 0, cursor.at));
            }
        }
        None
    }
}

/// The nodes of one route, each the parent of the next.
fn path(chain: &[Matcher], route: usize) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut level = 0;
    for matcher in chain {
        let steps = matcher
            .pattern()
            .into_iter()
            .flat_map(|pattern| pattern.pieces())
            .map(step);
        for step in std::iter::once(Step::Start).chain(steps) {
            // Levels are numbered only when matchers are chained.
            if step == Step::Start && !nodes.is_empty() && chain.len() > 1 {
                level += 1;
            }
            nodes.push(Node {
                step,
                level,
                children: Vec::new(),
                matches: Vec::new(),
            });
        }
    }
    if let Some(last) = nodes.last_mut() {
        last.matches.push(route);
    }
    nodes
}

fn step(piece: &Piece) -> Step {
    match piece {
        Piece::Byte(0) => Step::Start,
        Piece::Byte(byte) => Step::Byte(*byte),
        Piece::Text(name) => Step::Text(name.clone()),
        Piece::Int(name) => Step::Int(name.clone()),
    }
}

#[derive(Debug, Clone, Copy)]
struct Position {
    part: usize,
    byte: usize,
}

/// Walks the bytes of the parts one after the other, without a mark between them.
struct Cursor<'r> {
    parts: Vec<(&'r [u8], u8)>,
    at: Position,
}

impl<'r> Cursor<'r> {
    fn new(parts: &[Part], request: &'r Request) -> Self {
        let parts = parts
            .iter()
            .map(|part| (request.part(part).as_bytes(), part.separator()));
        Self {
            parts: parts.collect(),
            at: Position { part: 0, byte: 0 },
        }
    }

    /// The end of the last part; an empty part counts as the end as well.
    fn is_end(&self) -> bool {
        let Position { part, byte } = self.at;
        let length = self.parts[part].0.len();
        length == 0 || (part + 1 == self.parts.len() && byte >= length)
    }

    /// Takes a byte, with the separator of its part.
    fn next(&mut self) -> Option<(u8, u8)> {
        if self.is_end() {
            return None;
        }
        let (text, separator) = self.parts[self.at.part];
        let byte = text[self.at.byte];
        self.at.byte += 1;
        if self.at.byte >= text.len() && self.at.part + 1 < self.parts.len() {
            self.at = Position {
                part: self.at.part + 1,
                byte: 0,
            };
        }
        Some((byte, separator))
    }

    fn push_back(&mut self) {
        if self.at.byte > 0 {
            self.at.byte -= 1;
        } else if self.at.part > 0 {
            let part = self.at.part - 1;
            self.at = Position {
                part,
                byte: self.parts[part].0.len().saturating_sub(1),
            };
        }
    }

    /// Whether a node fits here; takes what it matches.
    fn enter(&mut self, node: &Node) -> bool {
        if self.at.part != node.level {
            return false;
        }
        match &node.step {
            Step::Start => true,
            Step::Byte(wanted) => self.next().is_some_and(|(byte, _)| byte == *wanted),
            Step::Text(_) => {
                while let Some((byte, separator)) = self.next() {
                    if byte == separator {
                        self.push_back();
                        break;
                    }
                }
                true
            }
            Step::Int(_) => self.digits(),
        }
    }

    /// Takes digits up to a separator. At the end it puts the last digit back, so that nothing
    /// after it matches.
    fn digits(&mut self) -> bool {
        loop {
            match self.next() {
                None => {
                    self.push_back();
                    return true;
                }
                Some((byte, separator)) if byte == separator => {
                    self.push_back();
                    return true;
                }
                Some((byte, _)) if !byte.is_ascii_digit() => return false,
                Some(_) => {}
            }
        }
    }
}
