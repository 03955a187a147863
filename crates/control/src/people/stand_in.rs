//! Addresses that accounts lose: whoever took one at their own word gives it up to whom a provider proves it of.

use aeolus_model::{Action, Actor, AuditEvent, Change, Email, EmailId, Rng, Slug};
use aeolus_store::{OutgoingEmail, Unit as _, User, Write};

use super::{Arrival, link, waiting};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::email;
use crate::error::ApiError;

/// Nobody receives mail there (RFC 6761 §6.4).
const DOMAIN: &str = "no-address.invalid";
/// Random bytes of a name there: nobody takes one before it is given.
const BYTES: usize = 10;

/// Whether an address is one that nobody is reached at.
pub(crate) fn is_stand_in(email: &Email) -> bool {
    email.domain() == DOMAIN
}

/// Another address that nobody is reached at.
pub(crate) fn stand_in(rng: &dyn Rng, prefix: &str) -> Result<Email, ApiError> {
    let mut bytes = [0; BYTES];
    rng.fill(&mut bytes);
    let hex = |text: String, byte: &u8| format!("{text}{byte:02x}");
    let name = bytes.iter().fold(prefix.to_owned(), hex);
    Email::parse(&format!("{name}@{DOMAIN}")).map_err(ApiError::internal)
}

/// By what an address is shown to be somebody's.
#[derive(Clone, Copy)]
pub(super) enum Proof<'a> {
    /// By the word of this provider, which counts for the domain.
    Provider(&'a Slug),
    /// They opened a link that was sent there.
    Mail,
}

impl Proof<'_> {
    fn name(self) -> String {
        match self {
            Self::Provider(name) => name.to_string(),
            Self::Mail => "e-mail".to_owned(),
        }
    }
}

/// Frees an address that nobody has shown to be its holder's, for somebody whom a provider proves it of whose word
/// counts for its domain (O22). Says whether it is free.
pub(super) async fn take(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (arrival, holder): (&Arrival<'_>, &User),
) -> Result<bool, ApiError> {
    if !link::vouches(arrival, &holder.email) {
        return Ok(false);
    }
    let proof = Proof::Provider(arrival.provider.name());
    give_up(app, info, write, (holder, proof)).await
}

/// Frees an address for whom it is shown to be. The account stays, under another address. Says whether it is free.
pub(super) async fn give_up(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (holder, proof): (&User, Proof<'_>),
) -> Result<bool, ApiError> {
    let email = &holder.email;
    write.users().hold(holder.id).await?;
    let there = write.users().by_email(email).await?;
    let same = |there: &User| there.id == holder.id && there.disabled_at.is_none();
    let Some(there) = there.filter(same) else {
        return Ok(false);
    };
    if !write.users().has_unproved_address(there.id).await? {
        return Ok(false);
    }
    let loser = User {
        email: stand_in(&*app.rng, "former-")?,
        ..there
    };
    write.users().update(&loser).await?;
    waiting::freed(write, email).await?;
    let event = info.event(app, Actor::System, Action::AddressLose);
    write.audit(AuditEvent {
        target: loser.id.to_string(),
        reason: format!("through:{}", proof.name()),
        changes: vec![
            Change::from("email", email.to_string()),
            Change::to("email", loser.email.to_string()),
        ],
        ..event
    });
    tell(app, write, (email, &loser.email), proof).await?;
    Ok(true)
}

/// Tells whoever is reached at the address, which may be whoever made that account, too: they read how to get
/// back to it.
async fn tell(
    app: &App,
    write: &mut Write,
    (address, stand_in): (&Email, &Email),
    proof: Proof<'_>,
) -> Result<(), ApiError> {
    let provider = proof.name();
    if app.mailer.is_none() {
        // Whoever made that account asks an operator why their address does not sign them in any more.
        tracing::warn!(
            provider,
            now = stand_in.as_str(),
            "an account lost its address to whom a provider proves it of, and no e-mail tells it: whoever made it signs in with its password and what it is called now"
        );
        return Ok(());
    }
    let body = format!(
        "At Aeolus at {}:\n\nAn account had this address without anybody having shown that the address is theirs. \
         You have come by {provider}, which has shown that it is yours. You have it from now on, with an account of \
         your own.\n\nThe other account is there still, without the address. If it is yours as well, sign in to it \
         with its password and, in place of the address,\n\n    {stand_in}\n\nIf it is not yours, nothing is to be \
         done.\n\n--\nSent by Aeolus at {}, where you can sign in.\n",
        app.issuer, app.issuer
    );
    let now = app.clock.now();
    let message = OutgoingEmail {
        id: EmailId::new(&*app.clock, &*app.rng),
        recipient: address.clone(),
        subject: "Another account had your address".to_owned(),
        body,
        created_at: now,
        next_at: now,
        attempts: 0,
    };
    email::enqueue(app, write, &message).await?;
    Ok(())
}
