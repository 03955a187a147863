//! E-mails with a link to a new password. Who asked on the page is looked up here, long after they had their answer:
//! neither that nor its time tells whether there is such an account (A1).

use std::time::Duration;

use aeolus_model::{Action, Actor, AuditEvent, Change, EmailId, moment};
use aeolus_store::{
    OutgoingEmail, PasswordRequest, PasswordReset, StoreError, Unit as _, User, Write,
};

use super::super::stand_in::is_stand_in;
use super::made;
use crate::app::App;
use crate::email;

/// So many links of one person are good at a time: no stranger who asks for more keeps them from one for long.
const MOST_LIVE: u64 = 5;
/// What has waited longer is not answered any more.
const STALE: Duration = Duration::from_secs(900);
const AT_ONCE: u32 = 50;

/// Sends links to those who say that they forgot their password.
pub(crate) async fn answer_forgotten(app: &App) -> Result<(), StoreError> {
    loop {
        let mut view = app.store.read().await?;
        let asked = view.password_resets().asked(AT_ONCE).await?;
        drop(view);
        if asked.is_empty() {
            return Ok(());
        }
        for request in asked {
            let mut write = app.store.write().await?;
            // Of several replicas one does it.
            if write.password_resets().answer(request.id).await? {
                answer(app, &mut write, &request).await?;
                app.commit(write).await?;
            }
        }
    }
}

/// One of them, if they have an account with a password. An account whose address nobody has shown to be theirs was
/// made by somebody else, who may know other ways into it: whoever reads the address gets no link to that.
async fn answer(app: &App, write: &mut Write, request: &PasswordRequest) -> Result<(), StoreError> {
    let now = app.clock.now();
    if now.since(request.created_at) > STALE || !app.sends_resets() {
        return Ok(());
    }
    let user = write.users().by_email(&request.email).await?;
    let may = |user: &User| user.disabled_at.is_none() && !is_stand_in(&user.email);
    let Some(user) = user.filter(may) else {
        return Ok(());
    };
    let mut resets = write.password_resets();
    let many = resets.live(user.id, now).await? >= MOST_LIVE;
    if many || write.users().has_unproved_address(user.id).await? {
        return Ok(());
    }
    let Some((reset, digest)) = made(app, request.id, (&user, None)) else {
        return Ok(());
    };
    write.password_resets().insert(&reset, &digest).await?;
    write.audit(AuditEvent {
        actor: Actor::Anonymous,
        target: user.id.to_string(),
        reason: "forgotten".to_owned(),
        source: request.source.clone(),
        changes: vec![Change::to("until", moment(reset.expires_at.secs()))],
        ..AuditEvent::of_system(now, Action::PasswordResetCreate)
    });
    send(app, write, (&user, &reset)).await.map(|_| ())
}

/// Keeps a message until it is sent, without its link; says whether there was room for it.
pub(super) async fn send(
    app: &App,
    write: &mut Write,
    (user, reset): (&User, &PasswordReset),
) -> Result<bool, StoreError> {
    let now = app.clock.now();
    let body = format!(
        "To set a new password for {} at Aeolus at {}, open this page:\n\n{}\n\nThe link is for you alone and is good \
         once, until {}. When you use it, everything that is signed in as you ends.\n\nIf you didn't ask for it, \
         ignore it: nothing happens.\n",
        user.email,
        app.issuer,
        email::reset_link_of(reset.id),
        moment(reset.expires_at.secs()),
    );
    let message = OutgoingEmail {
        id: EmailId::new(&*app.clock, &*app.rng),
        recipient: user.email.clone(),
        subject: "Set a new password".to_owned(),
        body,
        created_at: now,
        next_at: now,
        attempts: 0,
    };
    email::enqueue(app, write, &message).await
}
