//! People of an organization.

mod create;
mod delete;
mod leaving;
mod list;
mod offboard;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use leaving::take_out;
pub(crate) use list::list;
pub(crate) use offboard::offboard;
