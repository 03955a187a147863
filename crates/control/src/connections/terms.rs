//! What planes are told of providers whose tokens count.

use std::collections::BTreeMap;

use aeolus_keys::digest;
use aeolus_keys::{Jwk, PublicKey};
use aeolus_model::{ConnectionId, PlaneId, Secret, Time, UserId};
use aeolus_snapshot::section;
use aeolus_store::{Connection, Identity, ProviderKeys};

use super::Settings;
use super::age::Age;

const LABEL: &[u8] = b"aeolus identities";

/// What the planes' salts are made from; follows from the master key.
pub(crate) fn salt_from(master: &Secret<[u8; 32]>) -> Secret<[u8; 32]> {
    Secret::new(digest::hmac(master.expose(), &[LABEL]))
}

/// The connections whose tokens count, and what is known of their providers.
pub(crate) struct Providers {
    known: BTreeMap<ConnectionId, (String, section::SessionTokens)>,
    salt: [u8; 32],
}

impl Providers {
    /// For one plane. Of a provider that was last heard too long ago nothing counts.
    pub(crate) fn of(
        connections: &[Connection],
        held: &[ProviderKeys],
        (salt, plane): (&Secret<[u8; 32]>, PlaneId),
        now: Time,
    ) -> Self {
        let known = connections.iter().filter_map(|connection| {
            let settings = Settings::of(connection)?;
            let held = held.iter().find(|held| held.connection == connection.id)?;
            if held.keys.is_empty() || Age::of(held, now) == Age::Over {
                return None;
            }
            let issuer = settings.identity_issuer()?.to_owned();
            let terms = terms(&connection.kind, &settings, held)?;
            Some((connection.id, (issuer, terms)))
        });
        Self {
            known: known.collect(),
            salt: digest::hmac(salt.expose(), &[plane.as_bytes()]),
        }
    }

    /// The plane's salt; empty where nobody needs it.
    pub(crate) fn salt(&self) -> Vec<u8> {
        if self.known.is_empty() {
            return Vec::new();
        }
        self.salt.to_vec()
    }

    /// Under which terms a connection's tokens count, if they do.
    pub(crate) fn terms(&self, connection: ConnectionId) -> Option<section::SessionTokens> {
        self.known.get(&connection).map(|(_, terms)| terms.clone())
    }

    /// Everybody's identities as they travel. One of an issuer that a connection no longer points to
    /// stays here.
    pub(crate) fn identities(&self, all: &[Identity]) -> BTreeMap<UserId, Vec<Vec<u8>>> {
        let mut found: BTreeMap<UserId, Vec<Vec<u8>>> = BTreeMap::new();
        for identity in all {
            let known = self.known.get(&identity.connection);
            if known.is_none_or(|(issuer, _)| *issuer != identity.issuer) {
                continue;
            }
            let hidden = aeolus_snapshot::identity(
                &self.salt,
                identity.connection,
                &identity.issuer,
                &identity.subject,
            );
            found
                .entry(identity.user)
                .or_default()
                .push(hidden.to_vec());
        }
        found
    }
}

/// None while the provider hasn't been asked since the connection points to it.
fn terms(kind: &str, settings: &Settings, held: &ProviderKeys) -> Option<section::SessionTokens> {
    let tokens = settings.session_tokens.as_ref()?;
    let identity_issuer = settings.identity_issuer()?;
    if held.issuer.trim_end_matches('/') != identity_issuer {
        return None;
    }
    let algorithms: Vec<&str> = tokens.algorithms().iter().map(|alg| alg.name()).collect();
    let fits = |jwk: &str| {
        let key = Jwk::parse(jwk.as_bytes()).and_then(|jwk| PublicKey::from_jwk(&jwk));
        key.is_ok_and(|key| algorithms.contains(&key.alg().name()))
    };
    let keys = held.keys.iter().filter(|key| fits(&key.jwk));
    Some(section::SessionTokens {
        issuer: tokens.issuer.clone().unwrap_or_else(|| held.issuer.clone()),
        audience: tokens.audience.clone(),
        identity_issuer: identity_issuer.to_owned(),
        client_ids: settings.client_id.iter().cloned().collect(),
        clock_tolerance: tokens.clock_tolerance().as_secs(),
        max_life: tokens.max_life().as_secs(),
        subject: subject_claim(kind).to_owned(),
        typed_only: tokens.typ.is_some(),
        keys: keys
            .map(|key| section::ProviderKey {
                kid: key.kid.clone(),
                jwk: key.jwk.clone(),
            })
            .collect(),
        algorithms: algorithms.into_iter().map(str::to_owned).collect(),
    })
}

/// What names a person for good: Entra's `sub` differs from application to application, and Okta's in
/// access tokens is the login name, which can pass to somebody else.
fn subject_claim(kind: &str) -> &'static str {
    match kind {
        "microsoft" => "tid+oid",
        "okta" => "uid",
        _ => "sub",
    }
}
