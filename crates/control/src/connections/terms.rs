//! What planes are told of providers whose tokens count, or that they sign people in at.

use std::collections::BTreeMap;

use aeolus_api::fleet::TokenEndpointAuthMethod;
use aeolus_decide::LogoutTerms;
use aeolus_keys::digest;
use aeolus_keys::{Jwk, PublicKey};
use aeolus_model::{ConnectionId, Secret, Time, UserId};
use aeolus_oidc::Kind;
use aeolus_snapshot::section;
use aeolus_store::{Connection, Identity, Plane, ProviderEndpoints, ProviderKeys};

use super::Settings;
use super::age::Age;
use crate::config::SessionLife;

const LABEL: &[u8] = b"aeolus identities";

/// What the planes' salts are made from; follows from the master key.
pub(crate) fn salt_from(master: &Secret<[u8; 32]>) -> Secret<[u8; 32]> {
    Secret::new(digest::hmac(master.expose(), &[LABEL]))
}

/// A provider that is believed: it was heard lately, and where the connection points to now.
pub(super) struct Believed<'a> {
    settings: Settings,
    held: &'a ProviderKeys,
    /// The issuer that people are linked under.
    issuer: String,
}

impl<'a> Believed<'a> {
    /// None of a provider whose last word is too old, or from before the connection was another.
    pub(super) fn of(connection: &Connection, held: &'a [ProviderKeys], now: Time) -> Option<Self> {
        let settings = Settings::of(connection).filter(|settings| !settings.absent)?;
        let held = held.iter().find(|held| held.connection == connection.id)?;
        let issuer = settings.identity_issuer(&connection.kind)?;
        let fresh = !held.keys.is_empty() && Age::of(held, now) != Age::Over;
        let same = held.issuer.trim_end_matches('/') == issuer;
        (fresh && same).then_some(Self {
            settings,
            held,
            issuer,
        })
    }

    /// Where people and codes go to there, if it says so.
    pub(super) const fn endpoints(&self) -> Option<&'a ProviderEndpoints> {
        self.held.endpoints.as_ref()
    }
}

/// Under which terms a connection's provider says that somebody signed out, and the issuer that people
/// are linked under. None where its `sub` is not what they are linked by, or it isn't believed.
pub(crate) fn logout_terms(
    connection: &Connection,
    held: &[ProviderKeys],
    now: Time,
) -> Option<(String, LogoutTerms)> {
    let by_sub = id_token_claim(&connection.kind) == "sub";
    let believed = Believed::of(connection, held, now).filter(|_| by_sub)?;
    let Believed {
        settings,
        held,
        issuer,
    } = believed;
    let keys = provider_keys(held, |_| true);
    let terms = LogoutTerms::new(&held.issuer, settings.client_ids(), &keys);
    Some((issuer, terms))
}

/// The connections that planes need people's identities for, and what is known of their providers.
pub(crate) struct Providers {
    known: BTreeMap<ConnectionId, Known>,
    salt: [u8; 32],
}

/// What a plane is told of one provider; at least one of the two.
struct Known {
    issuer: String,
    tokens: Option<section::SessionTokens>,
    registration: Option<section::PlaneRegistration>,
}

impl Providers {
    /// For one plane. Of a provider that was last heard too long ago nothing counts.
    pub(crate) fn of(
        connections: &[Connection],
        held: &[ProviderKeys],
        (salt, plane): (&Secret<[u8; 32]>, &Plane),
        (life, now): (SessionLife, Time),
    ) -> Self {
        let known = connections.iter().filter_map(|connection| {
            let Believed {
                settings,
                held,
                issuer,
            } = Believed::of(connection, held, now)?;
            let known = Known {
                tokens: terms(&connection.kind, &settings, held),
                registration: registration(&connection.kind, &settings, held, (plane, life)),
                issuer,
            };
            (known.tokens.is_some() || known.registration.is_some())
                .then_some((connection.id, known))
        });
        Self {
            known: known.collect(),
            salt: digest::hmac(salt.expose(), &[plane.id.as_bytes()]),
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
        self.known.get(&connection)?.tokens.clone()
    }

    /// How the plane signs people in at a connection's provider, if it may.
    pub(crate) fn registration(
        &self,
        connection: ConnectionId,
    ) -> Option<section::PlaneRegistration> {
        self.known.get(&connection)?.registration.clone()
    }

    /// Whether the plane signs people in at all.
    pub(crate) fn sign_in(&self) -> bool {
        self.known
            .values()
            .any(|known| known.registration.is_some())
    }

    /// Everybody's identities as they travel. One of an issuer that a connection no longer points to
    /// stays here.
    pub(crate) fn identities(&self, all: &[Identity]) -> BTreeMap<UserId, Vec<Vec<u8>>> {
        let mut found: BTreeMap<UserId, Vec<Vec<u8>>> = BTreeMap::new();
        for identity in all {
            let known = self.known.get(&identity.connection);
            if known.is_none_or(|known| known.issuer != identity.issuer) {
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

fn terms(kind: &str, settings: &Settings, held: &ProviderKeys) -> Option<section::SessionTokens> {
    let tokens = settings.session_tokens.as_ref()?;
    let identity_issuer = settings.identity_issuer(kind)?;
    let algorithms: Vec<&str> = tokens.algorithms().iter().map(|alg| alg.name()).collect();
    let fits = |jwk: &str| {
        let key = Jwk::parse(jwk.as_bytes()).and_then(|jwk| PublicKey::from_jwk(&jwk));
        key.is_ok_and(|key| algorithms.contains(&key.alg().name()))
    };
    Some(section::SessionTokens {
        issuer: tokens.issuer.clone().unwrap_or_else(|| held.issuer.clone()),
        audience: tokens.audience.clone(),
        identity_issuer,
        client_ids: settings.client_ids(),
        clock_tolerance: tokens.clock_tolerance().as_secs(),
        max_life: tokens.max_life().as_secs(),
        subject: subject_claim(kind).to_owned(),
        typed_only: tokens.typ.is_some(),
        keys: provider_keys(held, fits),
        second_factor_acr: settings.second_factor_acr.clone(),
        algorithms: algorithms.into_iter().map(str::to_owned).collect(),
    })
}

fn registration(
    kind: &str,
    settings: &Settings,
    held: &ProviderKeys,
    (plane, life): (&Plane, SessionLife),
) -> Option<section::PlaneRegistration> {
    plane.auth_host.as_ref()?;
    let registration = settings.registration(&plane.name)?;
    let method = registration.token_endpoint_auth_method;
    let endpoints = held.endpoints.as_ref()?;
    Some(section::PlaneRegistration {
        client_id: registration.client_id.clone(),
        issuer: held.issuer.clone(),
        identity_issuer: settings.identity_issuer(kind)?,
        authorization_endpoint: endpoints.authorization.clone(),
        token_endpoint: endpoints.token.clone(),
        names_itself: endpoints.names_itself,
        subject: id_token_claim(kind).to_owned(),
        keys: provider_keys(held, |_| true),
        access_life: life.access.as_secs(),
        absolute_life: life.absolute.as_secs(),
        token_endpoint_auth_method: method.name().to_owned(),
        assertion_audience: match method {
            TokenEndpointAuthMethod::None => String::new(),
            TokenEndpointAuthMethod::PrivateKeyJwt => audience(kind, held, &endpoints.token),
        },
        second_factor_acr: settings.second_factor_acr.clone(),
        display_name: display_name(kind, settings),
    })
}

/// What people see of a connection, as on control's own page.
fn display_name(kind: &str, settings: &Settings) -> String {
    let written = settings.sign_in.display_name.clone();
    let usual = || Kind::parse(kind).map(|kind| kind.profile().display_name.to_owned());
    written.or_else(usual).unwrap_or_default()
}

/// To whom a plane's client says who it is. The standards settle on the issuer (FAPI 2.0 §5.3.2.1, the
/// revision of RFC 7523); Okta takes the URL that is asked and nothing else.
fn audience(kind: &str, held: &ProviderKeys, token_endpoint: &str) -> String {
    match kind {
        "okta" => token_endpoint.to_owned(),
        _ => held.issuer.clone(),
    }
}

fn provider_keys(held: &ProviderKeys, fits: impl Fn(&str) -> bool) -> Vec<section::ProviderKey> {
    let keys = held.keys.iter().filter(|key| fits(&key.jwk));
    keys.map(|key| section::ProviderKey {
        kid: key.kid.clone(),
        jwk: key.jwk.clone(),
    })
    .collect()
}

/// The same in what is signed for a client. Okta's `sub` is the user's id there: what `uid` is in its
/// access tokens.
fn id_token_claim(kind: &str) -> &'static str {
    match subject_claim(kind) {
        "uid" => "sub",
        claim => claim,
    }
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
