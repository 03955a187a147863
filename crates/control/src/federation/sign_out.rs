//! Signing out at the provider as well, after control's own sign-out.

use aeolus_model::{Session, Time};
use aeolus_oidc::sign_out_url;
use aeolus_store::Unit as _;
use axum::response::Response;
use url::Url;

use super::link::onward;
use super::provider::{Need, Place};
use super::refused::{OrRefused as _, Stop};
use crate::app::App;
use crate::connections;

/// A page that leads on to where the provider signs people out and sends them back to `/logout`. None where
/// it has no such page or can't be asked: then its session stays, and control's has ended anyhow.
pub(crate) async fn sign_out_at_provider(app: &App, session: &Session) -> Option<Response> {
    let url = url(app, session, app.clock.now()).await;
    match url {
        Ok(url) => Some(onward(&url?, "You are signed out here")),
        Err(error) => {
            tracing::warn!(?error, "a provider's session is left as it is");
            None
        }
    }
}

async fn url(app: &App, session: &Session, now: Time) -> Result<Option<Url>, Stop> {
    let id = session.connection;
    let mut view = app.store.read().await?;
    let Some(row) = view.connections().get(id).await? else {
        return Ok(None);
    };
    let Some(sign_in) = connections::sign_in(app, &row) else {
        return Ok(None);
    };
    let sealed = view.session_hints().get(session.id).await?;
    drop(view);
    let hint = sealed.and_then(|sealed| app.master.open_hint(session.id, &sealed));
    let hint = hint.as_ref().map(|hint| hint.expose().as_str());
    let egress = app.federation.egress(&app.egress).or_refused()?;
    let provider = app.federation.providers.of(id, &sign_in.connection);
    let _place = provider.place(Place::Start).or_refused()?;
    let discovery = provider.discovery(egress, &sign_in.connection, (Need::Any, now));
    let discovery = discovery.await.or_refused()?;
    let back = format!("{}/logout", app.issuer);
    Ok(sign_out_url(&sign_in.connection, &discovery, hint, &back))
}
