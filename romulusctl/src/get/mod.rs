//! `romulusctl get`: what is stored, as a table.

mod item;
mod table;

use std::io::Write;

use clap::ValueEnum;
use serde::Serialize;

use crate::inventory::{Inventory, InventoryArgs};
use crate::{Ended, document};
use item::Item;
pub(crate) use item::{frontend, url};

/// What `get` shows.
#[derive(Debug, Clone, clap::Args)]
pub struct GetArgs {
    /// Only these [default: all of them]
    #[arg(value_name = "KIND", value_enum)]
    pub kind: Option<Kind>,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,

    /// Where it is stored.
    #[command(flatten)]
    pub inventory: InventoryArgs,
}

/// What can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    /// Who answers requests.
    #[value(alias = "backend")]
    Backends,
    /// Which requests, to which backend.
    #[value(alias = "frontend")]
    Frontends,
    /// The servers of backends.
    #[value(alias = "server")]
    Servers,
    /// What requests of frontends go through.
    #[value(alias = "middleware")]
    Middlewares,
}

/// How it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// With more columns.
    Wide,
    /// For programs.
    Json,
    /// For programs.
    Yaml,
}

#[derive(Serialize)]
struct List<'a> {
    revision: i64,
    items: &'a [Item<'a>],
}

pub(crate) async fn run(
    args: &GetArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<Ended> {
    let inventory = Inventory::read(&args.inventory, err).await?;
    let mut items = item::items(&inventory);
    items.retain(|item| args.kind.is_none_or(|kind| item.kind() == kind));
    items.sort_by_key(Item::kind); // stable: the keys stay in order
    let list = List {
        revision: inventory.revision(),
        items: &items,
    };
    match args.output {
        Output::Json => document::json(&list, out)?,
        Output::Yaml => document::yaml(&list, out)?,
        Output::Text | Output::Wide => {
            let is_wide = args.output == Output::Wide;
            table::print(&items, inventory.is_compared(), is_wide, out)?;
            if items.is_empty() {
                let roots: Vec<&str> = inventory.roots.iter().map(|root| root.as_str()).collect();
                let what = args.kind.and_then(|kind| kind.to_possible_value());
                let what = what.map_or("backends or frontends".into(), |v| v.get_name().to_owned());
                writeln!(err, "no {what} in {}", roots.join(", "))?;
            }
        }
    }
    out.flush()?;
    Ok(inventory.ended())
}
