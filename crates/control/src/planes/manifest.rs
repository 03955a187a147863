//! `GET /v1/planes/self/manifest?after=EPOCH.SEQ&records=SEQ&wait=SECONDS&root=VERSION`: the long
//! poll that snapshots travel by.

use std::time::Duration;

use aeolus_snapshot::Position;
use axum::body::Bytes;
use http::HeaderName;
use http::header::CONTENT_TYPE;

use super::PlaneCtx;
use super::acks::Confirmed;
use super::looks::Question;
use crate::error::ApiError;
use crate::extract::Query;

const MAX_WAIT: u64 = 30;

/// Answers with what is newer than `after`, or after `wait` with a signed statement that nothing
/// is.
pub(crate) async fn manifest(
    ctx: PlaneCtx,
    query: Query,
) -> Result<([(HeaderName, &'static str); 1], Bytes), ApiError> {
    let after = after(&query)?;
    let number = |name| match query.0.get(name) {
        None => Ok(0),
        Some(text) => text
            .parse::<u64>()
            .map_err(|_| ApiError::field(name, "use a number")),
    };
    // A gate that doesn't say which root document it has is not told of a newer one.
    let held_root = match query.0.get("root") {
        None => u64::MAX,
        Some(_) => number("root")?,
    };
    // Absent: everything in its snapshot is of one position.
    let records = match query.0.get("records") {
        None => u64::MAX,
        Some(_) => number("records")?,
    };
    let mut question = Question {
        plane: ctx.plane.id,
        after,
        root: held_root,
        over: false,
    };
    let wait = Duration::from_secs(number("wait")?.min(MAX_WAIT));
    let deadline = tokio::time::Instant::now() + wait;
    let mut news = ctx.app.published.subscribe();
    question.over = wait.is_zero();
    loop {
        news.borrow_and_update();
        let seen = ctx.app.looks.of(&ctx.app, question).await?;
        if let (Some(after), Some(published)) = (after, seen.published) {
            let believed = after.epoch >= seen.epoch;
            ahead(&ctx, Some(after).filter(|_| believed), published).await?;
            let has = Confirmed {
                revocations: after.seq,
                records: records.min(after.seq),
            };
            ctx.app.acks.polled(&ctx.app, ctx.plane.id, has);
        }
        if let Some(answer) = &seen.answer {
            return Ok(([(CONTENT_TYPE, "application/json")], answer.clone()));
        }
        if question.over {
            let text = "Nothing was published for this plane yet.";
            return Err(ApiError::NotReady(text));
        }
        let changed = tokio::time::timeout_at(deadline, news.changed()).await;
        question.over = !matches!(changed, Ok(Ok(())));
    }
}

fn after(query: &Query) -> Result<Option<Position>, ApiError> {
    let Some(text) = query.0.get("after") else {
        return Ok(None);
    };
    let parsed = text.split_once('.').and_then(|(epoch, seq)| {
        Some(Position {
            epoch: epoch.parse().ok()?,
            seq: seq.parse().ok()?,
        })
    });
    let wrong = || ApiError::field("after", "use EPOCH.SEQ");
    parsed.map(Some).ok_or_else(wrong)
}

/// A gate that knows more than the database proves that the database was restored. Going on would
/// sign a past that gates must refuse, and make them doubt the future: publishing stops, loudly,
/// until an operator has looked. Positions of an epoch that was recovered from prove nothing: what is
/// beyond them is about to be published.
async fn ahead(ctx: &PlaneCtx, after: Option<Position>, newest: Position) -> Result<(), ApiError> {
    let Some(after) = after.filter(|after| *after > newest) else {
        return Ok(());
    };
    let name = &ctx.plane.name;
    let text = format!("a gate of {name} is at {after}, the database at {newest}");
    crate::restore::stop(&ctx.app, ctx.plane.id, text.clone()).await?;
    Err(ApiError::Conflict(text))
}
