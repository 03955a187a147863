//! Asking another authority for a certificate (PKCS#10, RFC 2986).

use rcgen::{CertificateParams, DistinguishedName};

use crate::policy::san_type;
use crate::{PrivateKey, San};

/// No request could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library made no request")]
pub struct AskError;

/// A request in DER, signed by the key: with the names, and nothing else that an authority could honour.
pub fn certificate_request(key: &PrivateKey, names: &[San]) -> Result<Vec<u8>, AskError> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    let names: Option<Vec<_>> = names.iter().map(san_type).collect();
    parameters.subject_alt_names = names.ok_or(AskError)?;
    let request = parameters.serialize_request(key.pair());
    request
        .map(|request| request.der().to_vec())
        .map_err(|_| AskError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyKind, Request};

    #[test]
    fn a_request_has_the_names_and_nothing_else() {
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Rsa2048] {
            let key = PrivateKey::generate(kind).unwrap();
            let names = ["a.example.com", "*.example.com", "10.0.0.1"];
            let names = names.map(|name| San::parse(name).unwrap());
            let der = certificate_request(&key, &names).unwrap();
            let request = Request::from_der(&der).unwrap();
            assert_eq!(request.key(), key.public());
            assert_eq!(request.names(), names);
            assert!(request.ignored().is_empty(), "{:?}", request.ignored());
        }
    }
    /// The library makes no request of parameters that issuing sets, and a run would fail after it has proved every
    /// name. Ours are made for a request alone, so no name or kind of key leads there.
    #[test]
    fn what_issuing_sets_would_make_no_request_and_is_in_none() {
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        let sets: [fn(&mut CertificateParams); 3] = [
            |all| all.serial_number = Some(1_u64.into()),
            |all| all.use_authority_key_identifier_extension = true,
            |all| {
                all.name_constraints = {
                    Some(rcgen::NameConstraints {
                        permitted_subtrees: Vec::new(),
                        excluded_subtrees: Vec::new(),
                    })
                }
            },
        ];
        for set in sets {
            let mut parameters = CertificateParams::default();
            set(&mut parameters);
            let made = parameters.serialize_request(key.pair());
            assert_eq!(made.err(), Some(rcgen::Error::UnsupportedInCsr));
        }
        let names: Vec<San> = (0..100)
            .map(|number| San::parse(&format!("{number}.{}.example.com", "a".repeat(63))).unwrap())
            .collect();
        for kind in [KeyKind::P256, KeyKind::Ed25519] {
            let key = PrivateKey::generate(kind).unwrap();
            let request = Request::from_der(&certificate_request(&key, &names).unwrap()).unwrap();
            assert_eq!((request.names(), request.ignored().len()), (&names[..], 0));
        }
    }
}
