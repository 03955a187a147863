//! Planes: adding them, enrolling their gates, and what gates ask. Gates always come to control.

mod acks;
mod adopt;
mod assertion;
mod check;
mod create;
mod enroll;
mod events;
mod get;
mod last_known;
mod list;
mod looks;
mod manifest;
mod quarantine;
mod renew;
mod section;
mod status;
mod view;
mod wait;

pub(crate) use acks::{Acks, Change, behind, wait_within};
pub(crate) use assertion::{Assertions, PlaneCtx, Poll, prove_once};
pub(crate) use check::check;
pub(crate) use create::create;
pub(crate) use enroll::enroll;
pub(crate) use events::events;
pub(crate) use get::{find, get};
pub(crate) use last_known::LastKnown;
pub(crate) use list::list;
pub(crate) use looks::Looks;
pub(crate) use manifest::manifest;
pub(crate) use quarantine::{quarantine, release};
pub(crate) use renew::renew;
pub(crate) use section::section;
pub(crate) use status::status;
pub(crate) use view::{SILENT, jwks_uri, redirect_uri};
pub(crate) use wait::{Wait, heard};
