//! An authority that issues for seconds, as no policy of ours would.

use std::path::Path;

use aeolus_model::Time;
use aeolus_pki::{Certificate, certificates_pem};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

/// It.
pub(crate) struct Authority {
    name: String,
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate.
    pub(crate) certificate: CertificateDer<'static>,
}

impl Authority {
    /// A new one, good for days around a time.
    pub(crate) fn new(name: &str, around: Time) -> Self {
        Self::of(KeyPair::generate().unwrap(), name, around)
    }

    fn of(key: KeyPair, name: &str, around: Time) -> Self {
        let mut asked = CertificateParams::default();
        asked
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        asked.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        asked.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        asked.not_before = date(around.secs() - 86_400 * 9);
        asked.not_after = date(around.secs() + 86_400 * 900);
        let certificate = asked.self_signed(&key).unwrap().der().clone();
        Self {
            name: name.to_owned(),
            issuer: Issuer::new(asked, key),
            certificate,
        }
    }

    /// The same name and key, with a certificate that lasts for days around another time.
    pub(crate) fn renewed(&self, around: Time) -> Self {
        let key = KeyPair::try_from(self.issuer.key().serialize_der()).unwrap();
        Self::of(key, &self.name, around)
    }

    /// Its certificate, as a file holds it.
    pub(crate) fn pem(&self) -> String {
        chain(&self.certificate)
    }

    /// Writes `NAME.pem` and `NAME.key` for `localhost`, as a program that renews does: whole files, one after
    /// the other.
    pub(crate) fn issue(&self, folder: &Path, name: &str, (from, until): (Time, Time)) {
        let key = KeyPair::generate().unwrap();
        let mut asked = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        asked.not_before = date(from.secs());
        asked.not_after = date(until.secs());
        asked.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let certificate = asked.signed_by(&key, &self.issuer).unwrap();
        let der = STANDARD.encode(key.serialize_der());
        let key = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
        replace(folder, &format!("{name}.pem"), &chain(certificate.der()));
        replace(folder, &format!("{name}.key"), &key);
    }
}

impl Authority {
    /// A list of some serial numbers that it has revoked by then.
    pub(crate) fn revoked(&self, serials: &[&[u8]], at: Time) -> String {
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: date(at.secs()),
            reason_code: None,
            invalidity_date: None,
        });
        let asked = CertificateRevocationListParams {
            this_update: date(at.secs()),
            next_update: date(at.secs() + 86_400 * 30),
            crl_number: SerialNumber::from(u64::try_from(at.secs()).unwrap()),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = asked.signed_by(&self.issuer).unwrap();
        let der = STANDARD.encode(list.der());
        format!("-----BEGIN X509 CRL-----\n{der}\n-----END X509 CRL-----\n")
    }
}

/// Puts a file in the place of another in one step.
pub(crate) fn replace(folder: &Path, name: &str, content: &str) {
    let new = folder.join(format!("{name}.new"));
    std::fs::write(&new, content).unwrap();
    std::fs::rename(new, folder.join(name)).unwrap();
}

fn chain(der: &CertificateDer<'_>) -> String {
    certificates_pem([&Certificate::from_der(der).unwrap()])
}

fn date(secs: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(secs).unwrap()
}
