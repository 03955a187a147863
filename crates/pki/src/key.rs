//! Private keys: made, read in every encoding that servers have, and written as PKCS#8.

use std::fmt;
use std::str::FromStr;

use aeolus_model::{Rng, Secret};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair,
};
use pkcs8::der::Decode as _;
use pkcs8::pkcs5::pbes2;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::pem::encode_secret;
use crate::public::{KeyType, PublicKey};

/// The kinds of key that we make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// RSA of 2,048 bits.
    Rsa2048,
    /// RSA of 3,072 bits.
    Rsa3072,
    /// RSA of 4,096 bits, as the original's guide has it. A signature takes 250 times as long as one of P-256.
    Rsa4096,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// Ed25519 (RFC 8410). Browsers refuse it in a server's certificate.
    Ed25519,
}

/// A name that no kind of key has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of key: there are rsa2048, rsa3072, rsa4096, p256, p384 and ed25519")]
pub struct UnknownKeyKind(String);

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::P256,
        Self::P384,
        Self::Ed25519,
    ];

    /// Its name on command lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa2048",
            Self::Rsa3072 => "rsa3072",
            Self::Rsa4096 => "rsa4096",
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::Ed25519 => "ed25519",
        }
    }

    /// The kind that takes the place of a key: the same, at least as long.
    pub const fn like(key: KeyType) -> Self {
        match key {
            KeyType::Rsa(0..=2048) => Self::Rsa2048,
            KeyType::Rsa(2049..=3072) => Self::Rsa3072,
            KeyType::Rsa(_) => Self::Rsa4096,
            KeyType::P384 | KeyType::P521 => Self::P384,
            KeyType::Ed25519 => Self::Ed25519,
            KeyType::P256 | KeyType::Other => Self::P256,
        }
    }
}

impl FromStr for KeyKind {
    type Err = UnknownKeyKind;

    fn from_str(text: &str) -> Result<Self, UnknownKeyKind> {
        let known = Self::ALL.into_iter().find(|kind| kind.name() == text);
        known.ok_or_else(|| UnknownKeyKind(text.to_owned()))
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The library makes none.
    #[error("the cryptographic library made no key")]
    NotMade,
    /// Not a key of a kind that we sign with.
    #[error(
        "this is no private key of a kind that is supported: RSA of 2048 bits or more, P-256, P-384 or Ed25519"
    )]
    Unsupported,
    /// It is encrypted, and no passphrase was given.
    #[error("the private key is encrypted")]
    PassphraseNeeded,
    /// It is encrypted with another passphrase, or damaged.
    #[error("the passphrase doesn't open the private key")]
    WrongPassphrase,
}

/// A private key.
pub struct PrivateKey {
    pair: rcgen::KeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

impl PrivateKey {
    /// A new key. RSA takes seconds: not for a thread that others wait for.
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        let pkcs8 = new_pkcs8(kind).ok_or(KeyError::NotMade)?;
        Self::from_pkcs8(pkcs8)
    }

    /// From PKCS#8 without encryption (RFC 5958 §2), as our own keys are kept.
    pub fn from_kept(der: &Secret<Vec<u8>>) -> Result<Self, KeyError> {
        Self::from_pkcs8(Zeroizing::new(der.expose().clone()))
    }

    /// From PKCS#8, SEC 1 or PKCS#1.
    pub(crate) fn from_der(key: &PrivateKeyDer<'_>) -> Result<Self, KeyError> {
        let pkcs8 = match key {
            PrivateKeyDer::Pkcs8(key) => Zeroizing::new(key.secret_pkcs8_der().to_vec()),
            PrivateKeyDer::Pkcs1(key) => rsa::KeyPair::from_der(key.secret_pkcs1_der())
                .ok()
                .and_then(|pair| of_rsa(&pair))
                .ok_or(KeyError::Unsupported)?,
            PrivateKeyDer::Sec1(key) => [
                &ECDSA_P256_SHA256_ASN1_SIGNING,
                &ECDSA_P384_SHA384_ASN1_SIGNING,
            ]
            .into_iter()
            .find_map(|curve| of_sec1(key.secret_sec1_der(), curve))
            .ok_or(KeyError::Unsupported)?,
            _ => return Err(KeyError::Unsupported),
        };
        Self::from_pkcs8(pkcs8)
    }

    /// From `EncryptedPrivateKeyInfo` (RFC 5958 §3) under PBES2.
    pub(crate) fn from_encrypted(
        der: &[u8],
        passphrase: &Secret<String>,
    ) -> Result<Self, KeyError> {
        let info = EncryptedPrivateKeyInfoRef::from_der(der).map_err(|_| KeyError::Unsupported)?;
        if !is_bearable(&info) {
            return Err(KeyError::Unsupported);
        }
        let opened = info.decrypt(passphrase.expose().as_bytes());
        let opened = opened.map_err(|_| KeyError::WrongPassphrase)?;
        // The padding of a wrong passphrase's is right once in 256 times.
        Self::from_pkcs8(Zeroizing::new(opened.as_bytes().to_vec()))
            .map_err(|_| KeyError::WrongPassphrase)
    }

    pub(crate) fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        let der = PrivatePkcs8KeyDer::from(pkcs8.as_slice());
        let known = [
            &PKCS_ECDSA_P256_SHA256,
            &PKCS_ECDSA_P384_SHA384,
            &PKCS_ED25519,
            &PKCS_RSA_SHA256,
        ];
        let pair = known
            .into_iter()
            .find_map(|alg| rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&der, alg).ok());
        let pair = pair.ok_or(KeyError::Unsupported)?;
        let public = PublicKey::of_pair(&pair).ok_or(KeyError::Unsupported)?;
        if public.kind().is_weak() {
            return Err(KeyError::Unsupported);
        }
        Ok(Self {
            pair,
            pkcs8,
            public,
        })
    }

    /// Its public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// As it is kept: PKCS#8 without encryption.
    pub fn to_kept(&self) -> Secret<Vec<u8>> {
        Secret::new(self.pkcs8.to_vec())
    }

    /// As PKCS#8 text (RFC 5958).
    pub fn pem(&self) -> Secret<String> {
        encode_secret("PRIVATE KEY", &self.pkcs8)
    }

    /// As PKCS#8 text, encrypted with AES-256 under PBKDF2-HMAC-SHA-256 of 600,000 rounds, which OpenSSL
    /// and Java read.
    pub fn encrypted_pem(
        &self,
        passphrase: &Secret<String>,
        rng: &dyn Rng,
    ) -> Result<Secret<String>, KeyError> {
        let (mut salt, mut iv) = ([0; 16], [0; 16]);
        rng.fill(&mut salt);
        rng.fill(&mut iv);
        let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, &salt, iv)
            .map_err(|_| KeyError::NotMade)?;
        let info = PrivateKeyInfoRef::from_der(&self.pkcs8).map_err(|_| KeyError::NotMade)?;
        let sealed = info
            .encrypt_with_params(parameters, passphrase.expose().as_bytes())
            .map_err(|_| KeyError::NotMade)?;
        Ok(encode_secret("ENCRYPTED PRIVATE KEY", sealed.as_bytes()))
    }

    pub(crate) const fn pair(&self) -> &rcgen::KeyPair {
        &self.pair
    }

    pub(crate) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.public.kind())
    }
}

/// OWASP's advice for PBKDF2-HMAC-SHA-256.
const ROUNDS: u32 = 600_000;
/// More would only keep whoever reads somebody else's file busy.
const MAX_ROUNDS: u32 = 10_000_000;
/// Of scrypt: 128 · N · r bytes of memory.
const MAX_SCRYPT: u64 = 256 * 1024 * 1024;

fn is_bearable(info: &EncryptedPrivateKeyInfoRef<'_>) -> bool {
    let pkcs8::pkcs5::EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else {
        return false;
    };
    match &parameters.kdf {
        pbes2::Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= MAX_ROUNDS,
        pbes2::Kdf::Scrypt(scrypt) => {
            let memory = scrypt
                .cost_parameter
                .saturating_mul(u64::from(scrypt.block_size))
                .saturating_mul(128);
            memory <= MAX_SCRYPT && scrypt.parallelization <= 16
        }
        _ => false,
    }
}

fn new_pkcs8(kind: KeyKind) -> Option<Zeroizing<Vec<u8>>> {
    let size = match kind {
        KeyKind::P256 => return new_ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING),
        KeyKind::P384 => return new_ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING),
        // Version 1, without the public key: OpenSSL up to 3.0 reads no other.
        KeyKind::Ed25519 => return wrapped(Ed25519KeyPair::generate().ok()?.to_pkcs8v1()),
        KeyKind::Rsa2048 => rsa::KeySize::Rsa2048,
        KeyKind::Rsa3072 => rsa::KeySize::Rsa3072,
        KeyKind::Rsa4096 => rsa::KeySize::Rsa4096,
    };
    of_rsa(&rsa::KeyPair::generate(size).ok()?)
}

fn new_ecdsa(curve: &'static EcdsaSigningAlgorithm) -> Option<Zeroizing<Vec<u8>>> {
    wrapped(EcdsaKeyPair::generate(curve).ok()?.to_pkcs8v1())
}

fn of_rsa(pair: &rsa::KeyPair) -> Option<Zeroizing<Vec<u8>>> {
    Some(Zeroizing::new(pair.as_der().ok()?.as_ref().to_vec()))
}

fn of_sec1(der: &[u8], curve: &'static EcdsaSigningAlgorithm) -> Option<Zeroizing<Vec<u8>>> {
    wrapped(
        EcdsaKeyPair::from_private_key_der(curve, der)
            .ok()?
            .to_pkcs8v1(),
    )
}

fn wrapped<D: AsRef<[u8]>, E>(der: Result<D, E>) -> Option<Zeroizing<Vec<u8>>> {
    der.ok().map(|der| Zeroizing::new(der.as_ref().to_vec()))
}
