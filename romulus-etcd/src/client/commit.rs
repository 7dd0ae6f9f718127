//! One guarded transaction.

use etcd_client::proto::{PbResponseOp, PbTxnOpResponse, PbTxnResponse};
use etcd_client::{Compare, CompareOp, Txn, TxnOp};
use romulus_core::plan::{Guard, Op, Revision, Transaction};
use romulus_core::stored::Entry;

use super::EtcdStore;
use super::endpoints::Kind;
use super::load::entry;
use super::request::Request;
use crate::{Fence, Outcome, StoreError, limits};

/// Bytes of a refusal that are decoded at most: what all guarded keys hold.
const DECODE_BYTES: usize = 256 << 20;

impl EtcdStore {
    pub(super) async fn transact(
        &self,
        transaction: &Transaction,
        fence: Option<&Fence>,
    ) -> Result<Outcome, StoreError> {
        limits::check(transaction, fence)?;
        let request = Request::Txn { transaction, fence };
        let commit = |client: etcd_client::Client| {
            let txn = txn(transaction, fence);
            async move {
                let mut kv = client.kv_client().max_decoding_message_size(DECODE_BYTES);
                Ok(kv.txn(txn).await?.0)
            }
        };
        // A put makes a new revision; to delete what is gone already makes none.
        let is_put = |op: &Op| matches!(op, Op::Put { .. });
        let least = self.history.newest() + i64::from(transaction.ops.iter().any(is_put));
        let response = self
            .endpoints
            .call(request, Kind::Write, commit)
            .await?
            .value;
        let outcome = outcome(response, fence);
        if let Outcome::Committed { revision } = outcome {
            self.history.agreed(least, revision);
        }
        Ok(outcome)
    }
}

/// The fence first, in the compares and in what is read where a compare fails.
fn txn(transaction: &Transaction, fence: Option<&Fence>) -> Txn {
    let held = fence
        .map(|fence| Compare::value(fence.key.as_str(), CompareOp::Equal, fence.value.as_str()));
    let guard = |guard: &Guard| match guard {
        Guard::Absent { key } => Compare::create_revision(key.as_str(), CompareOp::Equal, 0),
        Guard::Unchanged { key, revision } => {
            let revision = match revision {
                Revision::Known(revision) => *revision,
                // Refused by the limits; no key has this revision.
                Revision::OfStep(_) => -1,
            };
            Compare::mod_revision(key.as_str(), CompareOp::Equal, revision)
        }
    };
    let op = |op: &Op| match op {
        Op::Put { key, value } => TxnOp::put(key.as_str(), value.as_str(), None),
        Op::Delete { key } => TxnOp::delete(key.as_str(), None),
    };
    let guarded = transaction.guards.iter().map(Guard::key);
    let read = fence
        .map(|fence| fence.key.as_str())
        .into_iter()
        .chain(guarded);
    Txn::new()
        .when(
            held.into_iter()
                .chain(transaction.guards.iter().map(guard))
                .collect::<Vec<_>>(),
        )
        .and_then(transaction.ops.iter().map(op).collect::<Vec<_>>())
        .or_else(read.map(|key| TxnOp::get(key, None)).collect::<Vec<_>>())
}

fn outcome(response: PbTxnResponse, fence: Option<&Fence>) -> Outcome {
    let revision = response.header.map_or(0, |header| header.revision);
    if response.succeeded {
        return Outcome::Committed { revision };
    }
    let mut read = response.responses.into_iter().map(first);
    if let Some(fence) = fence {
        let held = read
            .next()
            .flatten()
            .is_some_and(|(_, entry)| entry.value == fence.value);
        if !held {
            return Outcome::Fenced;
        }
    }
    Outcome::Refused {
        revision,
        current: read.flatten().collect(),
    }
}

/// The key a read in a transaction found.
fn first(response: PbResponseOp) -> Option<(String, Entry)> {
    match response.response {
        Some(PbTxnOpResponse::ResponseRange(range)) => range.kvs.into_iter().next().map(entry),
        _ => None,
    }
}
