//! The tokens that a code is exchanged for.

use aeolus_api::oauth::{SessionHint, TokenAnswer};
use aeolus_keys::claims::{Access, AccessKind, IdToken};
use aeolus_keys::{KeyError, Kind, digest};
use aeolus_model::{OrganizationId, Secret, Session};
use aeolus_store::User;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::client::Client;
use crate::app::App;
use crate::policy::Life;

/// Seconds that an `id_token` is good for: it is read once, at once.
const ID_LIFE: i64 = 600;

/// Who signed in, to which client, for what.
pub(super) struct Grant<'a> {
    pub(super) client: Client,
    pub(super) audience: String,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) session: &'a Session,
    pub(super) user: &'a User,
    pub(super) organization: Option<OrganizationId>,
    pub(super) life: Life,
    pub(super) refresh: Option<Secret<String>>,
}

/// Signs an access token and an `id_token`.
pub(super) fn issue(app: &App, grant: Grant<'_>) -> Result<TokenAnswer, KeyError> {
    let now = app.clock.now();
    let session = grant.session;
    let at = (session, grant.life);
    let access = access(app, at, (grant.audience, grant.client.id()));
    let access = Access {
        org: grant.organization,
        ..access
    };
    let access_token = app.keys.access().sign(Kind::Access, &access)?;
    let hash = digest::sha256(access_token.as_bytes());
    let (half, _) = hash.split_at(16);
    let at_hash = URL_SAFE_NO_PAD.encode(half);
    let id = IdToken {
        iss: app.issuer.clone(),
        aud: grant.client.id(),
        sub: session.user,
        iat: now.secs(),
        exp: now.secs().saturating_add(ID_LIFE),
        jti: digest::random_token(&*app.rng, 16).expose().clone(),
        nonce: grant.nonce,
        auth_time: session.auth_time.secs(),
        sid: session.id,
        amr: access.amr,
        at_hash: Some(at_hash),
        email: grant.user.email.to_string(),
        // Local addresses are what an administrator typed; nobody has proved them.
        email_verified: false,
        name: grant.user.name.clone(),
    };
    let id_token = app.keys.id().sign(Kind::Id, &id)?;
    Ok(TokenAnswer {
        id_token: Some(id_token),
        ..answer(
            app,
            at,
            (access_token, access.exp),
            (grant.scope, grant.refresh),
        )
    })
}

/// Signs another access token for a client whose person signed in before. There is no `id_token`
/// (OpenID Connect Core §12.2 leaves it out): nobody has signed in again.
pub(super) fn reissue(
    app: &App,
    session: &Session,
    client: Client,
    (audience, scope): (&str, &str),
    refresh: Secret<String>,
) -> Result<TokenAnswer, KeyError> {
    let at = (session, Life::here(app));
    let access = access(app, at, (audience.to_owned(), client.id()));
    let token = app.keys.access().sign(Kind::Access, &access)?;
    let more = (scope.to_owned(), Some(refresh));
    Ok(answer(app, at, (token, access.exp), more))
}

/// Signs an access token for control itself and one of its own clients, on the session of a cookie.
pub(crate) fn for_control(
    app: &App,
    session: &Session,
    client_id: &str,
) -> Result<TokenAnswer, KeyError> {
    let at = (session, Life::here(app));
    let access = access(app, at, (app.issuer.clone(), client_id.to_owned()));
    let token = app.keys.access().sign(Kind::Access, &access)?;
    let more = (String::new(), None);
    Ok(TokenAnswer {
        aeolus: None,
        ..answer(app, at, (token, access.exp), more)
    })
}

fn answer(
    app: &App,
    (session, life): (&Session, Life),
    (access_token, exp): (String, i64),
    (scope, refresh): (String, Option<Secret<String>>),
) -> TokenAnswer {
    let left = exp.saturating_sub(app.clock.now().secs());
    TokenAnswer {
        access_token,
        token_type: "Bearer".to_owned(),
        expires_in: u64::try_from(left).unwrap_or(0),
        scope,
        id_token: None,
        refresh_token: refresh.map(|refresh| refresh.expose().clone()),
        aeolus: Some(SessionHint {
            connection: session.connection,
            absolute_end: life.absolute_end(session).secs(),
        }),
    }
}

/// Signs an access token alone, for one organization and an audience that is its own client.
pub(crate) fn access_token(
    app: &App,
    audience: &str,
    at: (&Session, Life),
    organization: OrganizationId,
) -> Result<String, KeyError> {
    let access = access(app, at, (audience.to_owned(), audience.to_owned()));
    let access = Access {
        org: Some(organization),
        ..access
    };
    app.keys.access().sign(Kind::Access, &access)
}

fn access(
    app: &App,
    (session, life): (&Session, Life),
    (aud, client_id): (String, String),
) -> Access {
    let now = app.clock.now();
    let end = life.access_end(session, now);
    Access {
        iss: app.issuer.clone(),
        aud,
        sub: session.user,
        iat: now.secs(),
        exp: end.secs(),
        jti: digest::random_token(&*app.rng, 16).expose().clone(),
        client_id,
        org: None,
        sid: session.id,
        auth_time: session.auth_time.secs(),
        amr: vec!["pwd".to_owned()],
        acr: Some("aal1".to_owned()),
        kind: AccessKind,
    }
}
