//! `POST /v1/users/{id}/password-reset`: a link for somebody who forgot their password; it is in this answer, perhaps
//! in an e-mail, and nowhere else.

use aeolus_api::Withheld;
use aeolus_api::person::PasswordResetCreated;
use aeolus_model::{Action, Actor, Change, PasswordResetId, moment};
use aeolus_store::Unit as _;
use axum::extract::Path;

use super::super::stand_in::is_stand_in;
use super::{link_of, made, message};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::factor::{Words, allowed};
use crate::once::Reply;

const WORDS: Words = Words {
    token: "a person's own sign-in: API tokens reset nobody's password",
    own: "Nobody makes a link for themselves here; use \"Forgot your password?\" on the sign-in page, or ask another \
          administrator.",
};

/// Makes one. Whoever may reset somebody's second factor may do it, under the same terms: it lets them sign in as that
/// person, as far as a password does.
pub(crate) async fn reset(
    ctx: Ctx,
    Path(user): Path<String>,
) -> Result<Reply<PasswordResetCreated>, ApiError> {
    // Whether a link was made before by a repeated request shows only to who may make one.
    let mut judged = ctx.app.store.write().await?;
    allowed(&ctx, &mut judged, (&user, &WORDS)).await?;
    judged.rollback().await?;
    let mut write = ctx.write().await?;
    let (user, within) = allowed(&ctx, &mut write, (&user, &WORDS)).await?;
    if user.disabled_at.is_some() {
        let text = "They may not sign in: enable them first.";
        return Err(ApiError::Conflict(text.to_owned()));
    }
    let Actor::User(by) = ctx.actor else {
        return Err(ApiError::Forbidden(WORDS.token.to_owned()));
    };
    let id = PasswordResetId::new(&*ctx.app.clock, &*ctx.app.rng);
    let Some((reset, digest)) = made(&ctx.app, id, (&user, Some(by))) else {
        let text = "They have no password here: they sign in through an identity provider.";
        return Err(ApiError::Conflict(text.to_owned()));
    };
    write.password_resets().insert(&reset, &digest).await?;
    let mut event = ctx.event(Action::PasswordResetCreate, within, user.id);
    let until = moment(reset.expires_at.secs());
    event.changes = vec![Change::to("until", until)];
    write.audit(event);
    // Where nobody has shown that the address is theirs, it may be a stranger's.
    let theirs = !is_stand_in(&user.email) && !write.users().has_unproved_address(user.id).await?;
    let emailed = ctx.app.mailer.is_some()
        && theirs
        && message::send(&ctx.app, &mut write, (&user, &reset)).await?;
    let kept = |seq| PasswordResetCreated {
        user_id: user.id,
        email: user.email.clone(),
        link: None,
        withheld: Some(Withheld::shown_once("Make another.")),
        emailed,
        expires_at: reset.expires_at.secs(),
        seq,
    };
    let reply = ctx.created(write, kept).await?;
    Ok(reply.map(|created| PasswordResetCreated {
        link: Some(link_of(&ctx.app, id)),
        withheld: None,
        ..created
    }))
}
