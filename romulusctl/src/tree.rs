//! `romulusctl tree`: what is stored, as a drawing.

use std::io::Write;

use owo_colors::OwoColorize as _;
use romulus_core::key::{Key, ObjectKind, ObjectRef, Root};

use crate::Ended;
use crate::draw::Node;
use crate::get::{frontend, url};
use crate::inventory::{Drift, Inventory, InventoryArgs, StoredKey};
use crate::member;
use crate::plain::visible;

/// What `tree` shows.
#[derive(Debug, Clone, clap::Args)]
pub struct TreeArgs {
    /// Where it is stored.
    #[command(flatten)]
    pub inventory: InventoryArgs,
}

pub(crate) async fn run(
    args: &TreeArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<Ended> {
    let inventory = Inventory::read(&args.inventory, err).await?;
    for root in &inventory.roots {
        tree(&inventory, root).draw(out)?;
    }
    out.flush()?;
    Ok(inventory.ended())
}

fn tree(inventory: &Inventory, root: &Root) -> Node {
    let mut tree = Node::leaf(visible(root.as_str()).bold().to_string());
    let mut last: Option<ObjectRef> = None;
    // The head key of an object comes before its servers, and before its middlewares.
    for stored in inventory.keys(root) {
        let object = stored.part.object();
        let folder = tree.child(object.kind.folder());
        if last.as_ref() != Some(object) {
            folder
                .below
                .push(Node::leaf(head(inventory, object, &stored)));
            last = Some(object.clone());
        }
        if let (Key::Child(_, name), Some(node)) = (&stored.part, folder.below.last_mut()) {
            let says = match object.kind {
                ObjectKind::Backend => server(&stored.entry.value),
                ObjectKind::Frontend => middleware(&stored.entry.value),
            };
            let label = format!("{}  {}", visible(name.as_str()), visible(&says));
            node.below.push(Node::leaf(label + &mark(stored.drift)));
        }
    }
    for key in inventory.other_keys(root) {
        let mut at = &mut tree;
        for part in key.split('/') {
            at = at.child(&visible(part));
        }
    }
    if tree.below.is_empty() {
        tree.label += " (empty)";
    }
    tree
}

/// The line of an object, of which this is the first key.
fn head(inventory: &Inventory, object: &ObjectRef, first: &StoredKey<'_>) -> String {
    let mut line = visible(object.id.as_str()).into_owned();
    match (&first.part, object.kind) {
        (Key::Head(_), ObjectKind::Frontend) => {
            line += &match frontend(&first.entry.value) {
                Some(f) => format!("  {} -> {}", visible(&f.route), visible(&f.backend_id)),
                None => "  <rejected>".into(),
            };
        }
        (Key::Head(_), ObjectKind::Backend) => {}
        _ => line += &format!("  <no key `{}`>", object.kind.head()),
    }
    let behind = inventory.behind(object);
    line += &match (behind.service, behind.owner) {
        (Some(service), Some(owner)) => {
            format!("  Service {}, owner {}", visible(&service), visible(&owner))
        }
        (Some(service), None) => format!("  Service {}", visible(&service)),
        (None, _) => "  foreign".dimmed().to_string(),
    };
    match first.part {
        Key::Head(_) => line + &mark(first.drift),
        _ => line,
    }
}

fn server(value: &str) -> String {
    url(value).unwrap_or_else(|| "<rejected>".into())
}

fn middleware(value: &str) -> String {
    match (
        member::text(value, "Type"),
        member::number(value, "Priority"),
    ) {
        (Some(kind), Some(priority)) => format!("{kind}, priority {priority}"),
        _ => "<rejected>".into(),
    }
}

fn mark(drift: Option<Drift>) -> String {
    let Some(drift) = drift else {
        return String::new();
    };
    let word = drift.word();
    match drift {
        Drift::Changed => format!("  [{}]", word.yellow()),
        Drift::Missing => format!("  [{}]", word.green()),
        Drift::Unwanted => format!("  [{}]", word.red()),
    }
}
