//! Public status lists: what of an organization's API tokens and direct access tokens is no longer good, for
//! whoever verifies them without a gate (Token Status List, note 025).

mod get;
mod lists;
mod made;

pub(crate) use get::get;
pub(crate) use lists::Lists;
