//! `/.aeolus/sign-out`: ends the session here at once and at control soon after.

use aeolus_decide::session_cookie_name;
use aeolus_model::Method;
use http::Response;

use super::{Visit, cookies, pages};
use crate::answer;
use crate::body::Body;
use crate::gate::Gate;

pub(super) fn end(gate: &Gate, visit: &Visit<'_>) -> Response<Body> {
    // An image on a foreign page must not sign anybody out: a GET from elsewhere is asked first,
    // and the form that answers must come from our own page.
    if !visit.is_same_origin() {
        return match visit.method {
            Method::Post => pages::failed("The request came from another site."),
            _ => pages::confirm_sign_out(),
        };
    }
    let deployment = visit.world.any_deployment_of(&visit.host);
    if let (Some(session), Some(deployment)) = (cookies::session(gate, visit), deployment) {
        gate.end_session(&session, deployment, visit.now);
    }
    let cleared = cookies::clear(session_cookie_name(&visit.host), &visit.host);
    let page = pages::signed_out(visit.world.issuer());
    answer::with_cookie(page, &cleared)
}
