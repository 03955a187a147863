//! What a certificate says that its key is for.

use std::fmt;

use x509_parser::extensions;

/// A key usage (RFC 5280 §4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUsage {
    /// Signatures other than on certificates and lists.
    DigitalSignature,
    /// Signatures that the signer can't deny.
    NonRepudiation,
    /// Encrypting keys, as TLS 1.2 did with RSA.
    KeyEncipherment,
    /// Encrypting data.
    DataEncipherment,
    /// Agreeing on a key.
    KeyAgreement,
    /// Signing certificates.
    KeyCertSign,
    /// Signing lists of revoked certificates.
    CrlSign,
}

impl KeyUsage {
    pub(super) fn all(said: extensions::KeyUsage) -> Vec<Self> {
        let said = [
            (said.digital_signature(), Self::DigitalSignature),
            (said.non_repudiation(), Self::NonRepudiation),
            (said.key_encipherment(), Self::KeyEncipherment),
            (said.data_encipherment(), Self::DataEncipherment),
            (said.key_agreement(), Self::KeyAgreement),
            (said.key_cert_sign(), Self::KeyCertSign),
            (said.crl_sign(), Self::CrlSign),
        ];
        let said = said.into_iter().filter(|(is, _)| *is);
        said.map(|(_, usage)| usage).collect()
    }
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DigitalSignature => "digitalSignature",
            Self::NonRepudiation => "nonRepudiation",
            Self::KeyEncipherment => "keyEncipherment",
            Self::DataEncipherment => "dataEncipherment",
            Self::KeyAgreement => "keyAgreement",
            Self::KeyCertSign => "keyCertSign",
            Self::CrlSign => "cRLSign",
        })
    }
}

/// An extended key usage (RFC 5280 §4.2.1.12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Every one.
    Any,
    /// TLS servers.
    ServerAuth,
    /// TLS clients.
    ClientAuth,
    /// Signing programs.
    CodeSigning,
    /// E-mail.
    EmailProtection,
    /// Signing times.
    TimeStamping,
    /// Signing answers about revocation.
    OcspSigning,
    /// Another, by its number.
    Other(String),
}

impl Purpose {
    pub(super) fn all(said: &extensions::ExtendedKeyUsage<'_>) -> Vec<Self> {
        let known = [
            (said.any, Self::Any),
            (said.server_auth, Self::ServerAuth),
            (said.client_auth, Self::ClientAuth),
            (said.code_signing, Self::CodeSigning),
            (said.email_protection, Self::EmailProtection),
            (said.time_stamping, Self::TimeStamping),
            (said.ocsp_signing, Self::OcspSigning),
        ];
        let known = known.into_iter().filter(|(is, _)| *is);
        let others = said.other.iter().map(|oid| Self::Other(oid.to_string()));
        known.map(|(_, purpose)| purpose).chain(others).collect()
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::ServerAuth => "serverAuth",
            Self::ClientAuth => "clientAuth",
            Self::CodeSigning => "codeSigning",
            Self::EmailProtection => "emailProtection",
            Self::TimeStamping => "timeStamping",
            Self::OcspSigning => "OCSPSigning",
            Self::Other(number) => number,
        })
    }
}
