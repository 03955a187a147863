//! Housekeeping: what nobody can need any more is forgotten.

use std::time::Duration;

use aeolus_store::{StoreError, Unit as _};
use tokio_util::sync::CancellationToken;

use crate::app::App;

const EVERY: Duration = Duration::from_secs(15 * 60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// Runs until shutdown. A round that fails is tried again at the next.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    loop {
        if let Err(error) = round(&app).await {
            tracing::warn!(%error, "housekeeping failed; trying again");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
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
    write.refresh_tokens().forget(now.minus(DAY)).await?;
    write.throttles().forget(now.minus(HOUR)).await?;
    write.sessions().forget(now.minus(DAY)).await?;
    write.replicas().forget(now.minus(7 * DAY)).await?;
    write.batches().forget(now.minus(7 * DAY)).await?;
    write.publications().collect(now.minus(DAY)).await?;
    app.commit(write).await?;
    Ok(())
}
