//! The trees as they would be, once what is planned was written.

use std::collections::BTreeSet;
use std::io::Write;

use romulus_core::diagnostic::Severity;
use romulus_core::key::Root;
use romulus_core::plan::Op;
use romulus_core::stored::{Entry, Snapshot};

use crate::change;
use crate::input::{self, Against, InputArgs};
use crate::plain::visible;
use crate::stored::{self, Stored};

/// Plans the manifests of `-f` onto what is there, and applies the plan to a copy. False where a
/// file could not be read; what is wrong with them is said.
pub(crate) async fn trees(
    args: &InputArgs,
    against: &Against,
    err: &mut dyn Write,
) -> anyhow::Result<(Stored, bool)> {
    let (mut world, problems) = input::cluster(args, false).await?;
    for problem in &problems {
        writeln!(err, "error: {problem}")?;
    }
    let mut snapshot = match against {
        Against::Empty => Snapshot::default(),
        Against::File(path) => input::dumped(path, &world)?,
        Against::Etcd => {
            let named: Vec<Root> = world.roots().cloned().collect();
            stored::trees(None, &args.etcd, &named).await?.snapshot
        }
    };
    input::load_from(&snapshot, &mut world);
    let mut revision = i64::MAX / 2;
    change::play(&mut world, |_, _, step| {
        revision += 1;
        let ops = step.transaction.ops.iter();
        ops.for_each(|op| write(op, revision, &mut snapshot));
    });
    for diagnostic in world.diagnostics() {
        if diagnostic.severity() != Severity::Info {
            writeln!(err, "{}", visible(&diagnostic.to_string()))?;
        }
    }
    let planned = Stored {
        snapshot,
        roots: world.roots().cloned().collect(),
        undumped: BTreeSet::new(),
    };
    Ok((planned, problems.is_empty()))
}

fn write(op: &Op, revision: i64, snapshot: &mut Snapshot) {
    match op {
        Op::Put { key, value } => {
            let entry = Entry {
                value: value.clone(),
                revision,
                lease: 0,
            };
            snapshot.entries.insert(key.clone(), entry);
        }
        Op::Delete { key } => {
            snapshot.entries.remove(key);
        }
    }
}
