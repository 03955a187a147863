//! The outcome. There are three, none is a default, and only one can carry an identity.

use std::sync::Arc;

use aeolus_model::{AirflowRole, DeploymentId, SessionId, Subject, Time};

use crate::Reason;
use crate::class::PathClass;
use crate::credential::Credential;
use crate::world::{Deployment, Person};

/// What happens to a request.
#[derive(Debug)]
pub enum Decision {
    /// It goes on to the deployment.
    Allow(Allowed),
    /// It doesn't.
    Deny(Deny),
    /// A browser goes to sign in (or out) first.
    SignIn(SignIn),
}

/// Leave to forward one request. Only [`crate::Judge`] makes one, and whatever forwards takes one.
#[derive(Debug)]
pub struct Allowed {
    deployment: Arc<Deployment>,
    access: Access,
    class: PathClass,
    writes: bool,
    host: usize,
}

/// As whom a request goes on.
#[derive(Debug)]
pub enum Access {
    /// As nobody: the path is public.
    Anonymous,
    /// With the client's own credentials, which the application checks itself.
    PassThrough,
    /// As somebody.
    As(Identity),
}

/// Who asks, and what they are in that Airflow.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The user or token.
    pub subject: Subject,
    /// E-mail address, display name and teams.
    pub person: Arc<Person>,
    /// Their role there; none has no permission in Airflow.
    pub role: Option<AirflowRole>,
    /// What they came with.
    pub credential: Credential,
    /// Until when the credential is good: nothing made from it may outlive it.
    pub expires: Time,
    /// The session the request came with, if it came with one.
    pub session: Option<SessionUse>,
}

/// What the use of a session asks of the gate afterwards, off the request's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionUse {
    /// The session.
    pub id: SessionId,
    /// Past three quarters of its life: ask control to renew it.
    pub renew: bool,
    /// Its access ended while control was away; it goes on until here at most.
    pub extended: Option<Time>,
}

impl Allowed {
    pub(crate) const fn new(
        deployment: Arc<Deployment>,
        access: Access,
        class: PathClass,
        writes: bool,
        host: usize,
    ) -> Self {
        Self {
            deployment,
            access,
            class,
            writes,
            host,
        }
    }

    /// The deployment it goes to.
    pub const fn deployment(&self) -> &Arc<Deployment> {
        &self.deployment
    }

    /// As whom.
    pub const fn access(&self) -> &Access {
        &self.access
    }

    /// Who goes on, where it is somebody.
    pub const fn subject(&self) -> Option<Subject> {
        match &self.access {
            Access::As(identity) => Some(identity.subject),
            Access::Anonymous | Access::PassThrough => None,
        }
    }

    /// What the path is.
    pub const fn class(&self) -> PathClass {
        self.class
    }

    /// Whether it may change something.
    pub const fn writes(&self) -> bool {
        self.writes
    }

    /// The host that was asked, as the deployment has it: for every host of a wildcard that is the
    /// wildcard, so that nobody makes something new of each of as many hosts as they like.
    pub fn host(&self) -> &str {
        let host = self.deployment.hosts.get(self.host);
        host.map_or("", String::as_str)
    }
}

/// A refusal. It has no field that could carry a credential to anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deny {
    /// Why: for the audit log, not for the client.
    pub reason: Reason,
    /// Which deployment was asked for, where that is known.
    pub deployment: Option<DeploymentId>,
    /// What the path is, where the route is known.
    pub class: Option<PathClass>,
    /// Who asked, where that is proven.
    pub subject: Option<Subject>,
}

impl Deny {
    /// A refusal of which nothing but the reason is known.
    pub const fn because(reason: Reason) -> Self {
        Self {
            reason,
            deployment: None,
            class: None,
            subject: None,
        }
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.reason.status()
    }

    /// The `WWW-Authenticate` challenge that goes with a 401 (RFC 6750 §3).
    pub const fn challenge(&self) -> Option<&'static str> {
        match self.reason {
            Reason::CredentialMissing => Some("Bearer"),
            Reason::AuthorizationRepeated | Reason::AuthorizationMalformed => {
                Some("Bearer error=\"invalid_request\"")
            }
            _ if self.reason.status() == 401 => Some("Bearer error=\"invalid_token\""),
            _ => None,
        }
    }

    /// Seconds after which asking again may help.
    pub const fn retry_after(&self) -> Option<u32> {
        match self.reason.status() {
            429 => Some(10),
            503 => Some(5),
            _ => None,
        }
    }

    /// The text the client sees: the same for every cause of one status.
    pub const fn text(&self) -> &'static str {
        match self.reason.status() {
            400 => "The request is malformed.",
            401 => "Sign in, or send a valid token.",
            403 => "You may not do this.",
            404 => "Nothing is served here.",
            405 => "This method is not allowed.",
            429 => "Too many requests. Try again in a moment.",
            503 => "This can't be decided right now. Try again in a moment.",
            _ => "Something went wrong.",
        }
    }
}

/// A browser is sent to our own pages on the same host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// For which deployment.
    pub deployment: DeploymentId,
    /// What the path is.
    pub class: PathClass,
    /// Why the browser's credential, if any, was not good.
    pub reason: Reason,
    /// Where to.
    pub to: Destination,
}

/// Which of our pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Sign in, then go on to this path and query on the same host.
    SignIn {
        /// Begins with one slash.
        next: String,
    },
    /// Sign out.
    SignOut,
}

impl SignIn {
    /// The `Location`, relative to the host that was asked.
    pub fn location(&self) -> String {
        match &self.to {
            Destination::SignIn { next } => {
                let mut location = String::from("/.aeolus/sign-in?next=");
                for byte in next.bytes() {
                    push_escaped(&mut location, byte);
                }
                location
            }
            Destination::SignOut => "/.aeolus/sign-out".to_owned(),
        }
    }
}

fn push_escaped(text: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
        text.push(char::from(byte));
        return;
    }
    text.push('%');
    for nibble in [byte >> 4, byte & 0xf] {
        let digit = DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
        text.push(char::from(digit));
    }
}

/// Whether a text is a path (and query) on the same host and nothing that a browser would take
/// for another host: one slash, visible ASCII, no backslash.
pub fn is_local_path(text: &str) -> bool {
    text.len() <= 2_048
        && text.starts_with('/')
        && !text.starts_with("//")
        && text
            .bytes()
            .all(|b| (0x21..=0x7e).contains(&b) && b != b'\\' && b != b'#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_60_only_paths_of_the_same_host_are_gone_on_to() {
        for good in ["/", "/dags?x=1&y=%2F", "/a//b"] {
            assert!(is_local_path(good), "{good}");
        }
        for bad in [
            "",
            "dags",
            "//evil",
            "/\\evil",
            "/\t/evil",
            "https://evil",
            "/a\r\nx: y",
            "/ä",
            "/a#b",
        ] {
            assert!(!is_local_path(bad), "{bad:?}");
        }
    }

    #[test]
    fn the_location_keeps_the_path_in_one_parameter() {
        let sign_in = SignIn {
            deployment: DeploymentId::from_bytes([1; 16]),
            class: PathClass::PrivateRead,
            reason: Reason::CredentialMissing,
            to: Destination::SignIn {
                next: "/dags?x=1&next=%2F%2Fevil".to_owned(),
            },
        };
        assert_eq!(
            sign_in.location(),
            "/.aeolus/sign-in?next=/dags%3Fx%3D1%26next%3D%252F%252Fevil"
        );
    }

    #[test]
    fn causes_of_one_status_look_the_same() {
        let expired = Deny::because(Reason::TokenExpired);
        let forged = Deny::because(Reason::TokenSignature);
        assert_eq!(expired.text(), forged.text());
        assert_eq!(expired.challenge(), forged.challenge());
        assert_eq!(expired.status(), forged.status());
    }
}
