//! `GET /v1/organizations/{o}/audit:verify` and `GET /v1/audit:verify`: control follows the chain in its
//! own database.

use aeolus_api::audit::AuditVerification;
use aeolus_keys::chain::{Link, Scope, Walk};
use aeolus_keys::{Kind, PublicKey, jws};
use aeolus_snapshot::{Checkpoint, Root};
use aeolus_store::{StoreError, Unit as _};
use axum::extract::Path;
use axum::response::Response;

use super::chain::Stretch;
use super::readable;
use super::stream::{self, Pages};
use crate::app::App;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

/// Follows an organization's chain. `?checkpoint=` compares with one that was kept.
pub(crate) async fn verify(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
) -> Result<Response, ApiError> {
    answer(ctx, Some(&organization), &query).await
}

/// Follows the chain of everything.
pub(crate) async fn verify_all(ctx: Ctx, query: Query) -> Result<Response, ApiError> {
    answer(ctx, None, &query).await
}

async fn answer(ctx: Ctx, organization: Option<&str>, query: &Query) -> Result<Response, ApiError> {
    let scope = readable(&ctx, organization).await?;
    let kept = query.0.get("checkpoint");
    let kept = kept
        .map(|text| kept_of(&ctx.app, scope, text))
        .transpose()?;
    let stretch = Stretch::whole(&mut ctx.app.store.read().await?, scope).await?;
    let (pages, answer) = stream::answer();
    tokio::spawn(async move {
        let mut said = AuditVerification {
            scope: scope.to_string(),
            begin: stretch.begin.line,
            ..AuditVerification::default()
        };
        match follow(&ctx.app, (stretch, kept), &pages, &mut said).await {
            Ok(fault) => {
                said.ok = Some(fault.is_none());
                said.fault = fault;
                tell(&pages, &said).await;
            }
            // The answer ends without a verdict.
            Err(error) => tracing::error!(%error, "verifying the audit log broke off"),
        }
    });
    Ok(answer)
}

/// What a kept checkpoint says. The key that signed it may have been replaced since; that it is about
/// this log is what matters, because it only ever makes the verdict stricter.
fn kept_of(app: &App, scope: Scope, text: &str) -> Result<Link, ApiError> {
    let wrong = |message: &str| ApiError::field("checkpoint", message);
    let kept = Checkpoint::unverified(text).map_err(|_| wrong("this is no checkpoint"))?;
    if (kept.issuer.as_str(), kept.scope) == (app.issuer.as_str(), scope) {
        Ok(kept.link)
    } else {
        Err(wrong("it is about another log"))
    }
}

/// Follows the chain to its end, or to what is wrong first.
async fn follow(
    app: &App,
    (mut stretch, kept): (Stretch, Option<Link>),
    pages: &Pages,
    said: &mut AuditVerification,
) -> Result<Option<String>, StoreError> {
    if let Some(fault) = begin_fault(app, &stretch).await? {
        return Ok(Some(fault));
    }
    let mut walk = Walk::new(stretch.scope, stretch.begin);
    said.verified = stretch.begin.line;
    if let Some(kept) = kept {
        walk = match walk.expecting(kept) {
            Ok(walk) => walk,
            Err(fault) => return Ok(Some(fault.to_string())),
        };
    }
    while let Some(lines) = stretch.next(app).await? {
        for line in &lines {
            let link = line.link(stretch.scope);
            if let Err(fault) = walk.step(line.cursor.into(), link, line.text.as_bytes()) {
                // Retention may have deleted what was to be read next; that is no fault.
                let moved = moved_on(app, &stretch).await?;
                let text = "the oldest lines were deleted for their age meanwhile: verify again";
                return Ok(Some(if moved {
                    text.to_owned()
                } else {
                    fault.to_string()
                }));
            }
            (said.verified, said.outside) = (walk.at().line, walk.outside());
        }
        if !tell(pages, said).await {
            return Ok(None);
        }
    }
    Ok(walk
        .finish(stretch.head)
        .err()
        .map(|fault| fault.to_string()))
}

/// The begin that retention left must be signed by control, else anybody could delete from the front. A
/// root document names each key that ever signed snapshots and checkpoints; it may have been replaced since.
async fn begin_fault(app: &App, stretch: &Stretch) -> Result<Option<String>, StoreError> {
    let Some(deleted) = &stretch.deleted else {
        return Ok(None);
    };
    let roots = app.store.read().await?.roots().after(0).await?;
    let roots = roots
        .iter()
        .filter_map(|root| Root::parse(&root.document).ok());
    let keys: Vec<PublicKey> = roots
        .flat_map(|root| root.snapshot_keys().to_vec())
        .collect();
    let by = |key: &PublicKey| {
        let token = jws::parse_document(deleted.signed.as_bytes());
        token.is_ok_and(|token| token.verify(Kind::Checkpoint, key).is_ok())
    };
    let said = Checkpoint::unverified(&deleted.signed).ok();
    let fits = said.is_some_and(|said| {
        (said.issuer.as_str(), said.scope, said.link)
            == (app.issuer.as_str(), stretch.scope, deleted.link)
    });
    let line = deleted.link.line;
    Ok((!(fits && keys.iter().any(by))).then(|| {
        format!(
            "that lines up to {line} were deleted for their age is not signed by a key of control's: \
             compare with a checkpoint that was kept"
        )
    }))
}

async fn moved_on(app: &App, stretch: &Stretch) -> Result<bool, StoreError> {
    let mut view = app.store.read().await?;
    let chain = view.audit_log().chain(stretch.scope).await?;
    let begin = chain.map_or(Link::START, |chain| chain.begin());
    Ok(begin.line > stretch.begin.line)
}

async fn tell(pages: &Pages, said: &AuditVerification) -> bool {
    let mut page = Vec::new();
    stream::push(&mut page, said).is_ok() && pages.send(page).await
}
