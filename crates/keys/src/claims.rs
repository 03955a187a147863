//! The claims of our tokens, as types. What isn't exactly so (a missing member, a fraction for a
//! time, a list for `aud`) doesn't become a value.

mod check;
mod client_assertion;
mod exchanged;
mod kinds;
mod role_or_none;
mod tag;

pub(crate) use check::LEEWAY;
pub use check::{ClaimError, Registered, check_times};
pub use client_assertion::ClientAssertion;
pub use kinds::{
    Access, Act, Airflow2, Airflow3, Api, Direct, DirectGrant, Federated, IdToken, Logout,
    LogoutEvents, PARENT_COOKIE, PlaneAssertion, Surface,
};
pub use tag::{AccessKind, ApiKind, DirectKind, FederatedKind};
