//! `POST /oauth2/device_authorization` (RFC 8628 §3.1): a machine asks to be signed in.

use std::time::Duration;

use aeolus_api::oauth::DeviceAnswer;
use aeolus_keys::digest;
use aeolus_model::{DeviceCode, DeviceStage};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::{Request, State};

use super::super::client::Client;
use super::super::failure::OAuthFailure;
use super::super::token::{authenticate, read_form};
use super::super::{pace, scope};
use super::user_code::UserCode;
use crate::app::App;
use crate::ctx::RequestInfo;

/// Whoever asks has proved nothing: so many from one address, and from all of them, in a window.
const WINDOW: Duration = Duration::from_secs(600);
const PER_SOURCE: u64 = 30;
const OF_ALL: u64 = 3_000;

/// Hands out what the machine keeps and what it shows.
pub(crate) async fn device_authorization(
    State(app): State<App>,
    info: RequestInfo,
    request: Request,
) -> Result<Json<DeviceAnswer>, OAuthFailure> {
    if !app.device_flow {
        return Err(OAuthFailure::DeviceOff);
    }
    let form = read_form(request).await?;
    let client = authenticate(&app, &info, &form).await?;
    if client != Client::Cli {
        return Err(OAuthFailure::DeviceOff);
    }
    let asked = form.get("scope").unwrap_or(scope::OPENID);
    if !scope::has(asked, scope::OPENID) {
        return Err(OAuthFailure::Scope);
    }
    let now = app.clock.now();
    let mut write = app.store.write().await?;
    let source = format!("device/asked/{}", info.counted_as());
    for (bucket, most) in [(source.as_str(), PER_SOURCE), ("device/asked", OF_ALL)] {
        pace::hit(&mut write, bucket, (WINDOW, most), now).await?;
    }
    let device = digest::random_token(&*app.rng, 32);
    let typed = UserCode::new(&*app.rng);
    let code = DeviceCode {
        client_id: client.id(),
        scope: scope::granted(client, asked),
        source: info.source,
        issued_at: now,
        stage: DeviceStage::Pending,
        polled_at: None,
        pace: DeviceCode::PACE,
    };
    let digests = (
        &digest::sha256(device.expose().as_bytes()),
        &typed.digest(&app.refresh_key),
    );
    write.device_codes().insert(digests, &code).await?;
    app.commit(write).await?;
    let page = format!("{}/device", app.issuer);
    Ok(Json(DeviceAnswer {
        device_code: device.expose().clone(),
        user_code: typed.shown(),
        verification_uri_complete: format!("{page}?user_code={}", typed.shown()),
        verification_uri: page,
        expires_in: DeviceCode::LIFE.as_secs(),
        interval: DeviceCode::PACE.as_secs(),
    }))
}
