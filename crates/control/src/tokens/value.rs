//! Values of tokens: what programs send.

use std::time::Duration;

use aeolus_keys::claims::{Api, ApiKind, Direct, DirectGrant, DirectKind};
use aeolus_keys::status_list::{Place, Status};
use aeolus_keys::{Kind, digest};
use aeolus_model::{ApiToken, GrantedRole, OrganizationId, Time, TokenKind, TokenValue};
use aeolus_store::{Unit as _, Write};

use super::roles::Held;
use crate::app::App;
use crate::error::ApiError;

const DAY: u64 = 86_400;

/// A value that nobody has yet, good from now on for some days.
pub(super) async fn allocate(
    app: &App,
    write: &mut Write,
    organization: OrganizationId,
    days: u32,
) -> Result<TokenValue, ApiError> {
    // Whole seconds: what the value says and what the record says are the same moments.
    let now = Time::from_secs(app.clock.now().secs());
    let rng = &*app.rng;
    let index = write.revocations().allocate(organization, rng).await?;
    Ok(TokenValue {
        jti: digest::random_token(rng, 16).expose().clone(),
        index,
        issued_at: now,
        expires_at: now.plus(Duration::from_secs(u64::from(days) * DAY)),
    })
}

/// The newest value of a token as text. Keep it nowhere.
pub(super) fn sign(app: &App, token: &ApiToken, held: &[Held]) -> Result<String, ApiError> {
    let value = token.value();
    let value = value.ok_or_else(|| ApiError::internal("a deleted token has no value"))?;
    let signed = match &token.kind {
        TokenKind::Standard => app.keys.api().sign(Kind::Api, &api(app, token, value)),
        TokenKind::Direct { permissions } => {
            let grants = held.iter().map(grant).collect::<Option<_>>();
            let grants = grants.ok_or_else(|| ApiError::internal("no gate knows its role"))?;
            let claims = Direct {
                iss: app.issuer.clone(),
                aud: format!("urn:aeolus:direct:{}", token.organization),
                sub: token.id,
                client_id: token.id,
                iat: value.issued_at.secs(),
                nbf: value.issued_at.secs(),
                exp: value.expires_at.secs(),
                jti: value.jti.clone(),
                idx: value.index,
                status: Some(status(app, token, value)),
                ent: token.scope.resource(),
                grants,
                perms: permissions.clone(),
                kind: DirectKind,
            };
            app.keys.direct().sign(Kind::Direct, &claims)
        }
    };
    signed.map_err(ApiError::internal)
}

fn api(app: &App, token: &ApiToken, value: &TokenValue) -> Api {
    Api {
        iss: app.issuer.clone(),
        aud: format!("urn:aeolus:org:{}", token.organization),
        sub: token.id,
        client_id: token.id,
        iat: value.issued_at.secs(),
        nbf: value.issued_at.secs(),
        exp: value.expires_at.secs(),
        jti: value.jti.clone(),
        idx: value.index,
        status: Some(status(app, token, value)),
        ent: token.scope.resource(),
        surfaces: None,
        kind: ApiKind,
    }
}

/// Where whoever is no gate finds out whether the value is still good.
fn status(app: &App, token: &ApiToken, value: &TokenValue) -> Status {
    Status {
        status_list: Place::of(&app.issuer, token.organization, value.index),
    }
}

/// None for a role that only its organization knows: none of those gets into a direct access token.
const fn grant(held: &Held) -> Option<DirectGrant> {
    match held.role {
        GrantedRole::BuiltIn(role) => Some(DirectGrant {
            resource: held.resource,
            role,
        }),
        GrantedRole::Custom(_) => None,
    }
}
