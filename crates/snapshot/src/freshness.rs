//! The signed word that nothing newer exists.

use aeolus_keys::{KeyError, Kind, SigningKey};
use aeolus_model::{PlaneId, Time};
use serde::{Deserialize, Serialize};

use crate::manifest::audience;
use crate::{Digest, Position, Root, SnapshotError};

/// At `as_of`, nothing was newer than what the manifest at `position` says. It makes knowledge of that
/// position younger; a replayed one changes nothing, because its time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// For whom.
    pub plane: PlaneId,
    /// The position that the plane was told last.
    pub position: Position,
    /// Hash of the manifest at that position: after a restore another one may have it too.
    pub manifest: Digest,
    /// Control's time, in whole seconds: what clocks go by.
    pub at: Time,
    /// Since when something newer may exist, in whole seconds: what the age of knowledge counts from.
    /// Not after `at`, and `at` itself while there is nothing newer.
    pub as_of: Time,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    aud: String,
    iat: i64,
    epoch: u64,
    seq: u64,
    manifest: Digest,
    /// Absent where it is `iat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    as_of: Option<i64>,
}

/// Writes the statement as a compact JWS.
pub fn sign_freshness(freshness: &Freshness, key: &SigningKey) -> Result<String, KeyError> {
    let (at, as_of) = (freshness.at.secs(), freshness.as_of.secs());
    let claims = Claims {
        aud: audience(freshness.plane),
        iat: at,
        epoch: freshness.position.epoch,
        seq: freshness.position.seq,
        manifest: freshness.manifest,
        as_of: (as_of != at).then_some(as_of),
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
    let as_of = claims.as_of.unwrap_or(claims.iat);
    if as_of > claims.iat || (as_of < 0 && claims.as_of.is_some()) {
        return Err(SnapshotError::Malformed);
    }
    Ok(Freshness {
        plane,
        position: Position {
            epoch: claims.epoch,
            seq: claims.seq,
        },
        manifest: claims.manifest,
        at: Time::from_secs(claims.iat),
        as_of: Time::from_secs(as_of),
    })
}
