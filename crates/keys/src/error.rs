//! Why a key is not one.

use crate::Alg;

/// Why a key or a set of keys is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the JSON, DER or member encoding that RFC 7517 and RFC 7518 ask for.
    #[error("the key is malformed: {0}")]
    Malformed(&'static str),
    /// A key type, curve or algorithm that isn't used here.
    #[error("the key is of a type that is not supported: use Ed25519, P-256 or RSA")]
    Unsupported,
    /// A key that anyone could forge for: small-order point, short or structured modulus.
    #[error("the key is weak: {0}")]
    Weak(&'static str),
    /// A private or symmetric member where a public key belongs. Whoever published it must replace
    /// the key.
    #[error("the key holds private or symmetric material, which must never be published")]
    Private,
    /// `use` or `key_ops` says the key is for something else than verifying signatures.
    #[error("the key is not meant for verifying signatures")]
    WrongUse,
    /// `alg` contradicts the key's type, or the key signs another algorithm than the kind's.
    #[error("the key works with {0} only")]
    WrongAlg(Alg),
    /// The key's `kid` is not its own thumbprint.
    #[error("the key's kid is not its RFC 7638 thumbprint")]
    WrongKid,
    /// Two keys of a set have one `kid`.
    #[error("two keys have the same kid")]
    DuplicateKid,
    /// No key of a set verifies anything here: empty, or all left out.
    #[error("the set has no key that can be used: RSA of 2048 bits for RS256, P-256 or Ed25519")]
    NoneUsable,
    /// The key serves another kind of token already: one key, one kind.
    #[error("the key already serves another kind of token")]
    OtherKind,
    /// More bytes or keys than the cap.
    #[error("the key set is larger than 256 KiB or 64 keys")]
    TooLarge,
    /// The library refused to make, read or use the key.
    #[error("the cryptographic library refused the key")]
    Refused,
    /// The private part of the key isn't here: it could not be opened, or is gone.
    #[error("the private key is not here")]
    Absent,
    /// The claims can't be written as JSON.
    #[error("the claims can't be written as JSON")]
    Claims,
}

/// A signature that is not the key's signature of the message. There is no more to say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature is not valid")]
pub struct BadSignature;
