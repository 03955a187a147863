//! `GET /.aeolus/callback?ticket=` at a deployment's host: the code is exchanged, a session begins.

use std::time::Duration;

use aeolus_decide::{
    Begun, Deployment, IdTokenError, Reason, Registration, SessionCookie, SignedIn,
};
use aeolus_model::{Clock, Secret, SessionId, Time};
use http::Response;

use super::relay::Ticket;
use super::{client, redirect_uri};
use crate::answer;
use crate::body::Body;
use crate::gate::Gate;
use crate::ports::{CodeExchange, ProviderCode, SessionBegun, TokenError};
use crate::session::state::{self, Pending};
use crate::session::{Visit, cookies, pages};

pub(in crate::session) async fn finish(
    gate: &Gate,
    visit: &Visit<'_>,
    ticket: &str,
) -> Response<Body> {
    let mut ring = state::open(gate, visit);
    let found = Ticket::open(gate, visit, ticket).and_then(|ticket| {
        let pending = state::take(&mut ring, &ticket.state)?;
        Some((ticket, pending))
    });
    let found = found.filter(|(_, pending)| pending.provider.is_some());
    let Some((ticket, pending)) = found else {
        return pages::failed("This sign-in was not begun here, or it took too long.");
    };
    let spent = state::seal(gate, visit, ring);
    let page = match session(gate, visit, ticket, &pending).await {
        Ok(session) => welcome(gate, visit, &pending, session),
        Err(failure) => failure.page(),
    };
    match spent {
        Some(cookie) => answer::with_cookie(page, &cookie),
        None => page,
    }
}

fn welcome(
    gate: &Gate,
    visit: &Visit<'_>,
    pending: &Pending,
    session: SessionCookie,
) -> Response<Body> {
    let Some(cookie) = cookies::seal(gate, visit, &session) else {
        return pages::failed("The session could not be kept.");
    };
    tracing::info!(
        session = %session.session,
        user = %session.user,
        "somebody signed in by the plane's own client"
    );
    gate.journal.session_begun(SessionBegun {
        session,
        deployment: pending.deployment,
    });
    answer::with_cookie(answer::redirect(&pending.next), &cookie)
}

/// Why an answer begins no session.
#[derive(Clone, Copy)]
enum Failure {
    /// What the sign-in was begun with is there no more.
    Gone,
    /// The answer is not the asked provider's.
    Elsewhere,
    /// The provider lets nobody in.
    Refused,
    /// The provider doesn't take this gate for the plane's client.
    Client,
    /// The provider doesn't answer.
    Away,
    /// The answer is not what was asked for.
    Unproven,
    /// The person may not sign in here.
    Unknown,
    /// Not without a second factor.
    SecondFactor,
}

impl Failure {
    fn page(self) -> Response<Body> {
        match self {
            Self::Gone => pages::failed("This way to sign in is no longer there."),
            Self::Elsewhere => pages::failed("The answer came from elsewhere."),
            Self::Refused => pages::failed("The identity provider did not let you in."),
            Self::Client => pages::client_refused(),
            Self::Away => pages::provider_is_away(),
            Self::Unproven => pages::failed("The identity provider's answer does not verify."),
            Self::Unknown => pages::unknown_here(),
            Self::SecondFactor => pages::failed(
                "Your organization asks for a second factor, and your identity provider does not say \
                 that there was one.",
            ),
        }
    }
}

/// The session behind an answer.
async fn session(
    gate: &Gate,
    visit: &Visit<'_>,
    ticket: Ticket,
    pending: &Pending,
) -> Result<SessionCookie, Failure> {
    let world = &visit.world;
    let registration = pending.provider.and_then(|id| world.registration(id));
    let registration = registration.ok_or(Failure::Gone)?;
    let deployment: &Deployment = world.deployment(pending.deployment).ok_or(Failure::Gone)?;
    // The host may have come to another organization since the sign-in began.
    let here = world.any_deployment_of(&visit.host).ok_or(Failure::Gone)?;
    if here.organization != deployment.organization {
        return Err(Failure::Gone);
    }
    // Mix-up defence (RFC 9207): the answer must come from the one issuer we asked.
    if !registration.is_from(ticket.iss.as_deref()) {
        return Err(Failure::Elsewhere);
    }
    let auth_host = world.auth_host().ok_or(Failure::Gone)?;
    let asked = ProviderCode {
        endpoint: registration.token_endpoint.clone(),
        configured: registration.configured().to_owned(),
        client_id: registration.client_id.clone(),
        credential: client::credential(gate, registration, visit.now).ok_or(Failure::Client)?,
        code: CodeExchange {
            code: Secret::new(ticket.code.ok_or(Failure::Refused)?),
            redirect_uri: redirect_uri(visit, auth_host),
            verifier: Secret::new(pending.verifier.clone()),
        },
    };
    let providers = gate.providers.as_ref().ok_or(Failure::Gone)?;
    let id_token = providers.redeem(asked).await.map_err(|error| match error {
        TokenError::Unavailable => Failure::Away,
        TokenError::Refused => Failure::Refused,
        TokenError::ClientRefused => {
            let authentication = &registration.authentication;
            tracing::error!(
                connection = registration.name,
                client = registration.client_id,
                ?authentication,
                "the provider does not take this gate for the plane's client: compare how the client is \
                 registered there, and its keys with `aeolus gate client-keys`"
            );
            Failure::Client
        }
    })?;
    let answered = (id_token.expose().as_bytes(), pending.nonce.as_str());
    let signed_in = world.signed_in(registration, answered, deployment, visit.now);
    let signed_in = signed_in.map_err(|error| {
        tracing::warn!(%error, connection = registration.name, "nobody was signed in");
        match error {
            IdTokenError::Refused(Reason::SecondFactor) => Failure::SecondFactor,
            IdTokenError::Unknown | IdTokenError::Refused(_) => Failure::Unknown,
            _ => Failure::Unproven,
        }
    })?;
    // Only now: a stranger, who can begin as many sign-ins as he likes, takes no room.
    if !gate.spent.spend(&ticket.state, visit.now) {
        return Err(Failure::Gone);
    }
    let trusted = world.max_stale_at(&visit.host).unwrap_or_default();
    Ok(begun(gate, visit, (registration, trusted), signed_in))
}

/// A new session. A plane can't know what changed at control, so it ends after `maxStale` at the latest.
fn begun(
    gate: &Gate,
    visit: &Visit<'_>,
    (registration, trusted): (&Registration, Duration),
    signed_in: SignedIn,
) -> SessionCookie {
    let now = visit.now;
    let longest: Duration = registration.absolute_life.min(trusted);
    let absolute_end = now.plus(longest);
    SessionCookie {
        session: SessionId::new(&At(now), &*gate.rng),
        user: signed_in.user,
        connection: registration.connection,
        auth_time: signed_in.auth_time,
        access_start: now,
        access_end: now.plus(registration.access_life).min(absolute_end),
        absolute_end,
        begun: Begun::Here {
            second_factor: signed_in.second_factor,
        },
    }
}

/// The moment of a visit.
struct At(Time);

impl Clock for At {
    fn now(&self) -> Time {
        self.0
    }
}
