//! Signing people in through identity providers: the half without a network.
//!
//! A [`Connection`] is one configured provider, parsed into what can't be wrong. What providers do
//! differently is a row of [`Profile`], not code. A sign-in is an [`Attempt`], the URL of
//! [`AuthorizationRequest`], an [`Answer`], for codes a [`TokenRequest`] and its [`Tokens`], and then a
//! [`Proof`], out of which comes an [`Identity`] or the reason why not.
//!
//! Pure: no I/O; time and randomness are parameters. Whoever uses it fetches what [`Discovery`] names
//! (OpenID Connect Core 1.0, RFC 6749, RFC 7636, RFC 9207, RFC 9700).

mod access_token;
mod answer;
mod attempt;
mod connection;
mod discovery;
mod discovery_url;
pub mod entra;
mod error;
#[cfg(test)]
mod fixture;
pub mod github;
mod graph;
mod id_token;
mod identity;
mod kind;
mod profile;
mod proof;
mod redirects;
mod request;
mod setup;
mod sign_out;
mod strict;
mod token_request;
mod tokens;
mod user_info;

pub use answer::{Answer, AnswerError, Channel, ProviderError};
pub use attempt::Attempt;
pub use connection::{
    ClaimNames, ClaimsMapping, Connection, Flow, Mfa, Provision, ProvisionSettings, ResponseType,
    Settings, SettingsError, TeamRules, TeamSettings, Tenants,
};
pub use discovery::{ClientAuth, Discovery, DiscoveryError};
pub use discovery_url::{DiscoveryUrl, DiscoveryUrlError};
pub use error::SignInError;
pub use graph::graph;
pub use identity::{GroupList, Groups, Identity};
pub use kind::Kind;
pub use profile::{
    AbsentGroups, EmailVerified, IssuerRule, MfaProof, Original, Profile, Protocol, SignOut,
    SubjectClaim,
};
pub use proof::{Proof, Proved};
pub use redirects::Redirects;
pub use request::{Ask, AuthorizationRequest};
pub use setup::{PlaneClient, Registered, plane_setup, setup};
pub use sign_out::{sign_out_url, takes_id_token};
pub use token_request::TokenRequest;
pub use tokens::{Tokens, TokensError};
pub use user_info::{UserInfo, UserInfoError};
