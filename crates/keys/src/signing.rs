//! Private keys and what they sign.

use std::fmt;

use aeolus_model::{Rng, Secret};
use aws_lc_rs::agreement::{self, ECDH_P256};
use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use serde::Serialize;

use crate::public::Numbers;
use crate::{Alg, KeyError, Kind, PublicKey, base64url};

/// A private key: Ed25519 (`EdDSA`), P-256 (`ES256`) or RSA of 2048 bits and more (`RS256`).
pub struct SigningKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    kid: String,
    typ: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    x5c: Option<[&'a str; 1]>,
}

impl SigningKey {
    /// A new key. ES256 is refused: such a key is only derived from a secret. So is what only others sign
    /// with. An RSA key (2048 bits) takes the library's
    /// own generator and tenths of a second; keep it off async threads.
    pub fn generate(alg: Alg, rng: &dyn Rng) -> Result<Self, KeyError> {
        match alg {
            Alg::EdDsa => {
                let mut seed = Secret::new([0; 32]);
                fill(&mut seed, rng);
                Self::ed25519_from_seed(&seed)
            }
            Alg::Rs256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Refused)?;
                Self::from_rsa(pair)
            }
            _ => Err(KeyError::Unsupported),
        }
    }

    /// The Ed25519 key that follows from a 32-byte seed (RFC 8032 §5.1.5).
    pub fn ed25519_from_seed(seed: &Secret<[u8; 32]>) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose());
        Self::from_ed25519(pair.map_err(|_| KeyError::Refused)?)
    }

    /// The P-256 key whose private scalar is these 32 bytes, big-endian. Zero, and what is not below the
    /// order of the group, is refused and not reduced: that would favour small scalars.
    pub(crate) fn p256_from_scalar(scalar: &Secret<[u8; 32]>) -> Result<Self, KeyError> {
        // The library finds the public point; its signing keys want both halves.
        let whole = agreement::PrivateKey::from_private_key(&ECDH_P256, scalar.expose());
        let whole = whole.map_err(|_| KeyError::Refused)?;
        let der = AsDer::<EcPrivateKeyRfc5915Der<'_>>::as_der(&whole);
        let der = der.map_err(|_| KeyError::Refused)?;
        let pair =
            EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref());
        let pair = pair.map_err(|_| KeyError::Refused)?;
        let point = pair.public_key().as_ref();
        let coordinates = point.strip_prefix(&[4]).and_then(|xy| {
            let (x, y) = xy.split_first_chunk::<32>()?;
            Some((*x, <[u8; 32]>::try_from(y).ok()?))
        });
        let (x, y) = coordinates.ok_or(KeyError::Refused)?;
        Ok(Self {
            public: PublicKey::new(Numbers::P256 { x, y })?,
            pair: Pair::P256(pair),
        })
    }

    /// From an unencrypted PKCS#8 document (RFC 5208, RFC 8410).
    pub fn from_pkcs8(der: &Secret<Vec<u8>>) -> Result<Self, KeyError> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der.expose()) {
            return Self::from_ed25519(pair);
        }
        match RsaKeyPair::from_pkcs8(der.expose()) {
            Ok(pair) => Self::from_rsa(pair),
            Err(_) => Err(KeyError::Malformed(
                "not a PKCS#8 document with an Ed25519 or RSA key",
            )),
        }
    }

    /// As a PKCS#8 version 1 document, which every tool reads. ES256 is refused: what can be derived is
    /// not kept.
    pub fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, KeyError> {
        let der: Result<Pkcs8V1Der<'_>, _> = match &self.pair {
            Pair::Ed25519(pair) => pair.as_der(),
            Pair::Rsa(pair) => pair.as_der(),
            Pair::P256(_) => return Err(KeyError::Unsupported),
        };
        let der = der.map_err(|_| KeyError::Refused)?;
        Ok(Secret::new(der.as_ref().to_vec()))
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs claims as a compact JWS (RFC 7515 §7.1) of one kind. The header is
    /// `{"alg","kid","typ"}` in this order, so that our tokens begin alike and secret scanners can
    /// know them. Refuses a kind whose algorithm isn't the key's.
    pub fn sign<T: Serialize>(&self, kind: Kind, claims: &T) -> Result<String, KeyError> {
        if kind.alg() != self.public.alg() {
            return Err(KeyError::WrongAlg(self.public.alg()));
        }
        self.compact(kind.typ(), None, claims)
    }

    /// Signs claims for those who know the key by its certificate, in base64 (RFC 7515 §4.1.6). Nothing here
    /// reads it as a token of ours: no header of ours has `x5c`.
    pub fn sign_certified<T: Serialize>(
        &self,
        certificate: &str,
        claims: &T,
    ) -> Result<String, KeyError> {
        self.compact("JWT", Some([certificate]), claims)
    }

    fn compact<T: Serialize>(
        &self,
        typ: &str,
        x5c: Option<[&str; 1]>,
        claims: &T,
    ) -> Result<String, KeyError> {
        let header = Header {
            alg: self.public.alg().name(),
            kid: self.public.kid().to_string(),
            typ,
            x5c,
        };
        let header = serde_json::to_vec(&header).map_err(|_| KeyError::Claims)?;
        let claims = serde_json::to_vec(claims).map_err(|_| KeyError::Claims)?;
        let mut token = String::with_capacity((header.len() + claims.len()) * 4 / 3 + 360);
        base64url::encode_into(header, &mut token);
        token.push('.');
        base64url::encode_into(claims, &mut token);
        let signature = self.sign_raw(token.as_bytes())?;
        token.push('.');
        base64url::encode_into(signature, &mut token);
        Ok(token)
    }

    /// Signs bytes that are no token; the caller makes sure they can't be taken for one.
    pub fn sign_raw(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match &self.pair {
            Pair::Ed25519(pair) => {
                let signature = pair.try_sign(message).map_err(|_| KeyError::Refused)?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::P256(pair) => {
                let signature = pair.sign(&library_rng(), message);
                let signature = signature.map_err(|_| KeyError::Refused)?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::Rsa(pair) => {
                let rng = library_rng();
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &rng, message, &mut signature)
                    .map_err(|_| KeyError::Refused)?;
                Ok(signature)
            }
        }
    }

    fn from_ed25519(pair: Ed25519KeyPair) -> Result<Self, KeyError> {
        let public = pair.public_key().as_ref().try_into();
        let public = public.map_err(|_| KeyError::Refused)?;
        Ok(Self {
            public: PublicKey::from_ed25519(public)?,
            pair: Pair::Ed25519(pair),
        })
    }

    fn from_rsa(pair: RsaKeyPair) -> Result<Self, KeyError> {
        let public = pair.public_key();
        let n = public.modulus().big_endian_without_leading_zero().to_vec();
        let e = public.exponent().big_endian_without_leading_zero().to_vec();
        Ok(Self {
            public: PublicKey::new(Numbers::Rsa { n, e })?,
            pair: Pair::Rsa(pair),
        })
    }
}

/// What the library's functions ask for. They draw nothing from it: PKCS#1 v1.5 is deterministic, and
/// the nonces of ECDSA come from where the library gets them by itself.
#[expect(
    clippy::disallowed_methods,
    reason = "the library takes no other generator, and ignores this one"
)]
fn library_rng() -> aws_lc_rs::rand::SystemRandom {
    aws_lc_rs::rand::SystemRandom::new()
}

/// Draws a secret into its place, so that no copy stays behind.
fn fill(seed: &mut Secret<[u8; 32]>, rng: &dyn Rng) {
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    *seed = Secret::new(bytes);
    zeroize::Zeroize::zeroize(&mut bytes);
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SigningKey({}, {})",
            self.public.alg(),
            self.public.kid()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p256(scalar: [u8; 32]) -> Result<SigningKey, KeyError> {
        SigningKey::p256_from_scalar(&Secret::new(scalar))
    }

    fn hex(text: &str) -> [u8; 32] {
        let byte = |at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
        std::array::from_fn(byte)
    }

    /// RFC 6979 §A.2.5.
    #[test]
    fn a_scalar_has_the_public_point_that_the_standard_says() {
        let private = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
        let key = p256(hex(private)).unwrap();
        let Numbers::P256 { x, y } = key.public().numbers() else {
            panic!("{key:?}");
        };
        let public = [
            "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
            "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
        ];
        assert_eq!([*x, *y], public.map(hex));
        let signature = key.sign_raw(b"message").unwrap();
        assert_eq!(signature.len(), 64);
        assert!(key.public().verify(b"message", &signature).is_ok());
        assert!(key.public().verify(b"another", &signature).is_err());
        assert_eq!(key.to_pkcs8().unwrap_err(), KeyError::Unsupported);
    }

    #[test]
    fn a_scalar_outside_the_group_is_refused() {
        let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
        let mut last = hex(order);
        last[31] -= 1;
        assert!(p256(last).is_ok());
        for bad in [[0; 32], hex(order), [0xff; 32]] {
            assert_eq!(p256(bad).unwrap_err(), KeyError::Refused);
        }
    }
}
