//! What may be issued: what was asked, validated; the rest follows from it.

use std::collections::BTreeSet;

use aeolus_model::{Rng, Time};
use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType, SerialNumber,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::life::Validity;
use crate::{Constraints, KeyType, Life, San};

/// What a certificate is used as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// A server's.
    #[default]
    Server,
    /// A client's.
    Client,
    /// Of something that is both, as planes are to each other.
    Both,
}

impl Profile {
    /// Whether servers can use it.
    pub const fn serves(self) -> bool {
        matches!(self, Self::Server | Self::Both)
    }

    /// Whether clients can use it.
    pub const fn calls(self) -> bool {
        matches!(self, Self::Client | Self::Both)
    }
}

/// Why what was asked is not issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WantedError {
    /// Nobody verifies by common names any more.
    #[error("a certificate needs at least one name")]
    NoName,
    /// More than a handshake should carry.
    #[error("{0} names are too many: a certificate has at most 100")]
    TooManyNames(usize),
}

/// Names at most: each one is sent in every handshake.
const MAX_NAMES: usize = 100;

/// A certificate that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    names: Vec<San>,
    profile: Profile,
    life: Life,
}

impl Wanted {
    /// For these names, each once and in the order given.
    pub fn new(
        names: impl IntoIterator<Item = San>,
        profile: Profile,
        life: Life,
    ) -> Result<Self, WantedError> {
        let mut seen = BTreeSet::new();
        let names: Vec<San> = names
            .into_iter()
            .filter(|name| seen.insert(name.clone()))
            .collect();
        if names.is_empty() {
            return Err(WantedError::NoName);
        }
        if names.len() > MAX_NAMES {
            return Err(WantedError::TooManyNames(names.len()));
        }
        Ok(Self {
            names,
            profile,
            life,
        })
    }

    /// The names.
    pub fn names(&self) -> &[San] {
        &self.names
    }

    /// What it is used as.
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// How long it should live.
    pub const fn life(&self) -> Life {
        self.life
    }

    /// Everything that a leaf has, for a key of this kind.
    pub(crate) fn parameters(
        &self,
        key: KeyType,
        (validity, lists): (Validity, Option<String>),
        rng: &dyn Rng,
    ) -> Option<CertificateParams> {
        let mut parameters = dated(validity, serial(rng))?;
        let lists = lists.map(|url| CrlDistributionPoint { uris: vec![url] });
        parameters.crl_distribution_points = lists.into_iter().collect();
        let names: Option<Vec<SanType>> = self.names.iter().map(san_type).collect();
        parameters.subject_alt_names = names?;
        // An empty subject would make the names critical, which old consumers dislike.
        if let Some(name) = self
            .names
            .iter()
            .map(San::text)
            .find(|name| name.len() <= MAX_NAME)
        {
            parameters.distinguished_name.push(DnType::CommonName, name);
        }
        // Said explicitly, or rcgen leaves the key's identifier out.
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.use_authority_key_identifier_extension = true;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if key.is_rsa() && self.profile.serves() {
            parameters.key_usages.push(KeyUsagePurpose::KeyEncipherment);
        }
        let server = self
            .profile
            .serves()
            .then_some(ExtendedKeyUsagePurpose::ServerAuth);
        let client = self
            .profile
            .calls()
            .then_some(ExtendedKeyUsagePurpose::ClientAuth);
        parameters.extended_key_usages = server.into_iter().chain(client).collect();
        Some(parameters)
    }
}

/// `ub-common-name` (RFC 5280 appendix A.1).
const MAX_NAME: usize = 64;

/// Everything that an authority's own certificate has: a root's where `below` is none.
pub(crate) fn authority(
    name: &str,
    validity: Validity,
    below: Option<&Constraints>,
    rng: &dyn Rng,
) -> Option<CertificateParams> {
    let mut parameters = dated(validity, serial(rng))?;
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.is_ca = IsCa::Ca(match below {
        None => BasicConstraints::Unconstrained,
        Some(_) => BasicConstraints::Constrained(0),
    });
    parameters.use_authority_key_identifier_extension = below.is_some();
    parameters.name_constraints = below.and_then(Constraints::extension);
    Some(parameters)
}

/// Everything that the certificate of a key has which signs tokens. It is a function of what is given.
pub(crate) fn signer(
    name: &str,
    validity: Validity,
    serial: [u8; 16],
) -> Option<CertificateParams> {
    let mut parameters = dated(validity, positive(serial))?;
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.use_authority_key_identifier_extension = true;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    Some(parameters)
}

/// rcgen's own defaults are a subject that names rcgen and a life of two thousand years: both are replaced.
fn dated(validity: Validity, serial: SerialNumber) -> Option<CertificateParams> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.not_before = date(validity.from)?;
    parameters.not_after = date(validity.until)?;
    parameters.serial_number = Some(serial);
    Some(parameters)
}

pub(crate) fn date(at: Time) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(at.secs()).ok()
}

/// 126 random bits, positive and always of 16 bytes (RFC 5280 §4.1.2.2 allows 20).
pub(crate) fn serial(rng: &dyn Rng) -> SerialNumber {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes);
    positive(bytes)
}

fn positive(mut bytes: [u8; 16]) -> SerialNumber {
    if let Some(first) = bytes.first_mut() {
        *first = *first & 0x3f | 0x40;
    }
    SerialNumber::from_slice(&bytes)
}

pub(crate) fn san_type(name: &San) -> Option<SanType> {
    Some(match name {
        San::Dns(host) => SanType::DnsName(host.to_string().try_into().ok()?),
        San::Ip(address) => SanType::IpAddress(*address),
        San::Uri(uri) => SanType::URI(uri.as_str().try_into().ok()?),
    })
}
