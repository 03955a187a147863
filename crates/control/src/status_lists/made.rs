//! Making a list: once per change, and signed again once per `ttl`.

use std::sync::Arc;

use aeolus_keys::status_list::{Claims, LENGTH, TTL, pack, uri};
use aeolus_keys::{Kind, digest};
use aeolus_model::Time;
use aeolus_store::Unit as _;
use tokio::time::Instant;

use super::lists::{Held, List, Said, Which};
use crate::app::App;
use crate::error::ApiError;
use crate::keys::LIST_LIFE;

/// A list as it is now; none if there is no such one.
pub(super) async fn list(app: &App, which: Which) -> Result<Option<Arc<List>>, ApiError> {
    let visit = app.status_lists.visit(which);
    let slot = visit.slot();
    let fresh = || {
        let held = slot.held.load();
        let held = held.as_ref()?;
        let position = *app.feed.borrow();
        let fresh = held.is_fresh(app.clock.now(), position);
        fresh.then(|| Arc::clone(&held.list))
    };
    if let Some(list) = fresh() {
        return Ok(Some(list));
    }
    let _turn = slot.turn.lock().await;
    if let Some(list) = fresh() {
        return Ok(Some(list));
    }
    let Some(made) = make(app, which, slot.held.load_full()).await? else {
        return Ok(None);
    };
    let list = Arc::clone(&made.list);
    slot.held.store(Some(Arc::new(made)));
    app.status_lists.trim();
    Ok(Some(list))
}

/// What there is now: as much of `before` as is still so.
async fn make(
    app: &App,
    which: Which,
    before: Option<Arc<Held>>,
) -> Result<Option<Held>, ApiError> {
    let now = app.clock.now();
    let looked = Instant::now();
    let mut view = app.store.read().await?;
    let feed = view.settings().feed().await?;
    let revoked = view.revocations().position(which.organization).await?;
    let Some(revoked) = revoked else {
        return Ok(None);
    };
    let same = before.clone();
    let same = same.filter(|held| held.is_of(feed, revoked, now));
    if let Some(held) = same {
        drop(view);
        let list = if held.holds(now) {
            Arc::clone(&held.list)
        } else {
            let said = Arc::clone(&held.said);
            Arc::new(signed(app, which, said, now).await?)
        };
        return Ok(Some(Held {
            list,
            feed,
            revoked,
            looked,
            ..Held::clone(&held)
        }));
    }
    let first = which.number.checked_mul(LENGTH);
    let Some(first) = first else {
        return Ok(None);
    };
    let mut revocations = view.revocations();
    let found = revocations.within(which.organization, (first, LENGTH), now);
    let Some(found) = found.await? else {
        return Ok(None);
    };
    drop(view);
    let digest = digest::sha256(&found.bits);
    let before = before.filter(|held| held.said.digest == digest);
    let packed = match &before {
        Some(held) => held.said.packed.clone(),
        None => blocking(move || pack(&found.bits)).await?,
    };
    let said = Arc::new(Said {
        digest,
        packed,
        next_end: found.next_end,
    });
    let list = match before.filter(|held| held.holds(now)) {
        Some(held) => Arc::clone(&held.list),
        None => Arc::new(signed(app, which, Arc::clone(&said), now).await?),
    };
    Ok(Some(Held {
        list,
        said,
        feed,
        revoked,
        looked,
        read: looked,
    }))
}

async fn signed(app: &App, which: Which, said: Arc<Said>, now: Time) -> Result<List, ApiError> {
    let issued_at = Time::from_secs(now.secs());
    let signer = app.clone();
    let sign = move || {
        let claims = Claims {
            iss: signer.issuer.clone(),
            sub: uri(&signer.issuer, which.organization, which.number),
            iat: issued_at.secs(),
            exp: issued_at.plus(LIST_LIFE).secs(),
            ttl: TTL,
            status_list: said.packed.clone().into(),
        };
        signer.keys.status().sign(Kind::StatusList, &claims)
    };
    let text = blocking(sign).await?.map_err(ApiError::internal)?;
    let tag = digest::sha256(text.as_bytes());
    let tag = tag.iter().take(16);
    let tag = tag.fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    Ok(List {
        tag: format!("\"{tag}\""),
        text: text.into(),
        issued_at,
    })
}

/// Off the threads that answer requests.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(ApiError::internal)
}
