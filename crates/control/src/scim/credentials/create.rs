//! `POST /v1/connections/{connection}/scim/credentials`: a new one; its secret is in this answer and nowhere else.

use aeolus_api::scim::{ScimCredentialCreate, ScimCredentialCreated};
use aeolus_model::{Action, Change, ScimCredentialId};
use aeolus_store::{ScimCredential, ScimSecret, Unit as _};
use axum::extract::Path;

use super::{MOST, PERMISSION, end, person, provisioning, view};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;
use crate::once::Reply;
use crate::scim::secret::Made;

const LONGEST: usize = 63;

/// Makes a credential.
pub(crate) async fn create(
    ctx: Ctx,
    Path(connection): Path<String>,
    Json(body): Json<ScimCredentialCreate>,
) -> Result<Reply<ScimCredentialCreated>, ApiError> {
    let mut write = ctx.write_for(PERMISSION).await?;
    let by = person(&ctx)?;
    check_name(&body.name)?;
    let connection = provisioning(&mut write, &connection).await?;
    let app = &ctx.app;
    let now = app.clock.now();
    let ends_at = end(body.expires_in_days, now)?;
    let held = write.scim_credentials().list(connection.id).await?;
    if held.len() >= MOST {
        let what = format!(
            "{} has {MOST} credentials: delete one first.",
            connection.name
        );
        return Err(ApiError::Conflict(what));
    }
    let credential = ScimCredential {
        id: ScimCredentialId::new(&*app.clock, &*app.rng),
        connection: connection.id,
        kind: view::kept(body.kind, &connection),
        name: body.name,
        created_by: by,
        created_at: now,
        rotated_at: None,
        last_used_at: None,
    };
    let made = Made::new(credential.id, credential.kind, &*app.rng);
    let secret = ScimSecret {
        digest: made.digest,
        credential: credential.id,
        created_at: now,
        ends_at,
    };
    write
        .scim_credentials()
        .insert(&credential, &secret)
        .await?;
    let target = format!("{}/{}", connection.name, credential.name);
    let mut event = ctx.event(Action::ScimCredentialCreate, None, target);
    event.changes = vec![Change::to("kind", view::kind(credential.kind).name())];
    let end = ends_at.map(|end| Change::to("expiresAt", end.secs().to_string()));
    event.changes.extend(end);
    write.audit(event);
    let record = view::view(&credential, &[secret], now);
    let shown = |seq| view::without_secret(app, &connection, record, seq);
    let reply = ctx.created(write, shown).await?;
    Ok(reply.map(|created| view::with_secret(created, &made)))
}

/// A name is part of a path and of what the audit log says.
fn check_name(name: &str) -> Result<(), ApiError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let fits = (1..=LONGEST).contains(&name.len())
        && name.chars().all(allowed)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let what = "use 1 to 63 letters, digits, `-`, `.` and `_`, beginning with a letter or digit";
    // Credentials are found by id or name.
    let is_id = name.parse::<ScimCredentialId>().is_ok();
    (fits && !is_id)
        .then_some(())
        .ok_or_else(|| ApiError::field("name", what))
}
