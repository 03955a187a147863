//! People whom a provider wrote by SCIM and who now sign in through it (note 032).

use std::collections::BTreeSet;

use aeolus_model::UserId;
use aeolus_oidc::{Kind, Tenants};
use aeolus_store::{ScimUserKey, StoreError, Unit as _, Write};

use super::{Arrival, Refused, account, administrators, link};
use crate::app::App;
use crate::connections::Settings;
use crate::ctx::RequestInfo;
use crate::error::ApiError;

/// Makes the account known by the identity, where the same connection's provider wrote of exactly one user that they
/// are this subject, or have this address. Says whether it did; nobody is refused for not being found.
pub(super) async fn link(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    arrival: &Arrival<'_>,
) -> Result<Result<bool, Refused>, ApiError> {
    if arrival.link_to.is_some() {
        return Ok(Ok(false));
    }
    let id = match by_subject(write, arrival).await? {
        Some(id) => Some(id),
        None => by_address(write, arrival).await?,
    };
    let Some(id) = id else {
        return Ok(Ok(false));
    };
    // Whoever disables or deletes them is done before it is looked at, or waits.
    write.users().hold(id).await?;
    let said = write.scim_users().get(arrival.connection, id).await?;
    let (Some(_), Some(user)) = (said, write.users().get(id).await?) else {
        return Ok(Ok(false));
    };
    if user.disabled_at.is_some() {
        return Ok(Err(Refused::Disabled));
    }
    // One account is one subject of a provider: addresses pass from one person to the next (O22).
    if link::is_known_at(write, id, arrival.connection).await? {
        return Ok(Err(Refused::AddressTaken));
    }
    if administrators::is_one(write, id).await? && !may_be_administrators(write, arrival).await? {
        // By their address they may still come, where the connection may speak for it whatever was provisioned.
        let by_address =
            arrival.proved() == Some(&user.email) && link::trusts(arrival, &user.email);
        return Ok(if by_address {
            Ok(false)
        } else {
            Err(Refused::Administrator)
        });
    }
    account::link(app, info, write, (arrival, id)).await?;
    Ok(Ok(true))
}

/// Whether what is provisioned counts for administrators too: whoever holds a credential would be them.
async fn may_be_administrators(
    write: &mut Write,
    arrival: &Arrival<'_>,
) -> Result<bool, StoreError> {
    let connection = write.connections().get(arrival.connection).await?;
    let settings = connection.as_ref().and_then(Settings::of);
    let said = settings.and_then(|settings| settings.scim);
    Ok(said.is_some_and(|said| said.match_administrators))
}

/// `externalId` is what names them at the provider: the subject, at Entra the object's id in it.
async fn by_subject(write: &mut Write, arrival: &Arrival<'_>) -> Result<Option<UserId>, ApiError> {
    let subject = arrival.identity.subject.as_str();
    let id = match arrival.provider.kind() {
        Kind::Microsoft => subject.rsplit('/').next().unwrap_or(subject),
        _ => subject,
    };
    let key = ScimUserKey::ExternalId(id);
    let found = write.scim_users().find(arrival.connection, key, 2).await?;
    Ok(only(found))
}

/// By an address that the provider vouches for. Where the connection is one tenant, whose administrators write both
/// what is provisioned and what a sign-in says, its own word is enough.
async fn by_address(write: &mut Write, arrival: &Arrival<'_>) -> Result<Option<UserId>, ApiError> {
    let one_tenant = arrival.provider.kind() == Kind::Microsoft
        && match arrival.provider.tenants() {
            Tenants::OfIssuer => true,
            Tenants::Listed(tenants) => tenants.len() == 1,
        };
    let Some(email) = &arrival.identity.email else {
        return Ok(None);
    };
    if !arrival.identity.email_verified && !one_tenant {
        return Ok(None);
    }
    let key = aeolus_scim::fold(email.as_str());
    let mut found = Vec::new();
    for key in [ScimUserKey::Name(&key), ScimUserKey::Email(&key)] {
        found.extend(write.scim_users().find(arrival.connection, key, 2).await?);
    }
    Ok(only(found))
}

fn only(found: Vec<UserId>) -> Option<UserId> {
    let ids: BTreeSet<UserId> = found.into_iter().collect();
    let mut ids = ids.into_iter();
    ids.next().filter(|_| ids.next().is_none())
}
