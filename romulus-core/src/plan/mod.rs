//! What to write, in which order, and why.

mod transaction;

pub use transaction::{Group, Guard, Op, Revision, Step, Transaction};
