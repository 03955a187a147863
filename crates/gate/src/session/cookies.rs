//! Writing cookies. They are bound to the host; on real hosts the browser enforces it (`__Host-`).

use std::time::Duration;

use aeolus_decide::{SessionCookie, session_cookie_name};
use aeolus_model::is_loopback;

use super::Visit;
use crate::gate::Gate;
use crate::memory;

/// The sign-in state's cookie name on a host.
pub(super) fn state_cookie_name(host: &str) -> &'static str {
    if is_loopback(host) {
        "aeolus-s"
    } else {
        "__Host-aeolus-s"
    }
}

/// A `Set-Cookie` value. SameSite=Lax: a link from elsewhere arrives signed in, a form doesn't.
pub(super) fn write(name: &str, value: &str, host: &str, life: Duration) -> String {
    let secure = if is_loopback(host) { "" } else { "; Secure" };
    let seconds = life.as_secs();
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

/// A `Set-Cookie` value that takes a cookie away.
pub(super) fn clear(name: &str, host: &str) -> String {
    write(name, "", host, Duration::ZERO)
}

/// The session of a visit, if its cookie can be opened; it may be over.
pub(super) fn session(gate: &Gate, visit: &Visit<'_>) -> Option<SessionCookie> {
    use aeolus_decide::Memory as _;
    let name = session_cookie_name(&visit.host);
    let value = aeolus_decide::find_cookie(&visit.headers.cookies, name).ok()??;
    gate.memory.open_session(visit.site()?, value)
}

/// Seals a session for the visited host.
pub(super) fn seal(gate: &Gate, visit: &Visit<'_>, session: &SessionCookie) -> Option<String> {
    let plain = session.encode();
    let secret = gate.memory.secret.load();
    let sealer = &secret.as_ref()?.sealer;
    let purpose = memory::purpose(visit.site()?);
    let sealed = sealer.seal(purpose, &visit.host, &plain, &*gate.rng);
    let life = session.absolute_end.since(visit.now);
    let name = session_cookie_name(&visit.host);
    Some(write(name, &sealed.ok()?, &visit.host, life))
}
