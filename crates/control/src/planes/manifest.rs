//! `GET /v1/planes/self/manifest?after=EPOCH.SEQ&records=SEQ&wait=SECONDS&root=VERSION`: the long
//! poll that snapshots travel by.

use std::sync::Arc;
use std::time::Duration;

use aeolus_snapshot::{Position, PositionError};
use axum::body::Bytes;
use http::HeaderName;
use http::header::CONTENT_TYPE;

use super::acks::Confirmed;
use super::looks::{Question, remembered};
use super::{PlaneCtx, Poll};
use crate::error::ApiError;
use crate::extract::Query;

const MAX_WAIT: u64 = 30;
pub(super) const UNKNOWN: &str =
    "The database is away, and this control knows nothing that the gate doesn't.";

/// Answers with what is newer than `after`, or after `wait` with a signed statement that nothing
/// is.
pub(crate) async fn manifest(
    Poll { ctx, from_memory }: Poll,
    query: Query,
) -> Result<([(HeaderName, &'static str); 1], Bytes), ApiError> {
    let after = query.0.get("after").map(str::parse);
    let after: Option<Position> = after
        .transpose()
        .map_err(|_: PositionError| ApiError::field("after", "use EPOCH.SEQ"))?;
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
    let mut away = from_memory;
    loop {
        let told = news.borrow().of(ctx.plane.id);
        // A database that has just kept the gate waiting isn't asked again before it answers.
        let last = from_memory || (away && question.over);
        let last = last.then(|| remembered(&ctx.app, question)).flatten();
        let seen = match last {
            Some(last) => Arc::new(last?),
            None if from_memory => return Err(ApiError::NotReady(UNKNOWN)),
            None => ctx.app.looks.of(&ctx.app, question).await?,
        };
        away = seen.from_memory;
        if let (Some(after), Some(published)) = (after, seen.published) {
            if seen.from_memory && (after.epoch != seen.epoch || after > published) {
                return Err(ApiError::NotReady(UNKNOWN));
            }
            // The next root document may be what takes a gate back from where a stolen key has led it.
            if !seen.root {
                not_ahead(&ctx, (after, seen.epoch), published)?;
            }
            if after.epoch == seen.epoch && after <= published {
                let has = Confirmed {
                    epoch: after.epoch,
                    revocations: after.seq,
                    records: records.min(after.seq),
                };
                ctx.app.acks.polled(&ctx.app, ctx.plane.id, has);
            }
        }
        if let Some(answer) = &seen.answer {
            return Ok(([(CONTENT_TYPE, "application/json")], answer.clone()));
        }
        if question.over {
            let text = "Nothing was published for this plane yet.";
            return Err(ApiError::NotReady(text));
        }
        let changed = news.wait_for(|published| published.of(ctx.plane.id) != told);
        let changed = tokio::time::timeout_at(deadline, changed).await;
        question.over = !matches!(changed, Ok(Ok(_)));
    }
}

/// A gate that knows more than the database may have found out that the database was restored: it is
/// told so, and shows what control has signed for it. That is believed, and stops publishing
/// ([`crate::restore`]); what a poll says is not. Positions of an epoch that was recovered from are no
/// sign: what is beyond them is about to be published.
fn not_ahead(
    ctx: &PlaneCtx,
    (after, epoch): (Position, u64),
    newest: Position,
) -> Result<(), ApiError> {
    if after.epoch < epoch || after <= newest {
        return Ok(());
    }
    let plane = &ctx.plane.name;
    tracing::warn!(%plane, %after, %newest, "a gate says that it knows more than the database");
    let text = format!("a gate of {plane} is at {after}, the database at {newest}");
    Err(ApiError::Conflict(text))
}
