//! Housekeeping: what nobody can need any more is forgotten.

mod notices;

use std::time::Duration;

use aeolus_model::Time;
use aeolus_store::{StoreError, Unit as _};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::{email, factor, groups, scim};

const EVERY: Duration = Duration::from_secs(15 * 60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// A plane that was told everything longer ago, in positions of the feed, is told everything again.
const CHANGES: u64 = 100_000;
/// Of so many positions it is forgotten at a time who changed; each names up to 256.
const POSITIONS: u64 = 1_000;
/// Idempotency keys deleted at a time; between, others write.
const KEYS: u32 = 1_000;

/// Runs until shutdown. A round that fails is tried again at the next.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    loop {
        if let Err(error) = tend(&app).await {
            tracing::warn!(%error, "housekeeping failed; trying again");
        }
        tokio::select! {
            () = shutdown.cancelled() => {
                if let Err(error) = keep_seen(&app).await {
                    tracing::warn!(%error, "when sessions were last used is not all kept");
                }
                return;
            }
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// One round.
pub(crate) async fn tend(app: &App) -> Result<(), StoreError> {
    round(app).await?;
    scim::flush(app).await?;
    scim::forget(app).await?;
    scim::say_expiry(app).await?;
    scim::events::drop_what_is_old(app).await?;
    notices::say(app).await
}

async fn round(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut write = app.store.write().await?;
    // A code is kept as long as the sessions it can have led to, so that a replay is recognised.
    write
        .codes()
        .forget(now.minus(app.session.absolute))
        .await?;
    write.tokens().settle(now).await?;
    write.revocations().forget().await?;
    write.refresh_tokens().forget(now.minus(DAY)).await?;
    write.device_codes().forget(now.minus(HOUR)).await?;
    write.second_factors().forget_steps(now.minus(HOUR)).await?;
    let unknown = now.minus(factor::KNOWN);
    write.second_factors().forget_tries(unknown).await?;
    write.throttles().forget(now.minus(HOUR)).await?;
    write.sessions().forget(now.minus(DAY)).await?;
    write.replicas().forget(now.minus(7 * DAY)).await?;
    write.batches().forget(now.minus(7 * DAY)).await?;
    write.invitations().forget(now.minus(30 * DAY)).await?;
    write.invitations().forget_sent(now.minus(DAY)).await?;
    write.password_resets().forget(now.minus(DAY)).await?;
    write.session_hints().forget().await?;
    email::forget(&mut write, now).await?;
    write.publications().collect(now.minus(DAY)).await?;
    app.commit(write).await?;
    forget_changes(app).await?;
    groups::forget(app).await?;
    groups::end_all_stale(app).await?;
    forget_keys(app, now.minus(DAY)).await?;
    keep_seen(app).await
}

/// Forgets who changed where all planes know it. Each part goes in a transaction of its own.
async fn forget_changes(app: &App) -> Result<(), StoreError> {
    loop {
        let mut write = app.store.write().await?;
        let more = write.changed_subjects().forget(CHANGES, POSITIONS).await?;
        app.commit(write).await?;
        if !more {
            return Ok(());
        }
    }
}

/// Forgets what requests were answered. There is one for each POST of a day, which may be a million: each
/// part of them goes in a transaction of its own.
async fn forget_keys(app: &App, before: Time) -> Result<(), StoreError> {
    loop {
        let mut write = app.store.write().await?;
        let forgotten = write.idempotency_keys().forget(before, KEYS).await?;
        app.commit(write).await?;
        if forgotten < u64::from(KEYS) {
            return Ok(());
        }
    }
}

/// Keeps when control was last used with a session.
async fn keep_seen(app: &App) -> Result<(), StoreError> {
    let seen = app.seen.all();
    if seen.is_empty() {
        return Ok(());
    }
    let mut write = app.store.write().await?;
    for (session, at) in &seen {
        write.sessions().seen(*session, *at).await?;
    }
    app.commit(write).await?;
    app.seen.forget(&seen);
    Ok(())
}
