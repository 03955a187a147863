//! What several targets share: a plane, keys that are trusted there, and their signatures.

use std::sync::LazyLock;

use aeolus_keys::{Alg, KeyRing, Kind, SigningKey, SystemRng};
use aeolus_model::{PlaneId, Time};
use aeolus_snapshot::{Root, RootBuilder, Trust};
use serde_json::{Value, json};

/// The plane.
pub const PLANE: PlaneId = PlaneId::from_bytes([1; 16]);

/// The keys of control, and the root document that names them.
pub struct Trusted {
    /// Signs root documents.
    pub root_key: SigningKey,
    /// Signs manifests and freshness.
    pub snapshot_key: SigningKey,
    /// What the plane believes.
    pub root: Root,
}

/// Made once for a run.
pub static TRUSTED: LazyLock<Trusted> = LazyLock::new(|| {
    let generate = || SigningKey::generate(Alg::EdDsa, &SystemRng).expect("a key");
    let (root_key, snapshot_key) = (generate(), generate());
    let builder = RootBuilder {
        version: 1,
        threshold: 1,
        root_keys: vec![root_key.public().clone()],
        snapshot_keys: vec![snapshot_key.public().clone()],
        issued_at: Time::EPOCH,
    };
    let document = builder.sign(&[&root_key]).expect("signed");
    Trusted {
        root: Root::parse(&document).expect("our own"),
        root_key,
        snapshot_key,
    }
});

/// A key for public status lists, and the ring of whoever believes it.
pub static STATUS: LazyLock<(SigningKey, KeyRing)> = LazyLock::new(|| {
    let key = SigningKey::generate(Alg::EdDsa, &SystemRng).expect("a key");
    let mut ring = KeyRing::default();
    ring.insert(Kind::StatusList, key.public().clone())
        .expect("a key for it");
    (key, ring)
});

impl Trusted {
    /// By what a manifest is judged.
    pub fn trust(&self) -> Trust<'_> {
        Trust {
            root: &self.root,
            plane: PLANE,
            floor: None,
        }
    }

    /// Claims under control's signature: what lies behind the signature is parsed as well.
    pub fn sign(&self, kind: Kind, claims: &Value) -> Option<String> {
        self.snapshot_key.sign(kind, claims).ok()
    }

    /// The same as a root document: a general JWS under the root key.
    pub fn sign_root(&self, claims: &Value) -> Option<String> {
        let compact = self.root_key.sign(Kind::Root, claims).ok()?;
        let [protected, payload, signature] = *compact.split('.').collect::<Vec<_>>().as_slice()
        else {
            return None;
        };
        let signature = json!({"protected": protected, "signature": signature});
        Some(json!({"payload": payload, "signatures": [signature]}).to_string())
    }
}
