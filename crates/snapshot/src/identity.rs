//! How a person's identity at a provider travels: so that a plane recognises it, and a reader of the
//! snapshot doesn't see it.

use aeolus_keys::digest::hmac;
use aeolus_model::{ConnectionId, IdentitySubject};

/// HMAC(plane salt, connection ‖ issuer ‖ subject).
pub type Identity = [u8; 32];

/// The identity of a person: the connection, the issuer it was discovered under, and the stable
/// subject there.
pub fn identity(
    salt: &[u8],
    connection: ConnectionId,
    issuer: &str,
    subject: &IdentitySubject,
) -> Identity {
    let parts = [
        connection.as_bytes().as_slice(),
        issuer.as_bytes(),
        subject.as_str().as_bytes(),
    ];
    hmac(salt, &parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_another_when_any_part_is() {
        let one = ConnectionId::from_bytes([1; 16]);
        let two = ConnectionId::from_bytes([2; 16]);
        let of = |salt: &[u8], connection, issuer, subject| {
            let subject = IdentitySubject::parse(subject).unwrap();
            identity(salt, connection, issuer, &subject)
        };
        let all = [
            of(b"salt", one, "https://idp", "ann"),
            of(b"other", one, "https://idp", "ann"),
            of(b"salt", two, "https://idp", "ann"),
            of(b"salt", one, "https://idp/", "ann"),
            of(b"salt", one, "https://idpa", "nn"),
            of(b"salt", one, "https://idp", "Ann"),
        ];
        for (at, a) in all.iter().enumerate() {
            assert!(all.iter().skip(at + 1).all(|b| a != b));
        }
    }
}
