//! A certificate, read (RFC 5280 §4).

mod signature;
mod usage;

use aeolus_model::{Time, hex};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::{
    CRLDistributionPoints, DistributionPointName, GeneralName, ParsedExtension,
};
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::{X509Name, X509Version};

pub use self::signature::Signature;
pub use self::usage::{KeyUsage, Purpose};
use crate::public::PublicKey;
use crate::{Fingerprint, San, Serial};

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
    /// Its serial number.
    pub serial: Serial,
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
    pub signature: Signature,
    /// Whether it may issue, and how many may be between it and a leaf.
    pub authority: Option<Option<u32>>,
    /// Its key usages; none where it doesn't say.
    pub usages: Option<Vec<KeyUsage>>,
    /// Its extended key usages; none where it doesn't say.
    pub purposes: Option<Vec<Purpose>>,
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
            serial: Serial::new(parsed.raw_serial()),
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
            signature: Signature::of(&parsed.signature_algorithm.algorithm),
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
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.der)
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
        let signs = usages.is_none_or(|usages| usages.contains(&KeyUsage::KeyCertSign));
        self.version < 3 || (self.authority.is_some() && signs)
    }

    /// Whether servers may use it: where it doesn't say, they may.
    pub(crate) fn serves(&self) -> bool {
        let serves = |purpose: &Purpose| matches!(purpose, Purpose::ServerAuth | Purpose::Any);
        let purposes = self.purposes.as_ref();
        purposes.is_none_or(|all| all.iter().any(serves))
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
            ParsedExtension::KeyUsage(usage) => self.usages = Some(KeyUsage::all(*usage)),
            ParsedExtension::ExtendedKeyUsage(usage) => self.purposes = Some(Purpose::all(usage)),
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
