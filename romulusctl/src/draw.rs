//! Trees drawn with lines.

use std::io::{self, Write};

/// A line, and those below it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Node {
    /// What the line says; no line break.
    pub(crate) label: String,
    pub(crate) below: Vec<Node>,
}

impl Node {
    /// A line with nothing below.
    pub(crate) fn leaf(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            below: Vec::new(),
        }
    }

    /// The node below of this label. It is the last one, or comes to be: what is added in order finds
    /// what belongs together.
    pub(crate) fn child(&mut self, label: &str) -> &mut Self {
        let last = self.below.len().wrapping_sub(1);
        if self.below.get(last).is_none_or(|node| node.label != label) {
            return self.below.push_mut(Self::leaf(label));
        }
        &mut self.below[last]
    }

    /// Draws the node with all that is below it.
    pub(crate) fn draw(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.label)?;
        draw(&self.below, &mut String::new(), out)
    }
}

fn draw(nodes: &[Node], indent: &mut String, out: &mut dyn Write) -> io::Result<()> {
    let Some(last) = nodes.len().checked_sub(1) else {
        return Ok(());
    };
    for (position, node) in nodes.iter().enumerate() {
        let (branch, rail) = match position == last {
            true => ("└── ", "    "),
            false => ("├── ", "│   "),
        };
        writeln!(out, "{indent}{branch}{}", node.label)?;
        let length = indent.len();
        indent.push_str(rail);
        draw(&node.below, indent, out)?;
        indent.truncate(length);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lead_to_what_is_below() {
        let node = |label: &str, below| Node {
            label: label.into(),
            below,
        };
        let tree = node(
            "root",
            vec![
                node("a", vec![Node::leaf("b"), Node::leaf("c")]),
                node("d", vec![Node::leaf("e")]),
            ],
        );
        let mut out = Vec::new();
        tree.draw(&mut out).unwrap();
        let drawn = [
            "root",
            "├── a",
            "│   ├── b",
            "│   └── c",
            "└── d",
            "    └── e",
            "",
        ];
        assert_eq!(String::from_utf8(out).unwrap(), drawn.join("\n"));
    }
}
