//! The root document: which keys sign manifests, and who may change that.

use std::collections::BTreeSet;

use aeolus_keys::{Alg, Jwk, KeyError, Kid, Kind, PublicKey, SigningKey, jws};
use aeolus_model::Time;
use serde::{Deserialize, Serialize};

use crate::{Digest, SnapshotError};

/// The most bytes a root document may have.
pub const MAX_ROOT: usize = 64 << 10;

const MAX_ROOT_KEYS: usize = 16;
const MAX_SNAPSHOT_KEYS: usize = 3;
const MAX_SIGNATURES: usize = 2 * MAX_ROOT_KEYS;

/// Why a root document is refused.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// Not a JWS in the general JSON form, or not a root document's claims.
    #[error("root.json can't be read")]
    Malformed,
    /// More than [`MAX_ROOT`] bytes.
    #[error("root.json is larger than allowed")]
    TooLarge,
    /// Another document than the one pinned at enrolment.
    #[error("root.json does not have the hash it was pinned by: somebody changed it on its way")]
    Hash,
    /// A key that is weak, of another algorithm, or listed twice.
    #[error("root.json names a key that can't be used: {0}")]
    Key(String),
    /// No or too many keys, or a threshold that can't be met.
    #[error(
        "root.json needs 1 to 16 root keys, a threshold they can meet, and 1 to 3 snapshot keys"
    )]
    Shape,
    /// Fewer good signatures than the threshold asks for.
    #[error(
        "root.json has {found} of the {needed} signatures it needs by the {by} document's keys"
    )]
    Threshold {
        /// `old` or `new`.
        by: &'static str,
        /// Good signatures by distinct keys.
        found: usize,
        /// The threshold.
        needed: usize,
    },
    /// Not the successor of what is known.
    #[error("root.json has version {offered}, but {expected} comes next")]
    Version {
        /// One more than the known version.
        expected: u64,
        /// The version offered.
        offered: u64,
    },
    /// A key could not sign.
    #[error("signing root.json failed: {0}")]
    Signing(#[from] KeyError),
}

/// A verified root document. Each is signed by its own keys and by its predecessor's, so a stolen
/// snapshot key is dropped by the next one, and only operators with the root keys can write it.
#[derive(Clone, Debug)]
pub struct Root {
    version: u64,
    threshold: usize,
    keys: Vec<PublicKey>,
    snapshot_keys: Vec<PublicKey>,
    issued_at: Time,
    document: String,
}

/// RFC 7515 §7.2.1, general JSON serialization.
#[derive(Serialize, Deserialize)]
struct Document {
    payload: String,
    signatures: Vec<Signature>,
}

#[derive(Serialize, Deserialize)]
struct Signature {
    protected: String,
    signature: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    version: u64,
    threshold: usize,
    root_keys: Vec<Jwk>,
    snapshot_keys: Vec<Jwk>,
    iat: i64,
}

impl Root {
    /// The document whose SHA-256 an operator handed over at enrolment.
    pub fn pinned(document: &str, hash: &Digest) -> Result<Self, RootError> {
        // Compared before anything is parsed. Both are public: no constant time needed.
        if document.len() > MAX_ROOT {
            return Err(RootError::TooLarge);
        }
        if Digest::of(document.as_bytes()) != *hash {
            return Err(RootError::Hash);
        }
        Self::parse(document)
    }

    /// A document that is consistent and meets its own threshold. That alone makes nobody trust it:
    /// use [`Self::pinned`] or [`Self::accept_next`] for a document from outside.
    pub fn parse(document: &str) -> Result<Self, RootError> {
        let (root, parsed) = Self::read(document)?;
        root.must_sign(&parsed, "new")?;
        Ok(root)
    }

    /// The successor: version N + 1, signed by the thresholds of both documents.
    pub fn accept_next(&self, document: &str) -> Result<Self, RootError> {
        let (next, parsed) = Self::read(document)?;
        let expected = self.version.saturating_add(1);
        if next.version != expected {
            return Err(RootError::Version {
                expected,
                offered: next.version,
            });
        }
        self.must_sign(&parsed, "old")?;
        next.must_sign(&parsed, "new")?;
        Ok(next)
    }

    fn read(document: &str) -> Result<(Self, Document), RootError> {
        if document.len() > MAX_ROOT {
            return Err(RootError::TooLarge);
        }
        let parsed: Document = serde_json::from_str(document).map_err(|_| RootError::Malformed)?;
        if parsed.signatures.len() > MAX_SIGNATURES {
            return Err(RootError::Malformed);
        }
        let first = parsed.signatures.first().ok_or(RootError::Malformed)?;
        let claims: Claims = jws::parse_document(compact(&parsed, first).as_bytes())
            .and_then(|token| token.unverified_claims())
            .map_err(|_| RootError::Malformed)?;
        let root = Self {
            version: claims.version,
            threshold: claims.threshold,
            keys: parse_keys(&claims.root_keys)?,
            snapshot_keys: parse_keys(&claims.snapshot_keys)?,
            issued_at: Time::from_secs(claims.iat),
            document: document.to_owned(),
        };
        check_shape(root.threshold, &root.keys, &root.snapshot_keys)?;
        Ok((root, parsed))
    }

    fn must_sign(&self, parsed: &Document, by: &'static str) -> Result<(), RootError> {
        let mut good = BTreeSet::new();
        for signature in &parsed.signatures {
            let text = compact(parsed, signature);
            let Ok(token) = jws::parse_document(text.as_bytes()) else {
                continue;
            };
            let key = find(&self.keys, token.kid());
            if let Some(key) = key
                && token.verify(Kind::Root, key).is_ok()
            {
                good.insert(key.kid().to_string());
            }
        }
        if good.len() >= self.threshold {
            Ok(())
        } else {
            Err(RootError::Threshold {
                by,
                found: good.len(),
                needed: self.threshold,
            })
        }
    }

    /// Verifies a JWS that a snapshot key must have signed.
    pub(crate) fn open(
        &self,
        kind: Kind,
        text: &str,
    ) -> Result<(jws::Verified, Kid), SnapshotError> {
        let token = jws::parse_document(text.as_bytes())?;
        let key = find(&self.snapshot_keys, token.kid()).ok_or(SnapshotError::UnknownKey)?;
        Ok((token.verify(kind, key)?, key.kid()))
    }

    /// Its place in the chain of root documents, from 1.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// How many root keys must sign the next one.
    pub const fn threshold(&self) -> usize {
        self.threshold
    }

    /// Who may sign the next one.
    pub fn root_keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// Who may sign manifests and freshness, at most three.
    pub fn snapshot_keys(&self) -> &[PublicKey] {
        &self.snapshot_keys
    }

    /// Whether manifests signed by this key are believed.
    pub fn trusts(&self, kid: &Kid) -> bool {
        self.snapshot_keys.iter().any(|key| key.kid() == *kid)
    }

    /// When it was written.
    pub const fn issued_at(&self) -> Time {
        self.issued_at
    }

    /// The document as it was read: what is stored, served and hashed.
    pub fn document(&self) -> &str {
        &self.document
    }

    /// What an enrolment pins.
    pub fn hash(&self) -> Digest {
        Digest::of(self.document.as_bytes())
    }
}

/// What a new root document will say.
#[derive(Clone, Debug)]
pub struct RootBuilder {
    /// From 1; one more than the predecessor's.
    pub version: u64,
    /// How many of `root_keys` must sign.
    pub threshold: usize,
    /// At most 16 Ed25519 keys.
    pub root_keys: Vec<PublicKey>,
    /// At most three Ed25519 keys.
    pub snapshot_keys: Vec<PublicKey>,
    /// When it is written.
    pub issued_at: Time,
}

impl RootBuilder {
    /// The successor of a document, changing nothing yet.
    pub fn next(root: &Root, issued_at: Time) -> Self {
        Self {
            version: root.version.saturating_add(1),
            threshold: root.threshold,
            root_keys: root.keys.clone(),
            snapshot_keys: root.snapshot_keys.clone(),
            issued_at,
        }
    }

    /// Writes and signs the document. A key that isn't at hand signs later by [`Self::co_sign`].
    pub fn sign(&self, keys: &[&SigningKey]) -> Result<String, RootError> {
        check_shape(self.threshold, &self.root_keys, &self.snapshot_keys)?;
        let claims = Claims {
            version: self.version,
            threshold: self.threshold,
            root_keys: self.root_keys.iter().map(PublicKey::to_jwk).collect(),
            snapshot_keys: self.snapshot_keys.iter().map(PublicKey::to_jwk).collect(),
            iat: self.issued_at.secs(),
        };
        let mut document: Option<Document> = None;
        for key in keys {
            document = Some(add_signature(document, &claims, key)?);
        }
        let document = document.ok_or(RootError::Shape)?;
        serde_json::to_string(&document).map_err(|_| RootError::Malformed)
    }

    /// Adds one holder's signature to a document that others have signed.
    pub fn co_sign(document: &str, key: &SigningKey) -> Result<String, RootError> {
        let (_, parsed) = Root::read(document)?;
        let first = parsed.signatures.first().ok_or(RootError::Malformed)?;
        let claims: Claims = jws::parse_document(compact(&parsed, first).as_bytes())
            .and_then(|token| token.unverified_claims())
            .map_err(|_| RootError::Malformed)?;
        let signed = add_signature(Some(parsed), &claims, key)?;
        serde_json::to_string(&signed).map_err(|_| RootError::Malformed)
    }
}

fn add_signature(
    document: Option<Document>,
    claims: &Claims,
    key: &SigningKey,
) -> Result<Document, RootError> {
    let token = key.sign(Kind::Root, claims)?;
    let mut parts = token.split('.').map(str::to_owned);
    let (Some(protected), Some(payload), Some(signature)) =
        (parts.next(), parts.next(), parts.next())
    else {
        return Err(RootError::Malformed);
    };
    let mut document = document.unwrap_or_else(|| Document {
        payload: payload.clone(),
        signatures: Vec::new(),
    });
    if document.payload != payload {
        // It says something this program would drop: signing it would sign another document.
        return Err(RootError::Malformed);
    }
    document.signatures.retain(|old| old.protected != protected);
    document.signatures.push(Signature {
        protected,
        signature,
    });
    Ok(document)
}

fn compact(document: &Document, signature: &Signature) -> String {
    format!(
        "{}.{}.{}",
        signature.protected, document.payload, signature.signature
    )
}

fn find(keys: &[PublicKey], kid: Kid) -> Option<&PublicKey> {
    keys.iter().find(|key| key.kid() == kid)
}

fn parse_keys(keys: &[Jwk]) -> Result<Vec<PublicKey>, RootError> {
    let parse = |jwk| PublicKey::from_jwk(jwk).map_err(|error| RootError::Key(error.to_string()));
    keys.iter().map(parse).collect()
}

fn check_shape(
    threshold: usize,
    root_keys: &[PublicKey],
    snapshot_keys: &[PublicKey],
) -> Result<(), RootError> {
    let all = || root_keys.iter().chain(snapshot_keys);
    let distinct: BTreeSet<String> = all().map(|key| key.kid().to_string()).collect();
    if let Some(key) = all().find(|key| key.alg() != Alg::EdDsa) {
        return Err(RootError::Key(format!("{} is no Ed25519 key", key.kid())));
    }
    if distinct.len() != root_keys.len() + snapshot_keys.len() {
        return Err(RootError::Key("a key is listed twice".to_owned()));
    }
    let met = (1..=root_keys.len()).contains(&threshold);
    let counts =
        root_keys.len() <= MAX_ROOT_KEYS && (1..=MAX_SNAPSHOT_KEYS).contains(&snapshot_keys.len());
    if met && counts {
        Ok(())
    } else {
        Err(RootError::Shape)
    }
}
