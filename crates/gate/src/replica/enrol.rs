//! Becoming a gate of a plane.

use std::path::Path;

use aeolus_api::JoinToken;
use aeolus_api::plane::EnrollRequest;
use aeolus_keys::KeyError;
use aeolus_keys::digest::hmac;
use aeolus_model::Rng;
use aeolus_snapshot::{Digest, Root, RootError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::control::{Control, ControlError};
use super::data::{Data, DataError, NewKeys, Settings};
use super::fs::Fs;

/// Why a gate couldn't join.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The folder.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Control.
    #[error("control did not take the enrolment: {0}")]
    Control(#[from] ControlError),
    /// The root document isn't the one that the join token names.
    #[error("control's answer can't be trusted: {0}")]
    Root(#[from] RootError),
    /// The join token's hash.
    #[error("the join token is damaged: ask for a new one")]
    Token,
    /// No key.
    #[error("no identity key could be made: {0}")]
    Key(#[from] KeyError),
}

/// Enrols and writes the data folder. The join secret is never sent: control sees an HMAC under it of
/// the new identity key, a nonce and the root hash, and its answer is believed only because the root
/// has that hash.
pub async fn enrol<C: Control>(
    data: &Path,
    token: &JoinToken,
    control: &C,
    rng: &dyn Rng,
    fs: &dyn Fs,
) -> Result<Settings, EnrolError> {
    if Data::exists(data, fs) {
        return Err(DataError::Enrolled(data.to_owned()).into());
    }
    let hash: Digest = token.root_sha256.parse().map_err(|_| EnrolError::Token)?;
    let keys = NewKeys::generate(rng)?;
    let identity = &keys.identity;
    let mut nonce = [0; 32];
    rng.fill(&mut nonce);
    let public = identity.public().as_ed25519().ok_or(EnrolError::Token)?;
    let proof = hmac(token.secret.expose(), &[public, &nonce, hash.as_bytes()]);
    let request = EnrollRequest {
        plane: token.plane,
        nonce: URL_SAFE_NO_PAD.encode(nonce),
        identity_jwk: serde_json::to_value(identity.public().to_jwk())
            .map_err(|_| EnrolError::Token)?,
        proof: URL_SAFE_NO_PAD.encode(proof),
    };
    let answer = control.enroll(&request).await?;
    let root = Root::pinned(&answer.root, &hash)?;
    let settings = Settings {
        plane: token.plane,
        name: token.name.clone(),
        control_url: Some(token.url.trim_end_matches('/').to_owned()),
        issuer: answer.issuer,
    };
    Data::create(data, fs, (&settings, &root), &keys)?;
    Ok(settings)
}
