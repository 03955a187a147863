//! The decision itself: shape, place, class, knowledge, credential, permission, in this order.

mod central;
mod explain;
mod session;

use std::sync::Arc;

use aeolus_model::{
    AirflowRole, Grants, Method, OrganizationId, SessionId, StalenessPolicy, Subject, Time,
    is_loopback,
};

use crate::bearer::{bearer, blame};
use crate::class::{Classified, PathClass};
use crate::cookie::SessionCookie;
use crate::credential::Credential;
use crate::decision::{
    Access, Allowed, Decision, Deny, Destination, Identity, SignIn, is_local_path,
};
use crate::host::Authority;
use crate::path::Target;
use crate::request::{Once, Request, Upgrade};
use crate::token::Verified;
use crate::world::{Deployment, Freshness, Person, Site, World};
use crate::{Reason, next};

pub use central::Shown;
pub use explain::{Explanation, Step, explain};

/// What a gate remembers between requests; the decision's only window to anything that changes.
pub trait Memory {
    /// A token that has been verified: from memory, or by [`World::verify`].
    fn verified(&self, token: &[u8], world: &World, now: Time) -> Result<Arc<Verified>, Reason>;

    /// Whether there are keys that open session cookies. Where there are none, a host's own cookie is
    /// nobody's, and not a bad one.
    fn opens_sessions(&self) -> bool {
        true
    }

    /// Opens a session cookie that was sealed for a host as it is served now.
    fn open_session(&self, site: Site<'_>, value: &[u8]) -> Option<SessionCookie>;

    /// Until when control has renewed a session in an organization, if it has: each has its own lengths.
    fn renewed(&self, session: SessionId, organization: OrganizationId) -> Option<Time>;

    /// Whether a session was ended here, or in the organization, before control's word of it has come back.
    fn ended(&self, session: SessionId, organization: OrganizationId) -> bool;
}

/// Whoever judges one request.
pub struct Judge<'a> {
    /// What is known.
    pub world: &'a World,
    /// What is remembered.
    pub memory: &'a dyn Memory,
    /// How old the knowledge is.
    pub freshness: Freshness,
    /// The time.
    pub now: Time,
}

/// How a request came to be refused, on the way out.
struct Refusal {
    reason: Reason,
    subject: Option<Subject>,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            subject: None,
        }
    }
}

/// A request whose shape and place are known.
struct Routed<'a> {
    method: Method,
    target: Target<'a>,
    authority: Authority<'a>,
    deployment: &'a Arc<Deployment>,
    host: usize,
    wildcard: bool,
    class: Classified,
}

impl Judge<'_> {
    /// Decides. Every way through that isn't an explicit allowance ends in a refusal.
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        let routed = match self.route(request) {
            Ok(routed) => routed,
            Err(reason) => return Decision::Deny(Deny::because(reason)),
        };
        match self.judge(request, &routed) {
            Ok(decision) => decision,
            Err(refusal) => Self::refuse(request, &routed, &refusal),
        }
    }

    fn route<'a>(&'a self, request: &Request<'a>) -> Result<Routed<'a>, Reason> {
        let headers = &request.headers;
        let method = Method::parse(request.method).ok_or(Reason::Method)?;
        if let Some(reason) = headers.refused {
            return Err(reason);
        }
        if headers.upgrade == Upgrade::Other {
            return Err(Reason::UpgradeNotWebsocket);
        }
        if headers.authorization == Once::Many {
            return Err(Reason::AuthorizationRepeated);
        }
        let target = Target::parse(request.target)?;
        let authority = authority(request, &target)?;
        let (deployment, place) = self.world.route(authority.host(), &target)?;
        if request.pin.is_some_and(|pin| pin != deployment.id) {
            return Err(Reason::PinMismatch);
        }
        let class = deployment
            .rules
            .classify(&target, &place.prefix, method, request.peer);
        Ok(Routed {
            method,
            target,
            authority,
            deployment,
            host: place.host,
            wildcard: place.wildcard,
            class,
        })
    }

    fn judge(&self, request: &Request<'_>, routed: &Routed<'_>) -> Result<Decision, Refusal> {
        let writes = writes(request, routed.method);
        let allow = |access| {
            let deployment = Arc::clone(routed.deployment);
            let class = routed.class.class;
            let host = routed.host;
            Decision::Allow(Allowed::new(deployment, access, class, writes, host))
        };
        if routed.class.class == PathClass::Refuse {
            return Err(Reason::PathRefused.into());
        }
        if self.world.revoked(routed.deployment.organization).is_none() {
            return Err(Reason::RevocationsMissing.into());
        }
        self.check_staleness(routed.deployment, writes)?;
        match routed.class.class {
            PathClass::PassThrough => Ok(allow(Access::PassThrough)),
            PathClass::Public => Ok(allow(Access::Anonymous)),
            PathClass::SignIn => Ok(Self::hand_over(routed, true)),
            PathClass::SignOut => Ok(Self::hand_over(routed, false)),
            PathClass::PrivateRead | PathClass::PrivateWrite | PathClass::Refuse => {
                let identity = self.authorize(request, routed)?;
                Ok(allow(Access::As(identity)))
            }
        }
    }

    fn check_staleness(&self, deployment: &Deployment, writes: bool) -> Result<(), Reason> {
        let rule = deployment.staleness;
        match rule.at(self.freshness.under(rule)) {
            Some(StalenessPolicy::Deny) => Err(Reason::Stale),
            Some(StalenessPolicy::ReadOnly) if writes => Err(Reason::StaleReadOnly),
            None
            | Some(
                StalenessPolicy::ServeUntilExp
                | StalenessPolicy::StaticAllow
                | StalenessPolicy::ReadOnly,
            ) => Ok(()),
        }
    }

    /// Who asks, and whether they may.
    fn authorize(&self, request: &Request<'_>, routed: &Routed<'_>) -> Result<Identity, Refusal> {
        let deployment = &**routed.deployment;
        // Before any credential: whoever found one learns nothing of it elsewhere.
        if !deployment.rules.reachable_from(request.peer) {
            return Err(Reason::Network.into());
        }
        let (mut identity, held) = match bearer(request.headers.authorization)? {
            Some(token) => self.by_token(token, deployment)?,
            None => (self.by_cookie(request, routed)?, None),
        };
        let subject = Some(identity.subject);
        let held = held.as_deref().unwrap_or(&identity.person.grants);
        let permissions = held.on(&deployment.resources());
        if !permissions.covers(routed.class.needs) || routed.class.needs.is_empty() {
            let reason = Reason::Forbidden;
            return Err(Refusal { reason, subject });
        }
        let role = AirflowRole::of(permissions);
        let highest = self.world.highest_role;
        identity.role = role.map(|role| highest.map_or(role, |highest| role.min(highest)));
        Ok(identity)
    }

    fn by_token(
        &self,
        token: &[u8],
        deployment: &Deployment,
    ) -> Result<(Identity, Option<Arc<Grants>>), Refusal> {
        let verified = self.memory.verified(token, self.world, self.now);
        let verified = verified.map_err(|reason| blame(token, reason))?;
        self.world.alive(&verified, deployment, self.now)?;
        let subject = verified.subject;
        let ended = |id| self.memory.ended(id, deployment.organization);
        if verified.session.is_some_and(ended) {
            return Err(Reason::SessionEnded.into());
        }
        if !verified.reaches(deployment) {
            return Err(Refusal {
                reason: Reason::Scope,
                subject: Some(subject),
            });
        }
        let person = match (self.world.person(subject), &verified.held) {
            (_, Some(_)) => Arc::new(Person::default()),
            (Some(person), None) => Arc::clone(person),
            (None, None) => return Err(unknown(subject)),
        };
        let held = verified.held.clone();
        let identity = Identity {
            subject,
            person,
            role: None,
            expires: verified.good_until(),
            session: None,
            credential: Credential::Token(verified),
        };
        Ok((identity, held))
    }

    fn hand_over(routed: &Routed<'_>, sign_in: bool) -> Decision {
        let to = if sign_in {
            let next = next::of(&routed.target, &routed.authority);
            Destination::SignIn { next }
        } else {
            Destination::SignOut
        };
        Decision::SignIn(SignIn {
            deployment: routed.deployment.id,
            class: routed.class.class,
            reason: Reason::CredentialMissing,
            to,
        })
    }

    fn refuse(request: &Request<'_>, routed: &Routed<'_>, refusal: &Refusal) -> Decision {
        let navigation = request.headers.is_navigation(routed.method.is_safe());
        let next = routed.target.path_and_query();
        if refusal.reason.status() == 401 && navigation && is_local_path(&next) {
            return Decision::SignIn(SignIn {
                deployment: routed.deployment.id,
                class: routed.class.class,
                reason: refusal.reason,
                to: Destination::SignIn { next },
            });
        }
        Decision::Deny(Deny {
            reason: refusal.reason,
            deployment: Some(routed.deployment.id),
            class: Some(routed.class.class),
            subject: refusal.subject,
        })
    }
}

/// Whether a request may change something: a websocket carries anything, later.
fn writes(request: &Request<'_>, method: Method) -> bool {
    !method.is_safe() || request.headers.upgrade == Upgrade::Websocket
}

/// Somebody this plane knows nothing about: a person may be told so, a token is simply not good.
fn unknown(subject: Subject) -> Refusal {
    let reason = match subject {
        Subject::User(_) => Reason::Forbidden,
        Subject::Token(_) | Subject::Team(_) => Reason::SubjectUnknown,
    };
    Refusal {
        reason,
        subject: Some(subject),
    }
}

/// The session cookie's name on a host. `__Host-` binds it to the host and to https; loopback,
/// where plain http is usual, does without.
pub fn session_cookie_name(host: &str) -> &'static str {
    if is_loopback(host) {
        "aeolus"
    } else {
        "__Host-aeolus"
    }
}

fn authority<'a>(request: &Request<'a>, target: &Target<'a>) -> Result<Authority<'a>, Reason> {
    let parse = |bytes| Authority::parse(bytes).ok_or(Reason::HostMalformed);
    let written = target.origin.map(|(_, authority)| authority.as_bytes());
    match (request.host, written) {
        (None, None) => Err(Reason::HostMissing),
        (Some(host), None) => parse(host),
        (None, Some(authority)) => parse(authority),
        (Some(host), Some(authority)) => {
            let (host, authority) = (parse(host)?, parse(authority)?);
            if host.host() == authority.host() && host.port == authority.port {
                Ok(host)
            } else {
                Err(Reason::HostsDiffer)
            }
        }
    }
}

#[cfg(test)]
mod tests;
