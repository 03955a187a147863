//! Sessions of people: their own, and those that an administrator answers for.
//!
//! Whoever administers an organization sees and ends what was used in it by its people, as far as it
//! reaches into it: where else somebody was is none of their business. Everywhere, a session is ended
//! by its own person or by an administrator of the installation.

mod end;
mod end_all;
mod list;
mod view;
mod whose;

pub(crate) use end::end;
pub(crate) use end_all::{end_all, end_all_in};
pub(crate) use list::list;
pub(crate) use whose::{belongs, find, find_in, named};
