//! How often passwords may be tried: per account and per source, counted in the database so that
//! every replica counts together. Nothing here touches sessions that exist, and the answer is the
//! same whether or not the account exists.

use std::time::Duration;

use aeolus_store::{StoreError, Unit as _};

use crate::app::App;

/// The window that attempts are counted in.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Attempts on one account in a window. A success clears the count.
const PER_ACCOUNT: u64 = 20;
/// Attempts from one address in a window: more, because offices share one.
const PER_SOURCE: u64 = 200;
/// Messages about a forgotten password in a window: to one address, and asked for from one.
const FORGOTTEN: (u64, u64) = (2, 30);

/// Counts an attempt. `Some(seconds)` to wait if there were too many.
pub(crate) async fn count(
    app: &App,
    account: &str,
    source: &str,
) -> Result<Option<u64>, StoreError> {
    let account = (account_bucket(account), PER_ACCOUNT);
    hit(app, &[account, (source_bucket(source), PER_SOURCE)]).await
}

/// Counts an attempt at a code, which the account counts by itself. `Some(seconds)` to wait if there were
/// too many from there.
pub(crate) async fn count_source(app: &App, source: &str) -> Result<Option<u64>, StoreError> {
    hit(app, &[(source_bucket(source), PER_SOURCE)]).await
}

/// Counts somebody who says that they forgot a password. Whether the address was asked for too often comes
/// second: it is told nobody.
pub(crate) async fn count_forgotten(
    app: &App,
    email: &str,
    source: &str,
) -> Result<(Option<u64>, bool), StoreError> {
    let source = hit(app, &[(format!("forgot:source:{source}"), FORGOTTEN.1)]).await?;
    // Who is refused for asking so often uses up nobody's share.
    if source.is_some() {
        return Ok((source, true));
    }
    let account = hit(app, &[(format!("forgot:account:{email}"), FORGOTTEN.0)]).await?;
    Ok((source, account.is_some()))
}

async fn hit(app: &App, buckets: &[(String, u64)]) -> Result<Option<u64>, StoreError> {
    let now = app.clock.now();
    let mut write = app.store.write().await?;
    let mut wait = None;
    for (bucket, limit) in buckets {
        let throttle = write.throttles().hit(bucket, WINDOW, now).await?;
        if throttle.hits > *limit {
            let passed = now.since(throttle.started_at);
            let left = WINDOW.saturating_sub(passed).as_secs().max(1);
            wait = wait.max(Some(left));
        }
    }
    app.commit(write).await?;
    Ok(wait)
}

/// The bucket of an account, to be cleared by a success.
pub(crate) fn account_bucket(account: &str) -> String {
    format!("signin:account:{account}")
}

fn source_bucket(source: &str) -> String {
    format!("signin:source:{source}")
}
