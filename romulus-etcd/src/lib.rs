//! Stores for romulus: where vulcand's keys live.
//!
//! A [`Store`] loads keys at one revision, watches them from there, applies guarded transactions
//! and elects the one writer. [`EtcdStore`] is etcd v3; [`MemoryStore`] is the same in the memory
//! of the process, for tests, demos and `--etcd memory`. [`commit_group`] carries out what
//! `romulus-core` planned.
//!
//! Nothing here knows what the keys mean.
//!
//! ```
//! use romulus_core::plan::{Guard, Op, Transaction};
//! use romulus_etcd::{MemoryStore, Outcome, Store};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), romulus_etcd::StoreError> {
//! let store = MemoryStore::new();
//! let key = "vulcand/backends/example.default/backend".to_owned();
//! let create = Transaction {
//!     guards: vec![Guard::Absent { key: key.clone() }],
//!     ops: vec![Op::Put { key: key.clone(), value: r#"{"Type":"http"}"#.to_owned() }],
//! };
//!
//! let Outcome::Committed { revision } = store.commit(&create, None).await? else {
//!     panic!("the store was empty");
//! };
//! let snapshot = store.load(&["vulcand/".to_owned()]).await?;
//! assert_eq!(snapshot.revision, revision);
//! assert_eq!(snapshot.entries[&key].value, r#"{"Type":"http"}"#);
//!
//! // The key exists now: the same transaction is refused, and says what is there.
//! assert!(matches!(store.commit(&create, None).await?, Outcome::Refused { .. }));
//! # Ok(())
//! # }
//! ```

mod args;
mod client;
mod error;
mod executor;
mod limits;
mod memory;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod watch;

pub use args::EtcdArgs;
pub use client::{
    Discovery, EndpointStatus, EtcdOptions, EtcdStore, MemberStatus, REQUESTS_TARGET,
};
pub use error::{Cause, StoreError};
pub use executor::{GroupEnd, GroupResult, commit_group};
pub use memory::MemoryStore;
pub use store::{Fence, Leadership, Outcome, Store};
pub use watch::{ProgressRequest, Watch, WatchEvent, WatchFeed};

/// What [`commit_group`] is told to stop with.
pub use tokio_util::sync::CancellationToken;
