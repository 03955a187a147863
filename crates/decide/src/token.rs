//! Tokens: verified once, asked again on every use.

use std::sync::Arc;
use std::time::Duration;

use aeolus_keys::claims::PARENT_COOKIE;
use aeolus_keys::{Kid, Kind, claims, jws};
use aeolus_model::{
    DeploymentId, Grants, OrganizationId, Resource, SessionId, Subject, Time, direct_ceiling,
};

use crate::Reason;
use crate::last_told::LastTold;
use crate::provider::Provided;
use crate::world::{Deployment, World};

/// How far clocks may differ for our own tokens.
const LEEWAY: Duration = Duration::from_secs(60);

/// For whom a token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// One deployment: access tokens.
    Deployment(DeploymentId),
    /// The planes of an organization: API and direct tokens.
    Organization,
    /// The same, but only as the cookie that control sets on a parent domain for proxies that
    /// come from the original (row I13).
    Parent,
    /// Wherever the person has a grant: tokens of an identity provider.
    Person,
}

/// Who signed a token. One can't be taken for the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// A key of ours, for one kind of token.
    Own {
        /// Which kind.
        kind: Kind,
        /// The key.
        kid: Kid,
    },
    /// An identity provider.
    Provider(Arc<Provided>),
}

/// What a verified token says: all that need not be read from its text again. It says nothing
/// about whether the token is still good; [`World::alive`] does, on every use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Who signed it.
    pub signer: Signer,
    /// Whose it is.
    pub subject: Subject,
    /// The organization it belongs to; none for a person of an identity provider, who may be in
    /// several.
    pub organization: Option<OrganizationId>,
    /// Where it is good.
    pub audience: Audience,
    /// Beyond which it never reaches; none for people.
    pub scope: Option<Resource>,
    /// The session it hangs on.
    pub session: Option<SessionId>,
    /// The second that not-before marks are compared with.
    pub issued: i64,
    /// Good from this second.
    pub not_before: i64,
    /// Good before this second.
    pub expires: i64,
    /// Its place in the status list.
    pub index: Option<u32>,
    /// What it may do, where the authority is in the token itself.
    pub held: Option<Arc<Grants>>,
    /// When its use was last told to control.
    pub told: LastTold,
}

impl World {
    /// Verifies a token. What is cheap comes first, the signature last: an unknown token is what
    /// an attacker can send for nothing.
    pub fn verify(&self, token: &[u8], now: Time) -> Result<Verified, Reason> {
        if token.len() > jws::MAX_TOKEN {
            return Err(Reason::TokenTooLong);
        }
        match self.verify_own(token, now) {
            Err(reason @ (Reason::TokenMalformed | Reason::TokenKeyUnknown)) => {
                self.verify_provided(token, now).unwrap_or(Err(reason))
            }
            decided => decided,
        }
    }

    fn verify_own(&self, token: &[u8], now: Time) -> Result<Verified, Reason> {
        let unverified = jws::parse(token).map_err(|_| Reason::TokenMalformed)?;
        let signer = unverified.kid();
        let kind = self
            .ring
            .kind_of(&signer, &[Kind::Access, Kind::Api, Kind::Direct]);
        let kind = kind.ok_or(Reason::TokenKeyUnknown)?;
        let key = self.ring.get(kind, &signer);
        let key = key.ok_or(Reason::TokenKeyUnknown)?;
        if unverified.typ() != kind.typ() || unverified.alg() != key.alg() {
            return Err(Reason::TokenKeyUnknown);
        }
        let read = match kind {
            Kind::Api => self.read_api(&claims_of(&unverified)?, signer),
            Kind::Direct => self.read_direct(&claims_of(&unverified)?, signer),
            _ => self.read_access(&claims_of(&unverified)?, signer),
        }?;
        in_time(&read, now)?;
        unverified
            .verify(kind, key)
            .map_err(|_| Reason::TokenSignature)?;
        Ok(read)
    }

    /// Whether a verified token is still good here and now: everything that can change without
    /// the token changing.
    pub fn alive(
        &self,
        token: &Verified,
        deployment: &Deployment,
        now: Time,
    ) -> Result<(), Reason> {
        in_time(token, now)?;
        let elsewhere = |id| id != deployment.organization;
        if token.organization.is_some_and(elsewhere) {
            return Err(Reason::TokenAudience);
        }
        match token.audience {
            Audience::Deployment(id) if id == deployment.id => {}
            Audience::Organization | Audience::Person => {}
            Audience::Deployment(_) | Audience::Parent => return Err(Reason::TokenAudience),
        }
        if deployment.second_factor && token.lacks_second_factor() {
            return Err(Reason::SecondFactor);
        }
        self.unrevoked(token, deployment.organization, now)
    }

    /// The same for the value of a parent domain's cookie, which nothing else can take the place of.
    pub(crate) fn alive_as_parent(
        &self,
        token: &Verified,
        deployment: &Deployment,
        now: Time,
    ) -> Result<(), Reason> {
        in_time(token, now)?;
        let meant = token.audience == Audience::Parent;
        if !meant || token.organization != Some(deployment.organization) {
            return Err(Reason::TokenAudience);
        }
        self.unrevoked(token, deployment.organization, now)
    }

    fn unrevoked(
        &self,
        token: &Verified,
        organization: OrganizationId,
        now: Time,
    ) -> Result<(), Reason> {
        match &token.signer {
            Signer::Own { kind, kid } => {
                let held = self.ring.get(*kind, kid);
                held.ok_or(Reason::TokenKeyUnknown)?;
            }
            Signer::Provider(provided) => self.provided_alive(token.subject, provided)?,
        }
        let revoked = self
            .revoked(organization)
            .ok_or(Reason::RevocationsMissing)?;
        if let Some(index) = token.index {
            revoked.check_index(index, now)?;
        }
        revoked.check_marks(token.subject, token.issued)?;
        if let Some(session) = token.session {
            revoked.check_session(session)?;
        }
        Ok(())
    }

    fn read_access(&self, claims: &claims::Access, kid: Kid) -> Result<Verified, Reason> {
        self.issued_here(&claims.iss)?;
        let deployment = || {
            let id = claims.aud.strip_prefix("urn:aeolus:deployment:")?;
            id.parse().ok().map(Audience::Deployment)
        };
        let audience = if claims.aud == PARENT_COOKIE {
            Audience::Parent
        } else {
            deployment().ok_or(Reason::TokenAudience)?
        };
        Ok(Verified {
            signer: Signer::Own {
                kind: Kind::Access,
                kid,
            },
            subject: Subject::User(claims.sub),
            organization: Some(claims.org.ok_or(Reason::TokenClaims)?),
            audience,
            scope: None,
            session: Some(claims.sid),
            // A mark ends what was signed in before it, however late the token was made.
            issued: claims.auth_time.min(claims.iat),
            not_before: claims.iat,
            expires: claims.exp,
            index: None,
            held: None,
            told: LastTold::default(),
        })
    }

    fn read_api(&self, claims: &claims::Api, kid: Kid) -> Result<Verified, Reason> {
        self.issued_here(&claims.iss)?;
        let organization = claims
            .aud
            .strip_prefix("urn:aeolus:org:")
            .and_then(|id| id.parse().ok())
            .ok_or(Reason::TokenAudience)?;
        if let Some(surfaces) = &claims.surfaces
            && !surfaces.contains(&claims::Surface::Planes)
        {
            return Err(Reason::TokenSurface);
        }
        Ok(Verified {
            signer: Signer::Own {
                kind: Kind::Api,
                kid,
            },
            subject: Subject::Token(claims.sub),
            organization: Some(organization),
            audience: Audience::Organization,
            scope: Some(claims.ent),
            session: None,
            issued: claims.iat,
            not_before: claims.nbf.max(claims.iat),
            expires: claims.exp,
            index: Some(claims.idx),
            held: None,
            told: LastTold::default(),
        })
    }

    fn read_direct(&self, claims: &claims::Direct, kid: Kid) -> Result<Verified, Reason> {
        self.issued_here(&claims.iss)?;
        let organization = claims
            .aud
            .strip_prefix("urn:aeolus:direct:")
            .and_then(|id| id.parse().ok())
            .ok_or(Reason::TokenAudience)?;
        Ok(Verified {
            signer: Signer::Own {
                kind: Kind::Direct,
                kid,
            },
            subject: Subject::Token(claims.sub),
            organization: Some(organization),
            audience: Audience::Organization,
            scope: Some(claims.ent),
            session: None,
            issued: claims.iat,
            not_before: claims.nbf.max(claims.iat),
            expires: claims.exp,
            index: Some(claims.idx),
            held: Some(Arc::new(direct_grants(claims))),
            told: LastTold::default(),
        })
    }

    fn issued_here(&self, issuer: &str) -> Result<(), Reason> {
        if issuer == self.issuer && !issuer.is_empty() {
            Ok(())
        } else {
            Err(Reason::TokenIssuer)
        }
    }
}

impl Verified {
    /// Which kind of token of ours it is, if it is one.
    pub fn kind(&self) -> Option<Kind> {
        match &self.signer {
            Signer::Own { kind, .. } => Some(*kind),
            Signer::Provider(_) => None,
        }
    }

    /// Whether it is a provider's that doesn't say that there was a second factor. Sessions of ours need
    /// not say it: control ends those without one.
    fn lacks_second_factor(&self) -> bool {
        matches!(&self.signer, Signer::Provider(provided) if !provided.second_factor)
    }

    /// Until when it is let in: its end, and as much as the clock of whoever signed it may differ.
    pub(crate) fn good_until(&self) -> Time {
        Time::from_secs(self.expires).plus(self.leeway())
    }

    /// How far the clock of whoever signed it may differ.
    fn leeway(&self) -> Duration {
        match &self.signer {
            Signer::Own { .. } => LEEWAY,
            Signer::Provider(provided) => provided.tolerance,
        }
    }

    /// Whether the token may be used for a deployment at all.
    pub(crate) fn reaches(&self, deployment: &Deployment) -> bool {
        self.scope
            .is_none_or(|scope| deployment.resources().contains(&scope))
    }
}

fn claims_of<T: serde::de::DeserializeOwned>(
    unverified: &jws::Unverified<'_>,
) -> Result<T, Reason> {
    unverified
        .unverified_claims()
        .map_err(|_| Reason::TokenClaims)
}

fn in_time(token: &Verified, now: Time) -> Result<(), Reason> {
    within(token.not_before, token.expires, token.leeway(), now)
}

/// Whether now is between two times (seconds), as far as clocks may differ.
pub(crate) fn within(
    not_before: i64,
    expires: i64,
    leeway: Duration,
    now: Time,
) -> Result<(), Reason> {
    if now.minus(leeway) >= Time::from_secs(expires) {
        return Err(Reason::TokenExpired);
    }
    if now.plus(leeway) < Time::from_secs(not_before) {
        return Err(Reason::TokenNotYetValid);
    }
    Ok(())
}

/// The authority inside a direct token: at most what a workspace operator may do, and, where the
/// token lists permissions, at most those.
fn direct_grants(claims: &claims::Direct) -> Grants {
    let cap = direct_ceiling(claims.perms.as_deref());
    let mut grants = Grants::default();
    for grant in &claims.grants {
        // No direct token reaches beyond its organization, whatever it says.
        if grant.resource == Resource::System {
            continue;
        }
        grants.add(grant.resource, grant.role.shipped().intersection(cap));
    }
    grants
}
