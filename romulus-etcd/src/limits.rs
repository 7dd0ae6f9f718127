//! What etcd takes in one transaction, checked before it is sent.

use std::collections::BTreeSet;

use romulus_core::plan::{Guard, Revision, Transaction};

use crate::{Fence, StoreError};

/// Checks what etcd would refuse, with a message that says what to change: etcd itself says only
/// "too many operations", "duplicate key" or "request is too large".
///
/// The fence is one more compare, so that a fenced transaction takes one guard less.
pub(crate) fn check(transaction: &Transaction, fence: Option<&Fence>) -> Result<(), StoreError> {
    let max = Transaction::MAX_OPS;
    let ops = transaction.ops.len();
    if ops > max {
        return invalid(format!("{ops} operations, etcd takes {max}; split it"));
    }
    let guards = transaction.guards.len() + usize::from(fence.is_some());
    if guards > max {
        return invalid(format!(
            "{guards} guards (the fence is one), etcd takes {max}; split it"
        ));
    }
    let (bytes, max) = (transaction.bytes(), Transaction::MAX_BYTES);
    if bytes > max {
        return invalid(format!(
            "{bytes} bytes of keys and values, {max} fit; split it"
        ));
    }
    let mut seen = BTreeSet::new();
    for op in &transaction.ops {
        if op.key().is_empty() {
            return invalid("an empty key, which etcd does not store".to_owned());
        }
        if !seen.insert(op.key()) {
            return invalid(format!(
                "{:?} is written twice; merge the two operations",
                op.key()
            ));
        }
    }
    for guard in &transaction.guards {
        if let Guard::Unchanged {
            key,
            revision: Revision::OfStep(step),
        } = guard
        {
            return invalid(format!(
                "the guard of {key:?} waits for the revision of step {step}; commit it as part of \
                 its group"
            ));
        }
    }
    Ok(())
}

fn invalid(reason: String) -> Result<(), StoreError> {
    Err(StoreError::InvalidTransaction { reason })
}

#[cfg(test)]
mod tests {
    use romulus_core::plan::Op;

    use super::*;

    fn put(n: usize) -> Op {
        Op::Put {
            key: format!("k{n}"),
            value: String::new(),
        }
    }

    fn reason(transaction: &Transaction, fence: Option<&Fence>) -> String {
        check(transaction, fence).map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn at_the_limits_and_one_beyond() {
        let fence = Fence {
            key: "f".to_owned(),
            value: "v".to_owned(),
        };
        let guards = |n: usize| Transaction {
            guards: (0..n)
                .map(|n| Guard::Absent {
                    key: format!("k{n}"),
                })
                .collect(),
            ops: vec![],
        };
        let ops = |n: usize| Transaction {
            guards: vec![],
            ops: (0..n).map(put).collect(),
        };
        let big = |n: usize| Transaction {
            guards: vec![],
            ops: vec![Op::Put {
                key: "k".to_owned(),
                value: "x".repeat(n),
            }],
        };
        let twice = Transaction {
            guards: vec![],
            ops: vec![put(1), put(1)],
        };
        let nameless = Transaction {
            guards: vec![],
            ops: vec![Op::Delete { key: String::new() }],
        };
        let unresolved = Transaction {
            guards: vec![Guard::Unchanged {
                key: "k".to_owned(),
                revision: Revision::OfStep(2),
            }],
            ops: vec![],
        };
        let table: [(Transaction, Option<&Fence>, &str); 10] = [
            (ops(128), Some(&fence), "fine"),
            (ops(129), None, "129 operations, etcd takes 128; split it"),
            (guards(128), None, "fine"),
            (guards(127), Some(&fence), "fine"),
            (
                guards(128),
                Some(&fence),
                "129 guards (the fence is one), etcd takes 128; split it",
            ),
            (big(1_399_999), None, "fine"),
            (
                big(1_400_000),
                None,
                "1400001 bytes of keys and values, 1400000 fit; split it",
            ),
            (
                twice,
                None,
                "\"k1\" is written twice; merge the two operations",
            ),
            (nameless, None, "an empty key, which etcd does not store"),
            (
                unresolved,
                None,
                "the guard of \"k\" waits for the revision of step 2; commit it as part of its \
                 group",
            ),
        ];
        for (transaction, fence, expected) in table {
            let found = reason(&transaction, fence);
            let found = found
                .strip_prefix("a transaction can't be sent: ")
                .unwrap_or(&found);
            assert_eq!(found, expected);
        }
    }
}
