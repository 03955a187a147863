//! Deleting the oldest lines when their time is over.

use std::collections::BTreeMap;
use std::time::Duration;

use aeolus_keys::chain::Scope;
use aeolus_model::{Action, Actor, AuditEvent, Change, Time};
use aeolus_store::{AuditCursor, AuditCut, Unit as _};
use tokio_util::sync::CancellationToken;

use super::{chain, sinks};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;

const EVERY: Duration = Duration::from_secs(15 * 60);
/// Lines deleted at a time; between, others write.
const LINES: u32 = 1_000;

/// Deletes until shutdown, if lines are to be deleted at all.
pub(super) async fn run(app: App, shutdown: CancellationToken) {
    let Some(kept) = app.audit.retention else {
        return;
    };
    loop {
        let before = app.clock.now().minus(kept);
        if let Err(error) = round(&app, before, &shutdown).await {
            tracing::warn!(%error, "old lines of the audit log can't be deleted; trying again");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn round(app: &App, before: Time, shutdown: &CancellationToken) -> Result<(), ApiError> {
    // What a sink doesn't have yet is kept, whatever its age.
    let until = sinks::slowest(app).await?;
    while !shutdown.is_cancelled() && step(app, before, until).await? {}
    Ok(())
}

/// Deletes some lines. Says whether there may be more.
async fn step(app: &App, before: Time, until: AuditCursor) -> Result<bool, ApiError> {
    let mut view = app.store.read().await?;
    let Some(cut) = view.audit_log().oldest(before, until, LINES).await? else {
        return Ok(false);
    };
    drop(view);
    let mut signed = BTreeMap::new();
    for (scope, (link, _)) in &cut.begins {
        signed.insert(*scope, chain::sign(app, *scope, *link)?.0);
    }
    let mut write = app.store.write().await?;
    if write.audit_log().delete(&cut, &signed).await? == 0 {
        // Another replica was faster.
        write.rollback().await?;
        return Ok(true);
    }
    write.audit(event(app, &cut));
    app.commit(write).await?;
    Ok(cut.lines == u64::from(LINES))
}

fn event(app: &App, cut: &AuditCut) -> AuditEvent {
    let lines = Change::from("lines", cut.lines.to_string());
    let chain = cut.begins.get(&Scope::Installation);
    let chain = chain.map(|(link, _)| Change::to("begin", format!("{} {}", link.line, link.hash)));
    AuditEvent {
        target: format!("{}.{}", cut.to.position, cut.to.ordinal),
        changes: std::iter::once(lines).chain(chain).collect(),
        ..RequestInfo::default().event(app, Actor::System, Action::AuditTrim)
    }
}
