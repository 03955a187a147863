//! New manifests before the old ones end.

use std::time::Duration;

use aeolus_store::{StoreError, Unit as _};
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// Manifests end after seven days; a fleet in which nothing changes gets new ones well before.
const RENEW: Duration = Duration::from_secs(86_400);

/// Once a day moves the feed although nothing changed, so that manifests never come near their end.
pub(crate) async fn renew(app: App, shutdown: CancellationToken) {
    loop {
        if let Err(error) = renew_if_old(&app).await {
            tracing::error!(%error, "renewing manifests failed; trying again");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(RENEW / 24) => {}
        }
    }
}

async fn renew_if_old(app: &App) -> Result<(), StoreError> {
    const SETTING: &str = "manifests-renewed-at";
    let now = app.clock.now();
    let mut write = app.store.write().await?;
    let last = write.settings().get(SETTING).await?;
    let last = last.and_then(|text| text.parse().ok());
    let last = last.map_or(aeolus_model::Time::EPOCH, aeolus_model::Time::from_millis);
    if now.since(last) >= RENEW {
        write
            .settings()
            .put(SETTING, &now.millis().to_string())
            .await?;
    }
    app.commit(write).await.map(|_| ())
}
