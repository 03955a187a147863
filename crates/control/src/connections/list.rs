//! `GET /v1/connections`: all connections; there are few.

use aeolus_api::Page;
use aeolus_api::connection::Connection;
use aeolus_model::Permission;
use aeolus_store::Unit as _;
use axum::Json;

use super::Settings;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Lists connections, oldest first.
pub(crate) async fn list(ctx: Ctx) -> Result<Json<Page<Connection>>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    authority.require(Permission::SystemConnectionsGet, &[])?;
    let held = view.provider_keys().list().await?;
    let mut items = Vec::new();
    for connection in view.connections().list().await? {
        let broken = |what: &str| ApiError::Internal(format!("{what} of {}", connection.id));
        let settings = Settings::of(&connection).ok_or_else(|| broken("the settings"))?;
        let kind = serde_json::from_value(connection.kind.as_str().into());
        let held = held.iter().find(|held| held.connection == connection.id);
        let endpoints = held.and_then(|held| held.endpoints.as_ref());
        items.push(Connection {
            id: connection.id,
            kind: kind.map_err(|_| broken("the type"))?,
            name: connection.name,
            client_id: settings.sign_in.client_id,
            discovery_url: settings.sign_in.discovery_url,
            session_tokens: settings.session_tokens.is_some(),
            plane_registrations: settings.plane_registrations,
            authorization_endpoint: endpoints.map(|found| found.authorization.clone()),
            token_endpoint: endpoints.map(|found| found.token.clone()),
            keys_fetched_at: held.map(|held| held.fetched_at.secs()),
        });
    }
    Ok(Json(Page {
        items,
        next_cursor: None,
    }))
}
