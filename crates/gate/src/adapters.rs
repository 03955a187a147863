//! The ports of the request path, over the replica.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aeolus_api::client::Client;
use aeolus_api::oauth::{ASSERTION_TYPE, GRANT_AUTHORIZATION_CODE};
use aeolus_api::plane::{CheckRequest, Event, TokenUse};
use aeolus_decide::{Begun, CredentialId, Deployment, SessionCookie, World};
use aeolus_model::{Clock, DeploymentId, OrganizationId, PlaneId, SessionId, Subject, Time};

use crate::ports::{
    Central, CodeExchange, Consenting, Exchanged, Journal, Knowledge, Moved, Refused, SessionBegun,
    Sessions, Standing, TokenEndpoint, TokenError, Unanswered, UseAfterRevocation,
};
use crate::replica::{ApiControl, Counters, Denial, Outbox, Renewal, Replica, SessionRenewals};

/// A replica whose snapshots become worlds.
pub(crate) type WorldReplica = Replica<Arc<World>>;

impl WorldReplica {
    /// The oldest generation of the plane secret that the snapshot in force allows.
    pub(crate) fn min_generation(&self) -> u32 {
        let loaded = self.peek();
        let loaded = loaded.as_ref();
        loaded.map_or(0, |loaded| loaded.manifest.min_generation)
    }
}

impl Knowledge for WorldReplica {
    fn world(&self) -> Option<Arc<World>> {
        let loaded = self.peek();
        loaded.as_ref().map(|loaded| Arc::clone(&loaded.world))
    }

    fn age(&self) -> Option<Duration> {
        Self::age(self)
    }

    fn now(&self) -> Time {
        self.clock().now()
    }

    fn standing(&self) -> Option<Standing> {
        let loaded = self.peek();
        loaded.as_ref().map(|loaded| Standing {
            position: loaded.manifest.position,
            from_disk: self.is_from_disk(),
        })
    }
}

/// Gate time as a clock of its own.
pub(crate) struct GateTime(pub(crate) Arc<WorldReplica>);

impl Clock for GateTime {
    fn now(&self) -> Time {
        self.0.clock().now()
    }
}

/// Sessions: asked of the renewals, told to the outbox.
pub(crate) struct ReplicaSessions {
    pub(crate) renewals: Arc<SessionRenewals>,
    pub(crate) outbox: Arc<Outbox>,
}

impl Sessions for ReplicaSessions {
    fn renewed(&self, session: SessionId, organization: OrganizationId) -> Option<Time> {
        match self.renewals.get(session, organization)? {
            Renewal::Renewed(end) => Some(end),
            Renewal::Ended => None,
        }
    }

    fn ended(&self, session: SessionId, organization: OrganizationId) -> bool {
        self.renewals.get(session, organization) == Some(Renewal::Ended)
    }

    fn renew(&self, session: &SessionCookie, deployment: &Deployment) {
        let here = session.begun.is_here();
        let begun = here.then(|| begun(session, deployment.id));
        let at = (deployment.id, deployment.organization);
        self.renewals.request(session.session, at, begun);
    }

    fn end(&self, session: &SessionCookie, deployment: DeploymentId, now: Time) {
        self.renewals.end(session.session, now);
        if session.begun.is_here() {
            self.outbox.event(&begun(session, deployment));
        }
        self.outbox.session_ended(session.session, now);
    }
}

/// A session that began here, as control is told of it.
fn begun(session: &SessionCookie, deployment: DeploymentId) -> Event {
    Event::SessionBegun {
        session: session.session,
        user: session.user,
        connection: session.connection,
        deployment,
        at: session.access_start.secs(),
        auth_time: session.auth_time.secs(),
        amr: match session.begun {
            Begun::Here {
                second_factor: true,
            } => vec!["mfa".to_owned()],
            _ => Vec::new(),
        },
        absolute_end: session.absolute_end.secs(),
    }
}

/// The journal: counts for the status, refusals for the audit log.
pub(crate) struct ReplicaJournal {
    pub(crate) counters: Arc<Counters>,
    pub(crate) outbox: Arc<Outbox>,
}

impl Journal for ReplicaJournal {
    fn checked(&self) {
        self.counters.checks.fetch_add(1, Ordering::Relaxed);
    }

    fn refused(&self, refused: Refused) {
        self.counters.denies.fetch_add(1, Ordering::Relaxed);
        self.outbox.denied(Denial {
            at: refused.at,
            deployment: refused.deployment,
            source: refused.source,
            reason: refused.reason,
            subject: refused.subject.map(Subject::id_text),
            request_id: refused.request_id,
        });
    }

    fn used_after_revocation(&self, late: UseAfterRevocation) {
        self.outbox.event(&Event::UseAfterRevocation {
            at: late.at.secs(),
            deployment: late.deployment,
            organization: Some(late.organization),
            credential: match late.credential {
                CredentialId::Session(id) => id.to_string(),
                CredentialId::Token(id, _) => id.to_string(),
            },
        });
    }

    fn tokens_used(&self, uses: Vec<TokenUse>) {
        self.outbox.event(&Event::TokensUsed { uses });
    }

    fn session_begun(&self, told: SessionBegun) {
        self.outbox.event(&begun(&told.session, told.deployment));
    }

    fn moved(&self, moved: Moved) {
        self.outbox.event(&Event::RolloutMoved {
            at: moved.at.secs(),
            rollout: moved.rollout,
            deployment: moved.deployment,
            path: moved.path,
            back: moved.back,
            bad: moved.bad.into(),
            requests: moved.requests.into(),
        });
    }
}

/// Control on the central path, asked as the plane.
pub(crate) struct ControlConsent {
    pub(crate) client: Client,
    pub(crate) control: Arc<ApiControl>,
}

impl Central for ControlConsent {
    fn check<'a>(&'a self, question: &'a CheckRequest) -> Consenting<'a> {
        Box::pin(async move {
            let assertion = self.control.assertion();
            let assertion = assertion.map_err(|error| Unanswered(error.to_string()))?;
            let client = self.client.with_bearer(assertion);
            let answered = client.check(question).await;
            answered.map_err(|error| Unanswered(error.to_string()))
        })
    }
}

/// Control's token endpoint, asked as the plane.
pub(crate) struct ControlTokens {
    pub(crate) client: Client,
    pub(crate) control: Arc<ApiControl>,
    pub(crate) plane: PlaneId,
}

impl TokenEndpoint for ControlTokens {
    fn exchange(&self, code: CodeExchange) -> Exchanged<'_> {
        Box::pin(async move {
            let assertion = self.control.assertion();
            let assertion = assertion.map_err(|_| TokenError::Unavailable)?;
            let client_id = format!("urn:aeolus:plane:{}", self.plane);
            let form = [
                ("grant_type", GRANT_AUTHORIZATION_CODE),
                ("code", code.code.expose()),
                ("redirect_uri", &code.redirect_uri),
                ("code_verifier", code.verifier.expose()),
                ("client_id", &client_id),
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", assertion.expose()),
            ];
            let answered = self.client.exchange(&form).await;
            answered.map_err(|error| match error.status() {
                Some(status) if (400..500).contains(&status) => {
                    tracing::warn!(status, "control refused a code");
                    TokenError::Refused
                }
                _ => {
                    tracing::warn!(%error, "control's token endpoint does not answer");
                    TokenError::Unavailable
                }
            })
        })
    }
}
