//! `POST /v1/connections/{connection}/scim/credentials/{id}/rotate`: a new secret in place of the old one, at once or
//! after a grace in which both are good.

use std::time::Duration;

use aeolus_api::Period;
use aeolus_api::policy::MAX_GRACE;
use aeolus_api::scim::{ScimCredentialCreated, ScimCredentialRotate};
use aeolus_model::{Action, Change};
use aeolus_store::{ScimSecret, Unit as _};
use axum::extract::Path;

use super::{DAY, PERMISSION, end, find, person, provisioning, view};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::JsonOrNothing;
use crate::once::Reply;
use crate::scim::secret::Made;

/// Secrets from before that may be good at once.
const MOST_EARLIER: usize = 10;

/// Gives a credential a new secret, which is in this answer and nowhere else.
pub(crate) async fn rotate(
    ctx: Ctx,
    Path((connection, credential)): Path<(String, String)>,
    JsonOrNothing(body): JsonOrNothing<ScimCredentialRotate>,
) -> Result<Reply<ScimCredentialCreated>, ApiError> {
    let mut write = ctx.write_for(PERMISSION).await?;
    person(&ctx)?;
    let grace = body.grace.map_or(Duration::ZERO, Period::duration);
    if grace > Duration::from_secs(MAX_GRACE) {
        return Err(ApiError::field("grace", "use at most 30d"));
    }
    let connection = provisioning(&mut write, &connection).await?;
    let mut credential = find(&mut write, &connection, &credential).await?;
    let app = &ctx.app;
    let now = app.clock.now();
    let before = write.scim_credentials().hold(credential.id, now).await?;
    let good = before
        .iter()
        .filter(|secret| secret.ends_at.is_none_or(|end| end > now));
    if !grace.is_zero() && good.count() > MOST_EARLIER {
        let what = "It has too many secrets that are still good: rotate it once without a grace, or delete it.";
        return Err(ApiError::Conflict(what.to_owned()));
    }
    let newest = before.last();
    let made = Made::new(credential.id, credential.kind, &*app.rng);
    let secret = ScimSecret {
        digest: made.digest,
        credential: credential.id,
        // Its place among the others is that of its time.
        created_at: newest.map_or(now, |newest| {
            now.max(newest.created_at.plus(Duration::from_millis(1)))
        }),
        ends_at: end(body.expires_in_days.or_else(|| days(newest?)), now)?,
    };
    let ends = (now, now.plus(grace));
    write.scim_credentials().replace(&secret, ends).await?;
    credential.rotated_at = Some(now);
    let target = format!("{}/{}", connection.name, credential.name);
    let mut event = ctx.event(Action::ScimCredentialRotate, None, target);
    event.changes = vec![Change::to("earlierEndAt", ends.1.secs().to_string())];
    let end = secret.ends_at;
    let end = end.map(|end| Change::to("expiresAt", end.secs().to_string()));
    event.changes.extend(end);
    write.audit(event);
    let secrets = write.scim_credentials().secrets(credential.id).await?;
    let record = view::view(&credential, &secrets, now);
    let shown = |seq| view::without_secret(app, &connection, record, seq);
    let reply = ctx.done(write, shown).await?;
    Ok(reply.map(|rotated| view::with_secret(rotated, &made)))
}

/// For how many days a secret was made.
fn days(secret: &ScimSecret) -> Option<u32> {
    let life = secret.ends_at?.since(secret.created_at).as_secs();
    u32::try_from(life.div_ceil(DAY.as_secs())).ok()
}
