//! Secrets of credentials: 256 random bits, of which the database keeps a digest.

use aeolus_api::scim::SCIM_SECRET_PREFIX;
use aeolus_keys::digest::{self, SecretDigest};
use aeolus_model::{Rng, ScimCredentialId, Secret};
use aeolus_store::{Digest, ScimCredentialKind};

/// A secret as it is shown once.
pub(super) struct Made {
    /// The secret itself.
    pub(super) secret: Secret<String>,
    /// What is kept of both.
    pub(super) digest: Digest,
}

impl Made {
    /// A new one for a credential.
    pub(super) fn new(id: ScimCredentialId, kind: ScimCredentialKind, rng: &dyn Rng) -> Self {
        let random = digest::random_token(rng, 32);
        let secret = Secret::new(format!("{SCIM_SECRET_PREFIX}{}", random.expose()));
        let digest = match kind {
            ScimCredentialKind::Bearer => of_text(secret.expose()),
            // Basic's user, and the client's id, is the credential's id.
            _ => of_pair(&id.to_string(), secret.expose()),
        };
        Self { secret, digest }
    }
}

/// Of a text as it comes in a header: a token, or `user:password`.
pub(super) fn of_text(text: &str) -> Digest {
    *SecretDigest::new("scim credential", text.as_bytes()).as_bytes()
}

/// Of a user and a password, or of a client's id and secret.
pub(super) fn of_pair(user: &str, secret: &str) -> Digest {
    of_text(&format!("{user}:{secret}"))
}
