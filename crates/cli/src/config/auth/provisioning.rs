//! From the section to what provisions (rows C3–C10): a code for a provider, with or without people who sign in there.

use std::path::Path;

use aeolus_api::scim::ScimConnection;
use aeolus_control::{Provisioning, template_errors};
use aeolus_model::Secret;
use aeolus_oidc::Kind;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::connections::{is_encoded_twice, slug};
use super::{Auth, Provider};
use crate::config::{Environment, Note, NoteKind};
use crate::report::{Exit, Failure, Report};

/// With fewer characters somebody could guess it.
const SHORT: usize = 16;

/// What provisions, and what an operator should know of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Provisions {
    pub(crate) all: Vec<Provisioning>,
    pub(crate) notes: Vec<Note>,
}

impl Auth {
    /// What provisions, or everything that is wrong.
    pub(crate) fn provisioning(
        &self,
        public_url: Option<&str>,
        base: &Path,
        environment: &Environment,
    ) -> Result<Provisions, Failure> {
        let mut found = Provisions::default();
        let mut reports = Vec::new();
        for kind in Kind::ALL {
            let provider = self.openid_connect.of(kind);
            match one(
                (kind, provider),
                (public_url, base, environment),
                &mut found.notes,
            ) {
                Ok(provisioning) => found.all.extend(provisioning),
                Err(failure) => reports.extend(failure.reports),
            }
        }
        if reports.is_empty() {
            return Ok(found);
        }
        Err(Failure {
            reports,
            exit: Exit::Usage,
        })
    }
}

fn one(
    (kind, provider): (Kind, &Provider),
    (public_url, base, environment): (Option<&str>, &Path, &Environment),
    notes: &mut Vec<Note>,
) -> Result<Option<Provisioning>, Failure> {
    let key = format!("auth.openidConnect.{kind}");
    let code_key = format!("{key}.scimAuthCode");
    let code = match &provider.scim_auth_code {
        Some(source) => Some(source.read(&code_key, base, environment)?),
        None => None,
    };
    // The original's values have an empty one where nobody provisions.
    let code = code.filter(|code| !code.expose().trim_end_matches(['\n', '\r']).is_empty());
    let code = code.map(|code| trimmed(&code, &code_key, notes));
    let places = (base, environment);
    let events = provider
        .scim_events
        .read(&format!("{key}.scimEvents"), places, notes)?;
    if code.is_none() && provider.scim == ScimConnection::default() && events.is_none() {
        return Ok(None);
    }
    templates(&provider.scim, &key)?;
    let name = slug(kind).map_err(|error| Report::new("CFG-0013", error).usage())?;
    if let Some(code) = &code {
        judge(kind, code.expose(), &code_key, notes);
        let control = public_url
            .unwrap_or("https://CONTROL")
            .trim_end_matches('/');
        let way = if code.expose().contains(':') {
            "HTTP Basic"
        } else {
            "a bearer token"
        };
        let url = format!("{control}/v1/scim/v2/{name}");
        let what = format!("provisions at {url} by {way}");
        notes.push(Note::new(NoteKind::Understood, &code_key, what));
        if kind == Kind::Okta && url.contains('_') {
            notes.push(Note::new(
                NoteKind::Warning,
                &code_key,
                "Okta takes no Base URL with a `_` in it: give it another name of control",
            ));
        }
    }
    Ok(Some(Provisioning {
        name,
        kind: kind.name().to_owned(),
        code,
        settings: provider.scim.clone(),
        events,
    }))
}

/// Without the line end that `echo` leaves (trap 2).
fn trimmed(code: &Secret<String>, key: &str, notes: &mut Vec<Note>) -> Secret<String> {
    let text = code.expose().trim_end_matches(['\n', '\r']);
    if text.len() < code.expose().len() {
        let what = "ended with a line end, which is not part of it";
        notes.push(Note::new(NoteKind::Understood, key, what));
    }
    Secret::new(text.to_owned())
}

/// What of a code is better changed (trap 3).
fn judge(kind: Kind, code: &str, key: &str, notes: &mut Vec<Note>) {
    let mut warn = |what: &str| notes.push(Note::new(NoteKind::Warning, key, what));
    if is_pair_encoded(code) || is_encoded_twice(code) {
        warn(
            "looks like base64 of a text: Kubernetes takes one layer away by itself, and the provider shows what is inside. If it answers 401, encode it once only",
        );
    } else if kind == Kind::Okta && !code.contains(':') {
        warn(
            "is not user:password, which Okta's Basic Auth shows: only the mode \"HTTP Header\" can show it as it is",
        );
    }
    if code.chars().count() < SHORT {
        warn(
            "is so short that somebody could guess it: use 32 random characters, or make a credential with `aeolus scim credential create`",
        );
    }
}

/// Whether it is `user:password`, encoded.
fn is_pair_encoded(code: &str) -> bool {
    let decoded = STANDARD.decode(code).ok();
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    text.is_some_and(|text| {
        let plain = text.trim_end_matches(['\n', '\r']);
        plain.contains(':') && !plain.contains(char::is_control)
    })
}

fn templates(said: &ScimConnection, key: &str) -> Result<(), Failure> {
    let errors = template_errors(Some(said));
    if errors.is_empty() {
        return Ok(());
    }
    let report = |(at, why): &(String, String)| {
        Report::new("CFG-0013", format!("{key}.{at}: {why}"))
            .why("Groups that it is for would be Teams without roles.")
            .help("`aeolus config check FILE` shows the rest")
    };
    Err(Failure {
        reports: errors.iter().map(report).collect(),
        exit: Exit::Usage,
    })
}

#[cfg(test)]
mod tests;
