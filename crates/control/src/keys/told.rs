//! What planes are told of the legacy keys' certificates, for consumers in their clusters that know keys by
//! certificates (rows H3, K4 and K11).

use aeolus_keys::Kind;
use aeolus_pki::{Certificate, certificates_pem};
use aeolus_snapshot::section::{self, CertificateStage, Certificates};
use aeolus_store::{KeyStage, SigningKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Keys, certificate};

/// Where the key that signs is shown with its certificate (row H5).
const SHOWN: &str = "/v1/.well-known/jwks.json";

impl Keys {
    /// The certificates of the legacy keys of one view; nothing where control signs with none.
    pub(crate) fn certificates(&self, records: &[SigningKey], issuer: &str) -> Certificates {
        let legacy = |key: &&SigningKey| self.legacy && key.kind == Kind::Legacy.name();
        let records = records.iter().filter(legacy);
        Certificates {
            jwks_url: format!("{issuer}{SHOWN}"),
            certificates: records.filter_map(told).collect(),
        }
    }
}

/// A key's certificate; none if it has none, as one that retired before certificates were kept.
fn told(key: &SigningKey) -> Option<section::Certificate> {
    let encoded = certificate::kept(&key.public_jwk)?;
    let read = Certificate::from_der(&STANDARD.decode(encoded).ok()?).ok()?;
    let stage = match key.stage {
        KeyStage::Announced { .. } => CertificateStage::Announced,
        KeyStage::Active { .. } => CertificateStage::Current,
        KeyStage::Retired { .. } => CertificateStage::Retiring,
    };
    Some(section::Certificate {
        purpose: Kind::Legacy.name().to_owned(),
        kid: key.kid.clone(),
        chain: certificates_pem([&read]),
        not_before: read.not_before.secs(),
        not_after: read.not_after.secs(),
        stage: stage.into(),
        made_at: key.created_at.secs(),
    })
}
