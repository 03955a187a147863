//! Control's private keys, and the secrets of people's second factors, at rest, and what browsers carry for it: sealed under the master key, which is never in the database.
//!
//! `version ‖ master key's check ‖ nonce ‖ ciphertext ‖ tag`: 1, 4, 12, n and 16 bytes. The
//! associated data is the record's id and kind, so that an envelope can't be moved to another record.

use aeolus_model::{KeyId, Rng, Secret, SessionId, UserId};
use zeroize::Zeroize as _;

use crate::seal::Aead;
use crate::totp::TotpSecret;
use crate::{Kind, base64url, digest};

const VERSION: u8 = 1;
const PREFIX: usize = 1 + 4;
/// No [`Kind`] has this name.
const TOTP: &str = "totp secret";
/// Nor this.
const HINT: &str = "sign-out hint";
/// No record has this id.
const NO_RECORD: [u8; 16] = [0; 16];
/// A browser keeps 4,096 bytes of a cookie, name and attributes included.
const MAX_CARRIED: usize = 3840;

/// Why an envelope didn't open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not an envelope.
    #[error("the stored key is damaged: not an envelope of a known version")]
    Malformed,
    /// Sealed under another master key.
    #[error("the stored key was sealed under another master key: give the one it was made with")]
    OtherMaster,
    /// The right master key, but bytes, record id or kind were changed.
    #[error("the stored key was changed after it was sealed, or belongs to another record")]
    Tampered,
    /// The library refused to seal.
    #[error("the cryptographic library refused to seal the key")]
    Refused,
}

/// The master key: 32 bytes from the operator's file, environment or KMS.
pub struct MasterKey {
    aead: Aead,
    check: [u8; 4],
}

impl MasterKey {
    /// Takes the operator's 32 bytes.
    pub fn new(secret: &Secret<[u8; 32]>) -> Result<Self, EnvelopeError> {
        let key = crate::seal::derive(secret, "aeolus envelope", b"");
        let check = digest::hmac(secret.expose(), &[b"aeolus master key check"]);
        let check = *check.first_chunk().ok_or(EnvelopeError::Refused)?;
        let aead = Aead::new(&key).ok_or(EnvelopeError::Refused)?;
        Ok(Self { aead, check })
    }

    /// A new master key's 32 bytes.
    pub fn generate(rng: &dyn Rng) -> Secret<[u8; 32]> {
        let mut bytes = [0; 32];
        rng.fill(&mut bytes);
        let secret = Secret::new(bytes);
        bytes.zeroize();
        secret
    }

    /// Seals a private key for its record.
    pub fn seal(
        &self,
        id: KeyId,
        kind: Kind,
        plain: &[u8],
        rng: &dyn Rng,
    ) -> Result<Vec<u8>, EnvelopeError> {
        self.seal_as(&aad(id.as_bytes(), kind.name()), plain, rng)
    }

    /// Seals the secret of a person's second factor.
    pub fn seal_totp(
        &self,
        user: UserId,
        secret: &TotpSecret,
        rng: &dyn Rng,
    ) -> Result<Vec<u8>, EnvelopeError> {
        self.seal_as(&aad(user.as_bytes(), TOTP), secret.expose(), rng)
    }

    /// Opens a record's private key.
    pub fn open(
        &self,
        id: KeyId,
        kind: Kind,
        sealed: &[u8],
    ) -> Result<Secret<Vec<u8>>, EnvelopeError> {
        self.open_as(&aad(id.as_bytes(), kind.name()), sealed)
    }

    /// Opens the secret of a person's second factor.
    pub fn open_totp(&self, user: UserId, sealed: &[u8]) -> Result<TotpSecret, EnvelopeError> {
        let opened = self.open_as(&aad(user.as_bytes(), TOTP), sealed)?;
        TotpSecret::from_slice(opened.expose()).ok_or(EnvelopeError::Malformed)
    }

    /// Seals what an identity provider wants to see when a session ends.
    pub fn seal_hint(
        &self,
        session: SessionId,
        hint: &Secret<String>,
        rng: &dyn Rng,
    ) -> Result<Vec<u8>, EnvelopeError> {
        self.seal_as(
            &aad(session.as_bytes(), HINT),
            hint.expose().as_bytes(),
            rng,
        )
    }

    /// Opens it. `None` for what was not sealed for this session under this master key.
    pub fn open_hint(&self, session: SessionId, sealed: &[u8]) -> Option<Secret<String>> {
        let opened = self.open_as(&aad(session.as_bytes(), HINT), sealed).ok()?;
        let text = std::str::from_utf8(opened.expose()).ok()?;
        Some(Secret::new(text.to_owned()))
    }

    /// Seals what a browser carries for control, for one purpose: it can't be read, changed, or taken for
    /// something else. `None` if it would be too long for a cookie.
    pub fn seal_carried(&self, purpose: &str, plain: &[u8], rng: &dyn Rng) -> Option<String> {
        let sealed = self.seal_as(&aad(&NO_RECORD, purpose), plain, rng).ok()?;
        Some(base64url::encode(sealed)).filter(|text| text.len() <= MAX_CARRIED)
    }

    /// Opens what a browser carried for this purpose. `None` for everything that was not sealed for it here.
    pub fn open_carried(&self, purpose: &str, text: &[u8]) -> Option<Secret<Vec<u8>>> {
        if text.len() > MAX_CARRIED {
            return None;
        }
        let sealed = base64url::decode(text)?;
        self.open_as(&aad(&NO_RECORD, purpose), &sealed).ok()
    }

    fn seal_as(&self, aad: &[u8], plain: &[u8], rng: &dyn Rng) -> Result<Vec<u8>, EnvelopeError> {
        let [a, b, c, d] = self.check;
        let prefix = [VERSION, a, b, c, d];
        let sealed = self.aead.seal(&prefix, aad, plain, rng);
        sealed.ok_or(EnvelopeError::Refused)
    }

    fn open_as(&self, aad: &[u8], sealed: &[u8]) -> Result<Secret<Vec<u8>>, EnvelopeError> {
        let prefix: Option<&[u8; PREFIX]> = sealed.first_chunk();
        let Some([VERSION, check @ ..]) = prefix else {
            return Err(EnvelopeError::Malformed);
        };
        if *check != self.check {
            return Err(EnvelopeError::OtherMaster);
        }
        let opened = self.aead.open(PREFIX, aad, sealed.to_vec());
        opened.ok_or(EnvelopeError::Tampered)
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// The id has a fixed length, so the rest is the kind.
fn aad(id: &[u8; 16], kind: &str) -> Vec<u8> {
    [id.as_slice(), kind.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRng;

    #[test]
    fn a_second_factor_opens_for_its_person_and_as_nothing_else() {
        let master = MasterKey::new(&Secret::new([1; 32])).unwrap();
        let (ann, eve) = (UserId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
        let secret = TotpSecret::generate(&SystemRng);
        let sealed = master.seal_totp(ann, &secret, &SystemRng).unwrap();
        let opened = master.open_totp(ann, &sealed).unwrap();
        assert_eq!(opened.expose(), secret.expose());
        let moved = master.open_totp(eve, &sealed);
        assert_eq!(moved.unwrap_err(), EnvelopeError::Tampered);
        let key = KeyId::from_bytes([1; 16]);
        let as_key = master.open(key, Kind::Access, &sealed);
        assert_eq!(as_key.unwrap_err(), EnvelopeError::Tampered);
        let other = MasterKey::new(&Secret::new([2; 32])).unwrap();
        let other = other.open_totp(ann, &sealed);
        assert_eq!(other.unwrap_err(), EnvelopeError::OtherMaster);
    }

    #[test]
    fn a_sign_out_hint_opens_for_its_session_alone() {
        let master = MasterKey::new(&Secret::new([1; 32])).unwrap();
        let (one, two) = (
            SessionId::from_bytes([1; 16]),
            SessionId::from_bytes([2; 16]),
        );
        let hint = Secret::new("a.b.c".to_owned());
        let sealed = master.seal_hint(one, &hint, &SystemRng).unwrap();
        assert!(!sealed.windows(5).any(|part| part == b"a.b.c"));
        assert_eq!(master.open_hint(one, &sealed).unwrap().expose(), "a.b.c");
        assert!(master.open_hint(two, &sealed).is_none());
        let other = MasterKey::new(&Secret::new([2; 32])).unwrap();
        assert!(other.open_hint(one, &sealed).is_none());
    }

    #[test]
    fn o28_what_a_browser_carries_opens_for_its_purpose_alone() {
        let master = MasterKey::new(&Secret::new([1; 32])).unwrap();
        let text = master.seal_carried("a", b"attempt", &SystemRng).unwrap();
        let open = |purpose: &str, text: &str| master.open_carried(purpose, text.as_bytes());
        assert_eq!(open("a", &text).unwrap().expose(), b"attempt");
        assert!(open("b", &text).is_none() && open("a", "").is_none());
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(master.open_carried("a", &changed).is_none(), "{at}");
        }
        assert!(open("a", &text[..text.len() - 4]).is_none());
        let long = vec![0; MAX_CARRIED];
        assert!(master.seal_carried("a", &long, &SystemRng).is_none());
        let other = MasterKey::new(&Secret::new([2; 32])).unwrap();
        assert!(other.open_carried("a", text.as_bytes()).is_none());
    }
}
