//! `GET /v1/connections`: all connections; there are few.

use aeolus_api::Page;
use aeolus_api::connection::{Connection, ConnectionOrigin};
use aeolus_api::fleet::SignInFlow;
use aeolus_model::Permission;
use aeolus_oidc::Flow;
use aeolus_store::{ManagedBy, ProviderKeys, Unit as _};
use axum::Json;

use super::{Settings, by_name};
use crate::app::App;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::scim;

/// Lists connections, oldest first.
pub(crate) async fn list(ctx: Ctx) -> Result<Json<Page<Connection>>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    authority.require(Permission::SystemConnectionsGet, &[])?;
    let held = view.provider_keys().list().await?;
    let rows = view.connections().list().await?;
    let items = rows.into_iter().map(|row| {
        let held = held.iter().find(|held| held.connection == row.id);
        shown(&ctx.app, row, held)
    });
    Ok(Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: None,
    }))
}

/// One that is broken says so, and hides no other.
fn shown(
    app: &App,
    row: aeolus_store::Connection,
    held: Option<&ProviderKeys>,
) -> Result<Connection, ApiError> {
    let usable = by_name::usable(app, &row);
    let problem = usable.as_ref().err().map(ToString::to_string);
    let usable = usable.ok().flatten().map(|found| found.connection);
    let settings = Settings::of(&row).unwrap_or_default();
    let kind = serde_json::from_value(row.kind.as_str().into());
    let broken = |_| ApiError::Internal(format!("the type of {}", row.id));
    let said = settings.scim.clone().unwrap_or_default();
    let profile = scim::profile_of(&said, &row.kind);
    let endpoints = held.and_then(|held| held.endpoints.as_ref());
    Ok(Connection {
        id: row.id,
        kind: kind.map_err(broken)?,
        origin: match row.managed_by {
            ManagedBy::Configuration if settings.absent => ConnectionOrigin::Left,
            ManagedBy::Configuration => ConnectionOrigin::Configuration,
            ManagedBy::Apply => ConnectionOrigin::Document,
            ManagedBy::Api => ConnectionOrigin::Own,
        },
        display_name: usable
            .as_ref()
            .map(|usable| usable.display_name().to_owned()),
        flow: usable.as_ref().map(|usable| match usable.flow() {
            Flow::Code => SignInFlow::Code,
            Flow::Implicit(_) => SignInFlow::Implicit,
        }),
        scopes: usable.map_or_else(Vec::new, |usable| usable.scopes().to_vec()),
        has_client_secret: settings.client_secret.is_some(),
        problem,
        name: row.name,
        plane_registrations: settings.registrations().cloned().collect(),
        client_id: settings.sign_in.client_id,
        discovery_url: settings.sign_in.discovery_url,
        session_tokens: settings.session_tokens.is_some(),
        scim_profile: Some(profile),
        authorization_endpoint: endpoints.map(|found| found.authorization.clone()),
        token_endpoint: endpoints.map(|found| found.token.clone()),
        keys_fetched_at: held.map(|held| held.fetched_at.secs()),
    })
}
