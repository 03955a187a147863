//! `aeolus token verify --status-list`: what a public status list says of a token, offline.

use aeolus_keys::jws;
use aeolus_keys::status_list::{Place, Status, StatusList};
use aeolus_keys::{JwkSet, KeyRing, Kid, Kind, PublicKey};
use aeolus_model::{OrganizationId, Time};
use serde::Deserialize;
use serde_json::Value;

/// What a token says of its place. Values that were made before there were public lists name none: theirs
/// follows from the issuer, the organization and their index.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    idx: Option<u32>,
    status: Option<Status>,
}

impl Claims {
    fn place(self) -> Option<Place> {
        if let Some(status) = self.status {
            return Some(status.status_list);
        }
        let organization = ["urn:aeolus:org:", "urn:aeolus:direct:"];
        let mut organization = organization.iter().filter_map(|p| self.aud.strip_prefix(p));
        let organization: OrganizationId = organization.next()?.parse().ok()?;
        Some(Place::of(&self.iss, organization, self.idx?))
    }
}

/// Refuses a token of which the list says that it is no longer good, or says nothing. `signer`: who signed the
/// token; a key that signs tokens signs no lists.
pub(super) fn check(
    claims: &Value,
    signer: &PublicKey,
    (list, keys): (&[u8], &JwkSet),
    now: Time,
) -> Result<(), String> {
    let claims = Claims::deserialize(claims).map_err(|_| nowhere())?;
    let place = claims.place().ok_or_else(nowhere)?;
    let named = jws::parse_document(list).map_err(refused)?.kid();
    if named == signer.kid() {
        return Err("the key that signed the status list signs tokens".to_owned());
    }
    let mut ring = KeyRing::default();
    if let Some(key) = published(keys, named) {
        ring.insert(Kind::StatusList, key).map_err(refused)?;
    }
    let list = StatusList::verify(list, &ring, &place.uri, now).map_err(|e| e.to_string())?;
    let revoked = list.is_revoked(place.idx);
    if revoked.map_err(|error| error.to_string())? {
        return Err("its issuer has revoked it".to_owned());
    }
    Ok(())
}

fn published(keys: &JwkSet, named: Kid) -> Option<PublicKey> {
    let mut keys = keys.iter().filter_map(|jwk| PublicKey::from_jwk(jwk).ok());
    keys.find(|key| key.kid() == named)
}

fn nowhere() -> String {
    "it does not say in which status list it is".to_owned()
}

fn refused(error: impl std::fmt::Display) -> String {
    format!("the status list is refused: {error}")
}

#[cfg(test)]
mod tests {
    use aeolus_keys::SigningKey;
    use aeolus_keys::status_list::{self, TTL, pack};
    use aeolus_model::Secret;
    use serde_json::json;

    use super::*;

    const ISS: &str = "https://control.example.com";
    const ORGANIZATION: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    const NOW: Time = Time::from_secs(1_800_000_000);

    const DIRECT: u8 = 1;
    const STATUS: u8 = 2;
    const STRANGER: u8 = 3;

    fn key(seed: u8) -> SigningKey {
        SigningKey::ed25519_from_seed(&Secret::new([seed; 32])).unwrap()
    }

    /// A list in which the first value is revoked.
    fn list(key: &SigningKey) -> String {
        let claims = status_list::Claims {
            iss: ISS.to_owned(),
            sub: status_list::uri(ISS, ORGANIZATION.parse().unwrap(), 0),
            iat: NOW.secs(),
            exp: NOW.secs() + 60,
            ttl: TTL,
            status_list: pack(&[1, 0]).into(),
        };
        key.sign(Kind::StatusList, &claims).unwrap()
    }

    fn checked(claims: &Value, signed_by: u8) -> Result<(), String> {
        let keys = [key(DIRECT), key(STATUS)];
        let keys = JwkSet::of(keys.iter().map(SigningKey::public));
        let list = list(&key(signed_by));
        let direct = key(DIRECT);
        check(claims, direct.public(), (list.as_bytes(), &keys), NOW)
    }

    fn claims(idx: u32) -> Value {
        json!({"iss": ISS, "aud": format!("urn:aeolus:direct:{ORGANIZATION}"), "idx": idx})
    }

    #[test]
    fn a_revoked_token_is_refused_and_another_is_not() {
        assert!(checked(&claims(0), STATUS).unwrap_err().contains("revoked"));
        assert_eq!(checked(&claims(1), STATUS), Ok(()));
        let named = json!({"idx": 0, "uri": format!("{ISS}/v1/status-lists/{ORGANIZATION}/0")});
        let mut said = claims(1);
        said["status"] = json!({"status_list": named});
        assert!(checked(&said, STATUS).is_err(), "the claim goes first");
    }

    #[test]
    fn t46_what_no_list_speaks_of_is_refused() {
        assert!(checked(&claims(16), STATUS).is_err());
        assert!(checked(&claims(1 << 20), STATUS).is_err(), "another list");
        let other = json!({"iss": "https://other.example.com", "aud": "x", "idx": 1});
        assert_eq!(checked(&other, STATUS), Err(nowhere()));
    }

    #[test]
    fn t46_a_list_by_the_tokens_own_key_or_by_a_stranger_is_refused() {
        assert!(
            checked(&claims(1), DIRECT)
                .unwrap_err()
                .contains("signs tokens")
        );
        assert!(checked(&claims(1), STRANGER).is_err());
    }
}
