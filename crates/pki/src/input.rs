//! Bytes from elsewhere: PEM, DER or PKCS#12, whatever the file is called.

use aeolus_model::Secret;
use rustls_pki_types::PrivateKeyDer;

use crate::archive::{is_archive, open};
use crate::pem::{blocks, is_pem};
use crate::{Certificate, KeyError, PrivateKey, Request, RequestError, RevocationList};

/// More than this is no certificate, chain or bundle of anybody: the largest have some 300 KiB.
pub const MAX_INPUT: usize = 4 * 1024 * 1024;

/// What was in it.
#[derive(Debug, Default)]
pub struct Input {
    /// Certificates, in the order of the file.
    pub certificates: Vec<Certificate>,
    /// Private keys.
    pub keys: Vec<PrivateKey>,
    /// Requests.
    pub requests: Vec<Request>,
    /// Lists of revoked certificates.
    pub lists: Vec<RevocationList>,
}

/// Why it can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Too large.
    #[error("it has more than 4 MiB")]
    TooLarge,
    /// Nothing that is known.
    #[error("there is no certificate, key, request or revocation list in it (PEM, DER or PKCS#12)")]
    Nothing,
    /// Broken text encoding.
    #[error("its PEM encoding is damaged")]
    Pem,
    /// A part that isn't what its label says.
    #[error("what its label calls a {0} is none")]
    Malformed(&'static str),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// PKCS#12, and no passphrase was given.
    #[error("it is a PKCS#12 file, which is encrypted")]
    PassphraseNeeded,
    /// PKCS#12 that doesn't open.
    #[error(
        "the passphrase doesn't open the PKCS#12 file, or the file is damaged or encrypted in a way that is not supported"
    )]
    Archive,
}

impl InputError {
    /// Whether a passphrase, or another one, is all that is missing.
    pub const fn is_locked(self) -> bool {
        matches!(
            self,
            Self::PassphraseNeeded
                | Self::Key(KeyError::PassphraseNeeded | KeyError::WrongPassphrase)
        )
    }
}

/// Reads whatever it is. Only encrypted keys and PKCS#12 need the passphrase.
pub fn read(bytes: &[u8], passphrase: Option<&Secret<String>>) -> Result<Input, InputError> {
    if bytes.len() > MAX_INPUT {
        return Err(InputError::TooLarge);
    }
    let input = if is_pem(bytes) {
        text(bytes, passphrase)?
    } else {
        binary(bytes, passphrase)?
    };
    if input.certificates.is_empty()
        && input.keys.is_empty()
        && input.requests.is_empty()
        && input.lists.is_empty()
    {
        return Err(InputError::Nothing);
    }
    Ok(input)
}

fn text(bytes: &[u8], passphrase: Option<&Secret<String>>) -> Result<Input, InputError> {
    let mut input = Input::default();
    for block in blocks(bytes).ok_or(InputError::Pem)? {
        let der = block.der.as_slice();
        match block.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => {
                let read = Certificate::from_der(der);
                let read = read.map_err(|_| InputError::Malformed("certificate"))?;
                input.certificates.push(read);
            }
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
                input.requests.push(Request::from_der(der)?);
            }
            "X509 CRL" => {
                let list = RevocationList::from_der(der);
                input
                    .lists
                    .push(list.ok_or(InputError::Malformed("revocation list"))?);
            }
            "PRIVATE KEY" => input.keys.push(key(PrivateKeyDer::Pkcs8(der.into()))?),
            "EC PRIVATE KEY" => input.keys.push(key(PrivateKeyDer::Sec1(der.into()))?),
            "RSA PRIVATE KEY" => input.keys.push(key(PrivateKeyDer::Pkcs1(der.into()))?),
            "ENCRYPTED PRIVATE KEY" => {
                let passphrase = passphrase.ok_or(KeyError::PassphraseNeeded)?;
                input
                    .keys
                    .push(PrivateKey::from_encrypted(der, passphrase)?);
            }
            // Parameters of curves and whatever else programs put beside.
            _ => {}
        }
    }
    Ok(input)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is made for this call, and holds a borrow only"
)]
fn key(der: PrivateKeyDer<'_>) -> Result<PrivateKey, KeyError> {
    PrivateKey::from_der(&der)
}

fn binary(bytes: &[u8], passphrase: Option<&Secret<String>>) -> Result<Input, InputError> {
    let mut input = Input::default();
    if is_archive(bytes) {
        let passphrase = passphrase.ok_or(InputError::PassphraseNeeded)?;
        let (certificates, keys) = open(bytes, passphrase).ok_or(InputError::Archive)?;
        input.certificates = certificates;
        input.keys = keys;
    } else if let Ok(certificate) = Certificate::from_der(bytes) {
        input.certificates.push(certificate);
    } else if let Some(list) = RevocationList::from_der(bytes) {
        input.lists.push(list);
    } else if let Ok(der) = PrivateKeyDer::try_from(bytes) {
        input.keys.push(PrivateKey::from_der(&der)?);
    } else {
        match Request::from_der(bytes) {
            Ok(request) => input.requests.push(request),
            Err(RequestError::Malformed) => return Err(InputError::Nothing),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(input)
}
