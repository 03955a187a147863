//! Public keys, parsed once.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
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
    P384 { x: [u8; 48], y: [u8; 48] },
    P521 { x: [u8; 66], y: [u8; 66] },
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

    /// Checks a signature: 64 bytes for Ed25519 (RFC 8032), twice the field's for the curves of NIST
    /// (`r ‖ s`), the modulus' length for RSA.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let verified = self.0.verifier.verify_sig(message, signature);
        verified.map_err(|_| BadSignature)
    }

    pub(crate) fn numbers(&self) -> &Numbers {
        &self.0.numbers
    }

    /// The key for the algorithm that goes with its type unless something else is said.
    pub(crate) fn new(numbers: Numbers) -> Result<Self, KeyError> {
        let alg = numbers.usual();
        Self::for_alg(numbers, alg)
    }

    /// The key for one algorithm of its type.
    pub(crate) fn for_alg(numbers: Numbers, alg: Alg) -> Result<Self, KeyError> {
        if !numbers.fit(alg) {
            return Err(KeyError::WrongAlg(numbers.usual()));
        }
        let point = |x: &[u8], y: &[u8]| [&[4], x, y].concat();
        let verifier = match &numbers {
            Numbers::Ed25519(key) => {
                weak::refuse_ed25519(key)?;
                ParsedPublicKey::new(&ED25519, key)
            }
            Numbers::P256 { x, y } => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point(x, y)),
            Numbers::P384 { x, y } => ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point(x, y)),
            Numbers::P521 { x, y } => ParsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, point(x, y)),
            Numbers::Rsa { n, e } => {
                weak::refuse_rsa(n, e)?;
                let key = RsaPublicKeyComponents { n, e };
                key.to_parsed_public_key(rsa_parameters(alg))
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

impl Numbers {
    /// The algorithm that goes with the type; of RSA's the one that everybody has.
    const fn usual(&self) -> Alg {
        match self {
            Self::Ed25519(_) => Alg::EdDsa,
            Self::P256 { .. } => Alg::Es256,
            Self::P384 { .. } => Alg::Es384,
            Self::P521 { .. } => Alg::Es512,
            Self::Rsa { .. } => Alg::Rs256,
        }
    }

    /// Whether the type can have the algorithm.
    const fn fit(&self, alg: Alg) -> bool {
        matches!(
            (self, alg),
            (Self::Ed25519(_), Alg::EdDsa)
                | (Self::P256 { .. }, Alg::Es256)
                | (Self::P384 { .. }, Alg::Es384)
                | (Self::P521 { .. }, Alg::Es512)
                | (
                    Self::Rsa { .. },
                    Alg::Rs256 | Alg::Rs384 | Alg::Rs512 | Alg::Ps256 | Alg::Ps384 | Alg::Ps512
                )
        )
    }
}

/// What the library calls an algorithm of RSA's.
fn rsa_parameters(alg: Alg) -> &'static RsaParameters {
    match alg {
        Alg::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
        Alg::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        Alg::Ps256 => &RSA_PSS_2048_8192_SHA256,
        Alg::Ps384 => &RSA_PSS_2048_8192_SHA384,
        Alg::Ps512 => &RSA_PSS_2048_8192_SHA512,
        _ => &RSA_PKCS1_2048_8192_SHA256,
    }
}

/// RFC 7638 §3: the required members in lexical order without white space; RFC 8037 §2 for OKP.
fn thumbprint(numbers: &Numbers) -> Kid {
    let encode = |bytes: &[u8]| base64url::encode(bytes);
    let ec = |crv: &str, x: &[u8], y: &[u8]| {
        format!(
            r#"{{"crv":"{crv}","kty":"EC","x":"{}","y":"{}"}}"#,
            encode(x),
            encode(y)
        )
    };
    let members = match numbers {
        Numbers::Ed25519(x) => {
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(x))
        }
        Numbers::P256 { x, y } => ec("P-256", x, y),
        Numbers::P384 { x, y } => ec("P-384", x, y),
        Numbers::P521 { x, y } => ec("P-521", x, y),
        Numbers::Rsa { n, e } => {
            format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(e), encode(n))
        }
    };
    Kid::from_bytes(digest::sha256(members.as_bytes()))
}

impl PartialEq for PublicKey {
    /// Equal thumbprints, which cover the whole key, and one algorithm.
    fn eq(&self, other: &Self) -> bool {
        self.kid() == other.kid() && self.alg() == other.alg()
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.alg(), self.kid())
    }
}
