//! Finding out who somebody is.

use aeolus_store::{Unit as _, User, Write};

use super::{Arrival, Refused};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;

/// Who somebody is here, or why they don't come in. What it changes is in `write`, with its lines of the
/// audit log; where it refuses, there is nothing in it that may be committed.
pub(crate) async fn admit(
    _app: &App,
    _info: &RequestInfo,
    write: &mut Write,
    arrival: &Arrival<'_>,
) -> Result<Result<User, Refused>, ApiError> {
    let identity = arrival.identity;
    let mut links = write.identities();
    let found = links
        .find(arrival.connection, &identity.issuer, &identity.subject)
        .await?;
    let Some(link) = found else {
        return Ok(Err(Refused::Unknown));
    };
    let user = write.users().get(link.user).await?;
    let user = user.ok_or_else(|| ApiError::internal("a link to nobody"))?;
    Ok(match user.disabled_at {
        Some(_) => Err(Refused::Disabled),
        None => Ok(user),
    })
}
