//! Invitations, taken up: by somebody who is here, or who comes for the first time.

use aeolus_keys::digest;
use aeolus_model::{
    Action, Actor, AuditEvent, Change, Email, Grant, GrantId, GrantedRole, InvitationId, Secret,
    Subject,
};
use aeolus_store::{
    Digest, GrantRecord, InvitationRecord, InvitedRole, ManagedBy, Unit, User, Write,
};

use super::{Arrival, Refused, account, link};
use crate::app::App;
use crate::authority::{Authority, path_within};
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::policy;
use crate::tenancy::roles;

const LABEL: &[u8] = b"invitation";
/// Bytes of a value: 160 bits.
const BYTES: usize = 20;
/// Letters of a value that is sent by e-mail: an id, and as much as of the other.
const MAILED: usize = 2 * (16 + BYTES);

/// The key that values are made with, from the master key.
pub(crate) fn key_from(master: &Secret<[u8; 32]>) -> Secret<[u8; 32]> {
    Secret::new(digest::hmac(master.expose(), &[LABEL, b"key"]))
}

/// The value of an invitation: what its link is made of. It is kept nowhere, so that neither a copy of the
/// database nor an e-mail that waits there opens anything. Letters and digits alone: nothing at its end is
/// taken for the end of a sentence.
pub(crate) fn value_of(app: &App, id: InvitationId) -> Secret<String> {
    let code = digest::hmac(app.invitation_key.expose(), &[LABEL, id.as_bytes()]);
    let hex = |text: String, byte: &u8| format!("{text}{byte:02x}");
    let text = code.iter().take(BYTES).fold(String::new(), hex);
    Secret::new(text)
}

/// The link of a value.
pub(crate) fn link(app: &App, value: &Secret<String>) -> String {
    format!("{}/invitation/{}", app.issuer, value.expose())
}

/// The value of the link that is sent to the address itself: the invitation's id and a proof that we sent it. Whoever
/// invited has the other value alone, so that who has this one reads what is sent there.
fn mailed_value_of(app: &App, id: InvitationId) -> Secret<String> {
    let code = digest::hmac(
        app.invitation_key.expose(),
        &[LABEL, b"mailed", id.as_bytes()],
    );
    let bytes = id.as_bytes().iter().chain(code.iter().take(BYTES));
    let hex = |text: String, byte: &u8| format!("{text}{byte:02x}");
    Secret::new(bytes.fold(String::new(), hex))
}

/// The link of an invitation that is sent to its address.
pub(crate) fn mailed_link_of(app: &App, id: InvitationId) -> String {
    link(app, &mailed_value_of(app, id))
}

/// Whether a value that was found good came by e-mail.
pub(crate) fn is_mailed(value: &Secret<String>) -> bool {
    value.expose().len() == MAILED
}

/// The invitation that a value which was sent by e-mail names, if it was we who sent it.
fn of_mailed(app: &App, value: &Secret<String>) -> Option<InvitationId> {
    let id = id_in(value.expose())?;
    let good = digest_of(&mailed_value_of(app, id));
    digest::eq(&digest_of(value), &good).then_some(id)
}

/// What stands at the beginning of a value.
fn id_in(text: &str) -> Option<InvitationId> {
    let mut bytes = [0; 16];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(InvitationId::from_bytes(bytes))
}

/// What a value is found by.
pub(crate) fn digest_of(value: &Secret<String>) -> Digest {
    digest::sha256(value.expose().as_bytes())
}

/// The invitation of a value, if it can be taken up at this moment.
pub(crate) async fn open(
    app: &App,
    unit: &mut impl Unit,
    value: &Secret<String>,
) -> Result<Option<InvitationRecord>, ApiError> {
    let found = if is_mailed(value) {
        match of_mailed(app, value) {
            Some(id) => unit.invitations().get(id).await?,
            None => None,
        }
    } else if value.expose().len() == 2 * BYTES {
        unit.invitations().by_digest(&digest_of(value)).await?
    } else {
        None
    };
    let now = app.clock.now();
    Ok(found.filter(|invitation| invitation.is_open(now)))
}

/// Takes an invitation up for somebody who is here. `addresses`: those that are proved to be theirs.
pub(crate) async fn accept(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (value, user): (&Secret<String>, &User),
    addresses: &[Option<&Email>],
) -> Result<Result<(), Refused>, ApiError> {
    let Some(invitation) = open(app, write, value).await? else {
        return Ok(Err(Refused::Over));
    };
    let theirs = addresses.contains(&Some(&invitation.email));
    if !theirs && !invitation.any_address {
        return Ok(Err(Refused::OtherAddress));
    }
    take(app, info, write, (&invitation, user)).await
}

/// Takes an invitation up for somebody who comes for the first time.
pub(super) async fn arrive(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (arrival, value): (&Arrival<'_>, &Secret<String>),
) -> Result<Result<User, Refused>, ApiError> {
    let Some(invitation) = open(app, write, value).await? else {
        return Ok(Err(Refused::Over));
    };
    let proved = arrival.proved();
    if proved != Some(&invitation.email) && !invitation.any_address {
        return Ok(Err(Refused::OtherAddress));
    }
    // Whoever invited anybody with the link has vouched for the address where the provider doesn't.
    let email = proved.unwrap_or(&invitation.email);
    let found = match link::by_address(app, info, write, arrival).await? {
        Some(found) => found,
        None => account::make(app, info, write, arrival, email).await?,
    };
    let user = match found {
        Ok(user) => user,
        Err(refused) => return Ok(Err(refused)),
    };
    let took = take(app, info, write, (&invitation, &user)).await?;
    Ok(took.map(|()| user))
}

/// Gives what was promised, as far as whoever invited could still give it.
pub(super) async fn take(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (invitation, user): (&InvitationRecord, &User),
) -> Result<Result<(), Refused>, ApiError> {
    write.organizations().lock(invitation.organization).await?;
    let Some(roles) = promised(app, write, invitation).await? else {
        return Ok(Err(Refused::Over));
    };
    let now = app.clock.now();
    let mut invitations = write.invitations();
    if !invitations.take(invitation.id, (now, user.id)).await? {
        return Ok(Err(Refused::Over));
    }
    let event = info.event(app, Actor::User(user.id), Action::InvitationAccept);
    write.audit(AuditEvent {
        organization: Some(invitation.organization),
        target: invitation.id.to_string(),
        changes: vec![Change::to("user", user.id.to_string())],
        ..event
    });
    let mut introductions = write.introductions();
    introductions.came(invitation.organization, user.id).await?;
    for (role, promise) in roles {
        let record = GrantRecord {
            grant: Grant {
                id: GrantId::new(&*app.clock, &*app.rng),
                subject: Subject::User(user.id),
                role,
                resource: promise.resource,
            },
            organization: Some(invitation.organization),
            managed_by: ManagedBy::Api,
        };
        account::give(app, info, write, (user, &record)).await?;
    }
    Ok(Ok(()))
}

/// The roles of an invitation. None if whoever invited could not invite to them any more: what they lost,
/// they don't go on giving (A11), and nobody gives people roles where teams alone have them (D7). A place or a role that is gone is left out.
async fn promised<'i>(
    app: &App,
    write: &mut Write,
    invitation: &'i InvitationRecord,
) -> Result<Option<Vec<(GrantedRole, &'i InvitedRole)>>, ApiError> {
    let inviter = write.users().get(invitation.invited_by).await?;
    if inviter.is_none_or(|user| user.disabled_at.is_some()) {
        return Ok(None);
    }
    let organization = write.organizations().get(invitation.organization).await?;
    if organization.is_none_or(|found| policy::refuse_for_people(&found).is_err()) {
        return Ok(None);
    }
    let actor = Actor::User(invitation.invited_by);
    let authority = Authority::load(app, write, &actor).await?;
    let mut roles = Vec::new();
    for promise in &invitation.roles {
        let place = path_within(write, invitation.organization, promise.resource).await?;
        let Some(path) = place else {
            continue;
        };
        let found = roles::resolve(write, invitation.organization, &promise.role, &path).await;
        let role = match found {
            Ok(role) => role,
            Err(ApiError::Invalid(_)) => continue,
            Err(error) => return Err(error),
        };
        if !authority.may(roles::iam(promise.resource), &path)
            || authority.require_covers(&role, &path).is_err()
        {
            return Ok(None);
        }
        roles.push((role, promise));
    }
    Ok((!roles.is_empty()).then_some(roles))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_names_an_invitation_or_none(text in ".{0,80}") {
            id_in(&text);
        }

        #[test]
        fn a_value_names_its_invitation(bytes: [u8; 16]) {
            let text = bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
            prop_assert_eq!(id_in(&text), Some(InvitationId::from_bytes(bytes)));
        }
    }
}
