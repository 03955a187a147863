//! A connection's secrets, which the database keeps sealed under the master key: each for one use, its kind.

use aeolus_keys::Kind;
use aeolus_keys::envelope::{EnvelopeError, MasterKey};
use aeolus_model::{ConnectionId, KeyId, Rng, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The use of a client secret.
pub(crate) const CLIENT: Kind = Kind::Federated;

/// As the settings keep it.
fn seal(
    (master, rng): (&MasterKey, &dyn Rng),
    (id, kind): (ConnectionId, Kind),
    secret: &str,
) -> Result<String, EnvelopeError> {
    let sealed = master.seal(record(id), kind, secret.as_bytes(), rng)?;
    Ok(STANDARD.encode(sealed))
}

/// The secret itself.
pub(crate) fn open(
    master: &MasterKey,
    (id, kind): (ConnectionId, Kind),
    sealed: &str,
) -> Result<Secret<String>, EnvelopeError> {
    let sealed = STANDARD
        .decode(sealed)
        .map_err(|_| EnvelopeError::Malformed)?;
    let opened = master.open(record(id), kind, &sealed)?;
    let text = std::str::from_utf8(opened.expose()).map_err(|_| EnvelopeError::Malformed)?;
    Ok(Secret::new(text.to_owned()))
}

/// The secret sealed: as it is held where that is the same secret, so that what changes nothing writes
/// nothing. One that doesn't open is replaced.
pub(crate) fn seal_unless_held(
    (master, rng): (&MasterKey, &dyn Rng),
    of: (ConnectionId, Kind),
    secret: &str,
    held: Option<String>,
) -> Result<String, EnvelopeError> {
    if let Some(held) = held
        && open(master, of, &held).is_ok_and(|opened| opened.expose() == secret)
    {
        return Ok(held);
    }
    seal((master, rng), of, secret)
}

fn record(id: ConnectionId) -> KeyId {
    KeyId::from_bytes(*id.as_bytes())
}
