//! `POST /v1/organizations/{o}/tokens:revoke`: ends many tokens in one step, and on wish everything
//! that is older than some time.

use aeolus_api::token::{TokensRevoke, TokensRevoked};
use aeolus_model::{Action, Change as Changed, OrganizationId, Permission, Subject, Time, TokenId};
use aeolus_store::{Mark, Page, TokenFilter, Unit as _, Write};
use axum::extract::Path;
use http::StatusCode;

use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{self, Query};
use crate::once::Reply;
use crate::planes::Wait;

/// So many tokens make one line of the audit log.
const CHUNK: u32 = 100;

/// Deletes tokens as one transaction: all of them or none. For those who may delete any of the
/// organization's.
pub(crate) async fn revoke(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
    extract::Json(body): extract::Json<TokensRevoke>,
) -> Result<Reply<TokensRevoked>, ApiError> {
    let wait = super::wants_planes(&query)?;
    let now = ctx.app.clock.now();
    let which = Which::of(&body, now)?;
    let (mut write, authority, organization) = ctx.write_in(&organization).await?;
    let organization = organization.id;
    let path = organization_path(organization);
    authority.require(Permission::OrganizationServiceAccountsDelete, &path)?;
    if body.sessions {
        authority.require(Permission::OrganizationIamUpdate, &path)?;
    }
    let deleted = match which {
        Which::These(ids) => {
            let mut deleted = 0;
            for chunk in ids.chunks(usize::try_from(CHUNK).unwrap_or(1)) {
                deleted += delete(&ctx, &mut write, organization, chunk).await?;
            }
            deleted
        }
        Which::Matching(filter) => {
            if body.sessions {
                mark(&ctx, &mut write, organization, &filter).await?;
            }
            let deleted = matching(&ctx, &mut write, organization, &filter).await?;
            earlier(&ctx, &mut write, organization, &filter).await?;
            deleted
        }
    };
    let wait = wait.then_some(Wait::revocation(organization));
    let revoked = |seq| TokensRevoked {
        deleted,
        seq,
        planes: None,
    };
    ctx.awaited(write, (StatusCode::OK, wait), revoked).await
}

enum Which {
    These(Vec<TokenId>),
    Matching(TokenFilter),
}

impl Which {
    fn of(body: &TokensRevoke, now: Time) -> Result<Self, ApiError> {
        let wrong = |at: &str, what: &str| Err(ApiError::field(at, what));
        match (&body.ids, body.issued_before, body.created_by) {
            (Some(ids), None, None) if !body.sessions => Ok(Self::These(ids.clone())),
            (Some(_), ..) => wrong("ids", "give ids alone, or leave them out"),
            (None, None, None) => wrong("issuedBefore", "say which: this, createdBy or ids"),
            (None, None, _) if body.sessions => {
                wrong("issuedBefore", "say which sessions: those from before when")
            }
            (None, Some(before), _) if Time::from_secs(before) > now => wrong(
                "issuedBefore",
                "it lies ahead: nothing new would be good until then",
            ),
            (None, before, created_by) => Ok(Self::Matching(TokenFilter {
                issued_before: before.map_or(Time::MAX, Time::from_secs),
                created_by,
                ..TokenFilter::default()
            })),
        }
    }
}

/// Deletes what matches, a page at a time.
async fn matching(
    ctx: &Ctx,
    write: &mut Write,
    organization: OrganizationId,
    filter: &TokenFilter,
) -> Result<u64, ApiError> {
    let mut page = Page::first(CHUNK);
    let mut deleted = 0;
    loop {
        let listing = write.tokens().list(organization, filter, page).await?;
        let ids: Vec<TokenId> = listing.items.iter().map(|record| record.token.id).collect();
        deleted += delete(ctx, write, organization, &ids).await?;
        match listing.next {
            Some(next) => page.after = Some(next),
            None => return Ok(deleted),
        }
    }
}

/// Revokes values from before that are still good although their tokens have newer ones.
async fn earlier(
    ctx: &Ctx,
    write: &mut Write,
    organization: OrganizationId,
    filter: &TokenFilter,
) -> Result<(), ApiError> {
    let before = filter.issued_before;
    if before == Time::MAX {
        return Ok(());
    }
    let whose = (organization, filter.created_by);
    let now = ctx.app.clock.now();
    let revoked = write.tokens().revoke_before(whose, before, now).await?;
    if revoked > 0 {
        let mut event = ctx.event(Action::TokensRevoke, Some(organization), organization);
        event.changes = vec![
            Changed::to("notBefore", before.secs().to_string()),
            Changed::from("earlierValues", revoked.to_string()),
        ];
        write.audit(event);
    }
    Ok(())
}

async fn delete(
    ctx: &Ctx,
    write: &mut Write,
    organization: OrganizationId,
    ids: &[TokenId],
) -> Result<u64, ApiError> {
    let now = ctx.app.clock.now();
    let deleted = write.tokens().delete_these(organization, ids, now).await?;
    if !deleted.is_empty() {
        let mut event = ctx.event(Action::TokensRevoke, Some(organization), organization);
        event.changes = deleted
            .iter()
            .map(|id| Changed::from("token", id.to_string()))
            .collect();
        write.audit(event);
    }
    Ok(u64::try_from(deleted.len()).unwrap_or(u64::MAX))
}

/// Nothing from before is good any more: of the person, or of everybody.
async fn mark(
    ctx: &Ctx,
    write: &mut Write,
    organization: OrganizationId,
    filter: &TokenFilter,
) -> Result<(), ApiError> {
    let not_before = filter.issued_before;
    let mut event = ctx.event(Action::TokensRevoke, Some(organization), organization);
    event.changes = vec![Changed::to("notBefore", not_before.secs().to_string())];
    let mut revocations = write.revocations();
    if let Some(person) = filter.created_by {
        event
            .changes
            .push(Changed::to("person", person.to_string()));
        let subject = Subject::User(person);
        let mark = Mark {
            subject,
            not_before,
        };
        revocations.mark(organization, mark).await?;
    } else {
        let mark = revocations.mark_organization(organization, not_before);
        mark.await?;
    }
    write.audit(event);
    Ok(())
}
