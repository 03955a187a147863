//! The central path: what control has to be told of a request, and its refusal as the gate's own.

use aeolus_model::OrganizationId;

use super::{Judge, Refusal, session_cookie_name};
use crate::cookie::{self, SessionCookie};
use crate::decision::{Decision, Deny};
use crate::request::{Once, Request};
use crate::world::Site;
use crate::{Reason, canonical_host};

/// The credential that a decision was made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown<'a> {
    /// None that is any.
    Nothing,
    /// The `Authorization` line.
    Bearer(&'a [u8]),
    /// What the session's cookie says, with every renewal that is known.
    Session(SessionCookie),
    /// The value of a parent domain's cookie.
    Parent(&'a [u8]),
}

impl Judge<'_> {
    /// The credential that this judge looks at, opened where only a plane can.
    pub fn shown<'a>(&self, request: &Request<'a>) -> Shown<'a> {
        if let Once::One(line) = request.headers.authorization {
            return Shown::Bearer(line);
        }
        let lines = &request.headers.cookies;
        let found = |name| cookie::find(lines, name).ok().flatten();
        let Some((host, organization)) = self.place(request) else {
            return Shown::Nothing;
        };
        if let Some(value) = found(session_cookie_name(&host)) {
            return match self.opened((&host, organization), value) {
                Some(session) => Shown::Session(session),
                None => Shown::Nothing,
            };
        }
        let parent = request.parent_cookie.and_then(found);
        parent.map_or(Shown::Nothing, Shown::Parent)
    }

    /// The refusal of a request, for a reason that was found elsewhere.
    pub fn refusal(&self, request: &Request<'_>, reason: Reason) -> Decision {
        match self.route(request) {
            Ok(routed) => Self::refuse(request, &routed, &Refusal::from(reason)),
            Err(reason) => Decision::Deny(Deny::because(reason)),
        }
    }

    fn place(&self, request: &Request<'_>) -> Option<(String, OrganizationId)> {
        let routed = self.route(request).ok()?;
        let host = canonical_host(routed.authority.host().as_bytes())?;
        Some((host, routed.deployment.organization))
    }

    fn opened(
        &self,
        (host, organization): (&str, OrganizationId),
        value: &[u8],
    ) -> Option<SessionCookie> {
        let site = self.world.site(host).unwrap_or(Site::Named(host));
        let session = self.memory.open_session(site, value)?;
        let renewed = self.memory.renewed(session.session, organization);
        let access_end = session.access_end(renewed);
        Some(SessionCookie {
            access_end,
            ..session
        })
    }
}
