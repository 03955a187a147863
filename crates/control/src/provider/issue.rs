//! The tokens that a code is exchanged for.

use aeolus_api::oauth::{SessionHint, TOKEN_TYPE_ACCESS, TokenAnswer};
use aeolus_keys::claims::{Access, AccessKind, IdToken};
use aeolus_keys::{KeyError, Kind, digest};
use aeolus_model::{OrganizationId, Secret, Session};
use aeolus_store::User;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::client::Client;
use super::scope;
use crate::app::App;
use crate::keys::KeysError;
use crate::policy::Life;

/// Seconds that an `id_token` is good for: it is read once, at once.
const ID_LIFE: i64 = 600;
/// Seconds that an exchanged token is good for at most.
pub(super) const EXCHANGED_LIFE: i64 = 3_600;

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
pub(super) async fn issue(app: &App, grant: Grant<'_>) -> Result<TokenAnswer, KeysError> {
    let session = grant.session;
    let at = (session, grant.life);
    let access = access(app, at, (grant.audience, grant.client.id()));
    let access = Access {
        org: grant.organization,
        ..access
    };
    let access_token = app.keys.access().sign(Kind::Access, &access)?;
    let id_token = id_token(app, grant.user, grant.nonce, (&access, &access_token)).await?;
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

/// Signs another access token for a client whose person signed in before, and where they ask for it
/// an `id_token` about the same sign-in (OpenID Connect Core §12.2): `auth_time` stays what it was, and
/// there is no nonce, which belongs to the request that began it.
pub(super) async fn reissue(
    app: &App,
    (session, user): (&Session, &User),
    client: Client,
    (audience, scope): (&str, &str),
    refresh: Secret<String>,
) -> Result<TokenAnswer, KeysError> {
    let at = (session, Life::here(app));
    let access = access(app, at, (audience.to_owned(), client.id()));
    let token = app.keys.access().sign(Kind::Access, &access)?;
    let id_token = if scope::has(scope, scope::OPENID) {
        Some(id_token(app, user, None, (&access, &token)).await?)
    } else {
        None
    };
    let more = (scope.to_owned(), Some(refresh));
    Ok(TokenAnswer {
        id_token,
        ..answer(app, at, (token, access.exp), more)
    })
}

/// Signs who the person of an access token is, for the client that it was made for.
async fn id_token(
    app: &App,
    user: &User,
    nonce: Option<String>,
    (access, text): (&Access, &str),
) -> Result<String, KeysError> {
    let hash = digest::sha256(text.as_bytes());
    let (half, _) = hash.split_at(16);
    let id = IdToken {
        iss: app.issuer.clone(),
        aud: access.client_id.clone(),
        sub: access.sub,
        iat: access.iat,
        exp: access.iat.saturating_add(ID_LIFE),
        jti: digest::random_token(&*app.rng, 16).expose().clone(),
        nonce,
        auth_time: access.auth_time,
        sid: access.sid,
        amr: access.amr.clone(),
        acr: access.acr.clone(),
        at_hash: Some(URL_SAFE_NO_PAD.encode(half)),
        email: user.email.to_string(),
        // Local addresses are what an administrator typed; nobody has proved them.
        email_verified: false,
        name: user.name.clone(),
    };
    app.keys.sign_id(id).await
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
        issued_token_type: None,
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

/// Signs an access token for one deployment, on the strength of one that its person's client holds for
/// control: no refresh token, no `id_token`, and never longer than that one.
pub(super) fn narrowed(
    app: &App,
    at: (&Session, Life),
    subject: &Access,
    (audience, organization): (String, OrganizationId),
) -> Result<TokenAnswer, KeyError> {
    let access = access(app, at, (audience, subject.client_id.clone()));
    let end = access.iat.saturating_add(EXCHANGED_LIFE);
    let access = Access {
        org: Some(organization),
        exp: access.exp.min(subject.exp).min(end),
        ..access
    };
    let token = app.keys.access().sign(Kind::Access, &access)?;
    Ok(exchanged(app, (token, access.exp)))
}

/// What an exchange is answered with.
pub(super) fn exchanged(app: &App, (access_token, exp): (String, i64)) -> TokenAnswer {
    let life = exp.saturating_sub(app.clock.now().secs());
    TokenAnswer {
        access_token,
        issued_token_type: Some(TOKEN_TYPE_ACCESS.to_owned()),
        token_type: "Bearer".to_owned(),
        expires_in: u64::try_from(life).unwrap_or(0),
        scope: String::new(),
        id_token: None,
        refresh_token: None,
        aeolus: None,
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
        amr: session.amr.words().to_vec(),
        acr: Some(session.amr.acr().to_owned()),
        kind: AccessKind,
    }
}
