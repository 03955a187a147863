//! Compact JWS (RFC 7515) under the rules of RFC 8725: one shape, one algorithm per key, an explicit
//! `typ`, and claims only after the signature.

mod foreign;
mod loose;

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny};

use crate::{Alg, BadSignature, Kid, Kind, PublicKey, base64url, json};

pub use foreign::{
    ForeignToken, ForeignVerified, MAX_ID_TOKEN, parse_foreign, parse_foreign_access,
    parse_foreign_kind, parse_foreign_logout, parse_id_token,
};
pub use loose::{Aud, date, maybe_date, maybe_text, maybe_texts};

/// Longest token read, in bytes: what fits a request header.
pub const MAX_TOKEN: usize = 8 * 1024;

/// Longest signed document read: manifests and status lists.
pub const MAX_DOCUMENT: usize = 256 * 1024;

/// Longest encoded header.
const MAX_HEADER: usize = 512;

/// Why a token is refused. For logs and audit: whoever sent it learns only that it is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Longer than the cap.
    #[error("the token is too long")]
    TooLong,
    /// Not three base64url parts, none of them empty.
    #[error("the token is not a compact JWS")]
    Shape,
    /// Not exactly the members that are allowed, each once and a string.
    #[error("the token's header is not allowed")]
    Header,
    /// Not a strict JSON object, or not the claims its kind has.
    #[error("the token's claims are malformed")]
    Claims,
    /// Not the algorithm of the kind or of the key.
    #[error("the token's algorithm is not its kind's or its key's")]
    Alg,
    /// Not the `typ` of the kind.
    #[error("the token is of another type")]
    Typ,
    /// A key that isn't known, or not for this kind.
    #[error("the token's key is unknown")]
    Kid,
    /// The claim `kind` names another kind.
    #[error("the token is of another kind")]
    Kind,
    /// The signature is not the key's.
    #[error("the token's signature is not valid")]
    Signature,
}

impl From<BadSignature> for JwsError {
    fn from(_: BadSignature) -> Self {
        Self::Signature
    }
}

/// A token of ours in the right shape, of which nothing is to be believed yet.
pub struct Unverified<'a> {
    signing_input: &'a [u8],
    alg: Alg,
    kid: Kid,
    typ: &'static str,
    body: Body,
}

/// Decoded claims and signature in one allocation.
struct Body {
    bytes: Vec<u8>,
    claims: usize,
}

impl Body {
    fn decode(claims: &[u8], signature: &[u8]) -> Option<Self> {
        let mut bytes = Vec::with_capacity((claims.len() + signature.len()) / 4 * 3 + 6);
        base64url::decode_into(claims, &mut bytes)?;
        let claims = bytes.len();
        base64url::decode_into(signature, &mut bytes)?;
        (bytes.len() > claims).then_some(Self { bytes, claims })
    }

    fn claims(&self) -> &[u8] {
        self.bytes.get(..self.claims).unwrap_or_default()
    }

    fn signature(&self) -> &[u8] {
        self.bytes.get(self.claims..).unwrap_or_default()
    }
}

/// The three encoded parts, and the first two with their dot.
struct Parts<'a> {
    header: &'a [u8],
    claims: &'a [u8],
    signature: &'a [u8],
    signing_input: &'a [u8],
}

fn split(token: &[u8], max: usize) -> Result<Parts<'_>, JwsError> {
    if token.len() > max {
        return Err(JwsError::TooLong);
    }
    let mut parts = token.splitn(4, |byte| *byte == b'.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(JwsError::Shape);
    };
    if header.is_empty() || claims.is_empty() || signature.is_empty() {
        return Err(JwsError::Shape);
    }
    let signed = header.len() + 1 + claims.len();
    let signing_input = token.get(..signed).ok_or(JwsError::Shape)?;
    Ok(Parts {
        header,
        claims,
        signature,
        signing_input,
    })
}

/// Our header: these members, nothing else. `crit`, `jku`, `jwk`, `x5c`, `cty` and whatever comes
/// next are refused for not being on the list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    alg: &'a str,
    kid: &'a str,
    typ: &'a str,
}

/// Reads a token of ours: shape, caps, header and strict JSON, all before any cryptography. Allocates
/// once, for the decoded claims and signature.
pub fn parse(token: &[u8]) -> Result<Unverified<'_>, JwsError> {
    parse_capped(token, MAX_TOKEN, json::TOKEN_VALUES)
}

/// The same for signed documents that no request carries (manifests, status lists): up to
/// [`MAX_DOCUMENT`] bytes.
pub fn parse_document(document: &[u8]) -> Result<Unverified<'_>, JwsError> {
    parse_capped(document, MAX_DOCUMENT, json::DOCUMENT_VALUES)
}

fn parse_capped(token: &[u8], max: usize, values: u32) -> Result<Unverified<'_>, JwsError> {
    let parts = split(token, max)?;
    if parts.header.len() > MAX_HEADER {
        return Err(JwsError::Header);
    }
    let mut header = [0; MAX_HEADER / 4 * 3];
    let header = base64url::decode_slice(parts.header, &mut header).ok_or(JwsError::Shape)?;
    let header: Header<'_> = serde_json::from_slice(header).map_err(|_| JwsError::Header)?;
    let alg = Alg::own(header.alg).ok_or(JwsError::Alg)?;
    let kid = header.kid.parse().map_err(|_| JwsError::Kid)?;
    let typ = Kind::ALL.into_iter().map(Kind::typ);
    let typ = typ.into_iter().find(|typ| *typ == header.typ);
    let typ = typ.ok_or(JwsError::Typ)?;
    let body = Body::decode(parts.claims, parts.signature).ok_or(JwsError::Shape)?;
    json::strict_object(body.claims(), values).map_err(|_| JwsError::Claims)?;
    Ok(Unverified {
        signing_input: parts.signing_input,
        alg,
        kid,
        typ,
        body,
    })
}

impl Unverified<'_> {
    /// The key it names.
    pub fn kid(&self) -> Kid {
        self.kid
    }

    /// The algorithm it names.
    pub fn alg(&self) -> Alg {
        self.alg
    }

    /// The type it names.
    pub fn typ(&self) -> &'static str {
        self.typ
    }

    /// Claims that anyone may have written: to refuse early (`exp`, `iss`), never to allow.
    pub fn unverified_claims<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        read_claims(self.body.claims())
    }

    /// Believes the token if it is of this kind and this key signed it: the kind's `typ` and
    /// algorithm, the key's algorithm and id, and the claim `kind` where kinds share a `typ` must
    /// all agree. Times, issuer and audience are the caller's next check.
    pub fn verify(self, kind: Kind, key: &PublicKey) -> Result<Verified, JwsError> {
        if self.typ != kind.typ() {
            return Err(JwsError::Typ);
        }
        if self.alg != kind.alg() || self.alg != key.alg() {
            return Err(JwsError::Alg);
        }
        if self.kid != key.kid() {
            return Err(JwsError::Kid);
        }
        key.verify(self.signing_input, self.body.signature())?;
        let verified = Verified {
            kind,
            body: self.body,
        };
        if kind.is_claimed() && verified.claims::<KindClaim>()?.kind != kind {
            return Err(JwsError::Kind);
        }
        Ok(verified)
    }
}

#[derive(Deserialize)]
struct KindClaim {
    #[serde(deserialize_with = "known_kind")]
    kind: Kind,
}

fn known_kind<'de, D: Deserializer<'de>>(reader: D) -> Result<Kind, D::Error> {
    let name = String::deserialize(reader)?;
    Kind::parse(&name).ok_or_else(|| serde::de::Error::custom("no kind"))
}

/// A token that its kind's key signed.
pub struct Verified {
    kind: Kind,
    body: Body,
}

impl Verified {
    /// Which kind it was verified as.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The claims, typed: a missing member or one of another type is refused.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        read_claims(self.body.claims())
    }

    /// The signed bytes: one strict JSON object.
    pub fn payload(&self) -> &[u8] {
        self.body.claims()
    }
}

/// Claims of a token of ours. One that is bound to a key (`cnf`, RFC 7800) is refused: nothing here asks
/// for a proof of that key (RFC 9449), and without it whoever stole the token could use it.
fn read_claims<T: DeserializeOwned>(claims: &[u8]) -> Result<T, JwsError> {
    #[derive(Deserialize)]
    struct Binding {
        #[serde(default, deserialize_with = "present")]
        cnf: bool,
    }
    fn present<'de, D: Deserializer<'de>>(reader: D) -> Result<bool, D::Error> {
        IgnoredAny::deserialize(reader).map(|_| true)
    }
    match serde_json::from_slice(claims) {
        Ok(Binding { cnf: false }) => {}
        _ => return Err(JwsError::Claims),
    }
    serde_json::from_slice(claims).map_err(|_| JwsError::Claims)
}

impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unverified({}, {}, {})", self.alg, self.kid, self.typ)
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({})", self.kind)
    }
}
