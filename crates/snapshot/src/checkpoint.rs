//! Control's signed word of how far the audit log goes. Whoever keeps one where control's database is
//! not can tell later that what was there then is still there, unchanged.

use aeolus_keys::chain::{Hash, Link, Scope};
use aeolus_keys::{KeyError, Kind, SigningKey};
use aeolus_model::Time;
use serde::{Deserialize, Serialize};

use crate::{Root, SnapshotError};

/// A log up to one of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Control's public URL: whose log.
    pub issuer: String,
    /// Which lines of it.
    pub scope: Scope,
    /// The last of them.
    pub link: Link,
    /// When this was said, in whole seconds.
    pub at: Time,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    iat: i64,
    scope: Scope,
    line: u64,
    hash: Hash,
}

/// Writes it as a compact JWS, signed by the snapshot key.
pub fn sign_checkpoint(checkpoint: &Checkpoint, key: &SigningKey) -> Result<String, KeyError> {
    let claims = Claims {
        iss: checkpoint.issuer.clone(),
        iat: checkpoint.at.secs(),
        scope: checkpoint.scope,
        line: checkpoint.link.line,
        hash: checkpoint.link.hash,
    };
    key.sign(Kind::Checkpoint, &claims)
}

/// Reads and verifies it by the root document of the time when it was made.
pub fn verify_checkpoint(root: &Root, text: &str) -> Result<Checkpoint, SnapshotError> {
    let (verified, _) = root.open(Kind::Checkpoint, text)?;
    let claims: Claims = verified.claims().map_err(|_| SnapshotError::Malformed)?;
    Ok(claims.into())
}

impl From<Claims> for Checkpoint {
    fn from(claims: Claims) -> Self {
        Self {
            issuer: claims.iss,
            scope: claims.scope,
            link: Link {
                line: claims.line,
                hash: claims.hash,
            },
            at: Time::from_secs(claims.iat),
        }
    }
}

impl Checkpoint {
    /// What it says, without asking who signed it: enough where the place it was kept at is trusted.
    pub fn unverified(text: &str) -> Result<Self, SnapshotError> {
        let token = aeolus_keys::jws::parse_document(text.as_bytes())?;
        let claims: Claims = token
            .unverified_claims()
            .map_err(|_| SnapshotError::Malformed)?;
        Ok(claims.into())
    }
}

#[cfg(test)]
mod tests {
    use aeolus_keys::{Alg, PublicKey};
    use aeolus_testkit::SeededRng;

    use super::*;
    use crate::RootBuilder;

    fn root(keys: &SigningKey, snapshot: &PublicKey) -> Root {
        let builder = RootBuilder {
            version: 1,
            threshold: 1,
            root_keys: vec![keys.public().clone()],
            snapshot_keys: vec![snapshot.clone()],
            issued_at: Time::EPOCH,
        };
        Root::parse(&builder.sign(&[keys]).unwrap()).unwrap()
    }

    #[test]
    fn a24_only_what_the_snapshot_key_signed_as_a_checkpoint_is_one() {
        let rng = SeededRng::new("checkpoint");
        let key = |name| SigningKey::generate(Alg::EdDsa, &rng.child(name)).unwrap();
        let (root_key, snapshot, other) = (key("root"), key("snapshot"), key("other"));
        let root = root(&root_key, snapshot.public());
        let said = Checkpoint {
            issuer: "https://aeolus.example.com".to_owned(),
            scope: Scope::Installation,
            link: Link {
                line: 7,
                hash: Hash::from_bytes([3; 32]),
            },
            at: Time::from_secs(1_800_000_000),
        };
        let text = sign_checkpoint(&said, &snapshot).unwrap();
        assert_eq!(verify_checkpoint(&root, &text).unwrap(), said);
        assert_eq!(Checkpoint::unverified(&text).unwrap(), said);
        let foreign = sign_checkpoint(&said, &other).unwrap();
        assert!(verify_checkpoint(&root, &foreign).is_err());
        let claims = serde_json::json!({"iss": "x", "iat": 1, "scope": "installation", "line": 7,
            "hash": "0".repeat(64)});
        let kind = snapshot.sign(Kind::Freshness, &claims).unwrap();
        assert!(verify_checkpoint(&root, &kind).is_err());
        assert!(Checkpoint::unverified("x.y.z").is_err());
    }
}
