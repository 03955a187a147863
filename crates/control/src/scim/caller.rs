//! Who provisions: from the header Authorization to a connection.

use aeolus_api::scim::SCIM_ACCESS_PREFIX;
use aeolus_model::{Actor, Secret, Slug};
use aeolus_scim::{Error, Profile, Reason};
use aeolus_store::{Connection, Read, ScimCredentialKind, StoreError, Unit as _};
use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HOST};
use http::request::Parts;
use http::{HeaderMap, Uri};

use super::config::{self, ScimSettings};
use super::record::Noted;
use super::{ScimCode, ScimFailure, access, secret};
use crate::app::App;
use crate::connections::Settings;
use crate::ctx::RequestInfo;

/// What comes before a connection's name.
pub(crate) const BASE: &str = "/v1/scim/v2/";
/// The name of the credential that the configuration names.
const CONFIGURED: &str = "configuration";

/// A request of a provisioning client with a good credential, for one connection.
pub(crate) struct Caller {
    pub(crate) app: App,
    /// Whose users and groups it is about.
    pub(crate) connection: Connection,
    /// What the client needs that others must not get.
    pub(crate) profile: &'static Profile,
    pub(crate) settings: ScimSettings,
    /// Whether somebody is told what it does.
    pub(crate) tells: bool,
    /// Who does it, by the credential's name.
    pub(crate) actor: Actor,
    pub(crate) request: RequestInfo,
    /// The connection's endpoint as the client addressed it, absolute and without a trailing slash.
    pub(crate) base: String,
}

impl FromRequestParts<App> for Caller {
    type Rejection = ScimFailure;

    /// An unknown connection, no credential and a bad one are refused alike: nothing is learnt of which connections
    /// there are.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ScimFailure> {
        let request = RequestInfo::of(parts);
        let shown = Shown::read(&parts.headers);
        let name = connection_of(parts.uri.path());
        let noted = parts.extensions.get::<Noted>().cloned();
        let noted = noted.unwrap_or_default();
        let mut view = app.store.read().await?;
        let found = known(app, &mut view, &noted, (name, shown.as_ref().ok())).await?;
        let Some(known) = found else {
            return Err(refused(app, &request, shown.as_ref()));
        };
        let tells = known.settings.scim_events.is_some();
        let said = known.settings.scim.unwrap_or_default();
        let _ = noted.credential.set(known.credential.clone());
        if said.paused {
            return Err(ScimFailure::Paused);
        }
        let settings = ScimSettings::load(&mut view, &said).await?;
        drop(view);
        let actor = Actor::Scim(format!("{}/{}", known.connection.name, known.credential));
        request.note_actor(&actor);
        let caller = Self {
            app: app.clone(),
            profile: config::profile(&said, &known.connection.kind),
            base: base(app, parts, &known.connection.name),
            connection: known.connection,
            settings,
            tells,
            actor,
            request,
        };
        caller.count(1)?;
        Ok(caller)
    }
}

impl Caller {
    /// Counts so much of what the connection's clients ask for in a minute.
    ///
    /// # Errors
    /// 429 with `Retry-After` once as many were let through as are answered: a client that runs wild would keep everybody
    /// waiting.
    pub(super) fn count(&self, many: u32) -> Result<(), Error> {
        let (scim, now) = (&self.app.scim, self.app.clock.now());
        let most = scim.config().requests_per_minute;
        match scim.floods.asked(self.connection.id, (many, most), now) {
            None => Ok(()),
            Some(left) => Err(Error::new(
                Reason::TooFast,
                format!(
                    "This minute had {most} requests of this connection, which is all that it may: ask again in {left} seconds."
                ),
            )),
        }
    }
}

/// A connection whose client has shown a good credential.
struct Known {
    connection: Connection,
    settings: Settings,
    credential: String,
}

async fn known(
    app: &App,
    view: &mut Read,
    noted: &Noted,
    (name, shown): (Option<Slug>, Option<&Shown>),
) -> Result<Option<Known>, StoreError> {
    let connection = match &name {
        Some(name) => view.connections().by_name(name).await?,
        None => None,
    };
    if let Some(connection) = &connection {
        let _ = noted.connection.set(connection.id);
    }
    let Some(Shown(text)) = shown else {
        return Ok(None);
    };
    let now = app.clock.now();
    let found = if text.expose().starts_with(SCIM_ACCESS_PREFIX) {
        access::credential_of(app, view, text.expose()).await?
    } else {
        let digest = secret::of_text(text.expose());
        let found = view.scim_credentials().by_digest(&digest, now).await?;
        // Whoever has a client's secret asks for a token first.
        found.filter(|found| found.kind != ScimCredentialKind::Client)
    };
    let Some(connection) = connection else {
        return Ok(None);
    };
    let settings = Settings::of(&connection).filter(|settings| !settings.has_left());
    let Some(settings) = settings else {
        return Ok(None);
    };
    let configured = settings.scim_code.as_ref();
    let of_configuration =
        configured.is_some_and(|code| *code == ScimCode::new(&app.scim.key, text.expose()));
    let credential = match found {
        Some(found) if found.connection == connection.id => {
            app.scim.uses.seen(found.id, now);
            found.name
        }
        _ if of_configuration => CONFIGURED.to_owned(),
        _ => return Ok(None),
    };
    Ok(Some(Known {
        connection,
        settings,
        credential,
    }))
}

/// The connection that a path is about.
pub(super) fn connection_of(path: &str) -> Option<Slug> {
    let rest = path.strip_prefix(BASE)?;
    let name = rest.split('/').next().unwrap_or(rest);
    Slug::parse(name).ok()
}

/// What a client shows, without what is around it: a token, or `user:password`.
struct Shown(Secret<String>);

/// Why nothing is shown that could be a credential.
#[derive(Clone, Copy)]
enum Unshown {
    /// There is no header.
    Nothing,
    /// There are two. A proxy in between might have judged the other one.
    Twice,
    /// It can't be read.
    Form,
}

impl Shown {
    /// From the header as Okta and Entra send it: `Basic`, `Bearer`, or a token alone, which is what an
    /// administrator may have written for "HTTP Header".
    fn read(headers: &HeaderMap) -> Result<Self, Unshown> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = match (values.next(), values.next()) {
            (None, _) => return Err(Unshown::Nothing),
            (Some(_), Some(_)) => return Err(Unshown::Twice),
            (Some(value), None) => value.to_str().map_err(|_| Unshown::Form)?.trim(),
        };
        let text = match value.split_once(' ') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim().to_owned(),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("basic") => {
                let bytes = STANDARD.decode(rest.trim()).map_err(|_| Unshown::Form)?;
                let text = String::from_utf8(bytes).map_err(|_| Unshown::Form)?;
                if !text.contains(':') {
                    return Err(Unshown::Form);
                }
                text
            }
            Some(_) => return Err(Unshown::Form),
            None => value.to_owned(),
        };
        if text.is_empty() {
            return Err(Unshown::Nothing);
        }
        Ok(Self(Secret::new(text)))
    }

    /// Whether it is a JWT, which no credential here is: Entra signs one where it was given no token.
    fn is_jwt(&self) -> bool {
        let text = self.0.expose();
        text.starts_with("eyJ") && text.bytes().filter(|byte| *byte == b'.').count() == 2
    }
}

/// What a client is told, whatever is wrong.
fn refused(app: &App, request: &RequestInfo, shown: Result<&Shown, &Unshown>) -> ScimFailure {
    let now = app.clock.now();
    let jwt = shown.is_ok_and(Shown::is_jwt);
    let none = matches!(shown, Err(Unshown::Nothing));
    if !none && app.scim.floods.failed(&request.counted_as(), now) {
        let detail = "Too many bad credentials came from there: ask again in a minute.";
        return ScimFailure::Scim(Error::new(Reason::TooFast, detail));
    }
    let detail = match shown {
        Err(Unshown::Nothing) => {
            "This needs a credential of the connection in the header Authorization."
        }
        Err(Unshown::Twice) => "Two Authorization headers were sent: send one.",
        _ if jwt => {
            "The credential is a JWT, which is no credential here: at Entra, paste a Secret Token of this connection; \
             without one it signs a token of its own."
        }
        _ => {
            "The credential is not good for this connection: it is unknown, expired, deleted, or of another connection."
        }
    };
    ScimFailure::Scim(Error::new(Reason::Unauthorized, detail))
}

/// The endpoint as the client addressed it: control answers to more than one name.
fn base(app: &App, parts: &Parts, name: &Slug) -> String {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
    let scheme = app.issuer.split("://").next().unwrap_or("https");
    let origin = host.and_then(|host| origin(scheme, host));
    let origin = origin.unwrap_or_else(|| app.issuer.clone());
    format!("{origin}{BASE}{name}")
}

/// An origin, if the host is one and nothing else.
fn origin(scheme: &str, host: &str) -> Option<String> {
    let text = format!("{scheme}://{host}");
    let uri: Uri = text.parse().ok()?;
    let authority = uri.authority()?;
    let plain = authority.as_str() == host && !host.contains('@');
    plain.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        let shown = Shown::read(&headers).ok()?;
        Some(shown.0.expose().clone())
    }

    #[test]
    fn idp_3_a_credential_comes_as_basic_as_bearer_or_alone() {
        for (value, text) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("abc", Some("abc")),
            ("Basic dXNlcjpwYXNzOndvcmQ=", Some("user:pass:word")),
            ("Basic dXNlcg==", None),
            ("Basic ???", None),
            ("Digest abc", None),
            ("", None),
            ("Bearer ", Some("Bearer")),
        ] {
            assert_eq!(shown(value).as_deref(), text, "{value}");
        }
    }

    #[test]
    fn an_origin_is_made_of_nothing_but_a_host() {
        let origin = |host| origin("https", host);
        assert_eq!(
            origin("a.example.com:8443").as_deref(),
            Some("https://a.example.com:8443")
        );
        for bad in [
            "a.example.com/x",
            "u@a.example.com",
            "a b",
            "",
            "a.example.com?x",
        ] {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_path_names_its_connection() {
        let name = |path| connection_of(path).map(String::from);
        assert_eq!(name("/v1/scim/v2/okta/Users/1").as_deref(), Some("okta"));
        assert_eq!(name("/v1/scim/v2/okta").as_deref(), Some("okta"));
        for bad in [
            "/v1/scim/v2/",
            "/v1/scim/v2/O_k/Users",
            "/v1/users",
            "/v1/scim/v2/%6fkta",
        ] {
            assert_eq!(name(bad), None, "{bad}");
        }
    }
}
