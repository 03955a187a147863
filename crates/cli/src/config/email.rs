//! Outgoing e-mail, as it is configured (rows E4 and B2).

use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use aeolus_control::{EmailConfig, EmailConfigError, EmailSender, SmtpServer, SmtpTrust};
use aeolus_model::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::types::OptionalSecret;
use super::{Environment, SecretSource};
use crate::report::{Failure, Report};

/// Outgoing e-mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Email {
    /// The server that takes messages, as a URL: `smtps://USER:PASSWORD@HOST`, or `smtp://…` for STARTTLS. In the
    /// place of `smtp.host`, `port`, `secure` and `auth`. Without a server no e-mails are sent.
    #[schemars(with = "OptionalSecret")]
    pub(crate) smtp_url: Option<SecretSource>,
    /// The server, key by key.
    pub(crate) smtp: Smtp,
    /// In whose name: `address@example.com`, or `Name <address@example.com>`.
    pub(crate) from: Option<String>,
    /// Who gets answers; absent: whoever it is from.
    pub(crate) reply_to: Option<String>,
}

/// A server that takes messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Smtp {
    /// Its name or address.
    pub(crate) host: Option<String>,
    /// Its port; absent: 465 if `secure`, else 587.
    pub(crate) port: Option<NonZeroU16>,
    /// Whether TLS begins with the first byte; absent: if the port is 465.
    pub(crate) secure: Option<bool>,
    /// Whether a connection that doesn't begin with TLS must switch to it (STARTTLS). Absent: it must, unless the
    /// server is this machine. With `false`, everybody on the way can read along; a password is not sent then.
    pub(crate) start_tls: Option<bool>,
    /// Who sends, where the server asks.
    pub(crate) auth: Auth,
    /// How the server proves that it is the one.
    pub(crate) tls: SmtpTls,
}

/// Who sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Auth {
    /// A name.
    pub(crate) user: Option<String>,
    /// Its password.
    #[schemars(with = "OptionalSecret")]
    pub(crate) pass: Option<SecretSource>,
}

/// How the server proves that it is the one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SmtpTls {
    /// A PEM file with the certificates of the authorities to trust, and no others; absent: the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// With `false` any certificate will do: whoever is on the way can read everything. Name the server's authority
    /// in `caFile` instead.
    pub(crate) reject_unauthorized: bool,
}

impl Default for SmtpTls {
    fn default() -> Self {
        Self {
            ca_file: None,
            reject_unauthorized: true,
        }
    }
}

impl Email {
    /// As the server is told; nothing, if no server is named. A relative path begins at `base`.
    pub(crate) fn read(
        &self,
        base: &Path,
        environment: &Environment,
    ) -> Result<Option<EmailConfig>, Failure> {
        let read = |key: &str, source: &Option<SecretSource>| {
            let read = |source: &SecretSource| source.read(key, base, environment);
            source.as_ref().map(read).transpose()
        };
        let url = read("email.smtpUrl", &self.smtp_url)?;
        let password = read("email.smtp.auth.pass", &self.smtp.auth.pass)?;
        self.told(base, url, password)
    }

    /// Says what is wrong, as far as it can be known where the secrets may be elsewhere.
    pub(crate) fn check(&self, base: &Path) -> Result<(), Failure> {
        let known = |source: &Option<SecretSource>, other: &str| match source {
            None => None,
            Some(SecretSource::Value(value)) => Some(Secret::new(value.clone())),
            Some(SecretSource::Reference(_)) => Some(Secret::new(other.to_owned())),
        };
        let url = known(&self.smtp_url, "smtps://elsewhere.invalid");
        let password = known(&self.smtp.auth.pass, "elsewhere");
        self.told(base, url, password).map(|_| ())
    }

    fn told(
        &self,
        base: &Path,
        url: Option<Secret<String>>,
        password: Option<Secret<String>>,
    ) -> Result<Option<EmailConfig>, Failure> {
        let Some(server) = self.server(url, password)? else {
            if self.from.is_none() && self.reply_to.is_none() {
                return Ok(None);
            }
            return Err(wrong(
                "email.from is set, but no server that takes messages: set email.smtpUrl or email.smtp.host",
            ));
        };
        let Some(from) = &self.from else {
            return Err(wrong(
                "email.from is missing: it says in whose name messages are sent, such as Aeolus <aeolus@example.com>",
            ));
        };
        let trust = match (&self.smtp.tls.ca_file, self.smtp.tls.reject_unauthorized) {
            (Some(_), false) => return Err(refused(&EmailConfigError::Trust)),
            (Some(path), true) => SmtpTrust::File(base.join(path)),
            (None, true) => SmtpTrust::System,
            (None, false) => SmtpTrust::Anybody,
        };
        let config = EmailConfig {
            server,
            start_tls: self.smtp.start_tls,
            trust,
            from: mailbox("email.from", from)?,
            reply_to: self
                .reply_to
                .as_deref()
                .map(|text| mailbox("email.replyTo", text))
                .transpose()?,
        };
        config.check().map_err(|error| refused(&error))?;
        Ok(Some(config))
    }

    fn server(
        &self,
        url: Option<Secret<String>>,
        password: Option<Secret<String>>,
    ) -> Result<Option<SmtpServer>, Failure> {
        let Smtp {
            host,
            port,
            secure,
            auth,
            ..
        } = &self.smtp;
        let Some(url) = url else {
            return Ok(host.as_ref().map(|host| SmtpServer {
                host: host.clone(),
                port: port.map(NonZeroU16::get),
                secure: *secure,
                user: auth.user.clone(),
                password,
            }));
        };
        let twice = host.is_some()
            || port.is_some()
            || secure.is_some()
            || auth.user.is_some()
            || password.is_some();
        if twice {
            return Err(wrong(
                "email.smtpUrl says all that email.smtp.host, port, secure and auth say: set one or the others",
            ));
        }
        let server = SmtpServer::of_url(&url);
        server.map(Some).map_err(|error| refused(&error))
    }
}

fn mailbox(key: &str, text: &str) -> Result<EmailSender, Failure> {
    text.parse()
        .map_err(|error: EmailConfigError| wrong(&format!("{key}: {error}")))
}

fn refused(error: &EmailConfigError) -> Failure {
    wrong(&error.to_string())
}

fn wrong(what: &str) -> Failure {
    Report::new("CFG-0013", what)
        .why("E-mails could not be sent, so control would not start.")
        .help("docs/how-to/send-e-mail.md has examples; `aeolus email test` tries them")
        .usage()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Option<EmailConfig>, String> {
        let email: Email = serde_saphyr::from_str(yaml).unwrap();
        let environment = Environment::of(&[("SMTP_PASS", "hunter2")]);
        let checked = email.check(Path::new("/etc/aeolus"));
        let read = email.read(Path::new("/etc/aeolus"), &environment);
        assert_eq!(checked.is_ok(), read.is_ok(), "{yaml}");
        read.map_err(|failure| failure.render())
    }

    #[test]
    fn e4_the_originals_keys_mean_the_same() {
        let config = read(
            "{smtpUrl: 'smtps://u:p@mail.example.com/?pool=true', from: a@example.com, replyTo: B <b@example.com>}",
        );
        let config = config.unwrap().unwrap();
        assert_eq!(config.server.host, "mail.example.com");
        assert_eq!(config.reply_to.unwrap().to_string(), "B <b@example.com>");
        let config = read(
            "{from: a@example.com, smtp: {host: mail.example.com, port: 2525, secure: false, \
             auth: {user: u, pass: {env: SMTP_PASS}}, tls: {rejectUnauthorized: false}}}",
        );
        let config = config.unwrap().unwrap();
        assert_eq!(config.server.port, Some(2525));
        assert_eq!(config.server.password.unwrap().expose(), "hunter2");
        assert_eq!(config.trust, SmtpTrust::Anybody);
        let config = read("{from: a@example.com, smtp: {host: h.example, tls: {caFile: ca.pem}}}");
        let trust = config.unwrap().unwrap().trust;
        assert_eq!(trust, SmtpTrust::File("/etc/aeolus/ca.pem".into()));
        assert!(read("{}").unwrap().is_none());
    }

    #[test]
    fn what_could_not_work_is_said_and_holds_no_secret() {
        for (yaml, said) in [
            ("{from: a@example.com}", "no server"),
            ("{smtpUrl: 'smtp://h.example'}", "email.from is missing"),
            ("{from: nobody, smtp: {host: h.example}}", "email.from"),
            (
                "{from: a@example.com, replyTo: x, smtp: {host: h.example}}",
                "email.replyTo",
            ),
            (
                "{from: \"a@example.com\\nBcc: b@example.com\", smtp: {host: h.example}}",
                "no mailbox",
            ),
            (
                "{from: a@example.com, smtpUrl: 'smtp://u:hunter2@h.example/x'}",
                "email.smtpUrl",
            ),
            (
                "{from: a@example.com, smtpUrl: 'smtp://u:hunter2@h.example', smtp: {port: 25}}",
                "set one or the others",
            ),
            (
                "{from: a@example.com, smtp: {host: 'h.example:25'}}",
                "email.smtp.host",
            ),
            (
                "{from: a@example.com, smtp: {host: h.example, auth: {user: u}}}",
                "both user and pass",
            ),
            (
                "{from: a@example.com, smtp: {host: h.example, startTls: false, auth: {user: u, pass: hunter2}}}",
                "never sent without TLS",
            ),
            (
                "{from: a@example.com, smtp: {host: h.example, tls: {caFile: a, rejectUnauthorized: false}}}",
                "leave out one",
            ),
        ] {
            let error = read(yaml).unwrap_err();
            assert!(error.contains(said), "{yaml}: {error}");
            assert!(!error.contains("hunter2"), "{yaml}: {error}");
        }
    }
}
