//! Who somebody is here whom an identity provider has proved: links, invitations, sign-up, the first
//! administrator. Nothing here knows protocols or cookies (note 028).

mod account;
pub(crate) mod administrators;
mod admit;
mod by_mail;
pub(crate) mod code;
mod disable;
pub(crate) mod invitations;
pub(crate) mod invited;
mod join;
mod link;
mod own_ways;
mod password;
mod provisioned;
mod refused;
mod setup;
mod sign_up;
mod stand_in;
pub(crate) mod waiting;
mod ways;

use aeolus_model::{ConnectionId, Email, Secret, UserId};
use aeolus_oidc::Identity;

pub(crate) use self::admit::{admit, denied, queue};
pub use self::code::first_admin;
pub(crate) use self::disable::{disable, enable, let_in, places, shut_out};
pub(crate) use self::invited::{key_from as invitation_key_from, mailed_link_of};
pub(crate) use self::join::{accept_post, invitation_get, join_post};
pub(crate) use self::link::{counts_for, is_known_at, may_link, require_proved};
pub(crate) use self::own_ways::{OwnWays, own_ways, remove_post};
pub(crate) use self::password::{
    answer_forgotten, forgot_get, forgot_post, link_of as reset_link, reset, reset_get, reset_post,
};
pub(crate) use self::refused::Refused;
pub(crate) use self::setup::{setup_account, setup_get, setup_post};
pub use self::sign_up::SignUp;
pub(crate) use self::stand_in::{is_stand_in, stand_in};

/// Somebody whom an identity provider has proved, on their way in.
pub(crate) struct Arrival<'a> {
    /// The connection's row.
    pub(crate) connection: ConnectionId,
    /// What it is: whose addresses it may speak for, and who gets an account by coming.
    pub(crate) provider: &'a aeolus_oidc::Connection,
    /// Who it says that they are.
    pub(crate) identity: &'a Identity,
    /// What the attempt was begun with: the value of an invitation, or the code that makes the first
    /// administrator. The attempt carries it as it came, unread.
    pub(crate) invitation: Option<&'a Secret<String>>,
    /// Whoever began the attempt from their account page ([`may_link`]), to be known by this identity as
    /// well. Only of a session that is still the browser's when the answer comes.
    pub(crate) link_to: Option<UserId>,
}

impl Arrival<'_> {
    /// The address that the provider vouches for (O21).
    fn proved(&self) -> Option<&Email> {
        let email = self.identity.email.as_ref();
        email.filter(|_| self.identity.email_verified)
    }
}

#[cfg(test)]
pub(crate) mod tests;
