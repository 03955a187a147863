//! `/v1/connections/{connection}/scim/credentials`: with what a connection's provider provisions. For whoever looks
//! after the installation's connections; a credential can disable everybody that it made.

mod create;
mod delete;
mod list;
mod rotate;
mod view;

use std::time::Duration;

use aeolus_model::{Actor, Permission, ScimCredentialId, Time, UserId};
use aeolus_store::{Connection, ScimCredential, Unit};

use crate::connections;
use crate::ctx::Ctx;
use crate::error::ApiError;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use list::list;
pub(crate) use rotate::rotate;

/// What it takes. To see which credentials there are takes as much as to make one.
pub(super) const PERMISSION: Permission = Permission::SystemConnectionsUpdate;
/// Most credentials of a connection.
const MOST: usize = 20;
const DAY: Duration = Duration::from_secs(86_400);
/// Most days that a secret is good.
const MAX_DAYS: u32 = 3_650;

/// Who changes credentials: people. A stolen token could otherwise outlive itself.
fn person(ctx: &Ctx) -> Result<UserId, ApiError> {
    if let Actor::User(id) = ctx.actor {
        return Ok(id);
    }
    let what = "a person's credential: tokens don't make or change credentials";
    Err(ApiError::Forbidden(what.to_owned()))
}

/// A connection that may provision.
async fn provisioning<U: Unit>(unit: &mut U, text: &str) -> Result<Connection, ApiError> {
    let found = connections::find(unit, text).await?;
    if found.kind == "local" {
        let what = "Accounts with a password here are no provider's: nobody provisions them.";
        return Err(ApiError::Conflict(what.to_owned()));
    }
    Ok(found)
}

/// A credential of a connection, by id or name.
async fn find<U: Unit>(
    unit: &mut U,
    connection: &Connection,
    text: &str,
) -> Result<ScimCredential, ApiError> {
    let found = match text.parse::<ScimCredentialId>() {
        Ok(id) => unit.scim_credentials().get(id).await?,
        Err(_) => unit.scim_credentials().by_name(connection.id, text).await?,
    };
    let own = found.filter(|found| found.connection == connection.id);
    own.ok_or(ApiError::NotFound("credential"))
}

/// Until when a secret of so many days is good.
fn end(days: Option<u32>, now: Time) -> Result<Option<Time>, ApiError> {
    let Some(days) = days else {
        return Ok(None);
    };
    if !(1..=MAX_DAYS).contains(&days) {
        let what = format!("use 1 to {MAX_DAYS}");
        return Err(ApiError::field("expiresInDays", what));
    }
    Ok(Some(now.plus(DAY.saturating_mul(days))))
}
