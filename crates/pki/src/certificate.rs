//! A certificate, read (RFC 5280 §4).

use aeolus_keys::digest;
use aeolus_model::Time;
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::{
    CRLDistributionPoints, DistributionPointName, GeneralName, ParsedExtension,
};
use x509_parser::oid_registry as oid;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::{X509Name, X509Version};

use crate::San;
use crate::hex::hex;
use crate::public::PublicKey;

/// These bytes are no certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a certificate in DER (RFC 5280)")]
pub struct CertificateError;

/// A certificate and what it says. Whether that is true is for [`crate::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    /// 1 or 3; 2 was never used.
    pub version: u32,
    /// The serial number, big-endian.
    pub serial: Vec<u8>,
    /// Whom it is about, as text.
    pub subject: String,
    /// Who issued it, as text.
    pub issuer: String,
    subject_der: Vec<u8>,
    issuer_der: Vec<u8>,
    /// The common name, if there is one.
    pub common_name: Option<String>,
    /// From when it is good.
    pub not_before: Time,
    /// Until when.
    pub not_after: Time,
    /// Its alternative names that a client can ask for.
    pub names: Vec<San>,
    /// The others, as text.
    pub other_names: Vec<String>,
    /// Its key.
    pub key: PublicKey,
    /// What it is signed with.
    pub signature: &'static str,
    /// Whether it may issue, and how many may be between it and a leaf.
    pub authority: Option<Option<u32>>,
    /// Its key usages; none where it doesn't say.
    pub usages: Option<Vec<&'static str>>,
    /// Its extended key usages; none where it doesn't say.
    pub purposes: Option<Vec<String>>,
    /// Whether it narrows the names of those below it.
    pub constrained: bool,
    /// Whether that leaves URIs to the issuer: where it names none, nobody would hold it to anything.
    pub(crate) leaves_uris: bool,
    /// Where lists of revoked certificates are said to be found.
    pub crl_urls: Vec<String>,
    /// The name of its key.
    pub subject_key_id: Option<Vec<u8>>,
    /// The name of its issuer's key.
    pub authority_key_id: Option<Vec<u8>>,
}

impl Certificate {
    /// Reads one; nothing may follow it.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let parsed = parsed(der).ok_or(CertificateError)?;
        let mut certificate = Self {
            der: der.to_vec(),
            version: parsed.version().0.saturating_add(1),
            serial: parsed.raw_serial().to_vec(),
            subject: shown(parsed.subject()),
            issuer: shown(parsed.issuer()),
            subject_der: parsed.subject().as_raw().to_vec(),
            issuer_der: parsed.issuer().as_raw().to_vec(),
            common_name: common_name(parsed.subject()),
            not_before: Time::from_secs(parsed.validity().not_before.timestamp()),
            not_after: Time::from_secs(parsed.validity().not_after.timestamp()),
            names: Vec::new(),
            other_names: Vec::new(),
            key: PublicKey::of(parsed.public_key()),
            signature: signature(&parsed),
            authority: None,
            usages: None,
            purposes: None,
            constrained: false,
            leaves_uris: true,
            crl_urls: Vec::new(),
            subject_key_id: None,
            authority_key_id: None,
        };
        if parsed.version() == X509Version::V3 {
            for extension in parsed.extensions() {
                certificate.read(extension.parsed_extension());
            }
        }
        Ok(certificate)
    }

    /// Its bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of its bytes.
    pub fn fingerprint(&self) -> [u8; 32] {
        digest::sha256(&self.der)
    }

    /// The serial number in hexadecimal, as `openssl` prints it.
    pub fn serial_hex(&self) -> String {
        hex(&self.serial)
    }

    /// Whether it names itself as its issuer, as roots do.
    pub fn is_self_issued(&self) -> bool {
        self.subject_der == self.issuer_der
    }

    /// Whether `issuer` is the one that it names, by name and, where both say so, by key.
    pub fn names_issuer(&self, issuer: &Self) -> bool {
        let by_key = match (&self.authority_key_id, &issuer.subject_key_id) {
            (Some(own), Some(theirs)) => own == theirs,
            _ => true,
        };
        self.issuer_der == issuer.subject_der && by_key
    }

    /// Whether `issuer`'s key signed it.
    pub fn is_signed_by(&self, issuer: &Self) -> bool {
        let (Some(own), Some(issuer)) = (parsed(&self.der), parsed(&issuer.der)) else {
            return false;
        };
        own.verify_signature(Some(issuer.public_key())).is_ok()
    }

    /// Whether it is certain that `issuer`'s key did not sign it: one of an unknown kind can't be judged.
    pub(crate) fn contradicts(&self, issuer: &Self) -> bool {
        let (Some(own), Some(above)) = (parsed(&self.der), parsed(&issuer.der)) else {
            return false;
        };
        let verified = own.verify_signature(Some(above.public_key()));
        matches!(verified, Err(X509Error::SignatureVerificationError))
            && !issuer.key.kind().is_weak()
    }

    /// Whether it may sign others: CA:TRUE, and usages that say so if there are any. One of v1 can't say.
    pub(crate) fn may_issue(&self) -> bool {
        let usages = self.usages.as_ref();
        let signs = usages.is_none_or(|usages| usages.contains(&KEY_CERT_SIGN));
        self.version < 3 || (self.authority.is_some() && signs)
    }

    /// Whether its signature is by a hash that can be forged.
    pub fn has_weak_hash(&self) -> bool {
        matches!(self.signature, SHA1_RSA | SHA1_ECDSA | MD5_RSA)
    }

    fn read(&mut self, extension: &ParsedExtension<'_>) {
        match extension {
            ParsedExtension::SubjectAlternativeName(names) => {
                for name in &names.general_names {
                    match san(name) {
                        Ok(name) => self.names.push(name),
                        Err(other) => self.other_names.push(other),
                    }
                }
            }
            ParsedExtension::BasicConstraints(basic) if basic.ca => {
                self.authority = Some(basic.path_len_constraint);
            }
            ParsedExtension::KeyUsage(usage) => self.usages = Some(usages(*usage)),
            ParsedExtension::ExtendedKeyUsage(usage) => self.purposes = Some(purposes(usage)),
            ParsedExtension::NameConstraints(names) => {
                self.constrained = true;
                let permitted = names.permitted_subtrees.iter().flatten();
                self.leaves_uris = permitted
                    .into_iter()
                    .any(|tree| matches!(tree.base, GeneralName::URI(_)));
            }
            ParsedExtension::CRLDistributionPoints(points) => self.crl_urls.extend(urls(points)),
            ParsedExtension::SubjectKeyIdentifier(id) => self.subject_key_id = Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                self.authority_key_id = id.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            _ => {}
        }
    }
}

pub(crate) fn parsed(der: &[u8]) -> Option<X509Certificate<'_>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Some(certificate),
        _ => None,
    }
}

fn shown(name: &X509Name<'_>) -> String {
    name.to_string()
}

fn common_name(name: &X509Name<'_>) -> Option<String> {
    let first = name.iter_common_name().next()?;
    first.as_str().ok().map(str::to_owned)
}

/// A name of a certificate or request; as text where it is none that we would issue.
pub(crate) fn san(name: &GeneralName<'_>) -> Result<San, String> {
    match name {
        GeneralName::DNSName(host) => {
            San::parse(&format!("dns:{host}")).map_err(|_| (*host).to_owned())
        }
        GeneralName::URI(uri) => San::parse(&format!("uri:{uri}")).map_err(|_| (*uri).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes).map(San::Ip).ok_or_else(|| hex(bytes)),
        GeneralName::RFC822Name(mail) => Err((*mail).to_owned()),
        GeneralName::DirectoryName(name) => Err(name.to_string()),
        GeneralName::OtherName(oid, _) => Err(format!("other name {oid}")),
        GeneralName::RegisteredID(oid) => Err(format!("registered id {oid}")),
        _ => Err("a name that can't be read".to_owned()),
    }
}

fn urls(points: &CRLDistributionPoints<'_>) -> Vec<String> {
    let names = points
        .iter()
        .filter_map(|point| match &point.distribution_point {
            Some(DistributionPointName::FullName(names)) => Some(names),
            _ => None,
        });
    let urls = names.flatten().filter_map(|name| match name {
        GeneralName::URI(url) => Some((*url).to_owned()),
        _ => None,
    });
    urls.collect()
}

fn address(bytes: &[u8]) -> Option<std::net::IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(Into::into);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(Into::into))
        .ok()
}

fn usages(usage: x509_parser::extensions::KeyUsage) -> Vec<&'static str> {
    let said = [
        (usage.digital_signature(), "digitalSignature"),
        (usage.non_repudiation(), "nonRepudiation"),
        (usage.key_encipherment(), "keyEncipherment"),
        (usage.data_encipherment(), "dataEncipherment"),
        (usage.key_agreement(), "keyAgreement"),
        (usage.key_cert_sign(), KEY_CERT_SIGN),
        (usage.crl_sign(), "cRLSign"),
    ];
    let said = said.into_iter().filter(|(is, _)| *is);
    said.map(|(_, name)| name).collect()
}

pub(crate) const KEY_CERT_SIGN: &str = "keyCertSign";
pub(crate) const SERVER_AUTH: &str = "serverAuth";
pub(crate) const CLIENT_AUTH: &str = "clientAuth";
pub(crate) const ANY: &str = "any";

fn purposes(usage: &x509_parser::extensions::ExtendedKeyUsage<'_>) -> Vec<String> {
    let said = [
        (usage.any, ANY),
        (usage.server_auth, SERVER_AUTH),
        (usage.client_auth, CLIENT_AUTH),
        (usage.code_signing, "codeSigning"),
        (usage.email_protection, "emailProtection"),
        (usage.time_stamping, "timeStamping"),
        (usage.ocsp_signing, "OCSPSigning"),
    ];
    let said = said.into_iter().filter(|(is, _)| *is);
    let named = said.map(|(_, name)| name.to_owned());
    named
        .chain(usage.other.iter().map(ToString::to_string))
        .collect()
}

const SHA1_RSA: &str = "RSA with SHA-1";
const SHA1_ECDSA: &str = "ECDSA with SHA-1";
const MD5_RSA: &str = "RSA with MD5";

fn signature(certificate: &X509Certificate<'_>) -> &'static str {
    let algorithm = &certificate.signature_algorithm.algorithm;
    let known = [
        (oid::OID_PKCS1_SHA256WITHRSA, "RSA with SHA-256"),
        (oid::OID_PKCS1_SHA384WITHRSA, "RSA with SHA-384"),
        (oid::OID_PKCS1_SHA512WITHRSA, "RSA with SHA-512"),
        (oid::OID_PKCS1_RSASSAPSS, "RSA-PSS"),
        (oid::OID_SIG_ECDSA_WITH_SHA256, "ECDSA with SHA-256"),
        (oid::OID_SIG_ECDSA_WITH_SHA384, "ECDSA with SHA-384"),
        (oid::OID_SIG_ECDSA_WITH_SHA512, "ECDSA with SHA-512"),
        (oid::OID_SIG_ED25519, "Ed25519"),
        (oid::OID_PKCS1_SHA1WITHRSA, SHA1_RSA),
        (oid::OID_SHA1_WITH_RSA, SHA1_RSA),
        (oid::OID_PKCS1_MD5WITHRSAENC, MD5_RSA),
        (x509_parser::der_parser::oid!(1.2.840.10045.4.1), SHA1_ECDSA),
    ];
    let found = known.iter().find(|(oid, _)| oid == algorithm);
    found.map_or("an unknown algorithm", |(_, name)| *name)
}
