//! The OAuth2 and OpenID Connect provider: code + PKCE for gates and the command line.

mod authorize;
mod backchannel;
pub(crate) mod client;
mod code;
mod discovery;
mod failure;
mod introspect;
mod issue;
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
pub(crate) use discovery::discovery;
pub(crate) use introspect::introspect;
pub(crate) use issue::{access_token, for_control};
pub(crate) use revoke::revoke;
pub(crate) use session_token::session_token;
pub(crate) use token::token;
pub(crate) use userinfo::userinfo;
