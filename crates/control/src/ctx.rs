//! The context of one request: who asks, from where, under which id.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use aeolus_model::{
    Action, Actor, AuditEvent, OrganizationId, Outcome, Session, SessionId, Source,
};
use aeolus_store::{Organization, Unit, Write};
use aeolus_tls::ClientChain;
use axum::extract::FromRequestParts;
use http::Method;
use http::request::Parts;

use crate::app::App;
use crate::authority::{Asked, Authority};
use crate::error::ApiError;
use crate::once::{Attempt, Body};
use crate::openapi;
use crate::seen::IfMatch;
use crate::signin::session;

/// Which request, and from where. Put into the request's extensions at the edge.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestInfo {
    pub(crate) id: String,
    /// How it asks.
    pub(crate) method: Method,
    /// The client's address, empty if it isn't known.
    pub(crate) source: String,
    /// What whoever asks has shown in the connection's handshake.
    pub(crate) chain: ClientChain,
    /// Who it turned out to be: the edge learns what they were refused.
    pub(crate) actor: Arc<OnceLock<Actor>>,
    /// Whether it only ends what there is.
    pub(crate) ends: bool,
    /// Whether it was counted for an organization.
    pub(crate) counted: Arc<AtomicBool>,
    /// What it brought: only once that is read does one know whether it came before.
    pub(crate) body: Body,
}

/// A request of a person or a program with a good credential. Extracting it authenticates;
/// [`Ctx::authority`] says what the actor may do.
pub(crate) struct Ctx {
    pub(crate) app: App,
    pub(crate) actor: Actor,
    /// A person's session.
    pub(crate) session: Option<Session>,
    pub(crate) request: RequestInfo,
    /// Set if the request may be sent twice.
    pub(crate) attempt: Option<Attempt>,
    /// What a change is for.
    pub(crate) if_match: IfMatch,
}

/// Who does something, with which request: what the audit log says of whatever it leads to.
#[derive(Clone, Copy)]
pub(crate) struct By<'a> {
    pub(crate) app: &'a App,
    pub(crate) actor: &'a Actor,
    pub(crate) request: &'a RequestInfo,
}

impl By<'_> {
    /// An audit line about something that was done.
    pub(crate) fn event(
        &self,
        action: Action,
        organization: Option<OrganizationId>,
        target: impl Into<Target>,
    ) -> AuditEvent {
        AuditEvent {
            organization,
            target: target.into().0,
            ..self.request.event(self.app, self.actor.clone(), action)
        }
    }
}

impl FromRequestParts<App> for Ctx {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let request = RequestInfo::of(parts);
        let (actor, session) = crate::auth::bearer(app, &parts.headers).await?;
        request.note_actor(&actor);
        openapi::refuse_unknown(parts)?;
        let attempt = Attempt::of(parts, &request)?;
        Ok(Self {
            app: app.clone(),
            actor,
            session,
            request,
            attempt,
            if_match: IfMatch::of(&parts.headers),
        })
    }
}

impl RequestInfo {
    /// Whom attempts from there are counted with: an address, or the network of one in IPv6.
    pub(crate) fn counted_as(&self) -> String {
        let address = self.source.parse().map(Source::of);
        address.map_or_else(|_| self.source.clone(), |source| source.to_string())
    }

    pub(crate) fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// Counts the request for an organization. Says whether it wasn't counted yet.
    pub(crate) fn count_once(&self) -> bool {
        !self.counted.swap(true, Ordering::Relaxed)
    }

    /// Notes who it turned out to be.
    pub(crate) fn note_actor(&self, actor: &Actor) {
        let _ = self.actor.set(actor.clone());
    }

    /// An audit line about this request.
    pub(crate) fn event(&self, app: &App, actor: Actor, action: Action) -> AuditEvent {
        AuditEvent {
            at: app.clock.now(),
            actor,
            action,
            organization: None,
            target: String::new(),
            outcome: Outcome::Success,
            reason: String::new(),
            source: self.source.clone(),
            request_id: self.id.clone(),
            changes: Vec::new(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestInfo {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}

impl Ctx {
    /// The id of a person's session.
    pub(crate) fn session_id(&self) -> Option<SessionId> {
        self.session.as_ref().map(|session| session.id)
    }

    /// What the actor holds as of this unit of work. Where a person's session is over in an organization,
    /// they hold nothing there through it: only a new sign-in leads back in.
    pub(crate) async fn authority(&self, unit: &mut impl Unit) -> Result<Authority, ApiError> {
        let mut authority = Authority::load(&self.app, unit, &self.actor).await?;
        if let Some(session) = &self.session {
            authority = authority.within(unit, session.id).await?;
        }
        let now = self.app.clock.now();
        Ok(authority.asked(Asked {
            counted: Some((self.app.clone(), self.request.clone())),
            from: self.request.source.parse().ok(),
            signed_in_for: self.session.as_ref().map(|s| now.since(s.auth_time)),
            second_factor: self.session.as_ref().map(|s| s.amr.has_second_factor()),
        }))
    }

    /// An organization by id or name, and what the actor holds in it until this transaction ends: whoever
    /// changes something there waits for others who do. Without that, a database that lets writers run
    /// side by side would let somebody act on a role that is just being taken away.
    pub(crate) async fn authority_in(
        &self,
        write: &mut Write,
        organization: &str,
    ) -> Result<(Authority, Organization), ApiError> {
        let authority = self.authority(write).await?;
        let found = authority.organization(write, organization).await?;
        self.hold(write, found.id).await
    }

    /// The second half of [`Ctx::authority_in`].
    pub(crate) async fn hold(
        &self,
        write: &mut Write,
        organization: OrganizationId,
    ) -> Result<(Authority, Organization), ApiError> {
        write.organizations().lock(organization).await?;
        let authority = self.authority(write).await?;
        let id = organization.to_string();
        let found = authority.organization(write, &id).await?;
        Ok((authority, found))
    }

    /// Refuses a person who has not signed in just now.
    pub(crate) fn require_recent(&self) -> Result<(), ApiError> {
        let now = self.app.clock.now();
        match &self.session {
            Some(session) if session::is_recent(session, now) => Ok(()),
            _ => Err(ApiError::RecentSignIn),
        }
    }

    /// Who asks.
    pub(crate) fn by(&self) -> By<'_> {
        By {
            app: &self.app,
            actor: &self.actor,
            request: &self.request,
        }
    }

    /// An audit line about something that was done.
    pub(crate) fn event(
        &self,
        action: Action,
        organization: Option<OrganizationId>,
        target: impl Into<Target>,
    ) -> AuditEvent {
        self.by().event(action, organization, target)
    }
}

/// What an audit line is about, as text.
pub(crate) struct Target(String);

impl<T: std::fmt::Display> From<T> for Target {
    fn from(target: T) -> Self {
        Self(target.to_string())
    }
}
