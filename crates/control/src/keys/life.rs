//! The dates of a key's life.

use std::time::Duration;

use aeolus_keys::Kind;
use aeolus_model::Time;
use aeolus_store::{KeyStage, SigningKey, StoreError, Unit};
use http::header::{CACHE_CONTROL, HeaderName};

use crate::SessionLife;

/// How long others may keep the key set before they ask again.
pub(super) const CACHED: Duration = Duration::from_secs(300);
/// Says so in an answer.
pub(super) fn cached() -> (HeaderName, String) {
    (
        CACHE_CONTROL,
        format!("public, max-age={}", CACHED.as_secs()),
    )
}

/// A key is announced at least so long, unless an operator says otherwise.
const LEAST_NOTICE: Duration = Duration::from_secs(3600);
/// And kept at least so long after it has ended: replicas of control learn of it within seconds, and
/// nothing that is signed lives forever in a queue.
const LEAST_KEPT: Duration = Duration::from_secs(3600);
/// How long a public status list may be relied on where no newer one can be had: as long as a gate goes on
/// without news, unless a deployment says otherwise.
pub(crate) const LIST_LIFE: Duration = Duration::from_secs(86_400);
/// How far clocks may differ: replicas of control from one another, and verifiers from them.
pub(super) const SKEW: Duration = Duration::from_secs(60);

/// How long what a key signs is good, where nobody keeps count of it.
pub(super) const fn life(kind: Kind, session: SessionLife) -> Duration {
    match kind {
        Kind::Access => session.access,
        // An end of manifests, which a cut-off gate starts from.
        Kind::Manifest => Duration::from_secs(7 * 86_400),
        Kind::StatusList => LIST_LIFE,
        // `id_token`s are read at once, and what control tells proxies is good for five minutes.
        _ => Duration::from_secs(600),
    }
}

/// How long a key has to be announced: a gate that was cut off goes on serving so long, and must know
/// the key when somebody brings it what the key has signed.
pub(super) async fn notice(unit: &mut impl Unit) -> Result<Duration, StoreError> {
    let serving = unit.keys().longest_hard_stale().await?;
    Ok(serving.unwrap_or_default().max(LEAST_NOTICE))
}

/// When a key that ended may go at the earliest, if nothing it signed is good until later.
pub(super) fn kept_until(stage: KeyStage) -> Option<Time> {
    match stage {
        KeyStage::Retired { since, .. } => Some(since.plus(LEAST_KEPT)),
        KeyStage::Announced { .. } | KeyStage::Active { .. } => None,
    }
}

/// When the next key of a kind is announced, so that it signs when this one has done so for a period.
pub(super) fn announced_next(
    active: &SigningKey,
    (every, notice): (Duration, Duration),
) -> Option<Time> {
    match active.stage {
        KeyStage::Active { since } => Some(since.plus(every).minus(notice)),
        KeyStage::Announced { .. } | KeyStage::Retired { .. } => None,
    }
}

/// When what was issued may have been signed by a key; none if it has signed nothing.
pub(super) fn signed_within(stage: KeyStage) -> Option<(Time, Time)> {
    match stage {
        KeyStage::Announced { .. } => None,
        KeyStage::Active { since } => Some((since.minus(SKEW), Time::MAX)),
        KeyStage::Retired {
            signed_since,
            since,
        } => Some((signed_since.minus(SKEW), since.plus(SKEW))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_secs(1_800_000_000);

    #[test]
    fn what_was_issued_around_a_change_is_counted_for_both_keys() {
        assert_eq!(
            signed_within(KeyStage::Announced {
                from: NOW,
                certain: NOW
            }),
            None
        );
        let (first, last) = signed_within(KeyStage::Retired {
            signed_since: NOW,
            since: NOW.plus(LEAST_KEPT),
        })
        .unwrap();
        assert!(first < NOW && last > NOW.plus(LEAST_KEPT));
        let (next, end) = signed_within(KeyStage::Active {
            since: NOW.plus(LEAST_KEPT),
        })
        .unwrap();
        assert!(next < NOW.plus(LEAST_KEPT) && end == Time::MAX);
    }

    #[test]
    fn manifests_are_believed_for_as_long_as_their_keys_are_kept() {
        let session = SessionLife::default();
        assert_eq!(life(Kind::Access, session), session.access);
        assert!(life(Kind::Manifest, session) >= Duration::from_secs(7 * 86_400));
        assert!(life(Kind::Id, session) >= Duration::from_secs(600));
    }
}
