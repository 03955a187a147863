//! Credentials of which only the owner is known, taken as good: what is asked is what they may do.

use std::sync::Arc;
use std::time::Duration;

use aeolus_decide::{Audience, Memory, Reason, SessionCookie, Signer, Site, Verified, World};
use aeolus_keys::Kind;
use aeolus_model::{
    ConnectionId, OrganizationId, Secret, SessionId, Subject, Time, TokenId, UserId,
};

use crate::report::{Failure, Report};

/// Stands for a session cookie or a token whose value nobody has.
const STAND_IN: &str = "assumed";

/// How long what is assumed is good.
const HOUR: Duration = Duration::from_secs(3_600);

/// What the request comes with.
pub(super) enum Credential {
    /// Nothing.
    None,
    /// This very token.
    Token(Secret<String>),
    /// A session of this person.
    SessionOf(UserId),
    /// Some value of this API token.
    TokenOf(TokenId),
}

impl Credential {
    /// A session of the person with an address or id.
    pub(super) fn of_user(user: &str, world: &World) -> Result<Self, Failure> {
        if let Ok(id) = user.parse() {
            return Ok(Self::SessionOf(id));
        }
        let found = world.people().find_map(|(subject, person)| match subject {
            Subject::User(id) if person.email.eq_ignore_ascii_case(user) => Some(id),
            _ => None,
        });
        found.map(Self::SessionOf).ok_or_else(|| {
            Report::new("CLI-0012", format!("the gate knows nobody called {user}"))
                .why("A plane knows only people who have a permission on one of its deployments.")
                .help("grant a role, or give the person's id")
                .failed()
        })
    }

    /// The header lines that carry it. A browser's own pages send the second with a cookie.
    pub(super) fn headers(&self) -> Vec<(String, String)> {
        let line = |name: &str, value: String| (name.to_owned(), value);
        match self {
            Self::None => Vec::new(),
            Self::Token(token) => vec![line("authorization", format!("Bearer {}", token.expose()))],
            Self::TokenOf(_) => vec![line("authorization", format!("Bearer {STAND_IN}"))],
            Self::SessionOf(_) => {
                let cookie = ["__Host-aeolus", "aeolus"].map(|name| format!("{name}={STAND_IN}"));
                vec![
                    line("cookie", cookie.join("; ")),
                    line("sec-fetch-site", "same-origin".to_owned()),
                ]
            }
        }
    }

    /// What is taken for granted about it, in words.
    pub(super) const fn assumption(&self) -> Option<&'static str> {
        match self {
            Self::None | Self::Token(_) => None,
            Self::SessionOf(_) => {
                Some("assumed: a session begun now, used by the deployment's own pages")
            }
            Self::TokenOf(_) => {
                Some("assumed: a value of the token that is neither revoked nor over")
            }
        }
    }
}

/// A memory with nothing in it but the assumption.
pub(super) struct Assumed<'a> {
    credential: &'a Credential,
    url: &'a str,
    session: Option<SessionCookie>,
}

impl<'a> Assumed<'a> {
    /// For a request to a URL.
    pub(super) fn new(credential: &'a Credential, url: &'a str, world: &World, now: Time) -> Self {
        let begun_by = |user: UserId| SessionCookie {
            session: SessionId::from_bytes([0; 16]),
            user,
            // A gate without any connection ends every session, and that is said.
            connection: world
                .connections()
                .next()
                .unwrap_or(ConnectionId::from_bytes([0; 16])),
            auth_time: now,
            access_start: now,
            access_end: now.plus(HOUR),
            absolute_end: now.plus(HOUR),
            begun: aeolus_decide::Begun::AtControl,
        };
        let session = match credential {
            Credential::SessionOf(user) => Some(begun_by(*user)),
            Credential::None | Credential::Token(_) | Credential::TokenOf(_) => None,
        };
        Self {
            credential,
            url,
            session,
        }
    }
}

impl Memory for Assumed<'_> {
    fn verified(&self, token: &[u8], world: &World, now: Time) -> Result<Arc<Verified>, Reason> {
        let Credential::TokenOf(id) = self.credential else {
            return world.verify(token, now).map(Arc::new);
        };
        let mut keys = world.keys().iter();
        let key = keys.find(|(kind, _)| *kind == Kind::Api);
        let (kind, key) = key.ok_or(Reason::TokenKeyUnknown)?;
        let deployment = url::Url::parse(self.url).ok().and_then(|url| {
            let host = url.host_str()?;
            world.deployment_at(host, url.path())
        });
        let deployment = deployment.ok_or(Reason::HostUnknown)?;
        Ok(Arc::new(Verified {
            signer: Signer::Own {
                kind,
                kid: key.kid(),
            },
            subject: Subject::Token(*id),
            organization: Some(deployment.organization),
            audience: Audience::Organization,
            scope: None,
            session: None,
            issued: now.secs(),
            not_before: now.secs(),
            expires: now.plus(HOUR).secs(),
            index: None,
            told: aeolus_decide::LastTold::default(),
            held: None,
        }))
    }

    fn open_session(&self, _: Site<'_>, value: &[u8]) -> Option<SessionCookie> {
        self.session.filter(|_| value == STAND_IN.as_bytes())
    }

    fn renewed(&self, _: SessionId, _: OrganizationId) -> Option<Time> {
        None
    }

    fn ended(&self, _: SessionId, _: OrganizationId) -> bool {
        false
    }
}
