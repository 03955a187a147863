//! Public keys, parsed once.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};

use crate::jwk::Jwk;
use crate::{Alg, BadSignature, KeyError, Kid, base64url, digest, weak};

/// A public key with the one algorithm it may be used with.
///
/// Parsed and checked for weakness once; cloning shares the parsed form.
#[derive(Clone)]
pub struct PublicKey(Arc<Parsed>);

struct Parsed {
    alg: Alg,
    kid: Kid,
    numbers: Numbers,
    verifier: ParsedPublicKey,
}

/// The key as its JWK members have it.
pub(crate) enum Numbers {
    Ed25519([u8; 32]),
    P256 { x: [u8; 32], y: [u8; 32] },
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl PublicKey {
    /// From the text of one JWK (RFC 7517 §4).
    pub fn from_jwk_json(json: &str) -> Result<Self, KeyError> {
        Self::from_jwk(&Jwk::parse(json.as_bytes())?)
    }

    /// From a JWK; members that contradict each other are refused.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        jwk.public_key()
    }

    /// The JWK to publish: required members, `alg`, `use: sig` and the thumbprint as `kid`.
    pub fn to_jwk(&self) -> Jwk {
        Jwk::publish(self)
    }

    /// From the 32 bytes of an Ed25519 public key (RFC 8032 §5.1.5).
    pub fn from_ed25519(key: [u8; 32]) -> Result<Self, KeyError> {
        Self::new(Numbers::Ed25519(key))
    }

    /// The 32 bytes of an Ed25519 key; `None` for the other types.
    pub fn as_ed25519(&self) -> Option<&[u8; 32]> {
        match self.numbers() {
            Numbers::Ed25519(key) => Some(key),
            _ => None,
        }
    }

    /// The algorithm.
    pub fn alg(&self) -> Alg {
        self.0.alg
    }

    /// The key's thumbprint.
    pub fn kid(&self) -> Kid {
        self.0.kid
    }

    /// Checks a signature: 64 bytes for Ed25519 (RFC 8032) and for P-256 (`r ‖ s`), the modulus'
    /// length for RSA.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let verified = self.0.verifier.verify_sig(message, signature);
        verified.map_err(|_| BadSignature)
    }

    pub(crate) fn numbers(&self) -> &Numbers {
        &self.0.numbers
    }

    pub(crate) fn new(numbers: Numbers) -> Result<Self, KeyError> {
        let (alg, verifier) = match &numbers {
            Numbers::Ed25519(key) => {
                weak::refuse_ed25519(key)?;
                (Alg::EdDsa, ParsedPublicKey::new(&ED25519, key))
            }
            Numbers::P256 { x, y } => {
                let point = [&[4], x.as_slice(), y].concat();
                let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                (Alg::Es256, parsed)
            }
            Numbers::Rsa { n, e } => {
                weak::refuse_rsa(n, e)?;
                let key = RsaPublicKeyComponents { n, e };
                let parsed = key.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
                (Alg::Rs256, parsed)
            }
        };
        let verifier = verifier.map_err(|_| KeyError::Refused)?;
        let kid = thumbprint(&numbers);
        Ok(Self(Arc::new(Parsed {
            alg,
            kid,
            numbers,
            verifier,
        })))
    }
}

/// RFC 7638 §3: the required members in lexical order without white space; RFC 8037 §2 for OKP.
fn thumbprint(numbers: &Numbers) -> Kid {
    let encode = |bytes: &[u8]| base64url::encode(bytes);
    let members = match numbers {
        Numbers::Ed25519(x) => {
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(x))
        }
        Numbers::P256 { x, y } => format!(
            r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
            encode(x),
            encode(y)
        ),
        Numbers::Rsa { n, e } => {
            format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(e), encode(n))
        }
    };
    Kid::from_bytes(digest::sha256(members.as_bytes()))
}

impl PartialEq for PublicKey {
    /// Equal thumbprints: the thumbprint covers the whole key.
    fn eq(&self, other: &Self) -> bool {
        self.kid() == other.kid()
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.alg(), self.kid())
    }
}
