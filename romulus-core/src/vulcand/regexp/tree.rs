//! The tree of a regular expression, of which only what Go's limits look at is kept.

use super::RegexpError;
use super::parse::{Flags, error};

/// The highest count of a repetition, and of repetitions in one another.
pub(super) const MAX_REPEAT: u64 = 1000;
/// How high the tree of an expression can be.
const MAX_HEIGHT: u32 = 1000;
/// How many instructions an expression can compile to: 128 MiB of 40 bytes each.
const MAX_SIZE: u64 = (128 << 20) / 40;

/// A part of an expression: where its translation begins, which is always one unit to an operator
/// behind it, and what Go's limits need to know about it.
pub(super) struct Node {
    pub(super) start: usize,
    /// Whether it ends with an operator.
    pub(super) repeated: bool,
    kind: NodeKind,
    /// How many instructions it compiles to.
    size: u64,
    height: u32,
    /// The highest product of counts in one another.
    pub(super) repeats: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
    /// Neighbours become one literal.
    Literal,
    /// A sequence in a sequence is one with it.
    Concat,
    /// And so with alternatives.
    Alternate,
    Other,
}

impl Node {
    pub(super) fn leaf(start: usize, kind: NodeKind) -> Self {
        Self {
            start,
            repeated: false,
            kind,
            size: 1,
            height: 1,
            repeats: 1,
        }
    }

    pub(super) fn check(&self, offset: usize) -> Result<(), RegexpError> {
        if self.height > MAX_HEIGHT {
            return Err(error(offset, "it nests too deeply"));
        }
        if self.size > MAX_SIZE {
            return Err(error(offset, "it is too large: its repetitions multiply"));
        }
        Ok(())
    }

    /// Joins parts that follow, or are alternatives to, one another.
    fn join(mut parts: Vec<Self>, kind: NodeKind) -> Self {
        match (parts.pop(), parts.is_empty()) {
            (None, _) => return Self::leaf(0, NodeKind::Other),
            (Some(only), true) => return only,
            (Some(last), false) => parts.push(last),
        }
        let literal =
            kind == NodeKind::Concat && parts.iter().all(|part| part.kind == NodeKind::Literal);
        let below = |part: &Self| {
            if part.kind == kind {
                part.height - 1
            } else {
                part.height
            }
        };
        let height = parts.iter().map(below).max().unwrap_or_default() + u32::from(!literal);
        let bars = if kind == NodeKind::Alternate {
            parts.len() as u64 - 1
        } else {
            0
        };
        let size = parts
            .iter()
            .fold(bars, |size, part| size.saturating_add(part.size));
        let repeats = parts.iter().map(|part| part.repeats).max().unwrap_or(1);
        let kind = if literal { NodeKind::Literal } else { kind };
        Self {
            start: 0,
            repeated: false,
            kind,
            size,
            height,
            repeats,
        }
    }
}

/// A group whose closing parenthesis is not reached yet, or the whole expression.
#[derive(Default)]
pub(super) struct Group {
    pub(super) start: usize,
    /// Where its translation begins.
    pub(super) out: usize,
    pub(super) captures: bool,
    pub(super) flags: Flags,
    alternatives: Vec<Node>,
    pub(super) sequence: Vec<Node>,
}

impl Group {
    pub(super) fn open(start: usize, out: usize, flags: Flags) -> Self {
        Self {
            start,
            out,
            flags,
            captures: true,
            ..Self::default()
        }
    }

    pub(super) fn end_alternative(&mut self) {
        let sequence = std::mem::take(&mut self.sequence);
        self.alternatives
            .push(Node::join(sequence, NodeKind::Concat));
    }

    pub(super) fn into_node(mut self) -> Node {
        self.end_alternative();
        let mut node = Node::join(self.alternatives, NodeKind::Alternate);
        if self.captures {
            node.kind = NodeKind::Other;
            node.size = node.size.saturating_add(2);
            node.height += 1;
        }
        (node.start, node.repeated) = (self.out, false);
        node
    }
}

#[derive(Clone, Copy)]
pub(super) enum Repeat {
    Star,
    Plus,
    Quest,
    Counted(u64, Option<u64>),
}

impl Repeat {
    /// Writes the operator and says what it makes of a node.
    pub(super) fn apply(self, node: Node, out: &mut String) -> Node {
        let Node {
            start,
            size,
            height,
            repeats,
            ..
        } = node;
        let (operator, size, repeats) = match self {
            Self::Star => ("*".to_owned(), size.saturating_add(2), repeats),
            Self::Plus => ("+".to_owned(), size.saturating_add(1), repeats),
            Self::Quest => ("?".to_owned(), size.saturating_add(1), repeats),
            Self::Counted(0, None) => ("*".to_owned(), size.saturating_add(2), repeats),
            Self::Counted(min, None) => {
                let size = size.saturating_mul(min).saturating_add(1);
                (format!("{{{min},}}"), size, repeats.saturating_mul(min))
            }
            // What is repeated no times at all doesn't count.
            Self::Counted(_, Some(0)) => ("{0}".to_owned(), 1, 1),
            Self::Counted(min, Some(max)) => {
                let size = size.saturating_mul(max).saturating_add(max - min);
                (
                    format!("{{{min},{max}}}"),
                    size,
                    repeats.saturating_mul(max),
                )
            }
        };
        out.push_str(&operator);
        Node {
            start,
            repeated: true,
            kind: NodeKind::Other,
            size,
            height: height + 1,
            repeats,
        }
    }
}
