//! Lists of revoked certificates (RFC 5280 §5).

use std::fmt;
use std::str::FromStr;

use aeolus_model::Time;
use rcgen::RevocationReason;
use serde::{Deserialize, Serialize};
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use crate::certificate::parsed;
use crate::pem::encode;
use crate::{Certificate, Serial};

/// Why a certificate was revoked (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It isn't said.
    #[default]
    Unspecified,
    /// Somebody else has its key.
    KeyCompromise,
    /// Another one took its place.
    Superseded,
    /// What it was for is gone.
    CessationOfOperation,
}

/// A word that is no reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no reason: there are unspecified, key-compromise, superseded and cessation-of-operation"
)]
pub struct UnknownReason(String);

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 4] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::Superseded,
        Self::CessationOfOperation,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "key-compromise",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessation-of-operation",
        }
    }

    /// An unspecified reason is left out (§5.3.1).
    pub(crate) const fn code(self) -> Option<RevocationReason> {
        match self {
            Self::Unspecified => None,
            Self::KeyCompromise => Some(RevocationReason::KeyCompromise),
            Self::Superseded => Some(RevocationReason::Superseded),
            Self::CessationOfOperation => Some(RevocationReason::CessationOfOperation),
        }
    }
}

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        let known = Self::ALL.into_iter().find(|reason| reason.name() == text);
        known.ok_or_else(|| UnknownReason(text.to_owned()))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A certificate that was revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Its serial number.
    pub serial: Serial,
    /// When.
    pub at: Time,
    /// Why.
    pub reason: Reason,
}

/// A list, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    der: Vec<u8>,
    /// Who signed it, as text.
    pub issuer: String,
    /// From when it is.
    pub this_update: Time,
    /// When the next one is due.
    pub next_update: Option<Time>,
    serials: Vec<Serial>,
}

impl RevocationList {
    /// Reads one; nothing may follow it.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let Ok(([], list)) = CertificateRevocationList::from_der(der) else {
            return None;
        };
        let serials = list.iter_revoked_certificates();
        Some(Self {
            der: der.to_vec(),
            issuer: list.issuer().to_string(),
            this_update: Time::from_secs(list.last_update().timestamp()),
            next_update: list.next_update().map(|at| Time::from_secs(at.timestamp())),
            serials: serials.map(|one| Serial::new(one.raw_serial())).collect(),
        })
    }

    /// Its bytes, as addresses in certificates lead to them.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// As text.
    pub fn pem(&self) -> String {
        encode("X509 CRL", &self.der)
    }

    /// How many certificates are on it.
    pub fn len(&self) -> usize {
        self.serials.len()
    }

    /// Whether nothing is on it.
    pub fn is_empty(&self) -> bool {
        self.serials.is_empty()
    }

    /// Whether this authority's key signed it.
    pub fn is_signed_by(&self, issuer: &Certificate) -> bool {
        let Some(issuer) = parsed(issuer.der()) else {
            return false;
        };
        let Ok(([], list)) = CertificateRevocationList::from_der(&self.der) else {
            return false;
        };
        list.issuer().as_raw() == issuer.subject().as_raw()
            && list.verify_signature(issuer.public_key()).is_ok()
    }

    /// Whether a certificate of its issuer is on it.
    pub fn names(&self, certificate: &Certificate) -> bool {
        self.serials.contains(&certificate.serial)
    }
}
