//! The context of one request: who asks, from where, under which id.

use aeolus_model::{Action, Actor, AuditEvent, OrganizationId, Outcome, SessionId};
use aeolus_store::Unit;
use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::app::App;
use crate::authority::Authority;
use crate::error::ApiError;

/// Which request, and from where. Put into the request's extensions at the edge.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestInfo {
    pub(crate) id: String,
    /// The client's address, empty if it isn't known.
    pub(crate) source: String,
}

/// A request of a person or a program with a good credential. Extracting it authenticates;
/// [`Ctx::authority`] says what the actor may do.
pub(crate) struct Ctx {
    pub(crate) app: App,
    pub(crate) actor: Actor,
    /// A person's session.
    pub(crate) session: Option<SessionId>,
    pub(crate) request: RequestInfo,
}

impl FromRequestParts<App> for Ctx {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let request = RequestInfo::of(parts);
        let (actor, session) = crate::auth::bearer(app, &parts.headers).await?;
        Ok(Self {
            app: app.clone(),
            actor,
            session,
            request,
        })
    }
}

impl RequestInfo {
    pub(crate) fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_default()
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
    /// What the actor holds as of this unit of work. Writers ask inside their transaction, so that
    /// a role taken away meanwhile counts.
    pub(crate) async fn authority(&self, unit: &mut impl Unit) -> Result<Authority, ApiError> {
        Authority::load(unit, &self.actor).await
    }

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
            ..self.request.event(&self.app, self.actor.clone(), action)
        }
    }
}

/// What an audit line is about, as text.
pub(crate) struct Target(String);

impl<T: std::fmt::Display> From<T> for Target {
    fn from(target: T) -> Self {
        Self(target.to_string())
    }
}
