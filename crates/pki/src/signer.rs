//! The certificate of a key that signs tokens, for consumers that know keys by certificates.

use aeolus_model::Time;

use crate::life::Validity;
use crate::{Certificate, IssueError, Life, PrivateKey, policy};

/// A self-signed certificate of a key: v3, with the key's identifiers, for signatures and nothing else, ten
/// years from five minutes before `made`. Of an RSA key it is a function of what is given, signature and all:
/// whoever makes it makes the same bytes (RFC 8017 §8.2).
pub fn signer_certificate(
    name: &str,
    key: &PrivateKey,
    made: Time,
) -> Result<Certificate, IssueError> {
    let validity = Validity::own(made, Life::ROOT);
    // Unique as a serial number has to be: no two keys share it.
    let pin = key.public().pin();
    let serial = pin.first_chunk().copied().unwrap_or_default();
    let parameters = policy::signer(name, validity, serial);
    let made = parameters.and_then(|made| made.self_signed(key.pair()).ok());
    let made = made.and_then(|made| Certificate::from_der(made.der()).ok());
    made.ok_or(IssueError::Refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyKind, KeyUsage, Usage, verify};

    const MADE: Time = Time::from_secs(1_800_000_000);

    #[test]
    fn every_replica_makes_the_same_bytes_and_each_key_has_a_certificate_of_its_own() {
        let key = PrivateKey::generate(KeyKind::Rsa2048).unwrap();
        let one = signer_certificate("Aeolus", &key, MADE).unwrap();
        let again = PrivateKey::from_kept(&key.to_kept()).unwrap();
        assert_eq!(one, signer_certificate("Aeolus", &again, MADE).unwrap());
        let other = PrivateKey::generate(KeyKind::Rsa2048).unwrap();
        let other = signer_certificate("Aeolus", &other, MADE).unwrap();
        assert_ne!(one.serial, other.serial);
    }

    #[test]
    fn it_is_of_v3_names_its_key_and_proves_itself() {
        let key = PrivateKey::generate(KeyKind::Rsa2048).unwrap();
        let made = signer_certificate("Aeolus", &key, MADE).unwrap();
        assert_eq!(
            (made.version, made.common_name.as_deref()),
            (3, Some("Aeolus"))
        );
        assert_eq!(
            made.usages.as_deref(),
            Some(&[KeyUsage::DigitalSignature][..])
        );
        assert!(made.subject_key_id.is_some() && made.authority.is_none());
        assert_eq!(made.subject_key_id, made.authority_key_id);
        assert!(made.is_self_issued() && made.is_signed_by(&made) && made.key == *key.public());
        assert_eq!(
            made.not_before,
            MADE.minus(std::time::Duration::from_secs(300))
        );
        let own = std::slice::from_ref(&made);
        verify(&made, &[], own, MADE, (Usage::Client, &[])).unwrap();
    }
}
