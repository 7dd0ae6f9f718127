//! Where boxes go: four columns, each box as near as it can be to what it leads to.

use super::model::{Column, TreeGraph};

/// A box on the page.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Boxes in the order of their nodes, and how large the whole is.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) areas: Vec<Area>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Longest line that is shown whole.
pub(super) const LONGEST: usize = 64;
pub(super) const LINE: f64 = 16.0;
pub(super) const PADDING: f64 = 8.0;
/// Of a character of the typeface.
const CHARACTER: f64 = 7.25;
const GAP: f64 = 12.0;
const COLUMN_GAP: f64 = 64.0;

const COLUMNS: [Column; 4] = [
    Column::Host,
    Column::Frontend,
    Column::Backend,
    Column::Server,
];

impl Layout {
    pub(super) fn of(tree: &TreeGraph) -> Self {
        let mut areas: Vec<Area> = tree
            .nodes
            .iter()
            .map(|node| {
                let longest = node.lines.iter().map(|line| shown(line).chars().count());
                let longest = longest.max().unwrap_or_default();
                Area {
                    width: longest as f64 * CHARACTER + 2.0 * PADDING,
                    height: node.lines.len() as f64 * LINE + 2.0 * PADDING,
                    ..Area::default()
                }
            })
            .collect();
        let mut leads_to: Vec<Vec<usize>> = vec![Vec::new(); tree.nodes.len()];
        for edge in &tree.edges {
            leads_to[edge.from].push(edge.to);
        }
        let of = |column: Column| -> Vec<usize> {
            let nodes = tree.nodes.iter().enumerate();
            nodes
                .filter(|(_, node)| node.column == column)
                .map(|(index, _)| index)
                .collect()
        };
        for column in COLUMNS.into_iter().rev() {
            let mut free = 0.0;
            for index in of(column) {
                let wanted = middle(&leads_to[index], &areas)
                    .map_or(free, |middle| middle - areas[index].height / 2.0);
                areas[index].y = f64::max(free, wanted);
                free = areas[index].y + areas[index].height + GAP;
            }
        }
        let mut x = 0.0;
        for column in COLUMNS {
            let nodes = of(column);
            let widest = nodes.iter().map(|index| areas[*index].width);
            let widest = widest.fold(0.0, f64::max);
            for index in &nodes {
                areas[*index].x = x;
                areas[*index].width = widest;
            }
            if !nodes.is_empty() {
                x += widest + COLUMN_GAP;
            }
        }
        let bottom = areas.iter().map(|area| area.y + area.height);
        Self {
            height: bottom.fold(0.0, f64::max),
            width: f64::max(0.0, x - COLUMN_GAP),
            areas,
        }
    }
}

/// The middle of some boxes.
fn middle(nodes: &[usize], areas: &[Area]) -> Option<f64> {
    let tops = nodes.iter().map(|index| areas[*index].y);
    let bottoms = nodes.iter().map(|i| areas[*i].y + areas[*i].height);
    let (top, bottom) = (tops.reduce(f64::min)?, bottoms.reduce(f64::max)?);
    Some((top + bottom) / 2.0)
}

/// A line as it is shown: a long one is cut.
pub(super) fn shown(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some(_) => line.chars().take(LONGEST - 1).chain(['…']).collect(),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{Edge, Node};
    use super::super::read::State;
    use super::*;

    #[test]
    fn boxes_never_overlap() {
        let node = |column, lines: usize| Node {
            column,
            lines: vec!["x".repeat(lines * 9); lines],
            state: State::Plain,
        };
        let mut nodes = vec![node(Column::Host, 1), node(Column::Host, 2)];
        nodes.extend((1..5).map(|lines| node(Column::Frontend, lines)));
        nodes.extend((1..4).map(|lines| node(Column::Backend, lines)));
        nodes.extend((1..6).map(|_| node(Column::Server, 1)));
        let edge = |from, to| Edge {
            from,
            to,
            state: State::Plain,
        };
        let edges = vec![
            edge(0, 2),
            edge(0, 3),
            edge(1, 4),
            edge(1, 5),
            edge(2, 8),
            edge(3, 8),
            edge(4, 6),
            edge(5, 7),
            edge(6, 9),
            edge(6, 10),
            edge(7, 11),
            edge(8, 12),
            edge(8, 13),
        ];
        let tree = TreeGraph {
            root: "vulcand".to_owned(),
            nodes,
            edges,
        };
        let layout = Layout::of(&tree);
        for (index, a) in layout.areas.iter().enumerate() {
            assert!(a.x + a.width <= layout.width && a.y + a.height <= layout.height);
            for b in &layout.areas[..index] {
                let apart = a.x + a.width <= b.x
                    || b.x + b.width <= a.x
                    || a.y + a.height <= b.y
                    || b.y + b.height <= a.y;
                assert!(apart, "{a:?} {b:?}");
            }
        }
    }
}
