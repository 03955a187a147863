//! A request for a certificate (PKCS#10, RFC 2986): its key counts, and nothing else of it by itself.

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;

use crate::San;
use crate::certificate::san;
use crate::public::PublicKey;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not one.
    #[error("not a certificate request in DER or PEM (PKCS#10)")]
    Malformed,
    /// Whoever sent it has not shown to have the key.
    #[error("the request isn't signed by the key that it is for")]
    NotSigned,
    /// A key too short, or of an unknown kind.
    #[error(
        "the request's key is of no kind that certificates are issued for: RSA of 2048 bits or more, P-256, P-384 or Ed25519"
    )]
    Key,
}

/// A request whose sender has the key.
///
/// What it asks for beside names (CA:TRUE, usages, constraints) is not kept, so that nothing can honour it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    key: PublicKey,
    names: Vec<San>,
    ignored: Vec<String>,
}

impl Request {
    /// Reads one, and verifies that its key signed it.
    pub fn from_der(der: &[u8]) -> Result<Self, RequestError> {
        let Ok(([], request)) = X509CertificationRequest::from_der(der) else {
            return Err(RequestError::Malformed);
        };
        let key = PublicKey::of(&request.certification_request_info.subject_pki);
        if key.kind().is_weak() || key.for_rcgen().is_none() {
            return Err(RequestError::Key);
        }
        request
            .verify_signature()
            .map_err(|_| RequestError::NotSigned)?;
        let (mut names, mut ignored) = (Vec::new(), Vec::new());
        for extension in request.requested_extensions().into_iter().flatten() {
            match extension {
                ParsedExtension::SubjectAlternativeName(asked) => {
                    for name in asked.general_names.iter().map(san) {
                        match name {
                            Ok(name) => names.push(name),
                            Err(name) => ignored.push(format!("the name {name}")),
                        }
                    }
                }
                ParsedExtension::BasicConstraints(basic) if basic.ca => {
                    ignored.push("to be an authority (CA:TRUE)".to_owned());
                }
                ParsedExtension::BasicConstraints(_) => {}
                ParsedExtension::KeyUsage(_) => ignored.push("key usages".to_owned()),
                ParsedExtension::ExtendedKeyUsage(_) => {
                    ignored.push("extended key usages".to_owned());
                }
                _ => ignored.push("another extension".to_owned()),
            }
        }
        Ok(Self {
            key,
            names,
            ignored,
        })
    }

    /// The key that a certificate is asked for.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The names that it asks for. Whoever decides to give them has to say so.
    pub fn names(&self) -> &[San] {
        &self.names
    }

    /// What else it asked for and does not get, in words.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }
}
