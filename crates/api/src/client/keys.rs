//! Control's signing keys.

use http::Method;

use super::operations::Wait;
use super::{Call, Client, ClientError, escape};
use crate::key::{KeyList, KeyPurpose, KeyRemoved, KeyRotate, KeyRotated};

/// How a key is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyRemoval {
    /// Also if live tokens need it.
    pub compromised: bool,
    /// Only say what that would end.
    pub dry_run: bool,
}

impl Client {
    /// All signing keys.
    pub async fn keys(&self) -> Result<KeyList, ClientError> {
        self.json(Call::get("/v1/keys")).await
    }

    /// The legacy key that signs, bare and with its certificate (RFC 7517 §4.7).
    pub async fn legacy_key(&self) -> Result<serde_json::Value, ClientError> {
        self.json(Call::get("/v1/.well-known/jwks.json")).await
    }

    /// The legacy key with those before and after it, as a JSON Web Key set with certificates.
    pub async fn legacy_keys(&self) -> Result<serde_json::Value, ClientError> {
        self.json(Call::get("/v2/.well-known/jwks.json")).await
    }

    /// Announces the next key of a purpose, gives an announced one another date, or replaces a
    /// compromised one.
    pub async fn rotate_key(
        &self,
        purpose: KeyPurpose,
        wanted: &KeyRotate,
        wait: Wait,
    ) -> Result<KeyRotated, ClientError> {
        let path = format!("/v1/keys/{purpose}/rotate{}", wait.query());
        self.json(Call::json(Method::POST, &path, wanted)?).await
    }

    /// Removes a key that doesn't sign.
    pub async fn remove_key(
        &self,
        kid: &str,
        how: KeyRemoval,
        wait: Wait,
    ) -> Result<KeyRemoved, ClientError> {
        let flags = [("compromised", how.compromised), ("dry_run", how.dry_run)];
        let flags = flags.into_iter().filter(|(_, set)| *set);
        let flags = flags.map(|(name, _)| (name, "true"));
        let pairs = flags.chain(wait.pair().iter().copied());
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut path = format!("/v1/keys/{}", escape(kid));
        if !pairs.is_empty() {
            path = format!("{path}?{}", pairs.join("&"));
        }
        self.json(Call::new(Method::DELETE, &path)).await
    }
}
