//! The OAuth2 and OpenID Connect provider: code + PKCE for gates and the command line.

mod authorize;
mod backchannel;
pub(crate) mod client;
mod code;
mod device;
mod discovery;
mod exchange;
mod failure;
mod introspect;
mod issue;
mod logout;
mod pace;
pub(crate) mod params;
pub(crate) mod pkce;
pub(crate) mod refresh;
mod revoke;
mod scope;
mod session_token;
mod token;
mod userinfo;

pub(crate) use authorize::authorize;
pub(crate) use backchannel::backchannel_logout;
pub(crate) use device::{device_authorization, device_decide, device_get, device_post};
pub(crate) use discovery::discovery;
pub(crate) use failure::OAuthFailure;
pub(crate) use introspect::introspect;
pub(crate) use issue::{access_token, for_control};
pub(crate) use logout::{logout_get, logout_post};
pub(crate) use revoke::revoke;
pub(crate) use session_token::session_token;
pub(crate) use token::{read_form, token};
pub(crate) use userinfo::userinfo;
