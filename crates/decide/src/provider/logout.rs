//! Logout tokens: a provider says that somebody signed out there (OpenID Connect Back-Channel Logout
//! 1.0 §2.4 to §2.6).

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use aeolus_keys::ForeignKey;
use aeolus_keys::jws::{self, Aud, date, maybe_date};
use aeolus_model::{IdentitySubject, Time};
use aeolus_snapshot::section::ProviderKey;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::load::keys;
use crate::token::within;

/// How far the provider's clock may differ.
const TOLERANCE: Duration = Duration::from_secs(60);
/// A provider tells at once; what was kept longer is told again by somebody else.
const YOUNG: Duration = Duration::from_secs(600);
/// Longest `jti`.
const MAX_ID: usize = 256;

/// Who signed out, by a token that is to be heard once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedOut {
    /// Whom the provider names.
    pub subject: IdentitySubject,
    /// What the token is told from others by.
    pub id: String,
}

/// What one connection's logout tokens have to be.
#[derive(Debug)]
pub struct LogoutTerms {
    issuer: String,
    client_ids: Vec<String>,
    keys: Vec<ForeignKey>,
}

/// Why a logout token ends nothing. The texts are for the provider's operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoutError {
    /// Not a token of this shape, or without what it has to say.
    Malformed,
    /// Another kind of token.
    Kind,
    /// Of another issuer.
    Issuer,
    /// For another client.
    Audience,
    /// Too old, or from the future.
    Time,
    /// It names a session of the provider, and nobody.
    NoSubject,
    /// Not by a key that is known.
    Key,
    /// Not by the key it names.
    Signature,
}

impl LogoutError {
    /// What happened.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Malformed => "the logout_token is malformed",
            Self::Kind => "it is no logout_token",
            Self::Issuer => "the logout_token is of another issuer",
            Self::Audience => "the logout_token is for another client",
            Self::Time => "the logout_token is not of this moment",
            Self::NoSubject => {
                "the logout_token names no subject: sessions are not kept by sid, turn on sub"
            }
            Self::Key => "the logout_token is signed by a key that is not known here",
            Self::Signature => "the logout_token's signature is not valid",
        }
    }
}

impl fmt::Display for LogoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for LogoutError {}

/// What is read of a logout token.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    #[serde(default)]
    aud: Aud,
    #[serde(default)]
    sub: Option<String>,
    #[serde(default)]
    sid: Option<String>,
    #[serde(deserialize_with = "date")]
    iat: i64,
    #[serde(deserialize_with = "date")]
    exp: i64,
    #[serde(default, deserialize_with = "maybe_date")]
    nbf: Option<i64>,
    jti: String,
    events: Events,
    /// An `id_token` is no logout token: it has one where this must have none.
    #[serde(default, deserialize_with = "is_there")]
    nonce: bool,
    /// Keycloak: `Logout`.
    #[serde(default)]
    typ: Option<String>,
}

/// Events by their names, each an object of whatever (RFC 8417 §2.2).
#[expect(
    clippy::zero_sized_map_values,
    reason = "a set is read from an array, and this must be an object"
)]
type Events = HashMap<String, HashMap<String, IgnoredAny>>;

const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn is_there<'de, D: Deserializer<'de>>(reader: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(reader).map(|_| true)
}

impl LogoutTerms {
    /// For tokens of an issuer, to any of a connection's clients.
    pub fn new(issuer: &str, client_ids: Vec<String>, of_provider: &[ProviderKey]) -> Self {
        Self {
            issuer: issuer.to_owned(),
            client_ids,
            keys: keys(of_provider),
        }
    }

    /// Who signed out. What costs nothing comes first, the signature last.
    pub fn verify(&self, logout_token: &[u8], now: Time) -> Result<LoggedOut, LogoutError> {
        let unverified = jws::parse_foreign_logout(logout_token);
        let unverified = unverified.map_err(|_| LogoutError::Malformed)?;
        let claims: Claims = unverified
            .unverified_claims()
            .map_err(|_| LogoutError::Malformed)?;
        if !claims.is_logout() {
            return Err(LogoutError::Kind);
        }
        if claims.iss != self.issuer {
            return Err(LogoutError::Issuer);
        }
        if !self.client_ids.iter().any(|id| claims.aud.has(id)) {
            return Err(LogoutError::Audience);
        }
        let not_before = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
        within(not_before, claims.exp, TOLERANCE, now).map_err(|_| LogoutError::Time)?;
        if Time::from_secs(claims.iat).plus(YOUNG).plus(TOLERANCE) < now {
            return Err(LogoutError::Time);
        }
        if claims.jti.is_empty() || claims.jti.len() > MAX_ID {
            return Err(LogoutError::Malformed);
        }
        let subject = match (&claims.sub, &claims.sid) {
            (Some(sub), _) => sub.parse().map_err(|_| LogoutError::Malformed)?,
            (None, Some(_)) => return Err(LogoutError::NoSubject),
            (None, None) => return Err(LogoutError::Malformed),
        };
        let key = unverified.select(&self.keys);
        let key = key.map_err(|_| LogoutError::Key)?;
        if key.alg() != unverified.alg() {
            return Err(LogoutError::Key);
        }
        unverified.verify(key).map_err(|_| LogoutError::Signature)?;
        Ok(LoggedOut {
            subject,
            id: claims.jti,
        })
    }
}

impl Claims {
    fn is_logout(&self) -> bool {
        let named = |typ: &String| {
            let mut known = ["Logout", "logout+jwt", "JWT"].iter();
            known.any(|known| typ.eq_ignore_ascii_case(known))
        };
        self.events.contains_key(LOGOUT) && !self.nonce && self.typ.as_ref().is_none_or(named)
    }
}

#[cfg(test)]
mod tests;
