//! API tokens of an organization.

mod create;
mod delete;
mod get;
mod list;
mod policy;
mod view;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::{list, wants_planes};
