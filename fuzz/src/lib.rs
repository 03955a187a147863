//! What several targets share: a plane, keys that are trusted there, and their signatures; a connection.

#![cfg(feature = "core")]

use std::sync::LazyLock;

use aeolus_keys::{Alg, KeyRing, Kind, SigningKey, SystemRng};
use aeolus_model::{PlaneId, Secret, Time};
use aeolus_oidc::{Attempt, Connection, Discovery, Flow, Kind as Provider, Settings};
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

/// An identity provider's connection.
pub static CONNECTION: LazyLock<Connection> = LazyLock::new(|| {
    let settings = Settings {
        client_id: Some("client".to_owned()),
        discovery_url: Some("https://idp.test".to_owned()),
        ..Settings::default()
    };
    let name = "idp".parse().expect("a name");
    Connection::new(name, Provider::Custom, &settings, None).expect("a connection")
});

/// What that provider says of itself.
pub static DISCOVERY: LazyLock<Discovery> = LazyLock::new(|| {
    let document = json!({
        "issuer": "https://idp.test",
        "authorization_endpoint": "https://idp.test/authorize",
        "token_endpoint": "https://idp.test/token",
        "userinfo_endpoint": "https://idp.test/userinfo",
        "jwks_uri": "https://idp.test/keys",
        "id_token_signing_alg_values_supported": ["EdDSA"],
    });
    Discovery::parse(&CONNECTION, document.to_string().as_bytes()).expect("a document")
});

/// An attempt to sign in there, by whatever flow.
pub fn attempt(flow: Flow) -> Attempt {
    let (state, nonce) = ("state".to_owned(), "nonce".to_owned());
    Attempt::kept(flow, state, nonce, Secret::new("verifier".to_owned()))
}

/// Bytes as the claims of a token that says `{"alg":"EdDSA"}`, under a signature of nobody.
pub fn token_of(claims: &[u8]) -> String {
    format!("eyJhbGciOiJFZERTQSJ9.{}.AAAA", base64url(claims))
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 4);
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0_u32, |group, byte| group << 8 | u32::from(*byte));
        let group = group << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            text.push(char::from(
                DIGITS[(group >> (18 - 6 * digit) & 63) as usize],
            ));
        }
    }
    text
}
