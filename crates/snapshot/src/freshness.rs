//! The signed word that nothing newer exists.

use aeolus_keys::{KeyError, Kind, SigningKey};
use aeolus_model::{PlaneId, Time};
use serde::{Deserialize, Serialize};

use crate::manifest::audience;
use crate::{Digest, Position, Root, SnapshotError};

/// At `at`, `position` was the latest. It makes knowledge of that position younger; a replayed one
/// changes nothing, because its time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// For whom.
    pub plane: PlaneId,
    /// The latest position.
    pub position: Position,
    /// Hash of the manifest at that position: after a restore another one may have it too.
    pub manifest: Digest,
    /// Control's time, in whole seconds.
    pub at: Time,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    iat: i64,
    epoch: u64,
    seq: u64,
    manifest: Digest,
}

/// Writes the statement as a compact JWS.
pub fn sign_freshness(freshness: &Freshness, key: &SigningKey) -> Result<String, KeyError> {
    let claims = Claims {
        aud: audience(freshness.plane),
        iat: freshness.at.secs(),
        epoch: freshness.position.epoch,
        seq: freshness.position.seq,
        manifest: freshness.manifest,
    };
    key.sign(Kind::Freshness, &claims)
}

/// Reads and verifies the statement: signature, key, plane.
pub fn verify_freshness(
    root: &Root,
    plane: PlaneId,
    text: &str,
) -> Result<Freshness, SnapshotError> {
    let (verified, _) = root.open(Kind::Freshness, text)?;
    let claims: Claims = verified.claims().map_err(|_| SnapshotError::Malformed)?;
    if claims.aud != audience(plane) {
        return Err(SnapshotError::OtherPlane);
    }
    Ok(Freshness {
        plane,
        position: Position {
            epoch: claims.epoch,
            seq: claims.seq,
        },
        manifest: claims.manifest,
        at: Time::from_secs(claims.iat),
    })
}
