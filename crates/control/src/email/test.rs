//! `POST /v1/email:test`: sends one message at once, so that whoever set e-mail up sees whether it works.

use aeolus_api::email::{EmailTest, EmailTested};
use aeolus_model::{Action, AuditEvent, Change, EmailId, Outcome, Permission};

use super::mailer::Letter;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;
use crate::once::Reply;

/// Sends a message that says that it is a test. For administrators of the installation: it goes to any
/// address.
pub(crate) async fn test(
    ctx: Ctx,
    Json(body): Json<EmailTest>,
) -> Result<Reply<EmailTested>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    authority.require(Permission::SystemApply, &[])?;
    drop(view);
    let mailer = ctx.app.mailer.as_ref().ok_or_else(nobody_takes)?;
    ctx.reserve().await?;
    let now = ctx.app.clock.now();
    let id = EmailId::new(&*ctx.app.clock, &*ctx.app.rng);
    let text = format!(
        "This is a test of the e-mails of Aeolus at {}.\n\nNothing is to be done.\n",
        ctx.app.issuer
    );
    let letter = Letter {
        id,
        to: &body.to,
        subject: "A test of Aeolus",
        body: &text,
        at: now,
    };
    // Nobody waits for the server but who asked: there is no transaction.
    let sent = mailer.send(&letter).await;
    let mut event = ctx.event(Action::EmailTest, None, id);
    event.changes = vec![Change::to("to", body.to.to_string())];
    if let Err(error) = sent {
        let mut write = ctx.app.store.write().await?;
        write.audit(AuditEvent {
            outcome: Outcome::Failure,
            reason: error.code.to_owned(),
            ..event
        });
        ctx.release(&mut write).await?;
        ctx.app.commit(write).await?;
        return Err(ApiError::Email(error.what));
    }
    let mut write = ctx.app.store.write().await?;
    write.audit(event);
    let tested = EmailTested {
        message_id: mailer.message_id(id),
        server: mailer.place().to_owned(),
        encryption: mailer.encryption().to_owned(),
    };
    ctx.done(write, |_| tested).await
}

fn nobody_takes() -> ApiError {
    let what = "No server takes e-mails: set email.smtpUrl, or email.smtp.host, and email.from in control's \
                configuration.";
    ApiError::Conflict(what.to_owned())
}
