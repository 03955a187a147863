//! An ACME client (RFC 8555): certificates of authorities that ask for a proof of who has a name.
//!
//! [`Client::run`] brings about that a pair of certificate and key is there and good: it does nothing while it is,
//! orders a new one when that is due, and leaves what is there alone when the order fails. Where the pair lies is the
//! caller's ([`Place`]). One folder ([`Folder`]) holds the account, what is remembered of pairs, and the answers to
//! challenges, so that several processes that share it are one client.
//!
//! The protocol is instant-acme's, requests are [`aeolus_api::egress`]'s, certificates [`aeolus_pki`]'s. The account's
//! key and its signatures draw from the cryptographic library's own generator, as keys of certificates do.

mod account;
mod asked;
mod client;
mod error;
mod folder;
mod hook;
mod order;
mod problem;
mod proof;
mod responder;
mod run;
mod schedule;
mod solver;
mod state;
mod suggestion;
mod transport;

pub use account::{External, ExternalError, Settings};
pub use asked::{Asked, AskedError, Challenge};
pub use client::{Client, Found, Limits, Outcome, Place, Run, When};
pub use error::AcmeError;
pub use folder::Folder;
pub use hook::{Hook, HookError, is_ours};
pub use problem::{Kind, Told};
pub use responder::respond;
pub use schedule::Why;
pub use solver::Solver;

/// Let's Encrypt's directory: certificates that browsers believe.
pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// Let's Encrypt's directory for trying: generous limits, and certificates that nobody believes.
pub const LETS_ENCRYPT_STAGING: &str = "https://acme-staging-v02.api.letsencrypt.org/directory";
