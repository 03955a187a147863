//! An authority: a certificate that may issue, and its key.

use aeolus_model::{Rng, Time};
use rcgen::{
    CertificateParams, CertificateRevocationListParams, Issuer, KeyIdMethod, RevokedCertParams,
    SerialNumber,
};
use rustls_pki_types::CertificateDer;

use crate::crl::{RevocationList, Revoked};
use crate::life::Validity;
use crate::policy::{self, Wanted};
use crate::{
    Certificate, Constraints, Life, ListAddress, PrivateKey, PublicKey, San, Unproven, Usage,
    verify,
};

/// A certificate that may issue and the key that is really its own.
#[derive(Debug)]
pub struct Authority {
    certificate: Certificate,
    key: PrivateKey,
    /// What servers send after their own certificate: this one, unless it is the root.
    sent: Vec<Certificate>,
    /// Every root by which that has to be proved.
    roots: Vec<Certificate>,
    /// Where its list of revoked certificates is published.
    lists: Option<ListAddress>,
}

/// Why an authority can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Every certificate that it signed would be refused.
    #[error("the authority's key is not the key of its certificate")]
    OtherKey,
    /// Not CA:TRUE, or without `keyCertSign`.
    #[error("the certificate may not issue others: it is not an authority's")]
    NoAuthority,
    /// It doesn't follow from the root beside it.
    #[error("the intermediate's certificate is not signed by the root")]
    OtherRoot,
}

/// Why nothing was issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The authority's life is over, or hasn't begun.
    #[error("the authority's own certificate is not valid now")]
    AuthorityNotValid,
    /// What was made would be refused, so it was thrown away.
    #[error("what was issued would be refused: {0}")]
    Unproven(#[from] Unproven),
    /// A URI below an authority that may issue for some names only: its extension can't name URIs.
    #[error("the authority may issue for some hosts and addresses only, and {0} is a URI")]
    Uri(San),
    /// The library refused.
    #[error("the library that encodes certificates refused")]
    Refused,
}

/// What whoever asked should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// It ends when its issuer does, earlier than was asked.
    Clipped(Time),
    /// No name has at most 64 characters: the subject is empty.
    NoCommonName,
    /// Apple's systems refuse servers' certificates of more than 825 days.
    LongLived,
}

/// A certificate that was verified, by every root there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// It.
    pub certificate: Certificate,
    /// It and what has to be sent with it, in order and without a root.
    pub chain: Vec<Certificate>,
    /// What to know about it.
    pub notes: Vec<Note>,
}

/// The most that Apple's systems take of a server's certificate.
const LONG: u64 = 825 * 86_400;

impl Authority {
    /// A new root.
    pub fn root(
        name: &str,
        key: PrivateKey,
        life: Life,
        (now, rng): (Time, &dyn Rng),
    ) -> Result<Self, IssueError> {
        let parameters = policy::authority(name, Validity::own(now, life), None, rng);
        let made = parameters.and_then(|made| made.self_signed(key.pair()).ok());
        let certificate = read(made).ok_or(IssueError::Refused)?;
        let roots = vec![certificate.clone()];
        let root = Self {
            certificate,
            key,
            sent: Vec::new(),
            roots,
            lists: None,
        };
        is_proved_by(&root.certificate, &root.certificate)?;
        Ok(root)
    }

    /// A root as it was stored.
    pub fn load(certificate: Certificate, key: PrivateKey) -> Result<Self, LoadError> {
        may_issue(&certificate, &key)?;
        Ok(Self {
            roots: vec![certificate.clone()],
            certificate,
            key,
            sent: Vec::new(),
            lists: None,
        })
    }

    /// An intermediate as it was stored, below its root.
    pub fn load_below(
        root: Certificate,
        certificate: Certificate,
        key: PrivateKey,
    ) -> Result<Self, LoadError> {
        may_issue(&certificate, &key)?;
        if !certificate.names_issuer(&root) || !certificate.is_signed_by(&root) {
            return Err(LoadError::OtherRoot);
        }
        Ok(Self {
            sent: vec![certificate.clone()],
            certificate,
            key,
            roots: vec![root],
            lists: None,
        })
    }

    /// The same, sending what leads to another root as well, so that clients with either one verify.
    #[must_use]
    pub fn crossed(mut self, cross: Certificate, other_root: Certificate) -> Self {
        self.sent.push(cross);
        self.roots.push(other_root);
        self
    }

    /// The same, saying in each certificate where its list of revoked ones is found.
    #[must_use]
    pub fn listed_at(mut self, lists: Option<ListAddress>) -> Self {
        self.lists = lists;
        self
    }

    /// A new intermediate, which issues leaves only.
    pub fn intermediate(
        &self,
        (name, key): (&str, PrivateKey),
        constraints: &Constraints,
        life: Life,
        (now, rng): (Time, &dyn Rng),
    ) -> Result<Self, IssueError> {
        let validity = self.validity(now, life)?;
        let parameters = policy::authority(name, validity, Some(constraints), rng);
        let certificate = self.sign(parameters, key.public())?;
        is_proved_by(&certificate, &self.certificate)?;
        Ok(Self {
            sent: vec![certificate.clone()],
            certificate,
            key,
            roots: self.roots.clone(),
            lists: None,
        })
    }

    /// Another root's key and name under this one: who trusts only this one then believes that one.
    pub fn cross_sign(
        &self,
        other: &Self,
        (now, rng): (Time, &dyn Rng),
    ) -> Result<Certificate, IssueError> {
        let name = other.certificate.common_name.as_deref().unwrap_or_default();
        let validity = self.validity(now, Life::ROOT)?;
        let parameters = policy::authority(name, validity, None, rng).map(|mut parameters| {
            parameters.use_authority_key_identifier_extension = true;
            parameters
        });
        let cross = self.sign(parameters, other.key.public())?;
        is_proved_by(&cross, &self.certificate)?;
        // A name encoded otherwise would lead nowhere.
        if cross.subject != other.certificate.subject
            || cross.subject_key_id != other.certificate.subject_key_id
        {
            return Err(IssueError::Refused);
        }
        Ok(cross)
    }

    /// A leaf, verified by every root and for every name and use that was asked.
    pub fn issue(
        &self,
        wanted: &Wanted,
        key: &PublicKey,
        (now, rng): (Time, &dyn Rng),
    ) -> Result<Issued, IssueError> {
        let validity = self.validity(now, wanted.life())?;
        let mut above = self.sent.iter().chain(&self.roots);
        let is_narrow = !self.certificate.leaves_uris || above.any(|one| !one.leaves_uris);
        let uri = wanted
            .names()
            .iter()
            .find(|name| matches!(name, San::Uri(_)));
        if let Some(uri) = uri.filter(|_| is_narrow) {
            return Err(IssueError::Uri(uri.clone()));
        }
        let lists = self.lists.as_ref().map(|at| at.of(&self.certificate));
        let parameters = wanted.parameters(key.kind(), (validity, lists), rng);
        let certificate = self.sign(parameters, key)?;
        let profile = wanted.profile();
        for root in &self.roots {
            let root = std::slice::from_ref(root);
            if profile.serves() {
                let what = (Usage::Server, wanted.names());
                verify(&certificate, &self.sent, root, now, what)?;
            }
            if profile.calls() {
                verify(&certificate, &self.sent, root, now, (Usage::Client, &[]))?;
            }
        }
        let mut notes = Vec::new();
        if validity.clipped {
            notes.push(Note::Clipped(validity.until));
        }
        if certificate.common_name.is_none() {
            notes.push(Note::NoCommonName);
        }
        if profile.serves() && validity.until.since(now).as_secs() > LONG {
            notes.push(Note::LongLived);
        }
        let mut chain = vec![certificate.clone()];
        chain.extend(self.sent.iter().cloned());
        Ok(Issued {
            certificate,
            chain,
            notes,
        })
    }

    /// The list of what it revoked (RFC 5280 §5), good until `until`.
    pub fn revocation_list(
        &self,
        revoked: &[Revoked],
        number: u64,
        (now, until): (Time, Time),
    ) -> Result<RevocationList, IssueError> {
        let list = || {
            let revoked = revoked.iter().map(|one| {
                Some(RevokedCertParams {
                    serial_number: SerialNumber::from_slice(&one.serial),
                    revocation_time: policy::date(one.at)?,
                    reason_code: one.reason.code(),
                    invalidity_date: None,
                })
            });
            let identifier = self.certificate.subject_key_id.clone();
            let parameters = CertificateRevocationListParams {
                this_update: policy::date(now)?,
                next_update: policy::date(until)?,
                crl_number: SerialNumber::from(number),
                issuing_distribution_point: None,
                revoked_certs: revoked.collect::<Option<_>>()?,
                key_identifier_method: identifier
                    .map_or(KeyIdMethod::Sha256, KeyIdMethod::PreSpecified),
            };
            let list = parameters.signed_by(&self.issuer()?).ok()?;
            RevocationList::from_der(list.der())
        };
        let list = list().ok_or(IssueError::Refused)?;
        if !list.is_signed_by(&self.certificate) {
            return Err(IssueError::Unproven(Unproven::Signature));
        }
        Ok(list)
    }

    /// Its certificate.
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its key.
    pub const fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// The root that it ends at.
    pub fn trusted(&self) -> &Certificate {
        self.roots.first().unwrap_or(&self.certificate)
    }

    fn validity(&self, now: Time, life: Life) -> Result<Validity, IssueError> {
        let own = (self.certificate.not_before, self.certificate.not_after);
        if now < own.0 || now >= own.1 {
            return Err(IssueError::AuthorityNotValid);
        }
        Ok(Validity::within(now, life, own))
    }

    fn sign(
        &self,
        parameters: Option<CertificateParams>,
        key: &PublicKey,
    ) -> Result<Certificate, IssueError> {
        let made = || {
            parameters?
                .signed_by(&key.for_rcgen()?, &self.issuer()?)
                .ok()
        };
        read(made()).ok_or(IssueError::Refused)
    }

    fn issuer(&self) -> Option<Issuer<'static, &rcgen::KeyPair>> {
        let certificate = CertificateDer::from(self.certificate.der());
        Issuer::from_ca_cert_der(&certificate, self.key.pair()).ok()
    }
}

fn read(made: Option<rcgen::Certificate>) -> Option<Certificate> {
    Certificate::from_der(made?.der()).ok()
}

fn may_issue(certificate: &Certificate, key: &PrivateKey) -> Result<(), LoadError> {
    if certificate.key != *key.public() {
        return Err(LoadError::OtherKey);
    }
    if certificate.version != 3 || !certificate.may_issue() {
        return Err(LoadError::NoAuthority);
    }
    Ok(())
}

/// webpki takes leaves only: of an authority's certificate the signature and the names are what is proved.
fn is_proved_by(made: &Certificate, issuer: &Certificate) -> Result<(), Unproven> {
    let proved = made.version == 3
        && made.authority.is_some()
        && made.names_issuer(issuer)
        && made.is_signed_by(issuer);
    proved.then_some(()).ok_or(Unproven::Signature)
}
