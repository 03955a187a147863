//! The OAuth2 and OpenID Connect provider: code + PKCE for gates and the command line.

pub(crate) mod client;
pub(crate) mod params;
pub(crate) mod pkce;
