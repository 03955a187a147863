//! `/.aeolus/session` says who is signed in; `/.aeolus/refresh` writes a renewed session back into
//! its cookie, which a check can't do.

use aeolus_decide::{SessionCookie, is_local_path};
use aeolus_model::{Subject, Time};
use http::{Response, StatusCode};

use super::{Visit, cookies};
use crate::answer;
use crate::body::Body;
use crate::gate::Gate;

pub(super) fn session(gate: &Gate, visit: &Visit<'_>) -> Response<Body> {
    let content = match living(gate, visit) {
        Some((session, end)) => {
            let person = visit.world.person(Subject::User(session.user));
            serde_json::json!({
                "signedIn": true,
                "user": session.user,
                "email": person.map(|person| person.email.to_string()),
                "accessEnd": end.secs(),
                "absoluteEnd": session.absolute_end.secs(),
            })
        }
        None => serde_json::json!({"signedIn": false}),
    };
    answer::json(StatusCode::OK, content.to_string())
}

pub(super) fn refresh(gate: &Gate, visit: &Visit<'_>) -> Response<Body> {
    let Some((session, _)) = living(gate, visit) else {
        return answer::text(StatusCode::UNAUTHORIZED, "Sign in again.\n");
    };
    let next = visit.parameter("next").filter(|next| is_local_path(next));
    let page = match next {
        Some(next) => answer::redirect(&next),
        None => answer::text(StatusCode::NO_CONTENT, ""),
    };
    // Only what control renewed: that an outage lets a session go on is not for its cookie to keep.
    let Some(deployment) = visit.world.any_deployment_of(&visit.host) else {
        return page;
    };
    let sessions = &gate.memory.sessions;
    let renewed = sessions.renewed(session.session, deployment.organization);
    let end = session.access_end(renewed).min(session.absolute_end);
    if end <= session.access_end {
        sessions.renew(&session, deployment);
        return page;
    }
    let renewed = SessionCookie {
        access_start: visit.now,
        access_end: end,
        // Control renewed it, so control knows it.
        begun: aeolus_decide::Begun::AtControl,
        ..session
    };
    match cookies::seal(gate, visit, &renewed) {
        Some(cookie) => answer::with_cookie(page, &cookie),
        None => page,
    }
}

/// The visit's session and its end, if a check would take it for one.
fn living(gate: &Gate, visit: &Visit<'_>) -> Option<(SessionCookie, Time)> {
    let session = cookies::session(gate, visit)?;
    let deployment = visit.world.any_deployment_of(&visit.host)?;
    let judge = gate.judge(&visit.world);
    let until = judge.session_until(&session, deployment)?;
    Some((session, until))
}
