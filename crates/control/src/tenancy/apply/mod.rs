//! `POST /v1/apply?dry_run=&prune=`: brings a fleet document about, as a whole or not at all.
//!
//! The changes are made in one transaction that reads what is there and writes what differs; a dry
//! run does exactly the same and takes it back. What the document doesn't mention stays, unless an
//! apply made it and `prune` is asked for.

mod connections;
mod deployments;
mod grants;
mod identities;
mod members;
mod organizations;
mod passwords;
mod planes;
mod prune;
mod roles;
mod rollouts;

use aeolus_api::FieldError;
use aeolus_api::fleet::{ApplyRequest, Severity};
use aeolus_api::tenancy::{ApplyAnswer, Change, ChangeOp};
use aeolus_model::{Action, Permission, Time};
use aeolus_store::{ManagedBy, Write};

use crate::authority::Authority;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::once::Reply;
use crate::tenancy::reserved;

/// Applies a document.
pub(crate) async fn apply(
    ctx: Ctx,
    query: Query,
    Json(body): Json<ApplyRequest>,
) -> Result<Reply<ApplyAnswer>, ApiError> {
    let dry_run = query.flag("dry_run")?;
    let prune = query.flag("prune")?;
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    authority.require(Permission::SystemApply, &[])?;
    drop(view);
    ctx.recall().await?;
    let warnings = check(&body)?;
    // Hashing takes long: it is done before the transaction, which would hold everybody up.
    let passwords = passwords::prepare(&ctx.app, &body).await?;
    let write = ctx.write().await?;
    let mut run = Run {
        ctx: &ctx,
        write,
        authority,
        prune,
        now: ctx.app.clock.now(),
        changes: Vec::new(),
        warnings,
    };
    run.lock(&body.fleet).await?;
    run.authority = ctx.authority(&mut run.write).await?;
    run.authority.require(Permission::SystemApply, &[])?;
    run.planes(&body).await?;
    run.connections(&body).await?;
    run.organizations(&body.fleet, &passwords).await?;
    run.identities(&body.fleet).await?;
    run.rollouts(&body.fleet).await?;
    run.prune_rest(&body.fleet).await?;
    reserved::refuse_anywhere(&ctx.app, &mut run.write).await?;
    run.finish(dry_run).await
}

/// Refuses a document that doesn't fit together; says what to know about one that does.
fn check(body: &ApplyRequest) -> Result<Vec<String>, ApiError> {
    let mut errors = Vec::new();
    let mut warnings = Vec::new();
    for finding in body.fleet.check() {
        match finding.severity {
            Severity::Error => errors.push(FieldError {
                at: finding.path,
                message: finding.message,
            }),
            Severity::Warning => {
                warnings.push(format!("{}: {}", finding.path, finding.message));
            }
        }
    }
    if errors.is_empty() {
        Ok(warnings)
    } else {
        Err(ApiError::Invalid(errors))
    }
}

/// One run of an apply.
struct Run<'a> {
    ctx: &'a Ctx,
    write: Write,
    authority: Authority,
    prune: bool,
    now: Time,
    changes: Vec<Change>,
    warnings: Vec<String>,
}

impl Run<'_> {
    fn note(
        &mut self,
        op: ChangeOp,
        kind: &str,
        path: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.changes.push(Change {
            op,
            kind: kind.to_owned(),
            path: path.into(),
            detail: detail.into(),
        });
    }

    /// Whether something of an apply's making that the document doesn't mention is to be removed.
    /// Notes it either way; what others made isn't even noted.
    fn dispose(&mut self, managed_by: ManagedBy, kind: &str, path: &str) -> bool {
        if managed_by != ManagedBy::Apply {
            return false;
        }
        let op = if self.prune {
            ChangeOp::Delete
        } else {
            ChangeOp::Keep
        };
        self.note(op, kind, path, "");
        self.prune
    }

    async fn finish(self, dry_run: bool) -> Result<Reply<ApplyAnswer>, ApiError> {
        let Self {
            ctx,
            mut write,
            changes,
            warnings,
            ..
        } = self;
        let real = changes.iter().any(|change| change.op != ChangeOp::Keep);
        let target = format!("{} changes", changes.len());
        let answer = ApplyAnswer {
            changes,
            applied: !dry_run,
            warnings,
            seq: None,
        };
        if dry_run || !real {
            write.rollback().await?;
            return Ok(Reply::unchanged(answer));
        }
        write.audit(ctx.event(Action::Apply, None, target));
        let applied = |seq| ApplyAnswer {
            seq: Some(seq),
            ..answer
        };
        ctx.done(write, applied).await
    }
}
