//! A code that the configuration names: what a provider shows who it is, from before there were credentials.

use aeolus_keys::digest;
use aeolus_model::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The key under which codes and access tokens are digested, from the master key. Codes are people's choice, and a
/// plain digest of one could be guessed from.
pub(crate) fn digest_key_from(master: &Secret<[u8; 32]>) -> Secret<[u8; 32]> {
    Secret::new(digest::hmac(master.expose(), &[b"scim", b"key"]))
}

/// The digest of a code. It is only ever compared.
#[derive(Clone, Copy)]
pub(crate) struct ScimCode([u8; 32]);

impl ScimCode {
    /// Of a code in the clear.
    pub(crate) fn new(key: &Secret<[u8; 32]>, code: &str) -> Self {
        Self(digest::hmac(key.expose(), &[b"code", code.as_bytes()]))
    }
}

impl PartialEq for ScimCode {
    /// In a time that doesn't depend on what is compared.
    fn eq(&self, other: &Self) -> bool {
        digest::eq(&self.0, &other.0)
    }
}

impl Eq for ScimCode {}

impl std::fmt::Debug for ScimCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScimCode(…)")
    }
}

impl Serialize for ScimCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for ScimCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let wrong = || serde::de::Error::custom("no digest of a code");
        bytes.map(Self).ok_or_else(wrong)
    }
}
