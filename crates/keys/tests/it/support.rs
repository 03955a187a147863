//! Keys, claims and forged tokens.

use std::sync::OnceLock;

use aeolus_keys::seal::Keyring;
use aeolus_keys::{Alg, Kind, PublicKey, SigningKey};
use aeolus_model::Time;
use aeolus_testkit::SeededRng;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// 2026-11-24.
pub(crate) const NOW: i64 = 1_795_000_000;
pub(crate) const ISS: &str = "https://control.example.com";
pub(crate) const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn unb64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits = |i| u8::from_str_radix(&text[i..i + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

pub(crate) fn ed25519(name: &str) -> SigningKey {
    SigningKey::generate(Alg::EdDsa, &SeededRng::new(name)).unwrap()
}

/// RSA keys can't be seeded; each name is generated once.
pub(crate) fn rsa(index: usize) -> &'static SigningKey {
    static KEYS: [OnceLock<SigningKey>; 5] = [const { OnceLock::new() }; 5];
    KEYS[index].get_or_init(|| SigningKey::generate(Alg::Rs256, &SeededRng::new("")).unwrap())
}

/// A P-256 key of ours: they are derived.
pub(crate) fn derived(name: &str) -> SigningKey {
    let keyring = Keyring::generate(&SeededRng::new(name));
    let generation = keyring.active(Time::EPOCH);
    generation.derive_p256("test", b"").unwrap()
}

/// A P-256 key of another issuer, in the forms in which we give none out.
pub(crate) struct P256(EcdsaKeyPair);

impl P256 {
    pub(crate) fn generate() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])})
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey::from_jwk_json(&self.jwk().to_string()).unwrap()
    }

    pub(crate) fn pkcs8(&self) -> Vec<u8> {
        self.0.to_pkcs8v1().unwrap().as_ref().to_vec()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the library takes no other generator"
        )]
        let rng = SystemRandom::new();
        self.0.sign(&rng, message).unwrap().as_ref().to_vec()
    }

    pub(crate) fn token(&self, header: &str, claims: &str) -> String {
        let input = format!("{}.{}", b64(header), b64(claims));
        let signature = self.sign(input.as_bytes());
        format!("{input}.{}", b64(signature))
    }
}

/// A token with any header and any claims, rightly signed.
pub(crate) fn forge(key: &SigningKey, header: &str, claims: impl AsRef<[u8]>) -> String {
    let input = format!("{}.{}", b64(header), b64(claims));
    let signature = key.sign_raw(input.as_bytes()).unwrap();
    format!("{input}.{}", b64(signature))
}

pub(crate) fn header(key: &SigningKey, kind: Kind) -> String {
    let (alg, typ) = (kind.alg(), kind.typ());
    format!(
        r#"{{"alg":"{alg}","kid":"{}","typ":"{typ}"}}"#,
        key.public().kid()
    )
}

/// Good claims of each kind, as its issuer makes them.
pub(crate) fn claims(kind: Kind) -> Value {
    let deployment = format!("urn:aeolus:deployment:{ID}");
    let plane = format!("urn:aeolus:plane:{ID}");
    let own = |aud: &str, extra: Value| {
        let mut claims = json!({"iss": ISS, "aud": aud, "sub": ID, "iat": NOW, "exp": NOW + 300,
            "jti": "j1", "client_id": ID, "kind": kind.name()});
        merge(&mut claims, extra);
        claims
    };
    let ent = json!({"type": "organization", "id": ID});
    let org = format!("urn:aeolus:org:{ID}");
    match kind {
        Kind::Access => own(
            &deployment,
            json!({"org": ID, "sid": ID, "auth_time": NOW, "amr": []}),
        ),
        Kind::Api => own(&org, json!({"nbf": NOW, "idx": 7, "ent": ent})),
        Kind::Direct => own(
            &format!("urn:aeolus:direct:{ID}"),
            json!({"nbf": NOW, "idx": 7,
            "ent": ent, "grants": [{"type": "deployment", "id": ID, "role": "DEPLOYMENT_VIEWER"}]}),
        ),
        Kind::Federated => own(
            &org,
            json!({"nbf": NOW, "ent": ent, "rule": ID,
            "act": {"iss": "https://ci.example.com", "sub": "repo:1"}}),
        ),
        Kind::Id => json!({"iss": ISS, "aud": "client", "sub": ID, "iat": NOW, "exp": NOW + 600,
            "jti": "j1", "nonce": "n", "auth_time": NOW, "sid": ID, "amr": [],
            "email": "ann@example.com", "email_verified": true, "name": "Ann"}),
        Kind::Logout => json!({"iss": ISS, "aud": "client", "sub": ID, "iat": NOW,
            "exp": NOW + 120, "jti": "j1", "sid": ID,
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}}}),
        Kind::Airflow3 => json!({"iss": plane, "aud": deployment, "sub": ID,
            "email": "ann@example.com", "name": "Ann", "role": "viewer", "teams": [],
            "iat": NOW - 30, "nbf": NOW - 30, "exp": NOW + 300, "jti": "j1"}),
        Kind::Airflow2 => json!({"iss": plane, "aud": "etl.example.com", "sub": ID,
            "email": "ann@example.com", "full_name": "Ann", "roles": ["Viewer"],
            "iat": NOW - 30, "nbf": NOW - 30, "exp": NOW + 300, "jti": "j1"}),
        Kind::Legacy => json!({"iss": ISS, "aud": "etl.example.com", "sub": ID,
            "email": "ann@example.com", "full_name": "Ann", "roles": ["Viewer"],
            "iat": NOW - 30, "nbf": NOW - 30, "exp": NOW + 300, "jti": "j1"}),
        Kind::PlaneAssertion => json!({"iss": format!("plane:{ID}"), "sub": format!("plane:{ID}"),
            "aud": ISS, "iat": NOW, "exp": NOW + 60, "jti": "j1"}),
        Kind::ClientAssertion => json!({"iss": "client", "sub": "client",
            "aud": "https://idp.example.com", "iat": NOW, "exp": NOW + 60, "jti": "j1"}),
        Kind::SecurityEvent => {
            json!({"iss": ISS, "aud": "https://receiver.example.com", "iat": NOW,
            "jti": "j1", "txn": "t1", "sub_id": {"format": "scim", "uri": format!("/Groups/{ID}")},
            "events": {"urn:ietf:params:scim:event:prov:delete": {}}})
        }
        Kind::Manifest | Kind::Freshness | Kind::Root | Kind::StatusList | Kind::Checkpoint => {
            json!({"plane": ID, "epoch": 1, "seq": 2})
        }
    }
}

pub(crate) fn merge(claims: &mut Value, extra: Value) {
    let Value::Object(extra) = extra else {
        panic!("an object")
    };
    claims.as_object_mut().unwrap().extend(extra);
}
