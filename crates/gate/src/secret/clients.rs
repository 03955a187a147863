//! The keys by which the plane's clients say at identity providers who they are (`private_key_jwt`).
//!
//! One for each connection and generation, so that an assertion that one provider got is worth nothing at
//! another, whatever it calls itself. They follow from the plane secret: replicas agree, nothing is
//! stored, control never holds them.

use std::sync::Arc;

use aeolus_keys::claims::ClientAssertion;
use aeolus_keys::seal::{Generation, Keyring};
use aeolus_keys::{JwkSet, KeyError, Kind, SigningKey};
use aeolus_model::{ConnectionId, PlaneId, Secret, Time};
use quick_cache::sync::Cache;

use crate::exchange::is_published;

/// What the key is derived for; it separates it from everything else made from the plane's secret.
const LABEL: &str = "provider-client";

/// Far more connections than a plane has; a key that falls out is derived again.
const CAPACITY: usize = 1_024;

/// The clients' keys at one moment, derived when first needed.
pub struct ClientKeys {
    plane: PlaneId,
    active: Generation,
    published: Vec<Generation>,
    derived: Cache<(u32, ConnectionId), Arc<SigningKey>>,
}

impl ClientKeys {
    /// Those of a plane's generations.
    pub fn new(plane: PlaneId, keyring: &Keyring, now: Time) -> Self {
        let published = keyring.at(now);
        let published = published.filter(|(_, state)| is_published(*state, now));
        Self {
            plane,
            active: keyring.active(now).clone(),
            published: published
                .map(|(generation, _)| generation.clone())
                .collect(),
            derived: Cache::new(CAPACITY),
        }
    }

    /// Signs for the client at a connection's provider.
    pub(crate) fn sign(
        &self,
        connection: ConnectionId,
        claims: &ClientAssertion,
    ) -> Result<Secret<String>, KeyError> {
        let key = self.of(&self.active, connection)?;
        key.sign(Kind::ClientAssertion, claims).map(Secret::new)
    }

    /// What that provider verifies it with: the public keys of all generations that may sign or have
    /// signed, and of the one that is announced.
    pub fn jwks(&self, connection: ConnectionId) -> Result<JwkSet, KeyError> {
        let keys = self.published.iter();
        let keys = keys.map(|generation| self.of(generation, connection));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        Ok(JwkSet::of(keys.iter().map(|key| key.public())))
    }

    fn of(
        &self,
        generation: &Generation,
        connection: ConnectionId,
    ) -> Result<Arc<SigningKey>, KeyError> {
        self.derived
            .get_or_insert_with(&(generation.id, connection), || {
                let at = [self.plane.as_bytes().as_slice(), connection.as_bytes()];
                let key = generation.derive_p256(LABEL, &at.concat());
                key.map(Arc::new)
            })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aeolus_keys::jws;
    use aeolus_testkit::SeededRng;
    use proptest::prelude::*;

    use super::*;

    const NOW: Time = Time::from_secs(1_800_000_000);
    const HOUR: Duration = Duration::from_hours(1);
    const PLANE: PlaneId = PlaneId::from_bytes([9; 16]);
    const IDP: ConnectionId = ConnectionId::from_bytes([12; 16]);

    fn keyring() -> Keyring {
        Keyring::generate(&SeededRng::new("plane"))
    }

    fn rotated(begins: Time) -> Keyring {
        let mut next = keyring();
        let rng = SeededRng::new("next");
        next.announce((NOW, begins), None, &rng).unwrap();
        next
    }

    fn assertion(keys: &ClientKeys, connection: ConnectionId) -> String {
        let claims = ClientAssertion::new("client", "https://idp.test", NOW, "n".to_owned());
        keys.sign(connection, &claims).unwrap().expose().clone()
    }

    fn verifies(assertion: &str, jwks: &JwkSet) -> bool {
        let keys = jwks.own_keys().unwrap();
        keys.iter().any(|key| {
            let unverified = jws::parse(assertion.as_bytes()).unwrap();
            unverified.verify(Kind::ClientAssertion, key).is_ok()
        })
    }

    #[test]
    fn replicas_agree_and_every_plane_connection_and_secret_has_a_key_of_its_own() {
        let shown = |plane, keyring: &Keyring, connection| {
            let keys = ClientKeys::new(plane, keyring, NOW);
            keys.jwks(connection).unwrap().to_json()
        };
        let kept = keyring().to_json().unwrap();
        let replica = Keyring::from_json(kept.expose().as_bytes()).unwrap();
        let one = shown(PLANE, &keyring(), IDP);
        assert_eq!(one, shown(PLANE, &replica, IDP));
        let other = ConnectionId::from_bytes([13; 16]);
        assert_ne!(one, shown(PLANE, &keyring(), other));
        assert_ne!(one, shown(PlaneId::from_bytes([8; 16]), &keyring(), IDP));
        let stranger = Keyring::generate(&SeededRng::new("stranger"));
        assert_ne!(one, shown(PLANE, &stranger, IDP));
        for private in ["\"d\"", "\"k\"", "oct"] {
            assert!(!one.contains(private), "{one}");
        }
    }

    #[test]
    fn o16_what_one_provider_got_does_not_verify_at_another() {
        let keys = ClientKeys::new(PLANE, &keyring(), NOW);
        let other = ConnectionId::from_bytes([13; 16]);
        let signed = assertion(&keys, IDP);
        assert!(verifies(&signed, &keys.jwks(IDP).unwrap()));
        assert!(!verifies(&signed, &keys.jwks(other).unwrap()));
        assert!(!verifies(
            &assertion(&keys, other),
            &keys.jwks(IDP).unwrap()
        ));
    }

    #[test]
    fn a_secret_that_was_replaced_signs_and_shows_nothing() {
        let old = ClientKeys::new(PLANE, &keyring(), NOW);
        let mut keyring = keyring();
        keyring.replace(2, None, &SeededRng::new("new")).unwrap();
        let new = ClientKeys::new(PLANE, &keyring, NOW);
        assert!(!verifies(&assertion(&old, IDP), &new.jwks(IDP).unwrap()));
        assert_eq!(new.jwks(IDP).unwrap().iter().count(), 1);
    }

    proptest! {
        /// A provider that looked at the keys at any moment since the announcement verifies what any
        /// replica signs until a day after, also one that got the file late.
        #[test]
        fn f31_a_rotation_locks_no_client_out(looked in 0_u64..86_400, signed in 0_u64..86_400, late: bool) {
            let next = rotated(NOW.plus(HOUR * 2));
            let looked = NOW.plus(Duration::from_secs(looked));
            let signed = NOW.plus(Duration::from_secs(signed));
            let shown = ClientKeys::new(PLANE, &next, looked).jwks(IDP).unwrap();
            prop_assert_eq!(shown.iter().count(), 2);
            let file = if late { keyring() } else { next };
            let signer = ClientKeys::new(PLANE, &file, signed);
            prop_assert!(verifies(&assertion(&signer, IDP), &shown));
        }
    }
}
