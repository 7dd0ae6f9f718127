//! A picture in Mermaid's language.

use std::fmt::Write as _;
use std::io::Write;

use super::model::{Column, Graph};
use super::read::State;

pub(super) fn print(graph: &Graph, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "flowchart LR")?;
    let mut links = Vec::new();
    for (number, tree) in graph.trees.iter().enumerate() {
        let root = escaped(&tree.root);
        writeln!(out, "  subgraph t{number}[\"tree {root}\"]")?;
        for (index, node) in tree.nodes.iter().enumerate() {
            let lines: Vec<String> = node.lines.iter().map(|line| escaped(line)).collect();
            let text = lines.join("<br>");
            let (open, close) = match node.column {
                Column::Host => ("([", "])"),
                Column::Frontend => ("[", "]"),
                Column::Backend => ("[[", "]]"),
                Column::Server => ("(", ")"),
            };
            let class = node.state.word();
            writeln!(
                out,
                "    t{number}n{index}{open}\"{text}\"{close}:::{class}"
            )?;
        }
        writeln!(out, "  end")?;
        for edge in &tree.edges {
            let arrow = if edge.state.is_broken() {
                "-.->"
            } else {
                "-->"
            };
            links.push(format!(
                "  t{number}n{} {arrow} t{number}n{}",
                edge.from, edge.to
            ));
        }
    }
    for link in links {
        writeln!(out, "{link}")?;
    }
    for state in graph.states() {
        let (inside, border) = state.colours();
        let dashes = if state.is_broken() {
            ",stroke-dasharray:4 3"
        } else {
            ""
        };
        let class = state.word();
        writeln!(
            out,
            "  classDef {class} fill:{inside},stroke:{border},color:#1f2328{dashes}"
        )?;
    }
    legend(graph, out)
}

fn legend(graph: &Graph, out: &mut dyn Write) -> std::io::Result<()> {
    let states = graph.states();
    let told: Vec<(State, &str)> = states
        .into_iter()
        .filter_map(|state| Some((state, state.meaning()?)))
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    writeln!(out, "  subgraph legend")?;
    for (state, meaning) in told {
        let class = state.word();
        writeln!(
            out,
            "    legend_{class}[\"{}\"]:::{class}",
            escaped(meaning)
        )?;
    }
    writeln!(out, "  end")
}

/// A text within quotes: what is not plain becomes the number of its character, so that nothing is
/// taken for Mermaid's language, Markdown or HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || " .,:/-_=@".contains(c) {
            escaped.push(c);
        } else {
            // Writing to a String can't fail.
            let _ = write!(escaped, "#{};", u32::from(c));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_of_a_text_is_taken_for_language() {
        let text = r#"Host(`a"]`) && <b>#35; *x*"#;
        let plain = super::escaped(text);
        assert!(
            !plain.contains(['"', '`', '<', '&', '(', ']', '*']),
            "{plain}"
        );
        assert_eq!(super::escaped("www.exämple.com:80"), "www.exämple.com:80");
    }
}
