//! `POST /v1/planes/enroll`: a gate proves that it was invited, and shows the identity its plane
//! will be known by. Good once.

use aeolus_api::plane::{EnrollAnswer, EnrollRequest};
use aeolus_keys::{Alg, Kind, PublicKey, digest};
use aeolus_model::{Action, Actor, AuditEvent, KeyId};
use aeolus_store::{Plane, PlaneStage, Unit as _};
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::extract::Json;

const REFUSED: ApiError = ApiError::BadCredential("the join token is not good");

/// Enrols. Whatever is wrong with the proof, the answer is the same.
pub(crate) async fn enroll(
    State(app): State<App>,
    info: RequestInfo,
    Json(body): Json<EnrollRequest>,
) -> Result<axum::Json<EnrollAnswer>, ApiError> {
    let shown = app.tls.shown(&info.chain, app.clock.now())?;
    let nonce = decode(&body.nonce).filter(|nonce| (16..=64).contains(&nonce.len()));
    let nonce = nonce.ok_or_else(|| ApiError::field("nonce", "use 16 to 64 bytes as base64url"))?;
    let identity = body.identity_jwk.to_string();
    let key = PublicKey::from_jwk_json(&identity).ok();
    let key = key.filter(|key| key.alg() == Alg::EdDsa);
    let key = key.ok_or_else(|| ApiError::field("identityJwk", "use an Ed25519 public key"))?;
    let mut write = app.store.write().await?;
    let plane = write.planes().get(body.plane).await?;
    let plane = plane.ok_or(REFUSED)?;
    let PlaneStage::Pending { join, expires_at } = &plane.stage else {
        return Err(REFUSED);
    };
    if app.clock.now() > *expires_at {
        return Err(REFUSED);
    }
    let record = KeyId::from_bytes(*plane.id.as_bytes());
    let secret = app.master.open(record, Kind::PlaneAssertion, join);
    let secret = secret.map_err(ApiError::internal)?;
    let roots = write.roots().after(0).await?;
    let first = roots
        .first()
        .ok_or(ApiError::NotReady("There is no root document yet."))?;
    let root = digest::sha256(first.document.as_bytes());
    let raw = key.as_ed25519().ok_or(REFUSED)?;
    let expected = digest::hmac(secret.expose(), &[raw, &nonce, &root]);
    let proof = decode(&body.proof).unwrap_or_default();
    if !digest::eq(&proof, &expected) {
        return Err(REFUSED);
    }
    shown.require(&plane)?;
    let answer = EnrollAnswer {
        root: first.document.clone(),
        issuer: app.issuer.clone(),
        manifest: write
            .publications()
            .get(plane.id)
            .await?
            .map(|p| p.manifest),
    };
    let stage = PlaneStage::Enrolled {
        identity: key.to_jwk().to_json(),
        at: app.clock.now(),
    };
    let enrolled = Plane { stage, ..plane };
    // Conflicts if another gate was faster with the same token: then this one was not invited.
    write.planes().update(&enrolled).await?;
    let event = info.event(&app, Actor::Plane(enrolled.id), Action::PlaneEnroll);
    write.audit(AuditEvent {
        target: key.kid().to_string(),
        ..event
    });
    app.commit(write).await?;
    Ok(axum::Json(answer))
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
