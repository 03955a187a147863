//! The one decision about a request.
//!
//! The gate asks it for every request, control for its own check, `explain` for a person who
//! wonders. It is pure: what is known ([`World`]), what is remembered ([`Memory`]), the time and
//! the age of the knowledge are given to it, and it never waits. An allowance is built by exactly
//! one function; everything missing, broken or late ends in a refusal.

mod address;
mod bearer;
mod by_id;
mod class;
mod cookie;
mod credential;
mod decision;
mod help;
mod host;
mod judge;
mod last_told;
mod load;
mod next;
mod origin;
pub mod original;
mod path;
mod people;
mod provider;
mod rails;
mod reason;
mod request;
mod revocations;
mod rollout;
mod seat;
mod term;
mod token;
mod world;

#[cfg(test)]
mod fixture;

pub use address::forwarded_address;
pub use class::{Classified, PathClass, RuleSet};
pub use cookie::{Begun, SessionCookie, find as find_cookie};
pub use credential::{Credential, CredentialId};
pub use decision::{
    Access, Allowed, Decision, Deny, Destination, Identity, SessionUse, SignIn, is_local_path,
};
pub use host::{Authority, canonical_host};
pub use judge::{Explanation, Judge, Memory, Shown, Step, explain, session_cookie_name};
pub use last_told::LastTold;
pub use origin::is_same_origin;
pub use path::{Origin, Target};
pub use provider::{
    ClientAuthentication, IdTokenError, LoggedOut, LogoutError, LogoutTerms, Provided,
    Registration, SignedIn,
};
pub use rails::{Rails, Upstreams};
pub use reason::Reason;
pub use request::{Headers, Once, Request, Upgrade};
pub use rollout::{Course, Flag, path_of};
pub use seat::Seat;
pub use term::Term;
pub use token::{Audience, Signer, Verified};
pub use world::{AWAY, Deployment, Freshness, Person, RefusedDeployment, Site, World};
