//! What the tests share: a provider with a key, its connection, and an attempt.

use std::sync::LazyLock;

use aeolus_keys::{Alg, ForeignKey, JwkSet, SigningKey};
use aeolus_model::{Secret, Time};
use aeolus_testkit::SeededRng;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::{
    Attempt, Connection, Discovery, Flow, Kind, Proof, Proved, Settings, SignInError, Tokens,
};

pub(crate) const NOW: i64 = 1_900_000_000;
pub(crate) const ISSUER: &str = "https://idp.test";
pub(crate) const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

pub(crate) static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Alg::EdDsa, &SeededRng::new("idp")).unwrap());

/// A connection by its settings as JSON; with a secret, as most have one.
pub(crate) fn connection(kind: Kind, settings: Value) -> Connection {
    let settings: Settings = serde_json::from_value(settings).unwrap();
    let secret = Some(Secret::new("s3cret".to_owned()));
    Connection::new("idp".parse().unwrap(), kind, &settings, secret).unwrap()
}

/// The same, of a custom provider, with some settings more.
pub(crate) fn custom(more: Value) -> Connection {
    let settings = json!({"clientId": "client", "discoveryUrl": ISSUER, "fetchUserInfo": false});
    connection(Kind::Custom, merge(settings, more))
}

pub(crate) fn document(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": "https://idp.test/authorize",
        "token_endpoint": "https://idp.test/token",
        "userinfo_endpoint": "https://idp.test/userinfo",
        "jwks_uri": "https://idp.test/jwks",
        "id_token_signing_alg_values_supported": ["EdDSA", "RS256"],
    })
}

pub(crate) fn discovery(connection: &Connection, more: Value) -> Discovery {
    let document = merge(document(ISSUER), more);
    Discovery::parse(connection, document.to_string().as_bytes()).unwrap()
}

/// The second over the first; `null` takes a member away.
pub(crate) fn merge(mut base: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!() };
    for (name, value) in more {
        if value.is_null() {
            base.as_object_mut().unwrap().remove(&name);
        } else {
            base[name] = value;
        }
    }
    base
}

pub(crate) fn attempt(flow: Flow) -> Attempt {
    Attempt::kept(
        flow,
        "state".into(),
        "nonce".into(),
        Secret::new("verifier".into()),
    )
}

/// An `id_token`'s claims.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "client", "sub": "ann-1", "iat": NOW - 5, "exp": NOW + 300,
        "nonce": "nonce", "email": "ann@example.com", "email_verified": true, "name": "Ann",
    })
}

/// A compact JWS by the provider's key.
pub(crate) fn token(header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature = KEY.sign_raw(input.as_bytes()).unwrap();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub(crate) fn header() -> Value {
    json!({"alg": "EdDSA", "kid": KEY.public().kid().to_string(), "typ": "JWT"})
}

pub(crate) fn keys(algorithms: &[Alg]) -> Vec<ForeignKey> {
    JwkSet::of([KEY.public()])
        .foreign_keys_for(algorithms)
        .unwrap()
}

/// One whole judgement.
pub(crate) struct Case {
    pub(crate) connection: Connection,
    pub(crate) document: Value,
    pub(crate) flow: Flow,
    pub(crate) keys: Vec<ForeignKey>,
    /// Since when the person has to have signed in.
    pub(crate) fresh_since: Option<Time>,
}

impl Case {
    pub(crate) fn new(connection: Connection) -> Self {
        Self {
            flow: connection.flow(),
            connection,
            document: document(ISSUER),
            keys: keys(&[Alg::EdDsa]),
            fresh_since: None,
        }
    }

    pub(crate) fn judge<T>(
        &self,
        tokens: &Tokens,
        then: impl FnOnce(Proved<'_>) -> Result<T, SignInError>,
    ) -> Result<T, SignInError> {
        let document = self.document.to_string();
        let discovery = Discovery::parse(&self.connection, document.as_bytes()).unwrap();
        let proof = Proof {
            connection: &self.connection,
            discovery: &discovery,
            keys: &self.keys,
            attempt: &attempt(self.flow).proven_since(self.fresh_since),
            now: Time::from_secs(NOW),
        };
        then(proof.of_tokens(tokens)?)
    }

    /// By an `id_token` alone.
    pub(crate) fn by(&self, claims: &Value) -> Result<crate::Identity, SignInError> {
        let tokens = tokens(Some(token(&header(), claims)), None);
        self.judge(&tokens, |proved| proved.identity(None))
    }
}

pub(crate) fn tokens(id_token: Option<String>, access_token: Option<String>) -> Tokens {
    Tokens {
        id_token: id_token.map(Secret::new),
        access_token: access_token.map(Secret::new),
    }
}
