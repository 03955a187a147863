//! PKCS#12 (RFC 7292): a key and its certificates in one encrypted file, as Java and Windows want them.

use aeolus_model::Secret;
use p12_keystore::{
    Certificate as Bag, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, Pkcs12Archive,
    PrivateKey as Key, PrivateKeyChain,
};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::{Certificate, PrivateKey};

/// Why there is no archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// Nothing would protect the key.
    #[error("a PKCS#12 file needs a passphrase")]
    NoPassphrase,
    /// The library refused.
    #[error("the library that encodes PKCS#12 refused")]
    Refused,
}

/// Rounds of key derivation. Java reads up to 5,000,000, other readers less.
const ROUNDS: u32 = 100_000;

/// A key with its chain, leaf first: AES-256 and HMAC-SHA-256, which OpenSSL since 1.1, Java since 8u301 and
/// Windows since Server 2019 read.
pub fn pkcs12(
    name: &str,
    (chain, key): (&[Certificate], &PrivateKey),
    passphrase: &Secret<String>,
) -> Result<Vec<u8>, ArchiveError> {
    if passphrase.expose().is_empty() {
        return Err(ArchiveError::NoPassphrase);
    }
    let made = || {
        let certificates = chain.iter().map(|one| Bag::from_der(one.der()).ok());
        let certificates: Vec<Bag> = certificates.collect::<Option<_>>()?;
        let id = chain.first()?.fingerprint();
        let key = Key::from_der(key.pkcs8()).ok()?;
        let entry = PrivateKeyChain::new(id.get(..20)?, key, certificates);
        let mut store = KeyStore::new();
        store.add_entry(name, KeyStoreEntry::PrivateKeyChain(entry));
        let writer = store
            .writer(passphrase.expose())
            .encryption_algorithm(EncryptionAlgorithm::PbeWithHmacSha256AndAes256)
            .encryption_iterations(ROUNDS)
            .mac_algorithm(MacAlgorithm::HmacSha256)
            .mac_iterations(ROUNDS);
        writer.write().ok()
    };
    made().ok_or(ArchiveError::Refused)
}

/// What an archive has. `None` if it isn't one, or the passphrase is another.
pub(crate) fn open(
    bytes: &[u8],
    passphrase: &Secret<String>,
) -> Option<(Vec<Certificate>, Vec<PrivateKey>)> {
    let archive = Pkcs12Archive::from_pkcs12(bytes, passphrase.expose()).ok()?;
    let keys = archive.keys.iter().map(|bag| {
        let der = PrivatePkcs8KeyDer::from(bag.key.as_der());
        PrivateKey::from_der(&PrivateKeyDer::Pkcs8(der)).ok()
    });
    let keys: Vec<PrivateKey> = keys.collect::<Option<_>>()?;
    // The key's own certificate comes first; archives have no order of their own.
    let read = archive
        .certs
        .iter()
        .map(|bag| Certificate::from_der(bag.cert.as_der()).ok());
    let mut certificates: Vec<Certificate> = read.collect::<Option<_>>()?;
    certificates.sort_by_key(|one| !keys.iter().any(|key| *key.public() == one.key));
    Some((certificates, keys))
}

/// Whether it looks like an archive: a sequence that begins with version 3 (RFC 7292 §4).
pub(crate) fn is_archive(der: &[u8]) -> bool {
    let header = match der {
        [0x30, length, rest @ ..] if *length < 0x80 => rest,
        [0x30, 0x80, rest @ ..]
        | [0x30, 0x81, _, rest @ ..]
        | [0x30, 0x82, _, _, rest @ ..]
        | [0x30, 0x83, _, _, _, rest @ ..] => rest,
        _ => return false,
    };
    header.starts_with(&[0x02, 0x01, 0x03])
}
