//! The wire types of the control plane's API: what `/v1`, the OAuth2 endpoints and the plane
//! protocol say, as types that server, command line and gate share. Feature `client` adds the
//! typed HTTP client, and the way out to identity providers.

pub mod access;
pub mod audit;
mod base64_bytes;
#[cfg(feature = "client")]
pub mod client;
pub mod connection;
#[cfg(feature = "client")]
pub mod egress;
pub mod email;
pub mod explain;
pub mod fleet;
pub mod invitation;
mod join;
pub mod key;
mod list;
mod listen;
mod nearest;
pub mod oauth;
pub mod offboard;
mod period;
pub mod person;
pub mod plane;
pub mod policy;
mod problem;
pub mod quota;
pub mod registry;
pub mod role;
pub mod rollout;
#[cfg(feature = "schema")]
pub mod schema;
pub mod scim;
pub mod scim_templates;
mod secret_ref;
pub mod session;
pub mod team;
pub mod tenancy;
pub mod token;
#[cfg(feature = "client")]
pub mod trust;

pub use base64_bytes::Base64Bytes;
pub use join::{JoinToken, JoinTokenError};
pub use list::{Awaited, Deleted, Page, PlaneAck, PlaneAcks, Withheld};
pub use listen::{Listen, ListenError};
pub use nearest::nearest;
pub use period::{Period, PeriodError};
pub use problem::{FieldError, Problem};
pub use secret_ref::SecretRef;
