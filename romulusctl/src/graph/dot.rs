//! A picture in Graphviz's language.

use std::io::Write;

use super::model::{Column, Graph};

pub(super) fn print(graph: &Graph, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "digraph routing {{")?;
    writeln!(out, "  rankdir=LR;")?;
    writeln!(
        out,
        "  node [shape=box, style=filled, fontname=\"monospace\", fontsize=11];"
    )?;
    writeln!(out, "  edge [arrowsize=0.6, color=\"#57606a\"];")?;
    for (number, tree) in graph.trees.iter().enumerate() {
        writeln!(out, "  subgraph cluster_{number} {{")?;
        writeln!(
            out,
            "    label={};",
            quoted(&[format!("tree {}", tree.root)])
        )?;
        for (index, node) in tree.nodes.iter().enumerate() {
            let (inside, border) = node.state.colours();
            let mut style = vec!["filled"];
            if matches!(node.column, Column::Host | Column::Server) {
                style.push("rounded");
            }
            if node.state.is_broken() {
                style.push("dashed");
            }
            let border_width = if node.column == Column::Backend { 2 } else { 1 };
            writeln!(
                out,
                "    t{number}n{index} [label={}, style=\"{}\", fillcolor=\"{inside}\", \
                 color=\"{border}\", penwidth={border_width}];",
                quoted(&node.lines),
                style.join(",")
            )?;
        }
        for edge in &tree.edges {
            let style = if edge.state.is_broken() {
                " [style=dashed]"
            } else {
                ""
            };
            let (from, to) = (edge.from, edge.to);
            writeln!(out, "    t{number}n{from} -> t{number}n{to}{style};")?;
        }
        writeln!(out, "  }}")?;
    }
    let told: Vec<_> = graph
        .states()
        .into_iter()
        .filter_map(|state| Some((state, state.meaning()?)))
        .collect();
    if !told.is_empty() {
        writeln!(out, "  subgraph cluster_legend {{")?;
        writeln!(out, "    label=\"legend\";")?;
        for (state, meaning) in told {
            let (inside, border) = state.colours();
            let style = if state.is_broken() {
                "filled,dashed"
            } else {
                "filled"
            };
            writeln!(
                out,
                "    {} [label={}, style=\"{style}\", fillcolor=\"{inside}\", color=\"{border}\"];",
                state.word(),
                quoted(&[meaning.to_owned()])
            )?;
        }
        writeln!(out, "  }}")?;
    }
    writeln!(out, "}}")
}

/// Lines as one quoted text, in which a backslash has no meaning but to end them.
fn quoted(lines: &[String]) -> String {
    let escaped = |line: &String| line.replace('\\', "\\\\").replace('"', "\\\"");
    let lines: Vec<String> = lines.iter().map(escaped).collect();
    format!("\"{}\"", lines.join("\\n"))
}
