//! Who asks for a registry's token: whoever has an access token of control or an API token, as the password of
//! any user (row J4).
//!
//! A person's own password is not taken: it would lie in every machine's Docker configuration, without a second
//! factor. Direct access tokens are for planes alone.

use aeolus_model::{Actor, Secret, Time};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::ask::Asked;
use super::config::Registry;
use super::failure::RegistryFailure;
use crate::app::App;
use crate::auth;
use crate::ctx::{Ctx, RequestInfo};
use crate::error::ApiError;
use crate::minute::left;
use crate::seen::IfMatch;

/// Bad credentials, and nobody's, in a minute from one source. A good credential is never refused for them.
const MOST_STRANGE: u32 = 60;
/// Tokens for one person or program in a minute: a cluster pulls by one credential.
const MOST_KNOWN: u32 = 600;

/// What a client shows of who it is.
pub(super) enum Shown {
    Nothing,
    /// Something that can't be a credential.
    Malformed,
    /// The password, whose user is not looked at.
    Credential(Secret<String>),
}

/// Who asks, with a good credential.
pub(super) struct Caller {
    pub(super) ctx: Ctx,
    /// The credential's own end.
    pub(super) until: Time,
}

impl Shown {
    /// By Basic (RFC 7617).
    pub(super) fn in_header(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (None, _) => Self::Nothing,
            (Some(value), None) => {
                let password = password(value.as_bytes());
                password.map_or(Self::Malformed, |text| Self::Credential(Secret::new(text)))
            }
            // A proxy in between might have judged the other one.
            (Some(_), Some(_)) => Self::Malformed,
        }
    }

    /// In a form, and nowhere else at the same time.
    pub(super) fn in_form(headers: &HeaderMap, asked: &Asked) -> Result<Self, RegistryFailure> {
        if headers.contains_key(AUTHORIZATION) {
            let what = "show the credential in the form alone";
            return Err(RegistryFailure::Request(what));
        }
        let member = match asked.get("grant_type") {
            Some("password") => "password",
            // Docker keeps as an identity token what it was given as one.
            Some("refresh_token") => "refresh_token",
            _ => return Err(RegistryFailure::GrantType),
        };
        let shown = asked.get(member).map(|text| Secret::new(text.to_owned()));
        Ok(shown.map_or(Self::Malformed, Self::Credential))
    }
}

fn password(value: &[u8]) -> Option<String> {
    let (scheme, rest) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(rest.trim_ascii()).ok()?).ok()?;
    let (_, password) = text.split_once(':')?;
    Some(password.to_owned())
}

/// The id of a person or API token; nobody else has a credential that is taken here.
pub(super) fn id_of(actor: &Actor) -> String {
    match actor {
        Actor::User(id) => id.to_string(),
        Actor::Token(id) => id.to_string(),
        Actor::Plane(_) | Actor::Scim(_) | Actor::System | Actor::Anonymous => String::new(),
    }
}

/// Who it is; none for somebody who shows nothing.
pub(super) async fn caller(
    app: &App,
    info: &RequestInfo,
    registry: &Registry,
    shown: Shown,
) -> Result<Option<Caller>, RegistryFailure> {
    let now = app.clock.now();
    let known = match &shown {
        Shown::Credential(text) => match auth::known(app, text).await {
            Ok(known) => Some(known).filter(|known| known.until > now),
            Err(ApiError::BadCredential(_)) => None,
            Err(error) => return Err(error.into()),
        },
        Shown::Nothing | Shown::Malformed => None,
    };
    let Some(known) = known else {
        let source = info.counted_as();
        if registry.strangers.hit(&source, 1, now) > MOST_STRANGE {
            return Err(RegistryFailure::Pace(left(now)));
        }
        return match shown {
            Shown::Nothing => Ok(None),
            Shown::Malformed | Shown::Credential(_) => Err(RegistryFailure::Credential),
        };
    };
    if registry.known.hit(&id_of(&known.actor), 1, now) > MOST_KNOWN {
        return Err(RegistryFailure::Pace(left(now)));
    }
    info.note_actor(&known.actor);
    Ok(Some(Caller {
        ctx: Ctx {
            app: app.clone(),
            actor: known.actor,
            session: known.session,
            request: info.clone(),
            attempt: None,
            if_match: IfMatch::default(),
        },
        until: known.until,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_basic_with_a_password_is_read() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        for (header, expected) in [
            (basic("user:a.b.c"), Some("a.b.c")),
            (basic(":a"), Some("a")),
            (basic("user:a:b"), Some("a:b")),
            (basic("user"), None),
            ("Bearer a.b.c".to_owned(), None),
            ("Basic ???".to_owned(), None),
            ("Basic".to_owned(), None),
        ] {
            assert_eq!(password(header.as_bytes()).as_deref(), expected, "{header}");
        }
    }
}
