//! Messages on their way: made of what was noted, sent, sent again, given up.
//!
//! Several replicas do this at once. Each takes a message by moving the time of its next attempt ahead, so
//! that nobody else has it until then; it is deleted once the server has taken it. A replica that dies in
//! between leaves one that is sent again, under the same `Message-ID`.

use std::time::Duration;

use aeolus_model::{Action, AuditEvent, Change, EmailId, OrganizationId, Outcome, Time, UserId};
use aeolus_store::{OutgoingEmail, StoreError, Unit as _, Write};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::account;
use super::digest::{self, Told};
use super::mailer::{Letter, Mailer, SendError};
use crate::app::App;
use crate::people;

/// What somebody is told within this time of the first of it is told in one message.
const SETTLE: Duration = Duration::from_secs(5 * 60);
/// How often is looked for something to send.
const POLL: Duration = Duration::from_secs(5);
/// While the server takes nothing, at most.
const SLOWEST: Duration = Duration::from_secs(5 * 60);
/// From the beginning of one attempt to the next; all of them are longer than an attempt may last.
const WAITS: [Duration; 8] = {
    const MINUTE: u64 = 60;
    [
        Duration::from_secs(2 * MINUTE),
        Duration::from_secs(10 * MINUTE),
        Duration::from_secs(30 * MINUTE),
        Duration::from_secs(60 * MINUTE),
        Duration::from_secs(3 * 60 * MINUTE),
        Duration::from_secs(6 * 60 * MINUTE),
        Duration::from_secs(12 * 60 * MINUTE),
        Duration::from_secs(12 * 60 * MINUTE),
    ]
};
/// What has waited longer is given up although it was tried less often.
const OLDEST: Duration = Duration::from_secs(2 * 86_400);
/// So many messages wait at most, and so much to be told; what is beyond is in the audit log alone.
const MESSAGES: u64 = 10_000;
pub(super) const NOTES: u64 = 100_000;
const AT_ONCE: u32 = 50;
/// What is being sent when control stops gets so long.
const GRACE: Duration = Duration::from_secs(4);

/// Notes what people are to be told, in the transaction that it tells of.
pub(crate) async fn note(
    app: &App,
    write: &mut Write,
    told: &[(Told, Vec<UserId>)],
) -> Result<(), StoreError> {
    if told.is_empty() {
        return Ok(());
    }
    let mut room = NOTES.saturating_sub(write.emails().noted().await?);
    let now = app.clock.now();
    for (told, recipients) in told {
        let content = serde_json::to_string(told)
            .map_err(|error| StoreError::Corrupt(format!("an e-mail's content: {error}")))?;
        for recipient in recipients {
            let Some(left) = room.checked_sub(1) else {
                app.metrics.email("dropped");
                continue;
            };
            room = left;
            let id = EmailId::new(&*app.clock, &*app.rng);
            write.emails().note((id, *recipient), &content, now).await?;
        }
    }
    Ok(())
}

/// Keeps a message until it is sent; says whether there was room for it.
pub(crate) async fn enqueue(
    app: &App,
    write: &mut Write,
    message: &OutgoingEmail,
) -> Result<bool, StoreError> {
    if write.emails().waiting().await? >= MESSAGES {
        app.metrics.email("dropped");
        return Ok(false);
    }
    write.emails().insert(message).await?;
    Ok(true)
}

/// Forgets what nobody has sent because no server is configured any more.
pub(crate) async fn forget(write: &mut Write, now: Time) -> Result<(), StoreError> {
    write.emails().forget(now.minus(2 * OLDEST)).await
}

/// Sends until shutdown.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    let Some(mailer) = &app.mailer else {
        return;
    };
    let mut pause = POLL;
    while !shutdown.is_cancelled() {
        pause = match round(&app, mailer, &shutdown).await {
            Ok(Round::Sent) => POLL,
            // The server is not asked more and more often while it takes nothing.
            Ok(Round::Failed) => (pause * 2).min(SLOWEST),
            Err(error) => {
                tracing::warn!(%error, "e-mails can't be read from the database; trying again");
                (pause * 2).min(SLOWEST)
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

enum Round {
    /// Everything that was due, which may be nothing.
    Sent,
    /// The server takes nothing at the moment.
    Failed,
}

async fn round(
    app: &App,
    mailer: &Mailer,
    shutdown: &CancellationToken,
) -> Result<Round, StoreError> {
    people::answer_forgotten(app).await?;
    make(app).await?;
    loop {
        let mut view = app.store.read().await?;
        let now = app.clock.now();
        let due = view.emails().due(now, AT_ONCE).await?;
        app.metrics.emails_waiting(view.emails().waiting().await?);
        drop(view);
        if due.is_empty() {
            return Ok(Round::Sent);
        }
        for email in due {
            if shutdown.is_cancelled() {
                return Ok(Round::Sent);
            }
            if let Round::Failed = one(app, mailer, &email, shutdown).await? {
                return Ok(Round::Failed);
            }
        }
    }
}

/// Takes one message, sends it, and notes what became of it.
async fn one(
    app: &App,
    mailer: &Mailer,
    email: &OutgoingEmail,
    shutdown: &CancellationToken,
) -> Result<Round, StoreError> {
    let now = app.clock.now();
    let tried = usize::try_from(email.attempts).unwrap_or(usize::MAX);
    let wait = WAITS.get(tried).copied();
    let wait = wait.filter(|_| now.since(email.created_at) < OLDEST);
    let mut write = app.store.write().await?;
    let until = now.plus(wait.unwrap_or(SLOWEST));
    if !write.emails().claim(email, now, until).await? {
        return Ok(Round::Sent);
    }
    if wait.is_none() {
        give_up(app, &mut write, email, "too-long").await?;
        app.commit(write).await?;
        return Ok(Round::Sent);
    }
    app.commit(write).await?;
    let body = super::links::with_links(app, &email.body);
    let letter = Letter {
        id: email.id,
        to: &email.recipient,
        subject: &email.subject,
        body: &body,
        at: email.created_at,
    };
    let late = async {
        shutdown.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    let sent = tokio::select! {
        sent = mailer.send(&letter) => sent,
        () = late => return Ok(Round::Failed),
    };
    settle(app, email, sent).await
}

async fn settle(
    app: &App,
    email: &OutgoingEmail,
    sent: Result<(), SendError>,
) -> Result<Round, StoreError> {
    let Err(error) = sent else {
        let mut write = app.store.write().await?;
        write.emails().delete(email.id).await?;
        app.commit(write).await?;
        app.metrics.email("sent");
        return Ok(Round::Sent);
    };
    tracing::warn!(code = error.code, id = %email.id, "an e-mail was not sent: {error}");
    if error.for_good {
        let mut write = app.store.write().await?;
        give_up(app, &mut write, email, error.code).await?;
        app.commit(write).await?;
        return Ok(Round::Sent);
    }
    app.metrics.email("failed");
    Ok(if error.code == "refused-for-now" {
        Round::Sent
    } else {
        Round::Failed
    })
}

async fn give_up(
    app: &App,
    write: &mut Write,
    email: &OutgoingEmail,
    reason: &'static str,
) -> Result<(), StoreError> {
    if !write.emails().delete(email.id).await? {
        return Ok(());
    }
    write.audit(AuditEvent {
        target: email.id.to_string(),
        outcome: Outcome::Failure,
        reason: reason.to_owned(),
        changes: vec![
            Change::from("to", email.recipient.to_string()),
            Change::from("subject", email.subject.clone()),
            Change::from("attempts", email.attempts.to_string()),
        ],
        ..AuditEvent::of_system(app.clock.now(), Action::EmailGiveUp)
    });
    app.metrics.email("given_up");
    Ok(())
}

/// Makes messages of what was noted some time ago.
async fn make(app: &App) -> Result<(), StoreError> {
    loop {
        let by = app.clock.now().minus(SETTLE);
        let mut view = app.store.read().await?;
        let ripe = view.emails().ripe(by, AT_ONCE).await?;
        drop(view);
        if ripe.is_empty() {
            return Ok(());
        }
        for recipient in ripe {
            let mut write = app.store.write().await?;
            make_one(app, &mut write, recipient).await?;
            app.commit(write).await?;
        }
    }
}

async fn make_one(app: &App, write: &mut Write, recipient: UserId) -> Result<(), StoreError> {
    let told = write.emails().collect(recipient).await?;
    // What another version noted may be of another form: it is in the audit log.
    let tokens: Vec<Told> = read(&told);
    let news: Vec<account::Told> = read(&told);
    let user = write.users().get(recipient).await?;
    let Some(user) =
        user.filter(|user| user.disabled_at.is_none() && !people::is_stand_in(&user.email))
    else {
        return Ok(());
    };
    let organizations = organizations(write, recipient, &tokens).await?;
    let of_account = account::message(&news, &app.issuer);
    let of_tokens = digest::message(&tokens, &organizations, &app.issuer);
    for (subject, body) in of_account.into_iter().chain(of_tokens) {
        let now = app.clock.now();
        let email = OutgoingEmail {
            id: EmailId::new(&*app.clock, &*app.rng),
            recipient: user.email.clone(),
            subject,
            body,
            created_at: now,
            next_at: now,
            attempts: 0,
        };
        enqueue(app, write, &email).await?;
    }
    Ok(())
}

/// Those of one form.
fn read<T: DeserializeOwned>(told: &[String]) -> Vec<T> {
    let read = told.iter().map(|text| serde_json::from_str(text));
    read.filter_map(Result::ok).collect()
}

/// The names of the organizations of what is told that the recipient still has a place in.
async fn organizations(
    write: &mut Write,
    recipient: UserId,
    told: &[Told],
) -> Result<Vec<(OrganizationId, String)>, StoreError> {
    let mut ids: Vec<OrganizationId> = told.iter().map(Told::organization).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut named = Vec::new();
    for id in ids {
        let Some(organization) = write.organizations().get(id).await? else {
            continue;
        };
        if digest::is_here(write, recipient, id).await? {
            named.push((id, organization.name.to_string()));
        }
    }
    Ok(named)
}
