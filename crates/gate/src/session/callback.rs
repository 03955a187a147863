//! `GET /.aeolus/callback`: the code comes back, a session begins.

use std::time::Duration;

use aeolus_api::oauth::TokenAnswer;
use aeolus_decide::{Audience, SessionCookie};
use aeolus_keys::claims::{IdToken, Registered as _};
use aeolus_keys::{Kind, jws};
use aeolus_model::{Secret, Subject, Time};
use http::Response;
use tokio::time::{Instant, sleep};

use super::state::{self, Pending};
use super::{Visit, cookies, pages, sign_in};
use crate::answer;
use crate::body::Body;
use crate::gate::Gate;
use crate::ports::{CodeExchange, TokenError};

/// How long news from control may take to get here, and how often is looked for them.
const NEWS: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(20);

pub(super) async fn finish(gate: &Gate, visit: &Visit<'_>) -> Response<Body> {
    let mut ring = state::open(gate, visit);
    // Mix-up defence (RFC 9207): the answer must come from the one issuer we asked.
    let from_control = visit.parameter("iss").as_deref() == Some(visit.world.issuer());
    let pending = visit
        .parameter("state")
        .and_then(|state| state::take(&mut ring, &state));
    let asked_control = |pending: &Pending| from_control && pending.provider.is_none();
    let Some(pending) = pending.filter(asked_control) else {
        return pages::failed("This sign-in was not begun here, or it took too long.");
    };
    let spent = state::seal(gate, visit, ring);
    let answered = match (visit.parameter("code"), &gate.tokens) {
        (Some(code), Some(tokens)) => {
            let code = CodeExchange {
                code: Secret::new(code),
                redirect_uri: sign_in::redirect_uri(visit),
                verifier: Secret::new(pending.verifier.clone()),
            };
            tokens.exchange(code).await
        }
        _ => Err(TokenError::Refused),
    };
    let page = match answered {
        Err(TokenError::Unavailable) => pages::control_is_away(gate.knowledge.age()),
        Err(TokenError::Refused | TokenError::ClientRefused) => {
            pages::failed("The control plane did not let you in.")
        }
        Ok(answered) => welcome(gate, visit, &pending, &answered).await,
    };
    match spent {
        Some(cookie) => answer::with_cookie(page, &cookie),
        None => page,
    }
}

async fn welcome(
    gate: &Gate,
    visit: &Visit<'_>,
    pending: &Pending,
    answered: &TokenAnswer,
) -> Response<Body> {
    let Some(session) = session(gate, visit, pending, answered) else {
        tracing::error!("control's answer to a sign-in does not verify");
        return pages::failed("The control plane's answer does not verify.");
    };
    // Who comes through a provider at which the plane signs people in could have done so.
    let alone = visit.world.registration(session.connection).is_some();
    if !(alone && visit.world.is_linked(session.user)) {
        gate.drills.signed_in(session.user);
    }
    let Some(cookie) = cookies::seal(gate, visit, &session) else {
        return pages::failed("The session could not be kept.");
    };
    let page = if heard_of(gate, visit, &session).await {
        answer::redirect(&pending.next)
    } else {
        pages::not_heard_of(&pending.next)
    };
    answer::with_cookie(page, &cookie)
}

/// Waits until the snapshot in force takes the session, for as long as news from control may take. Control
/// may have let somebody in by a connection, or made an account, that this gate has yet to hear of; sent on
/// before, the browser would go round in circles. Says whether the session is taken.
async fn heard_of(gate: &Gate, visit: &Visit<'_>, session: &SessionCookie) -> bool {
    let until = Instant::now() + NEWS;
    loop {
        let (taken, person) = known(gate, visit, session);
        if (taken && person) || Instant::now() >= until {
            // Whom this plane knows nothing of is told so where they wanted to go.
            return taken;
        }
        sleep(LOOK).await;
    }
}

/// Whether the snapshot in force takes the session, and whether it knows the person.
fn known(gate: &Gate, visit: &Visit<'_>, session: &SessionCookie) -> (bool, bool) {
    let world = gate.knowledge.world();
    let world = world.as_ref().unwrap_or(&visit.world);
    let taken = world
        .any_deployment_of(&visit.host)
        .and_then(|deployment| gate.judge(world).session_until(session, deployment));
    let person = world.person(Subject::User(session.user));
    (taken.is_some(), person.is_some())
}

/// The session behind the tokens, if every part of the answer is what was asked for. The identity
/// is judged by the same keys and marks as at any request.
fn session(
    gate: &Gate,
    visit: &Visit<'_>,
    pending: &Pending,
    answered: &TokenAnswer,
) -> Option<SessionCookie> {
    let (world, now) = (&visit.world, visit.now);
    let deployment = world.deployment(pending.deployment)?;
    // The host may have come to another organization since the sign-in began.
    let here = world.any_deployment_of(&visit.host)?;
    if here.organization != deployment.organization {
        return None;
    }
    let access = world.verify(answered.access_token.as_bytes(), now).ok()?;
    world.alive(&access, deployment, now).ok()?;
    let (Subject::User(user), Some(session)) = (access.subject, access.session) else {
        return None;
    };
    if access.kind() != Some(Kind::Access) || access.audience != Audience::Deployment(deployment.id)
    {
        return None;
    }
    let id_token = answered.id_token.as_deref()?;
    let verified = world
        .keys()
        .verify(Kind::Id, jws::parse(id_token.as_bytes()).ok()?);
    let id: IdToken = verified.ok()?.claims().ok()?;
    id.check(world.issuer(), &sign_in::client_id(gate), now)
        .ok()?;
    let same = id.nonce.as_deref() == Some(&pending.nonce) && id.sub == user && id.sid == session;
    let hint = answered.aeolus.as_ref().filter(|_| same)?;
    let absolute_end = Time::from_secs(hint.absolute_end);
    Some(SessionCookie {
        session,
        user,
        connection: hint.connection,
        auth_time: Time::from_secs(id.auth_time),
        access_start: now,
        access_end: Time::from_secs(access.expires).min(absolute_end),
        absolute_end,
        begun: aeolus_decide::Begun::AtControl,
    })
}
