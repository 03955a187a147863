//! Organizations and what is in them.

mod access;
pub(crate) mod apply;
pub(crate) mod deployments;
mod explain;
pub(crate) mod grants;
mod holders;
mod me;
pub(crate) mod organizations;
mod owners;
pub(crate) mod reserved;
pub(crate) mod roles;
pub(crate) mod teams;
pub(crate) mod users;
pub(crate) mod workspaces;

pub(crate) use access::access;
pub(crate) use explain::explain;
pub(crate) use holders::holders;
pub(crate) use me::me;
