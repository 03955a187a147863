//! Accounts with a password that are made by an invitation: where e-mails are sent, by the link that was sent to the
//! address alone.

use aeolus_model::{Action, Actor, AuditEvent, Secret};
use aeolus_store::{InvitationRecord, Unit as _, User, Write};

use super::invitations::{Asking, Sending};
use super::stand_in::Proof;
use super::ways::Ways;
use super::{administrators, invitations, invited, stand_in};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;

/// Where somebody makes an account with a password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Joining {
    /// Nowhere: people have none here.
    Nowhere,
    /// On this page: its link came by e-mail, or none is sent.
    Here,
    /// On the page of a link that is sent to the address. Whoever has this one may be who invited: they would learn
    /// whether there is an account, and have one at an address that isn't theirs.
    ByMail,
}

impl Joining {
    pub(super) fn of(app: &App, ways: &Ways, value: &Secret<String>) -> Self {
        if !ways.local {
            Self::Nowhere
        } else if app.mailer.is_none() || invited::is_mailed(value) {
            Self::Here
        } else {
            Self::ByMail
        }
    }
}

/// What is said of it, whatever there is at the address.
pub(super) const SENT: &str = "If it wasn't sent today already, the link to make an account with is on its way to the address that \
                    was invited. Open it there; look among unwanted mail, too.";

/// What is said where nothing more is sent today, whatever there is at the address.
pub(super) const NOT_TODAY: &str = "No more links are sent to the address that was invited today. Look for one there, among unwanted mail, too, or \
                    open this page again tomorrow.";

/// Who has the invited address.
pub(super) enum Address {
    /// Nobody, or nobody any more: whoever reads what is sent there gets it from who only said that it is theirs.
    Free,
    /// An account that waited for it until now, which nobody signs in to yet.
    Waited(User),
    /// Somebody whose it is, as far as is known.
    Taken,
}

/// Says who, for somebody with the link of an invitation that came by e-mail or didn't.
pub(super) async fn address(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (invitation, mailed): (&InvitationRecord, bool),
) -> Result<Address, ApiError> {
    let email = &invitation.email;
    let Some(holder) = write.users().by_email(email).await? else {
        return Ok(Address::Free);
    };
    if !mailed || !stand_in::give_up(app, info, write, (&holder, Proof::Mail)).await? {
        return Ok(Address::Taken);
    }
    let Some(waited) = write.users().by_email(email).await? else {
        return Ok(Address::Free);
    };
    if waited.disabled_at.is_some() || administrators::is_one(write, waited.id).await? {
        return Ok(Address::Taken);
    }
    Ok(Address::Waited(waited))
}

/// Gives an account that waited to who reads what is sent to its address.
pub(super) async fn take_over(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (waited, name, hash): (User, &str, Secret<String>),
) -> Result<User, ApiError> {
    let mut user = User {
        name: name.to_owned(),
        password_hash: Some(hash),
        ..waited
    };
    write.users().update(&user).await?;
    user.revision += 1;
    write.audit(AuditEvent {
        target: user.id.to_string(),
        reason: "invitation".to_owned(),
        ..info.event(app, Actor::User(user.id), Action::PasswordReset)
    });
    Ok(user)
}

/// Has the link sent with which somebody makes an account, whoever has the address here. Who can't be sent one reads the
/// same.
pub(super) async fn send(app: &App, invitation: &InvitationRecord) -> Result<Sending, ApiError> {
    let mut write = app.store.write().await?;
    let organization = write.organizations().get(invitation.organization).await?;
    let organization = organization.ok_or(ApiError::NotFound("organization"))?;
    let what = (&organization, invitation);
    let sending = invitations::send(app, &mut write, what, Asking::Invited).await?;
    app.commit(write).await?;
    Ok(sending)
}
