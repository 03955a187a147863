//! The credential of a browser: a session's cookie.

use std::sync::Arc;

use aeolus_model::{Subject, Time, UserId};

use super::{Judge, Refusal, Routed, session_cookie_name, unknown, writes};
use crate::cookie::{self, SessionCookie};
use crate::credential::Credential;
use crate::decision::{Identity, SessionUse};
use crate::request::Request;
use crate::world::{AWAY, Deployment, Site};
use crate::{Reason, origin};

impl Judge<'_> {
    /// By the host's own cookie, else by its parent domain's where that counts.
    pub(super) fn by_cookie(
        &self,
        request: &Request<'_>,
        routed: &Routed<'_>,
    ) -> Result<Identity, Refusal> {
        let host = routed.authority.host();
        let lines = &request.headers.cookies;
        let parent = |name| cookie::find(lines, name);
        let own = if self.memory.opens_sessions() {
            cookie::find(lines, session_cookie_name(host))?
        } else {
            None
        };
        if let Some(value) = own {
            self.by_session(value, request, routed)
        } else if let Some(value) = request.parent_cookie.map(parent).transpose()?.flatten() {
            self.by_parent(value, request, routed)
        } else {
            Err(Reason::CredentialMissing.into())
        }
    }

    fn by_session(
        &self,
        value: &[u8],
        request: &Request<'_>,
        routed: &Routed<'_>,
    ) -> Result<Identity, Refusal> {
        let host = routed.authority.host();
        let site = if routed.wildcard {
            Site::Wildcard(host)
        } else {
            Site::Named(host)
        };
        let cookie = self.memory.open_session(site, value);
        let cookie = cookie.ok_or(Reason::SessionMalformed)?;
        let (expires, session) = self.session(&cookie, routed.deployment)?;
        let credential = Credential::Session(cookie);
        self.person(cookie.user, (credential, expires, session), request, routed)
    }

    fn by_parent(
        &self,
        value: &[u8],
        request: &Request<'_>,
        routed: &Routed<'_>,
    ) -> Result<Identity, Refusal> {
        let verified = self.memory.verified(value, self.world, self.now)?;
        let deployment = routed.deployment;
        self.world
            .alive_as_parent(&verified, deployment, self.now)?;
        let (Subject::User(user), Some(id)) = (verified.subject, verified.session) else {
            return Err(Reason::TokenClaims.into());
        };
        if self.memory.ended(id, deployment.organization) {
            return Err(Reason::SessionEnded.into());
        }
        let used = SessionUse {
            id,
            renew: false,
            extended: None,
        };
        let expires = verified.good_until();
        let credential = Credential::Token(verified);
        self.person(user, (credential, expires, used), request, routed)
    }

    /// Somebody whose browser sent a cookie, if the request was made by the deployment's own pages
    /// or changes nothing.
    fn person(
        &self,
        user: UserId,
        (credential, expires, session): (Credential, Time, SessionUse),
        request: &Request<'_>,
        routed: &Routed<'_>,
    ) -> Result<Identity, Refusal> {
        let subject = Subject::User(user);
        if writes(request, routed.method)
            && !origin::is_same(request, &routed.target, &routed.authority)
        {
            return Err(Refusal {
                reason: Reason::CrossSite,
                subject: Some(subject),
            });
        }
        let person = self.world.person(subject).ok_or_else(|| unknown(subject))?;
        Ok(Identity {
            subject,
            person: Arc::clone(person),
            role: None,
            credential,
            expires,
            session: Some(session),
        })
    }

    /// Until when a session may be used at a deployment, if it may. Whether the request may is for a
    /// decision.
    pub fn session_until(&self, cookie: &SessionCookie, deployment: &Deployment) -> Option<Time> {
        let alive = self.session(cookie, deployment).ok();
        alive.map(|(until, _)| until)
    }

    /// Whether a session is alive, until when, and what its use asks for.
    fn session(
        &self,
        cookie: &SessionCookie,
        deployment: &Deployment,
    ) -> Result<(Time, SessionUse), Reason> {
        let (id, organization) = (cookie.session, deployment.organization);
        let revoked = self.world.revoked(organization);
        let revoked = revoked.ok_or(Reason::RevocationsMissing)?;
        revoked.check_session(id)?;
        revoked.check_marks(Subject::User(cookie.user), cookie.auth_time.secs())?;
        if self.memory.ended(id, organization) {
            return Err(Reason::SessionEnded);
        }
        if deployment.second_factor && cookie.begun.lacks_second_factor() {
            return Err(Reason::SecondFactor);
        }
        if !self.world.connections.contains(&cookie.connection) {
            return Err(Reason::ConnectionGone);
        }
        if self.now >= cookie.absolute_end {
            return Err(Reason::SessionExpired);
        }
        let end = cookie.access_end(self.memory.renewed(id, organization));
        let life = cookie.access_end.since(cookie.access_start);
        let renew = self.now >= end.minus(life / 4);
        let session = |extended| SessionUse {
            id,
            renew,
            extended,
        };
        if self.now < end {
            return Ok((end.min(cookie.absolute_end), session(None)));
        }
        // Control is away since before the session's end, so nobody could renew it: it goes on,
        // for as long as the deployment trusts old knowledge at all.
        let away = self
            .freshness
            .age
            .is_some_and(|age| age > AWAY && self.now.minus(age) <= end.plus(AWAY));
        let until = end
            .plus(deployment.staleness.max())
            .min(cookie.absolute_end);
        if away && self.now < until {
            return Ok((until, session(Some(until))));
        }
        Err(Reason::SessionExpired)
    }
}
