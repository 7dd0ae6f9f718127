//! A picture as SVG, drawn here: nobody needs Graphviz to look at it.

use std::io::Write;

use super::layout::{Area, LINE, Layout, PADDING, shown};
use super::model::{Column, Graph, Node, TreeGraph};
use super::read::State;

const MARGIN: f64 = 24.0;
const HEADING: f64 = 36.0;
const LEGEND: f64 = 28.0;

pub(super) fn print(graph: &Graph, out: &mut dyn Write) -> std::io::Result<()> {
    let layouts: Vec<Layout> = graph.trees.iter().map(Layout::of).collect();
    let told: Vec<(State, &str)> = graph
        .states()
        .into_iter()
        .filter_map(|state| Some((state, state.meaning()?)))
        .collect();
    let widest = layouts.iter().map(|layout| layout.width);
    let whole_legend = told.iter().map(|(_, meaning)| legend_width(meaning)).sum();
    let width = widest.fold(f64::max(240.0, whole_legend), f64::max) + 2.0 * MARGIN;
    let trees: f64 = layouts
        .iter()
        .map(|layout| HEADING + layout.height + MARGIN)
        .sum();
    let rest = match (graph.trees.is_empty(), told.is_empty()) {
        (true, _) => LINE + MARGIN,
        (false, true) => 0.0,
        (false, false) => LEGEND,
    };
    let height = trees + MARGIN + rest;
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"DejaVu Sans Mono, Menlo, Consolas, \
         monospace\" font-size=\"12\" fill=\"#1f2328\">"
    )?;
    writeln!(
        out,
        "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
    )?;
    let mut top = MARGIN;
    if graph.trees.is_empty() {
        writeln!(
            out,
            "<text x=\"{MARGIN}\" y=\"{:.0}\">nothing is routed</text>",
            top + LINE
        )?;
    }
    for (tree, layout) in graph.trees.iter().zip(&layouts) {
        let title = escaped(&tree.root);
        writeln!(
            out,
            "<text x=\"{MARGIN:.0}\" y=\"{:.0}\" font-weight=\"bold\">tree {title}</text>",
            top + LINE
        )?;
        writeln!(
            out,
            "<g transform=\"translate({MARGIN:.0} {:.0})\">",
            top + HEADING
        )?;
        draw(tree, layout, out)?;
        writeln!(out, "</g>")?;
        top += HEADING + layout.height + MARGIN;
    }
    let mut x = MARGIN;
    for (state, meaning) in told {
        let (inside, border) = state.colours();
        let dashes = dashes(state);
        writeln!(
            out,
            "<rect x=\"{x:.0}\" y=\"{top:.0}\" width=\"14\" height=\"14\" rx=\"3\" \
             fill=\"{inside}\" stroke=\"{border}\"{dashes}/>\
             <text x=\"{:.0}\" y=\"{:.0}\">{}</text>",
            x + 20.0,
            top + 11.0,
            escaped(meaning)
        )?;
        x += legend_width(meaning);
    }
    writeln!(out, "</svg>")
}

fn legend_width(meaning: &str) -> f64 {
    44.0 + meaning.chars().count() as f64 * 7.25
}

fn draw(tree: &TreeGraph, layout: &Layout, out: &mut dyn Write) -> std::io::Result<()> {
    for edge in &tree.edges {
        let (from, to) = (layout.areas[edge.from], layout.areas[edge.to]);
        let (x1, y1) = (from.x + from.width, from.y + from.height / 2.0);
        let (x2, y2) = (to.x, to.y + to.height / 2.0);
        let bend = (x1 + x2) / 2.0;
        let (_, colour) = edge.state.colours();
        let dashes = dashes(edge.state);
        writeln!(
            out,
            "<path d=\"M{x1:.1} {y1:.1}C{bend:.1} {y1:.1} {bend:.1} {y2:.1} {x2:.1} {y2:.1}\" \
             fill=\"none\" stroke=\"{colour}\"{dashes}/>"
        )?;
    }
    for (node, area) in tree.nodes.iter().zip(&layout.areas) {
        draw_node(node, area, out)?;
    }
    Ok(())
}

fn draw_node(node: &Node, area: &Area, out: &mut dyn Write) -> std::io::Result<()> {
    let (inside, border) = node.state.colours();
    let dashes = dashes(node.state);
    let corner = match node.column {
        Column::Host => area.height / 2.0,
        Column::Server => 8.0,
        Column::Frontend | Column::Backend => 2.0,
    };
    let stroke = if node.column == Column::Backend { 2 } else { 1 };
    let Area {
        x,
        y,
        width,
        height,
    } = area;
    write!(out, "<g>")?;
    // What a box does not show whole, it tells when it is pointed at.
    if node.lines.iter().any(|line| shown(line) != *line) {
        write!(out, "<title>{}</title>", escaped(&node.lines.join("\n")))?;
    }
    write!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
         rx=\"{corner:.1}\" fill=\"{inside}\" stroke=\"{border}\" stroke-width=\"{stroke}\"{dashes}/>"
    )?;
    for (number, line) in node.lines.iter().enumerate() {
        let baseline = y + PADDING + LINE * number as f64 + 12.0;
        let weight = if number == 0 { "" } else { " fill=\"#57606a\"" };
        write!(
            out,
            "<text x=\"{:.1}\" y=\"{baseline:.1}\"{weight}>{}</text>",
            x + PADDING,
            escaped(&shown(line))
        )?;
    }
    writeln!(out, "</g>")
}

fn dashes(state: State) -> &'static str {
    if state.is_broken() {
        " stroke-dasharray=\"4 3\""
    } else {
        ""
    }
}

/// A text in XML; control characters, which XML has not, were spelled out before.
fn escaped(text: &str) -> String {
    let plain = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    // Not characters of XML either.
    plain.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}
