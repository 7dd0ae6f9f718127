/// A revision of etcd that a guard compares with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revision {
    /// The modification revision we know.
    Known(i64),
    /// The revision at which an earlier step of the same group commits, counted from 0. It is
    /// known once that step is through.
    OfStep(usize),
}

/// What must hold for a transaction to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// The key does not exist.
    Absent {
        /// The key.
        key: String,
    },
    /// The key was last written at this revision.
    Unchanged {
        /// The key.
        key: String,
        /// Its modification revision.
        revision: Revision,
    },
}

impl Guard {
    /// The key the guard looks at.
    pub fn key(&self) -> &str {
        match self {
            Self::Absent { key } | Self::Unchanged { key, .. } => key,
        }
    }
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Puts a key.
    Put {
        /// The key.
        key: String,
        /// Its new value.
        value: String,
    },
    /// Deletes exactly this key.
    Delete {
        /// The key.
        key: String,
    },
}

impl Op {
    /// The key written.
    pub fn key(&self) -> &str {
        match self {
            Self::Put { key, .. } | Self::Delete { key } => key,
        }
    }
}

/// Writes that are applied together, in this order, or not at all.
///
/// etcd delivers the events of a transaction to watchers in the order of its operations, and
/// vulcand applies them one by one: the order within a transaction matters as much as the order of
/// transactions (found on a running vulcand).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transaction {
    /// All must hold.
    pub guards: Vec<Guard>,
    /// No key twice.
    pub ops: Vec<Op>,
}

impl Transaction {
    /// Most operations, or guards, that etcd takes in one transaction by default
    /// (`--max-txn-ops`).
    pub const MAX_OPS: usize = 128;
    /// Most bytes of keys and values we put in one request: below etcd's default of 1.5 MiB
    /// (`--max-request-bytes`), with room for guards and framing.
    pub const MAX_BYTES: usize = 1_400_000;

    /// Bytes of keys and values the transaction carries.
    pub fn bytes(&self) -> usize {
        let op = |op: &Op| match op {
            Op::Put { key, value } => key.len() + value.len(),
            Op::Delete { key } => key.len(),
        };
        self.ops.iter().map(op).sum::<usize>()
            + self
                .guards
                .iter()
                .map(|guard| guard.key().len())
                .sum::<usize>()
    }
}

/// A transaction in a sequence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// What to write.
    pub transaction: Transaction,
    /// Wait for the settle pause before this step, so that vulcand has applied what came before.
    pub settle: bool,
}

/// Transactions that must follow each other. Groups are independent: they may be in flight
/// together, and the failure of one says nothing about another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// The backends and frontends written, in their order.
    pub objects: Vec<crate::key::ObjectRef>,
    /// The transactions, in order.
    pub steps: Vec<Step>,
}
