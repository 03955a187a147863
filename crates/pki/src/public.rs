//! Public keys, as certificates carry them.

use std::fmt;

use rcgen::PublicKeyData as _;
use x509_parser::oid_registry as oid;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::Fingerprint;

/// What kind of key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// RSA, with the length of its modulus in bits.
    Rsa(usize),
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521.
    P521,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// Another.
    Other,
}

impl KeyType {
    pub(crate) fn of(key: &SubjectPublicKeyInfo<'_>) -> Self {
        let curve = || key.algorithm.parameters.as_ref()?.as_oid().ok();
        let algorithm = &key.algorithm.algorithm;
        if *algorithm == oid::OID_PKCS1_RSAENCRYPTION {
            let bits = match key.parsed() {
                Ok(x509_parser::public_key::PublicKey::RSA(rsa)) => modulus_bits(rsa.modulus),
                _ => 0,
            };
            return Self::Rsa(bits);
        }
        if *algorithm == oid::OID_SIG_ED25519 {
            return Self::Ed25519;
        }
        match curve() {
            Some(curve) if curve == oid::OID_EC_P256 => Self::P256,
            Some(curve) if curve == oid::OID_NIST_EC_P384 => Self::P384,
            Some(curve) if curve == oid::OID_NIST_EC_P521 => Self::P521,
            _ => Self::Other,
        }
    }

    /// Whether clients of today refuse it for being too short, or don't know it.
    pub const fn is_weak(self) -> bool {
        match self {
            Self::Rsa(bits) => bits < 2048,
            Self::Other => true,
            Self::P256 | Self::P384 | Self::P521 | Self::Ed25519 => false,
        }
    }

    /// Whether it is RSA, which alone some consumers take.
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa(_))
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
            Self::P256 => f.write_str("P-256"),
            Self::P384 => f.write_str("P-384"),
            Self::P521 => f.write_str("P-521"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Other => f.write_str("of an unknown kind"),
        }
    }
}

fn modulus_bits(modulus: &[u8]) -> usize {
    let mut significant = modulus.iter().skip_while(|byte| **byte == 0);
    let first = significant.next().copied().unwrap_or(0);
    significant.count() * 8 + (8 - first.leading_zeros() as usize)
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    der: Vec<u8>,
    kind: KeyType,
}

impl PublicKey {
    /// From `SubjectPublicKeyInfo` (RFC 5280 §4.1).
    pub(crate) fn of(key: &SubjectPublicKeyInfo<'_>) -> Self {
        Self {
            der: key.raw.to_vec(),
            kind: KeyType::of(key),
        }
    }

    /// From a private key's half.
    pub(crate) fn of_pair(pair: &rcgen::KeyPair) -> Option<Self> {
        let der = pair.subject_public_key_info();
        let (_, key) = SubjectPublicKeyInfo::from_der(&der).ok()?;
        Some(Self::of(&key))
    }

    /// Modulus and exponent of an RSA key, big-endian; none of others.
    pub fn rsa(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let (_, key) = SubjectPublicKeyInfo::from_der(&self.der).ok()?;
        match key.parsed() {
            Ok(x509_parser::public_key::PublicKey::RSA(rsa)) => {
                Some((rsa.modulus.to_vec(), rsa.exponent.to_vec()))
            }
            _ => None,
        }
    }

    /// For rcgen. None for a kind that it doesn't know.
    pub(crate) fn for_rcgen(&self) -> Option<rcgen::SubjectPublicKeyInfo> {
        rcgen::SubjectPublicKeyInfo::from_der(&self.der).ok()
    }

    /// Its kind.
    pub const fn kind(&self) -> KeyType {
        self.kind
    }

    /// SHA-256 of its `SubjectPublicKeyInfo`, as pins have it.
    pub fn pin(&self) -> Fingerprint {
        Fingerprint::of(&self.der)
    }
}
