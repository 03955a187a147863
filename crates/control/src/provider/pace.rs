//! How often one sign-in or one program may ask the token endpoint: often enough for many programs at
//! once, too seldom to keep control busy with signing.

use std::time::Duration;

use aeolus_model::Time;
use aeolus_store::{Unit as _, Write};

use super::failure::OAuthFailure;

const WINDOW: Duration = Duration::from_secs(60);
const MOST: u64 = 60;

/// Counts one, in the unit of work of what is asked for: what is then refused doesn't count.
pub(super) async fn count(write: &mut Write, who: &str, now: Time) -> Result<(), OAuthFailure> {
    let bucket = format!("token/{who}");
    hit(write, &bucket, (WINDOW, MOST), now).await
}

/// Counts one of at most so many in a window, likewise.
pub(super) async fn hit(
    write: &mut Write,
    bucket: &str,
    (window, most): (Duration, u64),
    now: Time,
) -> Result<(), OAuthFailure> {
    let throttle = write.throttles().hit(bucket, window, now).await?;
    if throttle.hits <= most {
        return Ok(());
    }
    let left = window.saturating_sub(now.since(throttle.started_at));
    Err(OAuthFailure::Pace(left.as_secs().max(1)))
}
