//! Handing messages to the server (RFC 5321, RFC 6409).

use std::time::{Duration, SystemTime};

use aeolus_api::trust::Authorities;
use aeolus_model::{Email, EmailId, Time};
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::config::{EmailConfig, EmailConfigError, EmailSender, Encryption, SmtpTrust};

/// How long a server may take for a connection, and for a message in all.
const CONNECT: Duration = Duration::from_secs(10);
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// What a server says of a failure is kept so far.
const SAID: usize = 300;

/// Hands messages over.
pub(crate) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: EmailSender,
    reply_to: Option<EmailSender>,
    place: String,
    encryption: Encryption,
}

/// What one message says.
pub(super) struct Letter<'a> {
    pub(super) id: EmailId,
    pub(super) to: &'a Email,
    pub(super) subject: &'a str,
    pub(super) body: &'a str,
    pub(super) at: Time,
}

/// Why a message was not taken: a stable code, what happened and what to do.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct SendError {
    pub(crate) code: &'static str,
    pub(crate) what: String,
    /// Whether it is this message that is refused, and will be again.
    pub(crate) for_good: bool,
}

impl Mailer {
    /// `host` is what this machine calls itself. `private` vouch for the server beside the system's authorities,
    /// unless its own are named.
    pub(crate) fn new(
        config: &EmailConfig,
        host: &str,
        private: &Authorities,
    ) -> Result<Self, EmailConfigError> {
        config.check()?;
        let server = &config.server;
        let encryption = config.encryption();
        let tls = match encryption {
            Encryption::FirstByte => Tls::Wrapper(parameters(config, private)?),
            Encryption::StartTls => Tls::Required(parameters(config, private)?),
            Encryption::Off => Tls::None,
        };
        let name = server.host.trim_start_matches('[').trim_end_matches(']');
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(name)
            .port(config.port())
            .timeout(Some(CONNECT))
            .hello_name(greeting(host))
            .tls(tls);
        if let (Some(user), Some(password)) = (&server.user, &server.password) {
            builder =
                builder.credentials(Credentials::new(user.clone(), password.expose().clone()));
        }
        Ok(Self {
            transport: builder.build(),
            from: config.from.clone(),
            reply_to: config.reply_to.clone(),
            place: config.place(),
            encryption,
        })
    }

    /// The server as people read it.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// When TLS begins, in a word.
    pub(crate) const fn encryption(&self) -> &'static str {
        self.encryption.name()
    }

    /// A message's `Message-ID`: the same, however often it is sent, so that whoever gets it twice can tell.
    pub(super) fn message_id(&self, id: EmailId) -> String {
        format!("<{id}@{}>", self.from.0.email.domain())
    }

    /// Hands a message over. It is only theirs if this says so.
    pub(super) async fn send(&self, letter: &Letter<'_>) -> Result<(), SendError> {
        let message = self.message(letter).map_err(|error| SendError {
            code: "message",
            what: format!("The message can't be written: {error}."),
            for_good: true,
        })?;
        match tokio::time::timeout(PATIENCE, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.explain(&error)),
            Err(_) => Err(self.slow()),
        }
    }

    fn message(&self, letter: &Letter<'_>) -> Result<Message, String> {
        let to = letter.to.as_str().parse();
        let to = to.map_err(|error: lettre::address::AddressError| error.to_string())?;
        let millis = u64::try_from(letter.at.millis()).unwrap_or(0);
        let mut message = Message::builder()
            .from(self.from.0.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject)
            .message_id(Some(self.message_id(letter.id)))
            .date(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN);
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(reply_to.0.clone());
        }
        let message = message.body(letter.body.to_owned());
        message.map_err(|error| error.to_string())
    }

    fn slow(&self) -> SendError {
        SendError {
            code: "no-answer",
            what: format!(
                "{} doesn't answer in time. Check email.smtp.host and port, whether TLS begins with the first byte \
                 there (email.smtp.secure), and that firewalls let control out.",
                self.place
            ),
            for_good: false,
        }
    }

    fn explain(&self, error: &SmtpError) -> SendError {
        if error.is_timeout() {
            return self.slow();
        }
        let place = &self.place;
        let said = shown(&causes(error));
        let (code, what) = match error.status().map(u16::from) {
            Some(530 | 534 | 535 | 538 | 454) => (
                "credentials",
                format!(
                    "{place} does not accept the name and password ({said}). Check email.smtp.auth."
                ),
            ),
            Some(status) => {
                let again = if error.is_permanent() { "" } else { " for now" };
                let what = format!(
                    "{place} refuses the message{again} ({said}). Its operator can tell why."
                );
                return SendError {
                    code: if error.is_permanent() {
                        "refused"
                    } else {
                        "refused-for-now"
                    },
                    what,
                    for_good: error.is_permanent() && status / 10 != 52 && status / 10 != 50,
                };
            }
            None if said.contains("STARTTLS") => (
                "no-starttls",
                format!(
                    "{place} offers no STARTTLS, and nothing is sent in the clear. Use its port with TLS \
                     (email.smtp.secure), or say email.smtp.startTls: false."
                ),
            ),
            None if said.contains("authentication mechanism") => (
                "no-auth",
                format!(
                    "{place} takes no name and password. Check the port, or leave out email.smtp.auth."
                ),
            ),
            None if error.is_tls() || said.to_ascii_lowercase().contains("certificate") => (
                "tls",
                format!(
                    "There is no TLS with {place} ({said}). If a private authority vouches for it, name that \
                     in email.smtp.tls.caFile; the host must be one of its certificate's."
                ),
            ),
            None if error.is_response() || said.starts_with("network error") => (
                "no-smtp",
                format!(
                    "{place} breaks off or doesn't speak SMTP ({said}). Check the port and email.smtp.secure."
                ),
            ),
            None => (
                "unreachable",
                format!("{place} can't be reached ({said}). Check email.smtp.host and port."),
            ),
        };
        SendError {
            code,
            what,
            for_good: false,
        }
    }
}

fn parameters(
    config: &EmailConfig,
    private: &Authorities,
) -> Result<TlsParameters, EmailConfigError> {
    let host = &config.server.host;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut builder = TlsParameters::builder(host.to_owned());
    match &config.trust {
        SmtpTrust::System => {
            for authority in private.certificates() {
                let certificate = Certificate::from_der(authority.to_vec());
                let certificate =
                    certificate.map_err(|error| EmailConfigError::Tls(error.to_string()))?;
                builder = builder.add_root_certificate(certificate);
            }
        }
        SmtpTrust::Anybody => builder = builder.dangerous_accept_invalid_certs(true),
        SmtpTrust::File(path) => {
            let wrong = |what: String| EmailConfigError::Ca {
                path: path.clone(),
                what,
            };
            let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
            let certificate = Certificate::from_pem(&pem);
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            builder = builder
                .certificate_store(CertificateStore::None)
                .add_root_certificate(certificate);
        }
    }
    builder
        .build()
        .map_err(|error| EmailConfigError::Tls(error.to_string()))
}

/// How this machine greets (RFC 5321 §4.1.1.1).
fn greeting(host: &str) -> ClientId {
    match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(std::net::IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(std::net::IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(host.to_owned()),
    }
}

/// An error with its causes.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// What a server says, as it may stand in a line of a log.
fn shown(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(SAID).collect()
}

/// Nobody is there to answer (RFC 3834 §5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email::SmtpServer;

    /// A server that takes connections and never says a word.
    #[tokio::test]
    async fn a_server_that_hangs_is_left_in_the_end() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = EmailConfig {
            server: SmtpServer {
                host: "127.0.0.1".to_owned(),
                port: Some(listener.local_addr().unwrap().port()),
                ..SmtpServer::default()
            },
            start_tls: None,
            trust: SmtpTrust::System,
            from: "a@example.com".parse().unwrap(),
            reply_to: None,
        };
        let mailer = Mailer::new(&config, "control.test", &Authorities::default()).unwrap();
        let letter = Letter {
            id: EmailId::from_bytes([1; 16]),
            to: &Email::parse("b@example.com").unwrap(),
            subject: "s",
            body: "b",
            at: Time::from_secs(1_800_000_000),
        };
        // Where nothing else is to be done, its clock goes on by itself.
        tokio::time::pause();
        let before = tokio::time::Instant::now();
        let error = mailer.send(&letter).await.unwrap_err();
        assert_eq!((error.code, error.for_good), ("no-answer", false));
        assert!(before.elapsed() <= PATIENCE + Duration::from_secs(1));
    }

    #[test]
    fn what_a_server_says_is_one_short_line() {
        let said = shown(&format!("550 no\r\n{}", "x".repeat(1000)));
        assert_eq!(said.chars().count(), SAID);
        assert!(said.starts_with("550 no  x"));
    }
}
