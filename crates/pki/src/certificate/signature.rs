//! What certificates are signed with.

use std::fmt;

use x509_parser::der_parser::asn1_rs::Oid;
use x509_parser::der_parser::oid;
use x509_parser::oid_registry as known;

/// An algorithm of signatures (RFC 5280 §4.1.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaSha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RsaSha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RsaSha512,
    /// RSASSA-PSS, with any hash.
    RsaPss,
    /// ECDSA with SHA-256.
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
    /// ECDSA with SHA-512.
    EcdsaSha512,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// RSASSA-PKCS1-v1_5 with SHA-1.
    RsaSha1,
    /// ECDSA with SHA-1.
    EcdsaSha1,
    /// RSASSA-PKCS1-v1_5 with MD5.
    RsaMd5,
    /// Another.
    Unknown,
}

impl Signature {
    pub(super) fn of(algorithm: &Oid<'_>) -> Self {
        let all = [
            (known::OID_PKCS1_SHA256WITHRSA, Self::RsaSha256),
            (known::OID_PKCS1_SHA384WITHRSA, Self::RsaSha384),
            (known::OID_PKCS1_SHA512WITHRSA, Self::RsaSha512),
            (known::OID_PKCS1_RSASSAPSS, Self::RsaPss),
            (known::OID_SIG_ECDSA_WITH_SHA256, Self::EcdsaSha256),
            (known::OID_SIG_ECDSA_WITH_SHA384, Self::EcdsaSha384),
            (known::OID_SIG_ECDSA_WITH_SHA512, Self::EcdsaSha512),
            (known::OID_SIG_ED25519, Self::Ed25519),
            (known::OID_PKCS1_SHA1WITHRSA, Self::RsaSha1),
            (known::OID_SHA1_WITH_RSA, Self::RsaSha1),
            (known::OID_PKCS1_MD5WITHRSAENC, Self::RsaMd5),
            (oid!(1.2.840.10045.4.1), Self::EcdsaSha1),
        ];
        let found = all.into_iter().find(|(oid, _)| oid == algorithm);
        found.map_or(Self::Unknown, |(_, signature)| signature)
    }

    /// Whether its hash can be forged.
    pub const fn has_weak_hash(self) -> bool {
        match self {
            Self::RsaSha1 | Self::EcdsaSha1 | Self::RsaMd5 => true,
            Self::RsaSha256
            | Self::RsaSha384
            | Self::RsaSha512
            | Self::RsaPss
            | Self::EcdsaSha256
            | Self::EcdsaSha384
            | Self::EcdsaSha512
            | Self::Ed25519
            | Self::Unknown => false,
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RsaSha256 => "RSA with SHA-256",
            Self::RsaSha384 => "RSA with SHA-384",
            Self::RsaSha512 => "RSA with SHA-512",
            Self::RsaPss => "RSA-PSS",
            Self::EcdsaSha256 => "ECDSA with SHA-256",
            Self::EcdsaSha384 => "ECDSA with SHA-384",
            Self::EcdsaSha512 => "ECDSA with SHA-512",
            Self::Ed25519 => "Ed25519",
            Self::RsaSha1 => "RSA with SHA-1",
            Self::EcdsaSha1 => "ECDSA with SHA-1",
            Self::RsaMd5 => "RSA with MD5",
            Self::Unknown => "an unknown algorithm",
        })
    }
}
