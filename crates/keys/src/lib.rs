//! Keys and what is done with them: sign and verify JWS, read and write JWK, seal cookies, derive
//! and compare secrets.
//!
//! The rules are types. A [`PublicKey`] knows the one algorithm it may be used with, a [`Kind`] the
//! one `typ` and algorithm its tokens have, and claims come only out of [`jws::Verified`]. There is
//! no code for `none`, HMAC or encrypted tokens that an attacker could reach.
//!
//! Pure: no I/O, no clock; randomness comes through [`aeolus_model::Rng`]. RSA key generation and ECDSA
//! signatures alone draw from the library's own generator, which can't be injected.

mod alg;
mod base64url;
pub mod chain;
pub mod claims;
pub mod digest;
pub mod envelope;
mod error;
mod json;
mod jwk;
pub mod jws;
mod kid;
mod proxy_secrets;
mod public;
mod ring;
mod rng;
pub mod seal;
mod signing;
pub mod status_list;
pub mod totp;
mod weak;

pub use alg::{Alg, Kind};
pub use error::{BadSignature, KeyError};
pub use jwk::{ForeignKey, Jwk, JwkSet};
pub use kid::{Kid, KidError};
pub use proxy_secrets::{PROXY_SECRET_HEADER, ProxySecrets};
pub use public::PublicKey;
pub use ring::KeyRing;
pub use rng::SystemRng;
pub use signing::SigningKey;
