//! `GET /.aeolus/callback` at the plane's auth host: passes a provider's answer on to the host that
//! began the sign-in.

use std::time::Duration;

use aeolus_keys::seal::Purpose;
use aeolus_model::Time;
use http::Response;
use serde::{Deserialize, Serialize};

use super::{Origin, open, seal};
use crate::answer;
use crate::body::Body;
use crate::gate::Gate;
use crate::session::state::LIFE;
use crate::session::{Visit, pages};

/// How long a ticket is good: one redirect.
const TICKET_LIFE: Duration = Duration::from_secs(30);

/// Longest code that is passed on: it has to fit into a URL when sealed.
const MAX_CODE: usize = 2048;

/// A provider's answer, sealed for one host.
#[derive(Serialize, Deserialize)]
pub(super) struct Ticket {
    #[serde(rename = "s")]
    pub(super) state: String,
    /// None where the provider let nobody in.
    #[serde(rename = "c")]
    pub(super) code: Option<String>,
    #[serde(rename = "i")]
    pub(super) iss: Option<String>,
    #[serde(rename = "t")]
    at: i64,
}

impl Ticket {
    /// Opens a ticket for the visited host, within its 30 s.
    pub(super) fn open(gate: &Gate, visit: &Visit<'_>, text: &str) -> Option<Self> {
        let ticket: Self = open(gate, Purpose::Ticket, &visit.host, text)?;
        let made = Time::from_secs(ticket.at);
        (made <= visit.now && visit.now <= made.plus(TICKET_LIFE)).then_some(ticket)
    }
}

pub(in crate::session) fn relay(gate: &Gate, visit: &Visit<'_>) -> Response<Body> {
    let origin = visit
        .parameter("state")
        .and_then(|state| open::<Origin>(gate, Purpose::CallbackState, &visit.host, &state))
        .filter(|origin| visit.now <= Time::from_secs(origin.begun).plus(LIFE));
    // The host may have gone since.
    let origin = origin.filter(|o| visit.world.any_deployment_of(&o.host).is_some());
    let Some(origin) = origin else {
        return pages::lost("This sign-in was not begun here, or it took too long.");
    };
    let ticket = Ticket {
        state: origin.state,
        code: visit
            .parameter("code")
            .filter(|code| !code.is_empty() && code.len() <= MAX_CODE),
        iss: visit.parameter("iss"),
        at: visit.now.secs(),
    };
    let Some(sealed) = seal(gate, Purpose::Ticket, &origin.host, &ticket) else {
        return pages::lost("The identity provider's answer is too long.");
    };
    let base = visit.tls.base(&origin.host, origin.port);
    let path = aeolus_api::oauth::GATE_CALLBACK_PATH;
    answer::redirect(&format!("{base}{path}?ticket={sealed}"))
}
