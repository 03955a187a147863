//! The key of digests: made once for an installation, and kept beside the sources.

use aeolus_model::Rng;

use super::MANAGER;
use crate::client::Client;
use crate::error::{KubeError, Told};
use crate::object::{Meta, Place, SecretObject};
use crate::sync::DigestKey;

/// The Secret that has it.
const NAME: &str = "aeolus-sync-digest";
/// Its key in there.
const KEY: &str = "key";

/// Reads the key that lies in the syncer's namespace, or makes one. Whoever else makes one meanwhile was first: theirs counts.
pub async fn digest_key(
    client: &Client,
    namespace: &str,
    rng: &dyn Rng,
) -> Result<DigestKey, KubeError> {
    if let Some(found) = stored_digest_key(client, namespace).await? {
        return Ok(found);
    }
    let place = Place::new(namespace, NAME);
    let key = DigestKey::generate(rng);
    let secret = SecretObject {
        meta: Meta {
            place: place.clone(),
            ..Meta::default()
        },
        kind: "Opaque".to_owned(),
        data: [(KEY.to_owned(), key.bytes().clone())].into(),
        is_immutable: true,
    };
    match client.create_secret(&secret, MANAGER).await {
        Ok(_) => Ok(key),
        Err(KubeError::Exists(told)) => {
            let found = client.secret(&place).await?;
            read(&found.ok_or(KubeError::Exists(told))?)
        }
        Err(error) => Err(error),
    }
}

/// The key that lies there, if one does.
pub async fn stored_digest_key(
    client: &Client,
    namespace: &str,
) -> Result<Option<DigestKey>, KubeError> {
    let found = client.secret(&Place::new(namespace, NAME)).await?;
    found.as_ref().map(read).transpose()
}

fn read(found: &SecretObject) -> Result<DigestKey, KubeError> {
    let bytes = found.data.get(KEY).map(|value| value.expose().clone());
    let key = bytes.and_then(DigestKey::new);
    key.ok_or_else(|| {
        let what = format!(
            "{} has no key of {} bytes: delete it, and another one is made",
            found.meta.place,
            DigestKey::LENGTH
        );
        KubeError::Invalid(Told::new("Invalid", &what))
    })
}
