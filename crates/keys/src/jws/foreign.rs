//! Tokens that other issuers signed (`id_token`s, workload tokens): a wider header, nothing of ours.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{Body, JwsError, MAX_TOKEN, split};
use crate::{Alg, Kind, PublicKey, base64url, json};

/// Longest encoded header: others put certificates' digests and more into it.
const MAX_HEADER: usize = 4 * 1024;

/// Longest `id_token` read, in bytes: 200 groups of a tenant fit it.
pub const MAX_ID_TOKEN: usize = 32 * 1024;

/// Most values in such a token.
const ID_TOKEN_VALUES: u32 = 4_096;

/// A token of another issuer, of which nothing is to be believed yet. It can't become a
/// [`super::Verified`], so it is never taken for a token of ours.
pub struct ForeignToken<'a> {
    signing_input: &'a [u8],
    alg: Alg,
    kid: Option<String>,
    explicit: bool,
    values: u32,
    body: Body,
}

/// The members that matter. Unknown ones are ignored (RFC 7515 §4); those by which a token would
/// bring its own key, its own rules or another token inside are refused.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default, deserialize_with = "text")]
    kid: Option<String>,
    #[serde(default, deserialize_with = "text")]
    typ: Option<String>,
    crit: Option<IgnoredAny>,
    b64: Option<IgnoredAny>,
    jku: Option<IgnoredAny>,
    jwk: Option<IgnoredAny>,
    x5u: Option<IgnoredAny>,
    x5c: Option<IgnoredAny>,
    cty: Option<IgnoredAny>,
    enc: Option<IgnoredAny>,
    zip: Option<IgnoredAny>,
}

/// A member that may be missing but is a string where it is not.
fn text<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Option<String>, D::Error> {
    String::deserialize(reader).map(Some)
}

impl Header {
    /// Nothing that would bring a key, a rule or another token.
    fn is_plain(&self) -> bool {
        let refused = [
            &self.crit, &self.b64, &self.jku, &self.jwk, &self.x5u, &self.x5c, &self.cty,
            &self.enc, &self.zip,
        ];
        refused.into_iter().all(Option::is_none)
    }

    /// RFC 7515 §4.1.9: a media type, compared without case and without `application/`.
    fn is_typed(&self, name: &str) -> bool {
        let typ = self.typ.as_deref().unwrap_or_default();
        let prefix = typ.get(..APPLICATION.len());
        let typ = match prefix {
            Some(prefix) if prefix.eq_ignore_ascii_case(APPLICATION) => typ.get(prefix.len()..),
            _ => Some(typ),
        };
        typ.is_some_and(|typ| typ.eq_ignore_ascii_case(name))
    }
}

const APPLICATION: &str = "application/";

/// Reads a token of another issuer: shape, caps and header. Its `typ` is `JWT` or missing.
pub fn parse_foreign(token: &[u8]) -> Result<ForeignToken<'_>, JwsError> {
    parse(token, None, MAX_TOKEN)
}

/// The same for an `id_token` on its way from a provider to us, which no request's header has to hold:
/// up to [`MAX_ID_TOKEN`] bytes.
pub fn parse_id_token(token: &[u8]) -> Result<ForeignToken<'_>, JwsError> {
    let mut token = parse(token, None, MAX_ID_TOKEN)?;
    token.values = ID_TOKEN_VALUES;
    Ok(token)
}

/// The same for an access token, whose `typ` may also be `at+jwt` (RFC 9068 §2.1).
pub fn parse_foreign_access(token: &[u8]) -> Result<ForeignToken<'_>, JwsError> {
    parse(token, Some("at+jwt"), MAX_TOKEN)
}

/// The same for a token whose `typ` may also be the one that this kind of ours has: for who reads our tokens
/// as a stranger does.
pub fn parse_foreign_kind(token: &[u8], kind: Kind) -> Result<ForeignToken<'_>, JwsError> {
    parse(token, Some(kind.typ()), MAX_TOKEN)
}

/// The same for a logout token, whose `typ` may also be `logout+jwt` (OpenID Connect Back-Channel Logout
/// 1.0 §2.4).
pub fn parse_foreign_logout(token: &[u8]) -> Result<ForeignToken<'_>, JwsError> {
    parse(token, Some("logout+jwt"), MAX_TOKEN)
}

fn parse<'t>(
    token: &'t [u8],
    kind: Option<&str>,
    max: usize,
) -> Result<ForeignToken<'t>, JwsError> {
    let parts = split(token, max)?;
    if parts.header.len() > MAX_HEADER {
        return Err(JwsError::Header);
    }
    let header = base64url::decode(parts.header).ok_or(JwsError::Shape)?;
    let header = json::strict_object(&header, json::TOKEN_VALUES).map_err(|_| JwsError::Header)?;
    let header: Header = serde_json::from_str(header).map_err(|_| JwsError::Header)?;
    let explicit = kind.is_some_and(|kind| header.is_typed(kind));
    let jwt = header.typ.is_none() || header.is_typed("JWT");
    if !header.is_plain() || !(explicit || jwt) {
        return Err(JwsError::Header);
    }
    Ok(ForeignToken {
        signing_input: parts.signing_input,
        explicit,
        alg: Alg::of_others(&header.alg).ok_or(JwsError::Alg)?,
        kid: header.kid,
        values: json::TOKEN_VALUES,
        body: Body::decode(parts.claims, parts.signature).ok_or(JwsError::Shape)?,
    })
}

impl ForeignToken<'_> {
    /// The key it names: any text, or none.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithm it names.
    pub fn alg(&self) -> Alg {
        self.alg
    }

    /// Whether its header says that it is an access token (`at+jwt`).
    pub fn is_access_token(&self) -> bool {
        self.explicit
    }

    /// The key of the issuer's set that fits: the one with its `kid`, or, where the token names
    /// none, the only one of its algorithm (OIDC Core §10.1). One that is there for several algorithms
    /// is taken for the token's.
    pub fn select<'k>(&self, keys: &'k [crate::ForeignKey]) -> Result<&'k PublicKey, JwsError> {
        let named = |held: &&crate::ForeignKey| match &self.kid {
            Some(kid) => held.kid.as_ref() == Some(kid),
            None => held.key.alg() == self.alg,
        };
        let only = |keys: &mut dyn Iterator<Item = &'k crate::ForeignKey>| {
            let found = keys.next()?;
            keys.next().is_none().then_some(&found.key)
        };
        let fitting = || keys.iter().filter(named);
        let of_alg = |held: &&crate::ForeignKey| held.key.alg() == self.alg;
        only(&mut fitting())
            .or_else(|| only(&mut fitting().filter(of_alg)))
            .ok_or(JwsError::Kid)
    }

    /// Claims that anyone may have written: to find the issuer, never to allow.
    pub fn unverified_claims<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        strict_claims(&self.body, self.values)
    }

    /// Believes the token if this key, with its own algorithm, signed it.
    pub fn verify(self, key: &PublicKey) -> Result<ForeignVerified, JwsError> {
        if self.alg != key.alg() {
            return Err(JwsError::Alg);
        }
        key.verify(self.signing_input, self.body.signature())?;
        Ok(ForeignVerified {
            body: self.body,
            values: self.values,
        })
    }
}

/// A token that another issuer's key signed.
pub struct ForeignVerified {
    body: Body,
    values: u32,
}

impl ForeignVerified {
    /// The claims, typed, from strict JSON.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        strict_claims(&self.body, self.values)
    }

    /// The signed bytes.
    pub fn payload(&self) -> &[u8] {
        self.body.claims()
    }
}

fn strict_claims<T: DeserializeOwned>(body: &Body, values: u32) -> Result<T, JwsError> {
    json::strict_object(body.claims(), values).map_err(|_| JwsError::Claims)?;
    serde_json::from_slice(body.claims()).map_err(|_| JwsError::Claims)
}

impl fmt::Debug for ForeignToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ForeignToken({})", self.alg)
    }
}

impl fmt::Debug for ForeignVerified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForeignVerified")
    }
}
