//! Credentials as they are shown.

use aeolus_api::Withheld;
use aeolus_api::scim::{self, ScimCredentialCreated, ScimCredentialKind as Shown};
use aeolus_model::Time;
use aeolus_store::{Connection, ScimCredential, ScimCredentialKind, ScimSecret};

use crate::app::App;
use crate::scim::caller::BASE;
use crate::scim::secret::Made;

/// One, with those of its secrets that are good at a moment.
pub(super) fn view(
    credential: &ScimCredential,
    secrets: &[ScimSecret],
    now: Time,
) -> scim::ScimCredential {
    let mut newest_first = secrets.iter().rev();
    let newest = newest_first.next();
    let earlier = newest_first.filter_map(|secret| secret.ends_at);
    scim::ScimCredential {
        id: credential.id,
        name: credential.name.clone(),
        kind: kind(credential.kind),
        created_by: credential.created_by,
        created_at: credential.created_at.secs(),
        rotated_at: credential.rotated_at.map(Time::secs),
        last_used_at: credential.last_used_at.map(Time::secs),
        expires_at: newest.and_then(|secret| secret.ends_at).map(Time::secs),
        earlier_end_at: earlier.filter(|end| *end > now).map(Time::secs).collect(),
    }
}

/// The answer with a new secret, as it is kept: without it.
pub(super) fn without_secret(
    app: &App,
    connection: &Connection,
    record: scim::ScimCredential,
    seq: u64,
) -> ScimCredentialCreated {
    let instead = "Rotate the credential (POST …/rotate) to get another secret.";
    let token_url = format!("{}/oauth2/token", app.issuer);
    ScimCredentialCreated {
        user: (record.kind != Shown::Bearer).then(|| record.id.to_string()),
        secret: None,
        withheld: Some(Withheld::shown_once(instead)),
        base_url: format!("{}{BASE}{}", app.issuer, connection.name),
        token_url: (record.kind == Shown::Client).then_some(token_url),
        record,
        seq,
    }
}

/// As it is shown, this once.
pub(super) fn with_secret(created: ScimCredentialCreated, made: &Made) -> ScimCredentialCreated {
    ScimCredentialCreated {
        secret: Some(made.secret.expose().clone()),
        withheld: None,
        ..created
    }
}

pub(super) const fn kind(kind: ScimCredentialKind) -> Shown {
    match kind {
        ScimCredentialKind::Bearer => Shown::Bearer,
        ScimCredentialKind::Basic => Shown::Basic,
        ScimCredentialKind::Client => Shown::Client,
    }
}

/// As the store keeps it; absent: what the provider takes.
pub(super) fn kept(asked: Option<Shown>, connection: &Connection) -> ScimCredentialKind {
    match asked {
        Some(Shown::Basic) => ScimCredentialKind::Basic,
        Some(Shown::Client) => ScimCredentialKind::Client,
        None if connection.kind == "okta" => ScimCredentialKind::Basic,
        Some(Shown::Bearer) | None => ScimCredentialKind::Bearer,
    }
}
