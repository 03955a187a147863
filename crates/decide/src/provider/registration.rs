//! Signing people in at an identity provider by the plane's own client, while control is away: what a
//! gate knows of it, and the `id_token` that comes of it (OIDC Core §3.1.3.7, RFC 8725).

mod claims;

use std::time::Duration;

use aeolus_keys::jws;
use aeolus_keys::{ForeignKey, digest};
use aeolus_model::{ConnectionId, Host, HostPattern, IdentitySubject, Subject, Time, UserId};
use aeolus_snapshot::{Sections, section};

use self::claims::Claims;
use super::SubjectClaim;
use super::load::{boxed, keys};
use crate::Reason;
use crate::token::within;
use crate::world::{Deployment, World};

/// How far the provider's clock may differ.
const TOLERANCE: Duration = Duration::from_secs(60);
/// An `id_token` comes from the token endpoint at once: it was made a moment ago.
const YOUNG: Duration = Duration::from_secs(600);
/// The most that the life of a session is, whatever the snapshot says.
const MAX_LIFE: u64 = 31 * 86_400;

/// The plane's own client at a connection's provider.
#[derive(Debug)]
pub struct Registration {
    /// The connection.
    pub connection: ConnectionId,
    /// Its name.
    pub name: String,
    /// What people see in its place.
    pub display_name: String,
    /// The client's id.
    pub client_id: String,
    /// The provider's `iss`.
    pub issuer: String,
    /// Where browsers are sent.
    pub authorization_endpoint: String,
    /// Where codes are exchanged.
    pub token_endpoint: String,
    /// Until when a session is good without a renewal.
    pub access_life: Duration,
    /// How long a session lasts at most.
    pub absolute_life: Duration,
    /// How the client says there that it is the plane's.
    pub authentication: ClientAuthentication,
    identity_issuer: String,
    names_itself: bool,
    subject: SubjectClaim,
    second_factor_acr: Vec<Box<str>>,
    keys: Vec<ForeignKey>,
}

/// How a client authenticates at the token endpoint (OpenID Connect Core §9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// Not at all: a public client.
    None,
    /// By a JWT that it signs with a key of the plane (RFC 7523 §2.2).
    PrivateKeyJwt {
        /// The one value of `aud`.
        audience: String,
    },
}

/// Who signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The person.
    pub user: UserId,
    /// When they proved it to the provider.
    pub auth_time: Time,
    /// Whether it says that there was a second factor.
    pub second_factor: bool,
}

/// Why nobody is signed in by an `id_token`. For the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// Not a token of this shape, or without what it has to say.
    #[error("the id_token is malformed")]
    Malformed,
    /// Another kind of token.
    #[error("it is no id_token")]
    Kind,
    /// Of another issuer.
    #[error("the id_token is of another issuer")]
    Issuer,
    /// For another client.
    #[error("the id_token is for another client")]
    Audience,
    /// For another attempt.
    #[error("the id_token is for another sign-in: its nonce differs")]
    Nonce,
    /// Too old, or from the future.
    #[error("the id_token is not of this moment")]
    Time,
    /// Not by a key of the snapshot.
    #[error("the id_token is signed by a key that the snapshot does not hold")]
    Key,
    /// Not by the key it names.
    #[error("the id_token's signature is not valid")]
    Signature,
    /// Nobody is linked to its subject.
    #[error("nobody on this plane is linked to the id_token's subject")]
    Unknown,
    /// The person may not begin a session.
    #[error("the person may not sign in: {}", .0.code())]
    Refused(Reason),
}

/// What an `id_token` proves.
struct Proven {
    subject: IdentitySubject,
    auth_time: i64,
    second_factor: bool,
}

impl World {
    /// The host to which providers send people back; none where the plane signs nobody in.
    pub fn auth_host(&self) -> Option<&str> {
        let some = !self.providers.registrations.is_empty();
        some.then_some(&*self.providers.auth_host)
    }

    /// Where the plane may sign people in by itself.
    pub fn registrations(&self) -> &[Registration] {
        &self.providers.registrations
    }

    /// The one of a connection.
    pub fn registration(&self, connection: ConnectionId) -> Option<&Registration> {
        let mut all = self.providers.registrations.iter();
        all.find(|registration| registration.connection == connection)
    }

    /// Whether somebody is linked to a provider at all. Which one, a snapshot doesn't say.
    pub fn is_linked(&self, user: UserId) -> bool {
        self.people.is_linked(user)
    }

    /// Who signed in, by the `id_token` that answered a code of this registration and this nonce, at a
    /// deployment.
    pub fn signed_in(
        &self,
        registration: &Registration,
        (id_token, nonce): (&[u8], &str),
        deployment: &Deployment,
        now: Time,
    ) -> Result<SignedIn, IdTokenError> {
        let Proven {
            subject,
            auth_time,
            second_factor,
        } = registration.verify(id_token, nonce, now)?;
        let identity = aeolus_snapshot::identity(
            &self.providers.salt,
            registration.connection,
            &registration.identity_issuer,
            &subject,
        );
        let user = self.people.linked(&identity);
        let user = user.ok_or(IdTokenError::Unknown)?;
        self.may_begin(registration.connection, (user, auth_time), deployment)
            .map_err(IdTokenError::Refused)?;
        if deployment.second_factor && !second_factor {
            return Err(IdTokenError::Refused(Reason::SecondFactor));
        }
        Ok(SignedIn {
            user,
            auth_time: Time::from_secs(auth_time),
            second_factor,
        })
    }

    /// What is asked of every session on every use, before there is one.
    fn may_begin(
        &self,
        connection: ConnectionId,
        (user, auth_time): (UserId, i64),
        deployment: &Deployment,
    ) -> Result<(), Reason> {
        let subject = Subject::User(user);
        let revoked = self.revoked(deployment.organization);
        revoked
            .ok_or(Reason::RevocationsMissing)?
            .check_marks(subject, auth_time)?;
        if !self.connections.contains(&connection) {
            return Err(Reason::ConnectionGone);
        }
        self.person(subject).ok_or(Reason::SubjectUnknown)?;
        Ok(())
    }
}

impl Registration {
    /// What is asked for beyond the identity: Entra puts `oid` into an `id_token` only with `profile`.
    pub const fn scope(&self) -> &'static str {
        match self.subject {
            SubjectClaim::TidOid => "openid profile",
            SubjectClaim::Sub | SubjectClaim::Uid => "openid",
        }
    }

    /// Whether an answer to a browser is the provider's own (RFC 9207 §2.4).
    pub fn is_from(&self, iss: Option<&str>) -> bool {
        iss.map_or(!self.names_itself, |iss| iss == self.issuer)
    }

    /// The discovery's issuer, as the operator wrote it: what may be reached like that, may be reached.
    pub fn configured(&self) -> &str {
        &self.identity_issuer
    }

    /// What costs nothing comes first, the signature last.
    fn verify(&self, id_token: &[u8], nonce: &str, now: Time) -> Result<Proven, IdTokenError> {
        let unverified = jws::parse_foreign(id_token).map_err(|_| IdTokenError::Malformed)?;
        let claims: Claims = unverified
            .unverified_claims()
            .map_err(|_| IdTokenError::Malformed)?;
        if claims.is_other() {
            return Err(IdTokenError::Kind);
        }
        if claims.iss != self.issuer {
            return Err(IdTokenError::Issuer);
        }
        let own = |azp: &String| *azp == self.client_id;
        let party = match &claims.azp {
            Some(azp) => own(azp),
            None => claims.aud.len() == 1,
        };
        if !claims.aud.has(&self.client_id) || !party {
            return Err(IdTokenError::Audience);
        }
        let same = |found: &String| digest::eq(found.as_bytes(), nonce.as_bytes());
        if !claims.nonce.as_ref().is_some_and(same) {
            return Err(IdTokenError::Nonce);
        }
        let not_before = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
        within(not_before, claims.exp, TOLERANCE, now).map_err(|_| IdTokenError::Time)?;
        if Time::from_secs(claims.iat).plus(YOUNG).plus(TOLERANCE) < now {
            return Err(IdTokenError::Time);
        }
        let subject = claims
            .subject(self.subject)
            .ok_or(IdTokenError::Malformed)?;
        let key = unverified.select(&self.keys);
        let key = key.map_err(|_| IdTokenError::Key)?;
        if key.alg() != unverified.alg() {
            return Err(IdTokenError::Key);
        }
        unverified
            .verify(key)
            .map_err(|_| IdTokenError::Signature)?;
        let proved = claims.auth_time.map_or(claims.iat, |at| at.min(claims.iat));
        Ok(Proven {
            subject,
            auth_time: proved.min(now.secs()),
            second_factor: claims.is_second_factor(&self.second_factor_acr),
        })
    }
}

/// The auth host and the registrations. What can't be understood is left out: nobody signs in there.
pub(super) fn load(sections: &Sections) -> (Box<str>, Vec<Registration>) {
    let Ok(auth_host) = Host::parse(&sections.connections.auth_host) else {
        return Default::default();
    };
    if is_served(&auth_host, sections) {
        return Default::default();
    }
    let ours = &sections.keys.issuer;
    let records = sections.connections.connections.iter();
    let mut found: Vec<Registration> = records
        .filter_map(|record| registration(record, record.plane_registration.as_ref()?))
        .filter(|registration| registration.issuer != *ours)
        .collect();
    // All share one redirect. A provider that doesn't name itself in its answers can't be told from
    // another one that relays them (RFC 9700 §4.4).
    if found.len() > 1 {
        found.retain(|registration| registration.names_itself);
    }
    (auth_host.as_str().into(), found)
}

/// Whether a deployment answers at a host: then it is no auth host.
fn is_served(host: &Host, sections: &Sections) -> bool {
    let mut routes = sections
        .deployments
        .deployments
        .iter()
        .flat_map(|deployment| &deployment.routes);
    routes.any(|route| HostPattern::parse(&route.host).is_ok_and(|pattern| pattern.covers(host)))
}

fn registration(
    record: &section::Connection,
    from: &section::PlaneRegistration,
) -> Option<Registration> {
    let subject = match from.subject.as_str() {
        "sub" => SubjectClaim::Sub,
        "tid+oid" => SubjectClaim::TidOid,
        _ => return None,
    };
    let named = [
        &from.client_id,
        &from.issuer,
        &from.identity_issuer,
        &from.authorization_endpoint,
        &from.token_endpoint,
    ];
    if named.into_iter().any(String::is_empty) {
        return None;
    }
    let life = |seconds: u64| Duration::from_secs(seconds.min(MAX_LIFE));
    Some(Registration {
        connection: ConnectionId::from_slice(&record.id).ok()?,
        name: record.name.clone(),
        display_name: match from.display_name.as_str() {
            "" => record.name.clone(),
            shown => shown.to_owned(),
        },
        client_id: from.client_id.clone(),
        issuer: from.issuer.clone(),
        authorization_endpoint: from.authorization_endpoint.clone(),
        token_endpoint: from.token_endpoint.clone(),
        access_life: life(from.access_life),
        absolute_life: life(from.absolute_life),
        authentication: authentication(from)?,
        identity_issuer: from.identity_issuer.clone(),
        names_itself: from.names_itself,
        subject,
        second_factor_acr: boxed(&from.second_factor_acr),
        keys: keys(&from.keys),
    })
}

fn authentication(from: &section::PlaneRegistration) -> Option<ClientAuthentication> {
    match from.token_endpoint_auth_method.as_str() {
        "" | "none" => Some(ClientAuthentication::None),
        "private_key_jwt" if !from.assertion_audience.is_empty() => {
            let audience = from.assertion_audience.clone();
            Some(ClientAuthentication::PrivateKeyJwt { audience })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
