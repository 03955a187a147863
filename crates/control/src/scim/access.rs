//! Access tokens for SCIM, which a client gets for its secret: no record of them is kept. What is in one says for
//! which credential it is and until when; that it is good, only the secret's digest tells together with our key. So it
//! ends with the secret, and is no JWT that anything else here could take for one of its own.

use aeolus_api::scim::SCIM_ACCESS_PREFIX;
use aeolus_keys::digest;
use aeolus_model::{ScimCredentialId, Secret, Time};
use aeolus_store::{Digest, ScimCredential, StoreError, Unit};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::app::App;

/// How long one is good, in seconds: what Entra's gallery wants.
pub(super) const LIFE: u64 = 3_600;

const ID: usize = 16;
const END: usize = 8;
const MAC: usize = 32;

/// One for a secret of a credential, until a moment.
pub(super) fn make(
    key: &Secret<[u8; 32]>,
    (id, secret): (ScimCredentialId, &Digest),
    end: Time,
) -> Secret<String> {
    let mut bytes = Vec::with_capacity(ID + END + MAC);
    bytes.extend(id.as_bytes());
    bytes.extend(end.secs().to_be_bytes());
    bytes.extend(mac(key, &bytes, secret));
    let text = URL_SAFE_NO_PAD.encode(bytes);
    Secret::new(format!("{SCIM_ACCESS_PREFIX}{text}"))
}

fn mac(key: &Secret<[u8; 32]>, said: &[u8], secret: &Digest) -> [u8; 32] {
    digest::hmac(key.expose(), &[b"access", said, secret])
}

/// What one says of itself, unproved.
struct Said {
    id: ScimCredentialId,
    end: Time,
    bytes: Vec<u8>,
}

impl Said {
    fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text.strip_prefix(SCIM_ACCESS_PREFIX)?)
            .ok()?;
        if bytes.len() != ID + END + MAC {
            return None;
        }
        let (id, rest) = bytes.split_at_checked(ID)?;
        let (end, _) = rest.split_at_checked(END)?;
        Some(Self {
            id: ScimCredentialId::from_slice(id).ok()?,
            end: Time::from_secs(i64::from_be_bytes(end.try_into().ok()?)),
            bytes,
        })
    }

    fn is_of(&self, key: &Secret<[u8; 32]>, secret: &Digest) -> bool {
        let Some((said, proof)) = self.bytes.split_at_checked(ID + END) else {
            return false;
        };
        digest::eq(&mac(key, said, secret), proof)
    }
}

/// The credential that one was made for, if both are good at this moment.
pub(super) async fn credential_of<U: Unit>(
    app: &App,
    unit: &mut U,
    text: &str,
) -> Result<Option<ScimCredential>, StoreError> {
    let now = app.clock.now();
    let Some(said) = Said::read(text).filter(|said| said.end > now) else {
        return Ok(None);
    };
    let secrets = unit.scim_credentials().secrets(said.id).await?;
    let mut good = secrets
        .iter()
        .filter(|secret| secret.ends_at.is_none_or(|end| end > now));
    if !good.any(|secret| said.is_of(&app.scim.key, &secret.digest)) {
        return Ok(None);
    }
    unit.scim_credentials().get(said.id).await
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Secret<[u8; 32]> = Secret::new([7; 32]);

    #[test]
    fn one_is_of_one_secret_and_every_bit_of_it_counts() {
        let id = ScimCredentialId::from_bytes([1; 16]);
        let end = Time::from_secs(1_800_003_600);
        let token = make(&KEY, (id, &[2; 32]), end);
        let said = Said::read(token.expose()).unwrap();
        assert_eq!((said.id, said.end), (id, end));
        assert!(said.is_of(&KEY, &[2; 32]));
        assert!(!said.is_of(&KEY, &[3; 32]));
        assert!(!said.is_of(&Secret::new([8; 32]), &[2; 32]));
        for at in 0..said.bytes.len() {
            let mut bytes = said.bytes.clone();
            bytes[at] ^= 1;
            let text = format!("{SCIM_ACCESS_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
            assert!(!Said::read(&text).unwrap().is_of(&KEY, &[2; 32]), "{at}");
        }
        for bad in ["", "xsa_", "xsa_AAAA", "eyJ.a.b"] {
            assert!(Said::read(bad).is_none(), "{bad}");
        }
    }
}
