//! `GET /.well-known/openid-configuration` and `…/oauth-authorization-server` (OpenID Connect
//! Discovery 1.0, RFC 8414): one document under both names.

use aeolus_api::oauth::{
    GRANT_AUTHORIZATION_CODE, GRANT_CLIENT_CREDENTIALS, GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN,
    GRANT_TOKEN_EXCHANGE, Metadata, SCOPE_OFFLINE_ACCESS,
};
use aeolus_api::scim::SCOPE_SCIM;
use axum::Json;
use axum::extract::State;
use http::header::{CACHE_CONTROL, HeaderName};

use crate::app::App;
use crate::connections;
use crate::error::ApiError;

/// The provider's metadata.
pub(crate) async fn discovery(
    State(app): State<App>,
) -> ([(HeaderName, &'static str); 1], Json<Metadata>) {
    let at = |path: &str| format!("{}{path}", app.issuer);
    let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    let mut grants = vec![
        GRANT_AUTHORIZATION_CODE,
        GRANT_REFRESH_TOKEN,
        GRANT_TOKEN_EXCHANGE,
        GRANT_CLIENT_CREDENTIALS,
    ];
    if app.device_flow {
        grants.push(GRANT_DEVICE_CODE);
    }
    let metadata = Metadata {
        issuer: app.issuer.clone(),
        authorization_endpoint: at("/oauth2/authorize"),
        token_endpoint: at("/oauth2/token"),
        device_authorization_endpoint: app.device_flow.then(|| at("/oauth2/device_authorization")),
        userinfo_endpoint: at("/oauth2/userinfo"),
        revocation_endpoint: at("/oauth2/revoke"),
        introspection_endpoint: at("/oauth2/introspect"),
        jwks_uri: at("/.well-known/jwks.json"),
        end_session_endpoint: at("/oauth2/logout"),
        scopes_supported: list(&[
            "openid",
            "email",
            "profile",
            SCOPE_OFFLINE_ACCESS,
            SCOPE_SCIM,
        ]),
        response_types_supported: list(&["code"]),
        response_modes_supported: list(&["query"]),
        grant_types_supported: list(&grants),
        subject_types_supported: list(&["public"]),
        id_token_signing_alg_values_supported: list(&["RS256"]),
        token_endpoint_auth_methods_supported: list(&[
            "private_key_jwt",
            "none",
            "client_secret_basic",
            "client_secret_post",
        ]),
        token_endpoint_auth_signing_alg_values_supported: list(&["EdDSA"]),
        code_challenge_methods_supported: list(&["S256"]),
        claims_supported: list(&[
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "amr",
            "acr",
            "sid",
            "email",
            "email_verified",
            "name",
        ]),
        authorization_response_iss_parameter_supported: true,
        aeolus_connections: connections(&app).await.unwrap_or_default(),
    };
    ([(CACHE_CONTROL, "public, max-age=300")], Json(metadata))
}

/// What people read on the sign-in page's buttons. Without a database the rest is as good as ever.
async fn connections(app: &App) -> Result<Vec<String>, ApiError> {
    let mut view = app.store.read().await?;
    let offered = connections::offered(app, &mut view).await?;
    Ok(offered.into_iter().map(|each| each.display_name).collect())
}
