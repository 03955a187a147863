//! Grants in an organization.

mod create;
mod delete;
mod list;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use list::list;
