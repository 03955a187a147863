//! Session tokens of identity providers: access tokens that a provider itself signed, for a
//! connection that lets them count (RFC 9068 where it follows that, RFC 8725 everywhere).
//!
//! A provider's keys are kept with its connection and never in the ring of our own, so neither can
//! verify a token of the other.

mod claims;
mod load;
mod logout;
mod registration;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aeolus_keys::jws::{self, ForeignToken, JwsError};
use aeolus_keys::{Alg, ForeignKey, Kid};
use aeolus_model::{ConnectionId, IdentitySubject, Subject, Time};
use aeolus_snapshot::Identity;

use self::claims::Claims;
pub use self::logout::{LoggedOut, LogoutError, LogoutTerms};
pub use self::registration::{ClientAuthentication, IdTokenError, Registration, SignedIn};
use crate::Reason;
use crate::last_told::LastTold;
use crate::people::People;
use crate::token::{Audience, Signer, Verified, within};
use crate::world::World;

/// The providers whose tokens count, by the one value of `iss`.
#[derive(Debug, Default)]
pub(crate) struct Providers {
    by_issuer: HashMap<Box<str>, Provider>,
    salt: Box<[u8]>,
    /// Where the plane signs people in by itself.
    registrations: Vec<Registration>,
    /// The host to which they are sent back; empty where nobody is.
    auth_host: Box<str>,
}

/// Under which terms one provider's tokens count.
#[derive(Debug)]
struct Provider {
    connection: ConnectionId,
    /// The issuer under which people are linked.
    identity_issuer: Box<str>,
    audience: Box<str>,
    client_ids: Vec<Box<str>>,
    algorithms: Vec<Alg>,
    subject: SubjectClaim,
    /// Values of `acr` that say that there was a second factor.
    second_factor_acr: Vec<Box<str>>,
    typed_only: bool,
    tolerance: Duration,
    max_life: i64,
    keys: Vec<ForeignKey>,
    /// A digest of all the above but the keys.
    terms: u128,
}

/// What in a token names the person for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SubjectClaim {
    Sub,
    /// Entra: the tenant and the object in it; its `sub` differs from application to application.
    TidOid,
    /// Okta: the user's id; `sub` of its access tokens is the login name.
    Uid,
}

/// By what an identity provider's token was believed; asked again on every use.
#[derive(Debug, PartialEq, Eq)]
pub struct Provided {
    /// The connection.
    pub connection: ConnectionId,
    /// The thumbprint of the key that signed it.
    pub key: Kid,
    /// How far the provider's clock may differ.
    pub tolerance: Duration,
    /// Whether it says that there was a second factor.
    pub second_factor: bool,
    issuer: Box<str>,
    identity: Identity,
    terms: u128,
}

impl World {
    /// Verifies a token that an identity provider may have signed. None if it is none of theirs:
    /// then what was found wrong with it as one of ours stands.
    pub(crate) fn verify_provided(
        &self,
        token: &[u8],
        now: Time,
    ) -> Option<Result<Verified, Reason>> {
        if self.providers.by_issuer.is_empty() {
            return None;
        }
        let unverified = match jws::parse_foreign_access(token) {
            Ok(unverified) => unverified,
            Err(JwsError::Alg) => return Some(Err(Reason::IdpAlgorithm)),
            Err(_) => return None,
        };
        let claims: Claims = match unverified.unverified_claims() {
            Ok(claims) => claims,
            Err(_) => return Some(Err(Reason::IdpClaims)),
        };
        if claims.iss == self.issuer {
            return None;
        }
        let verified = match self.providers.by_issuer.get(&*claims.iss) {
            Some(provider) => {
                let verified = (provider, &self.people);
                self.providers.verify(verified, unverified, &claims, now)
            }
            None => Err(Reason::IdpIssuerUnknown),
        };
        Some(verified)
    }

    /// Whether a remembered token was verified under the terms that hold now, and its identity is
    /// nobody else's since. One that was not is verified again.
    pub fn stands(&self, token: &Verified) -> bool {
        let Signer::Provider(provided) = &token.signer else {
            return true;
        };
        let provider = self.providers.by_issuer.get(&provided.issuer);
        let linked = self.people.linked(&provided.identity);
        provider.is_some_and(|provider| provider.terms == provided.terms)
            && linked.is_none_or(|user| Subject::User(user) == token.subject)
    }

    /// Whether what a provider's token was believed by is still there.
    pub(crate) fn provided_alive(
        &self,
        subject: Subject,
        provided: &Provided,
    ) -> Result<(), Reason> {
        let provider = self.providers.by_issuer.get(&provided.issuer);
        let provider = provider.filter(|provider| {
            provider.connection == provided.connection
                && provider.terms == provided.terms
                && self.connections.contains(&provided.connection)
        });
        let provider = provider.ok_or(Reason::ConnectionGone)?;
        if !provider.keys.iter().any(|k| k.key.kid() == provided.key) {
            return Err(Reason::IdpKeyUnknown);
        }
        let linked = self.people.linked(&provided.identity);
        if linked.map(Subject::User) != Some(subject) {
            return Err(Reason::IdpSubjectUnknown);
        }
        Ok(())
    }
}

impl Providers {
    /// Whether nobody's identity at a provider matters.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_issuer.is_empty() && self.registrations.is_empty()
    }

    /// What costs nothing comes first, the signature after it, the person last.
    fn verify(
        &self,
        (provider, people): (&Provider, &People),
        unverified: ForeignToken<'_>,
        claims: &Claims,
        now: Time,
    ) -> Result<Verified, Reason> {
        if !provider.algorithms.contains(&unverified.alg()) {
            return Err(Reason::IdpAlgorithm);
        }
        let typed = unverified.is_access_token();
        if !claims.is_access(&provider.audience, typed) || (provider.typed_only && !typed) {
            return Err(Reason::IdpNotAccessToken);
        }
        if claims.aud.has_any(&provider.client_ids) {
            return Err(Reason::IdpNotAccessToken);
        }
        if !claims.aud.has(&provider.audience) {
            return Err(Reason::IdpAudience);
        }
        let subject = provider.subject.of(claims).ok_or(Reason::IdpClaims)?;
        let key = unverified.select(&provider.keys);
        let key = key.map_err(|_| Reason::IdpKeyUnknown)?;
        if key.alg() != unverified.alg() {
            return Err(Reason::IdpAlgorithm);
        }
        let not_before = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
        let expires = claims.exp.min(claims.iat.saturating_add(provider.max_life));
        within(not_before, expires, provider.tolerance, now)?;
        let verified = unverified.verify(key);
        verified.map_err(|_| Reason::IdpSignature)?;
        let identity = aeolus_snapshot::identity(
            &self.salt,
            provider.connection,
            &provider.identity_issuer,
            &subject,
        );
        let user = people.linked(&identity);
        let user = user.ok_or(Reason::IdpSubjectUnknown)?;
        let signed_in = claims.auth_time.map_or(claims.iat, |at| at.min(claims.iat));
        Ok(Verified {
            signer: Signer::Provider(Arc::new(Provided {
                connection: provider.connection,
                key: key.kid(),
                tolerance: provider.tolerance,
                second_factor: claims.is_second_factor(&provider.second_factor_acr),
                issuer: claims.iss.as_str().into(),
                identity,
                terms: provider.terms,
            })),
            subject: Subject::User(user),
            organization: None,
            audience: Audience::Person,
            scope: None,
            session: None,
            issued: signed_in,
            not_before,
            expires,
            index: None,
            held: None,
            told: LastTold::default(),
        })
    }
}

impl SubjectClaim {
    /// The text that people are linked by.
    fn of(self, claims: &Claims) -> Option<IdentitySubject> {
        let parsed = match self {
            Self::Sub => claims.sub.as_ref()?.parse(),
            Self::Uid => claims.uid.as_ref()?.parse(),
            Self::TidOid => format!("{}/{}", claims.tid.as_ref()?, claims.oid.as_ref()?).parse(),
        };
        parsed.ok()
    }
}

#[cfg(test)]
mod tests;
