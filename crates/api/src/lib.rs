//! The wire types of the control plane's API: what `/v1`, the OAuth2 endpoints and the plane
//! protocol say, as types that server, command line and gate share. Feature `client` adds the
//! typed HTTP client.

mod base64_bytes;
#[cfg(feature = "client")]
pub mod client;
mod join;
mod list;
mod listen;
pub mod oauth;
pub mod plane;
mod problem;
pub mod tenancy;
pub mod token;

pub use base64_bytes::Base64Bytes;
pub use join::{JoinToken, JoinTokenError};
pub use list::{Deleted, Page, PlaneAck, PlaneAcks};
pub use listen::{Listen, ListenError};
pub use problem::{FieldError, Problem};
