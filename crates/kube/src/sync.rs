//! Which Secret goes where: decided from what was read, without input or output.
//!
//! A source is a Secret of one namespace, the syncer's, whose annotations say to which others it goes ([`Wish`]). A copy is ours if its labels and
//! annotations say so and agree ([`Owned`]); nothing else is ever changed or deleted. [`plan`] compares the two.

mod alias;
mod budget;
mod copy;
mod digest;
mod glob;
mod keys;
mod plan;
mod selector;
mod source;
mod tls;
mod wish;

pub use budget::{Budget, HeldBack};
pub use copy::{Owned, is_copy, restart_mark};
pub use digest::DigestKey;
pub use glob::{GlobError, Globs};
pub use keys::{
    DIGEST, EXCLUDE, KEYS, MANAGED, NAME, NAMESPACES, ON_CONFLICT, ON_DELETE, PRIVATE_KEY, RESTART,
    SOURCE, SYNC, SYNCED_AT, VENDOR_SYNC,
};
pub use plan::{
    Entry, KeyChanges, Lying, Observed, Plan, Rewrite, Settings, SourceState, Step, Target, plan,
};
pub use selector::{Selector, SelectorError};
pub use source::{Refused, Source};
pub use tls::{Pair, TlsProblem};
pub use wish::{Mode, OnConflict, OnDelete, Rules, Warning, Whom, Wish};
