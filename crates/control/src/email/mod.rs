//! E-mails: what people are told, kept with what it tells of and sent by whoever has time. Design note 024.

mod account;
mod config;
mod digest;
mod links;
mod mailer;
mod outbox;
mod test;

pub(crate) use account::{News, note as note_news, tell};
pub use config::{EmailConfig, EmailConfigError, EmailSender, SmtpServer, SmtpTrust};
pub(crate) use digest::{Told, told_of};
pub(crate) use links::{link_of, reset_link_of};
pub(crate) use mailer::Mailer;
pub(crate) use outbox::{enqueue, forget, note, run};
pub(crate) use test::test;
