//! Whose sessions a request means, as far as the actor may ask for them.

use aeolus_model::{Actor, Email, OrganizationId, Permission, UserId};
use aeolus_store::{Unit, User};

use crate::authority::{Authority, organization_path};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;
use crate::people::waiting;

/// Whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// A person's, wherever they are used.
    Person(UserId),
    /// What is used in an organization: of one of its people, or of all.
    Within(OrganizationId, Option<UserId>),
}

/// What for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    See,
    End,
}

/// Reads `?user=&organization=`. A person is named by id or address.
pub(super) async fn asked(
    ctx: &Ctx,
    unit: &mut impl Unit,
    authority: &Authority,
    (query, purpose): (&Query, Purpose),
) -> Result<Whose, ApiError> {
    let user = query.0.get("user");
    if let Some(name) = query.0.get("organization") {
        let organization = within(unit, authority, (name, purpose)).await?;
        let user = match user {
            None => None,
            Some(text) => Some(person_in(unit, organization, text).await?),
        };
        return Ok(Whose::Within(organization, user));
    }
    let own = match ctx.actor {
        Actor::User(id) => unit.users().get(id).await?,
        _ => None,
    };
    let Some(text) = user else {
        let own = own.ok_or_else(|| ApiError::Forbidden("a person's access token".to_owned()))?;
        return Ok(Whose::Person(own.id));
    };
    if let Some(own) = own.filter(|own| own.email.as_str() == text || own.id.to_string() == text) {
        return Ok(Whose::Person(own.id));
    }
    let permission = match purpose {
        Purpose::See => Permission::SystemUsersGet,
        Purpose::End => Permission::SystemIamUpdate,
    };
    authority.require(permission, &[])?;
    let found = find(unit, text).await?.ok_or(ApiError::NotFound("user"))?;
    Ok(Whose::Person(found.id))
}

/// An organization in which the actor may see or end sessions.
pub(super) async fn within(
    unit: &mut impl Unit,
    authority: &Authority,
    (name, purpose): (&str, Purpose),
) -> Result<OrganizationId, ApiError> {
    let organization = authority.organization(unit, name).await?.id;
    let sees_all = authority.may(Permission::SystemUsersGet, &[]);
    if purpose == Purpose::End || !sees_all {
        let path = organization_path(organization);
        authority.require(Permission::OrganizationIamUpdate, &path)?;
    }
    Ok(organization)
}

/// Whether a person has a role in an organization, of their own or through a team.
pub(crate) async fn belongs(
    unit: &mut impl Unit,
    organization: OrganizationId,
    user: UserId,
) -> Result<bool, ApiError> {
    let grants = unit.grants().effective(user).await?;
    let teams = unit.teams().of(user).await?;
    Ok(grants.iter().any(|r| r.organization == Some(organization))
        || teams.iter().any(|team| team.organization == organization))
}

/// Somebody of an organization, or nobody.
async fn person_in(
    unit: &mut impl Unit,
    organization: OrganizationId,
    text: &str,
) -> Result<UserId, ApiError> {
    let found = find_in(unit, organization, text).await?;
    found.map(|user| user.id).ok_or(ApiError::NotFound("user"))
}

/// Somebody of an organization, by id or address. Everybody else is as unknown as nobody (A1).
pub(crate) async fn find_in(
    unit: &mut impl Unit,
    organization: OrganizationId,
    text: &str,
) -> Result<Option<User>, ApiError> {
    for user in named(unit, text).await? {
        if belongs(unit, organization, user.id).await? {
            return Ok(Some(user));
        }
    }
    Ok(None)
}

/// Somebody, by id or address, in the whole installation.
pub(crate) async fn find(unit: &mut impl Unit, text: &str) -> Result<Option<User>, ApiError> {
    Ok(named(unit, text).await?.into_iter().next())
}

/// All whom a text may mean: somebody by their id; by an address who has it, and then who waits for it.
pub(crate) async fn named(unit: &mut impl Unit, text: &str) -> Result<Vec<User>, ApiError> {
    if let Ok(id) = text.parse() {
        return Ok(Vec::from_iter(unit.users().get(id).await?));
    }
    let Ok(email) = Email::parse(text) else {
        return Ok(Vec::new());
    };
    let holder = unit.users().by_email(&email).await?;
    let waiting = waiting::of(unit, &email).await?;
    Ok(holder.into_iter().chain(waiting).collect())
}
