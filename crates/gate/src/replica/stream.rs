//! Following control: a long poll at a time, and never faster than once a second without news.

use std::sync::Arc;
use std::time::Duration;

use aeolus_api::plane::ManifestAnswer;
use aeolus_model::Rng;
use aeolus_snapshot::Digest;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::control::{Control, ControlError};
use super::disk::BlobMap;
use super::state::{Applied, RefreshError, Replica};

/// With what an answer may take beyond it, the time in which a line that went dead is noticed.
const WAIT: Duration = Duration::from_secs(10);
/// The end of an answer that keeps coming: of what doesn't, the call itself is the end.
const LARGE: Duration = Duration::from_secs(600);
const INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
enum PollError {
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Refresh(#[from] RefreshError),
    #[error("control did not answer in time")]
    Timeout,
    #[error("verifying was stopped")]
    Stopped,
}

/// Polls until told to stop. Whatever fails, what is in force stays in force.
pub(crate) async fn follow<W: Send + Sync + 'static, C: Control>(
    replica: Arc<Replica<W>>,
    control: Arc<C>,
    rng: Arc<dyn Rng>,
    shutdown: CancellationToken,
) {
    let mut backoff = Backoff::default();
    // What is known may be old: the first answer, and the first after a failure, is wanted at once.
    // Where nothing is known, there may be nothing yet.
    let at_once = || match replica.after() {
        Some(_) => Duration::ZERO,
        None => WAIT,
    };
    let mut wait = at_once();
    let mut fetched = BlobMap::new();
    loop {
        let started = Instant::now();
        let polled = tokio::select! {
            () = shutdown.cancelled() => return,
            polled = poll(&replica, &*control, wait, &mut fetched) => polled,
        };
        wait = if polled.is_ok() { WAIT } else { at_once() };
        let resume = match polled {
            Ok(news) => {
                backoff.reset();
                replica.judged(None);
                if news { started } else { started + INTERVAL }
            }
            Err(error) => {
                tracing::warn!(%error, "no news from control");
                if let PollError::Refresh(error) = &error {
                    replica.judged(Some(error));
                }
                let wish = match error {
                    PollError::Control(ControlError::Busy(wish)) => wish,
                    PollError::Control(ControlError::Refused { status: 409, .. }) => {
                        replica.is_ahead();
                        None
                    }
                    _ => None,
                };
                let pause = backoff.next(&*rng, wish);
                (Instant::now() + pause).max(started + INTERVAL)
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sleep_until(resume) => {}
        }
    }
}

/// One poll. Says whether it brought something new.
async fn poll<W: Send + Sync + 'static, C: Control>(
    replica: &Arc<Replica<W>>,
    control: &C,
    wait: Duration,
    fetched: &mut BlobMap,
) -> Result<bool, PollError> {
    let call = control.manifest(replica.after(), wait, replica.root_version());
    let answer = timeout(wait + LARGE, call)
        .await
        .map_err(|_| PollError::Timeout)??;
    let mut news = false;
    if let Some(root) = &answer.root {
        replica.take_root(root)?;
        news = true;
    }
    // Before the manifest, whose end is judged by this time, and after it, whose position it names.
    replica.take_freshness(&answer.freshness)?;
    if let Some(manifest) = &answer.manifest {
        news |= take(replica, control, (manifest, &answer), fetched).await?;
    }
    replica.take_freshness(&answer.freshness)?;
    Ok(news)
}

/// Puts a manifest in force. What was fetched for it and comes to nothing is kept: the next manifest,
/// which has made some of its content go away, needs most of the rest.
async fn take<W: Send + Sync + 'static, C: Control>(
    replica: &Arc<Replica<W>>,
    control: &C,
    (manifest, answer): (&str, &ManifestAnswer),
    fetched: &mut BlobMap,
) -> Result<bool, PollError> {
    let Some(missing) = replica.missing(manifest)? else {
        return Ok(false);
    };
    fetched.retain(|digest, _| missing.contains_key(digest));
    for bytes in answer.blobs.values() {
        fetched.insert(Digest::of(&bytes.0), bytes.0.as_slice().into());
    }
    for (digest, limit) in missing {
        if !fetched.contains_key(&digest) {
            let bytes = timeout(LARGE, control.section(&digest, limit))
                .await
                .map_err(|_| PollError::Timeout)??;
            fetched.insert(Digest::of(&bytes), bytes.into());
        }
    }
    let (replica, manifest) = (Arc::clone(replica), manifest.to_owned());
    let fetched = std::mem::take(fetched);
    let taken = tokio::task::spawn_blocking(move || replica.take(&manifest, &fetched));
    let taken = taken.await.map_err(|_| PollError::Stopped)??;
    Ok(matches!(taken, Applied::Swapped(_)))
}
