//! The crate's API from outside. Tests named `t…` and `o…` answer rows of the attack corpus.

mod claims;
mod header;
mod keys;
mod kinds;
mod oracle;
mod property;
mod round_trip;
mod seal;
mod signature;
mod support;
mod wycheproof;
