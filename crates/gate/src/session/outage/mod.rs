//! Signing in while control is away: at an identity provider, by the plane's own client.
//!
//! A deployment's host sends the browser to the provider, which sends it to the plane's auth host. That
//! host asks nobody anything: it passes the answer on in a ticket for the host that began. There the
//! browser has the state cookie, and only then the code is exchanged.

mod client;
mod finish;
mod relay;
mod spent;

use std::time::Duration;

use aeolus_decide::Registration;
use aeolus_keys::seal::Purpose;
use http::Response;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub(super) use self::client::keys;
pub(super) use self::finish::finish;
pub(super) use self::relay::relay;
pub(crate) use self::spent::Spent;
use super::{Visit, pages, sign_in, state};
use crate::answer;
use crate::body::Body;
use crate::gate::Gate;

/// What the provider gives back as `state`, sealed for the auth host: which host began the sign-in.
#[derive(Serialize, Deserialize)]
struct Origin {
    #[serde(rename = "h")]
    host: String,
    #[serde(rename = "p")]
    port: Option<u16>,
    #[serde(rename = "s")]
    state: String,
    #[serde(rename = "t")]
    begun: i64,
}

/// Begins a sign-in at the provider, if the plane may do that.
pub(super) fn begin(
    gate: &Gate,
    visit: &Visit<'_>,
    next: String,
    age: Option<Duration>,
) -> Response<Body> {
    let world = &visit.world;
    let (Some(auth_host), Some(_), Some(age)) = (world.auth_host(), &gate.providers, age) else {
        return pages::control_is_away(age);
    };
    let Some(deployment) = sign_in::wanted(visit, &next) else {
        return pages::failed("This address is not served by this gate.");
    };
    // What is known is too old to let in anybody new by it.
    if age > world.max_stale_at(&visit.host).unwrap_or_default() {
        return pages::control_is_away(Some(age));
    }
    let registrations = world.registrations();
    let name = visit.parameter("connection");
    let chosen = match (&name, registrations) {
        (None, [only]) => Some(only),
        (None, _) => return pages::choose(&links(registrations, &next)),
        (Some(name), all) => all.iter().find(|registration| registration.name == *name),
    };
    let Some(registration) = chosen else {
        return pages::failed("There is no such way to sign in.");
    };
    let mut pending = sign_in::pending(gate, visit, next, deployment);
    pending.provider = Some(registration.connection);
    let origin = Origin {
        host: visit.host.clone(),
        port: visit.port,
        state: pending.state.clone(),
        begun: pending.begun,
    };
    let query = seal(gate, Purpose::CallbackState, auth_host, &origin).map(|sealed| {
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &registration.client_id)
            .append_pair("redirect_uri", &redirect_uri(visit, auth_host))
            .append_pair("scope", registration.scope())
            .append_pair("state", &sealed)
            .append_pair("nonce", &pending.nonce)
            .append_pair("code_challenge", &sign_in::challenge(&pending))
            .append_pair("code_challenge_method", "S256")
            .finish()
    });
    let mut ring = state::open(gate, visit);
    ring.push(pending);
    let (Some(query), Some(cookie)) = (query, state::seal(gate, visit, ring)) else {
        return pages::failed("The sign-in could not be begun.");
    };
    let endpoint = &registration.authorization_endpoint;
    let joint = if endpoint.contains('?') { '&' } else { '?' };
    answer::with_cookie(
        answer::redirect(&format!("{endpoint}{joint}{query}")),
        &cookie,
    )
}

/// Name and link of every way to sign in.
fn links(registrations: &[Registration], next: &str) -> Vec<(String, String)> {
    let link = |registration: &Registration| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("connection", &registration.name)
            .append_pair("next", next)
            .finish();
        let link = format!("/.aeolus/sign-in?{query}");
        (registration.display_name.clone(), link)
    };
    registrations.iter().map(link).collect()
}

/// The one redirect of the plane's clients.
fn redirect_uri(visit: &Visit<'_>, auth_host: &str) -> String {
    let base = visit.tls.base(auth_host, visit.port);
    format!("{base}{}", aeolus_api::oauth::GATE_CALLBACK_PATH)
}

fn seal(gate: &Gate, purpose: Purpose, host: &str, content: &impl Serialize) -> Option<String> {
    let plain = serde_json::to_vec(content).ok()?;
    let secret = gate.memory.secret.load();
    let sealer = &secret.as_ref()?.sealer;
    sealer.seal(purpose, host, &plain, &*gate.rng).ok()
}

fn open<T: DeserializeOwned>(gate: &Gate, purpose: Purpose, host: &str, text: &str) -> Option<T> {
    let secret = gate.memory.secret.load();
    let opened = secret
        .as_ref()?
        .sealer
        .open(purpose, host, text.as_bytes())?;
    serde_json::from_slice(opened.expose()).ok()
}
