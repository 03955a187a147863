//! Organizations and what is in them.

mod access;
pub(crate) mod apply;
pub(crate) mod deployments;
mod explain;
pub(crate) mod grants;
mod me;
pub(crate) mod organizations;
mod owners;
pub(crate) mod reserved;
pub(crate) mod roles;
mod teams;
pub(crate) mod users;
pub(crate) mod workspaces;

pub(crate) use access::access;
pub(crate) use explain::explain;
pub(crate) use me::me;
pub(crate) use teams::list as list_teams;
