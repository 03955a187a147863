//! Where e-mails are handed over, and in whose name.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use aeolus_model::{Secret, is_loopback};
use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use url::Url;

/// Ports as they are usual: TLS from the first byte (RFC 8314 §3), and STARTTLS.
const TLS_PORT: u16 = 465;
const SUBMISSION_PORT: u16 = 587;

/// Why e-mails can't be sent with what is configured.
#[derive(Debug, thiserror::Error)]
pub enum EmailConfigError {
    /// The URL.
    #[error(
        "email.smtpUrl can't be read: write smtps://USER:PASSWORD@HOST or smtp://HOST:PORT; {0}"
    )]
    Url(&'static str),
    /// The server's name.
    #[error(
        "email.smtp.host {0:?} is no host: give a name or an address, and the port in email.smtp.port"
    )]
    Host(String),
    /// Half a credential.
    #[error("email.smtp.auth needs both user and pass, or neither")]
    Auth,
    /// A password in the clear.
    #[error(
        "email.smtp.auth: a password is never sent without TLS to another machine; leave out email.smtp.startTls, or the password"
    )]
    Clear,
    /// An address.
    #[error("{0:?} is no mailbox: write address@example.com or Name <address@example.com>")]
    Mailbox(String),
    /// Trust anchors.
    #[error("email.smtp.tls.caFile: {path} holds no certificate that can be read: {what}")]
    Ca {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Two ways to trust.
    #[error(
        "email.smtp.tls: caFile says whom to trust, rejectUnauthorized: false trusts everybody; leave out one"
    )]
    Trust,
    /// The TLS library.
    #[error("TLS can't be set up for e-mail: {0}")]
    Tls(String),
}

/// A mailbox: an address, and perhaps a name. Neither can hold what would begin another header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailSender(pub(super) Mailbox);

impl FromStr for EmailSender {
    type Err = EmailConfigError;

    fn from_str(text: &str) -> Result<Self, EmailConfigError> {
        let wrong = || EmailConfigError::Mailbox(text.to_owned());
        if text.len() > 320 || text.chars().any(char::is_control) {
            return Err(wrong());
        }
        text.trim().parse().map(Self).map_err(|_| wrong())
    }
}

impl fmt::Display for EmailSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A server that takes e-mails (RFC 6409).
#[derive(Clone, Debug, Default)]
pub struct SmtpServer {
    /// A name or an address.
    pub host: String,
    /// Absent: 465 with TLS from the first byte, else 587.
    pub port: Option<u16>,
    /// Whether TLS begins with the first byte; absent: if the port is 465.
    pub secure: Option<bool>,
    /// Who sends.
    pub user: Option<String>,
    /// What proves it.
    pub password: Option<Secret<String>>,
}

impl SmtpServer {
    /// Reads a URL as programs of the seeds' time wrote it: `smtps://USER:PASSWORD@HOST:PORT`. Of parameters,
    /// `pool` says nothing here and `requireTLS=true` what is so anyway.
    pub fn of_url(text: &Secret<String>) -> Result<Self, EmailConfigError> {
        let wrong = EmailConfigError::Url;
        let url = Url::parse(text.expose());
        let url =
            url.map_err(|_| wrong("a password with special characters is percent-encoded"))?;
        let secure = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            _ => return Err(wrong("it begins with smtps:// or smtp://")),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(wrong("nothing follows the port"));
        }
        for (name, value) in url.query_pairs() {
            match (&*name, &*value) {
                ("pool", _) | ("requireTLS", "true") => {}
                ("secure", value) if value == if secure { "true" } else { "false" } => {}
                _ => {
                    return Err(wrong(
                        "parameters are not read: use the keys of email.smtp beside it",
                    ));
                }
            }
        }
        let decoded = |text: &str| {
            let bytes: Vec<u8> = percent_decode_str(text).collect();
            String::from_utf8(bytes).map_err(|_| wrong("name and password are UTF-8"))
        };
        let host = url.host_str().ok_or(wrong("there is no host in it"))?;
        let user = Some(url.username()).filter(|user| !user.is_empty());
        Ok(Self {
            host: host.to_owned(),
            port: url.port(),
            secure: Some(secure || url.port() == Some(TLS_PORT)),
            user: user.map(decoded).transpose()?,
            password: url.password().map(decoded).transpose()?.map(Secret::new),
        })
    }
}

/// How a server proves that it is the one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SmtpTrust {
    /// By a certificate of the system's authorities.
    #[default]
    System,
    /// By a certificate of the authorities in a PEM file, and no others.
    File(PathBuf),
    /// It doesn't: whoever is on the way can read everything.
    Anybody,
}

/// How e-mails are sent.
#[derive(Clone, Debug)]
pub struct EmailConfig {
    /// Who takes them.
    pub server: SmtpServer,
    /// Whether a connection that doesn't begin with TLS must switch to it; absent: unless the server is this
    /// machine.
    pub start_tls: Option<bool>,
    /// Whom to trust.
    pub trust: SmtpTrust,
    /// In whose name.
    pub from: EmailSender,
    /// Who gets answers, if somebody else does.
    pub reply_to: Option<EmailSender>,
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encryption {
    FirstByte,
    StartTls,
    Off,
}

impl Encryption {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::FirstByte => "tls",
            Self::StartTls => "starttls",
            Self::Off => "none",
        }
    }
}

impl EmailConfig {
    /// Refuses what could never work or should never be.
    pub fn check(&self) -> Result<(), EmailConfigError> {
        let SmtpServer {
            host,
            user,
            password,
            ..
        } = &self.server;
        let odd = |c: char| c.is_whitespace() || c.is_control() || "/@?#".contains(c);
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let with_port = host.contains(':') && bare.parse::<std::net::Ipv6Addr>().is_err();
        if host.is_empty() || host.len() > 253 || host.contains(odd) || with_port {
            return Err(EmailConfigError::Host(host.clone()));
        }
        if user.is_some() != password.is_some() {
            return Err(EmailConfigError::Auth);
        }
        if user.is_some() && self.encryption() == Encryption::Off && !is_here(host) {
            return Err(EmailConfigError::Clear);
        }
        Ok(())
    }

    pub(crate) fn encryption(&self) -> Encryption {
        let at_465 = self.server.port == Some(TLS_PORT);
        if self.server.secure.unwrap_or(at_465) {
            return Encryption::FirstByte;
        }
        let host = &self.server.host;
        if self.start_tls.unwrap_or_else(|| !is_here(host)) {
            Encryption::StartTls
        } else {
            Encryption::Off
        }
    }

    pub(crate) fn port(&self) -> u16 {
        let usual = match self.encryption() {
            Encryption::FirstByte => TLS_PORT,
            Encryption::StartTls | Encryption::Off => SUBMISSION_PORT,
        };
        self.server.port.unwrap_or(usual)
    }

    /// The server as people read it.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.server.host, self.port())
    }
}

fn is_here(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<std::net::IpAddr>();
    is_loopback(host) || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Result<EmailConfig, EmailConfigError> {
        let config = EmailConfig {
            server: SmtpServer::of_url(&Secret::new(url.to_owned()))?,
            start_tls: None,
            trust: SmtpTrust::System,
            from: "Aeolus <aeolus@example.com>".parse()?,
            reply_to: None,
        };
        config.check()?;
        Ok(config)
    }

    #[test]
    fn e4_a_url_says_where_and_as_whom() {
        let table = [
            ("smtps://mail.example.com", "mail.example.com:465", "tls"),
            (
                "smtp://mail.example.com/",
                "mail.example.com:587",
                "starttls",
            ),
            (
                "smtp://mail.example.com:25",
                "mail.example.com:25",
                "starttls",
            ),
            ("smtp://mail.example.com:465", "mail.example.com:465", "tls"),
            (
                "smtp://u:p@mail.example.com/?requireTLS=true&pool=true",
                "mail.example.com:587",
                "starttls",
            ),
            ("smtp://127.0.0.1:2525", "127.0.0.1:2525", "none"),
            ("smtp://u:p@localhost:2525", "localhost:2525", "none"),
            ("smtp://[::1]:2525", "[::1]:2525", "none"),
        ];
        for (url, place, encryption) in table {
            let config = of(url).unwrap();
            assert_eq!(config.place(), place, "{url}");
            assert_eq!(config.encryption().name(), encryption, "{url}");
        }
        let config = of("smtps://ann%40example.com:a%2Fb%3A@h.example.com").unwrap();
        assert_eq!(config.server.user.as_deref(), Some("ann@example.com"));
        assert_eq!(config.server.password.unwrap().expose(), "a/b:");
        for wrong in [
            "",
            "mail.example.com:25",
            "http://mail.example.com",
            "smtp://mail.example.com/path",
            "smtp://mail.example.com/?requireTLS=false",
            "smtp://mail.example.com/?ignoreTLS=true",
            "smtp://u@mail.example.com",
            "smtp://:p@mail.example.com",
            "smtp:///",
        ] {
            let error = of(wrong).unwrap_err().to_string();
            assert!(error.starts_with("email.smtp"), "{wrong}: {error}");
        }
        // What is wrong with it is said without it.
        let error = of("smtp://u:hunter2@mail.example.com/x").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn a_password_is_never_sent_in_the_clear_to_another_machine() {
        let mut config = of("smtp://u:p@mail.example.com").unwrap();
        config.start_tls = Some(false);
        assert!(matches!(config.check(), Err(EmailConfigError::Clear)));
        config.server.user = None;
        config.server.password = None;
        config.check().unwrap();
        assert_eq!(config.encryption(), Encryption::Off);
        let mut here = of("smtp://u:p@127.0.0.1").unwrap();
        here.start_tls = Some(true);
        assert_eq!(here.encryption(), Encryption::StartTls);
    }

    #[test]
    fn a_mailbox_begins_no_other_header() {
        for good in [
            "a@example.com",
            "Aeolus <a@example.com>",
            "\"A, B\" <a@example.com>",
        ] {
            good.parse::<EmailSender>().unwrap();
        }
        for wrong in [
            "",
            "a",
            "a@example.com\r\nBcc: b@example.com",
            "A\nBcc: b@example.com <a@example.com>",
            "A\u{0} <a@example.com>",
            "a@example.com, b@example.com",
            "<a@example.com> b",
        ] {
            let parsed = wrong.parse::<EmailSender>();
            assert!(
                matches!(parsed, Err(EmailConfigError::Mailbox(_))),
                "{wrong:?}"
            );
        }
    }
}
