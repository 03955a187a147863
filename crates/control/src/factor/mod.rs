//! What people have beside their password: the code of an authenticator app (RFC 6238), and recovery codes
//! for when that is lost.

mod again;
mod change;
mod enroll;
mod offline;
mod page;
mod reset;
mod tries;

use aeolus_keys::digest;
use aeolus_keys::totp::{self, TotpSecret};
use aeolus_model::{Action, Actor, Amr, AuditEvent, Outcome, Rng, Secret, Session, UserId};
use aeolus_store::{Digest, StoreError, Unit, Write};

use crate::app::App;
use crate::ctx::RequestInfo;
use crate::email::{self, News};
use crate::error::ApiError;

pub(crate) use change::{codes_post, remove_post};
pub(crate) use enroll::{begin_post, confirm_post};
pub use offline::{FactorReset, reset_second_factor};
pub(crate) use page::factor_get;
pub(crate) use reset::{Words, allowed, reset, still_allowed};
pub(crate) use tries::KNOWN;
use tries::Trier;

const LABEL: &[u8] = b"recovery code";
/// Recovery codes that somebody has at first, each of so many random bytes.
const CODES: usize = 10;
const CODE_BYTES: usize = 10;
/// What these are in base32. No app shows so many digits.
const RECOVERY_LETTERS: usize = CODE_BYTES * 8 / 5;

/// What is said of a code that is not good.
pub(crate) const WRONG: &str =
    "The code is wrong or was used before. An app shows another one every 30 seconds.";

/// How a second factor was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Code,
    /// By a recovery code; so many are left.
    Recovery(u64),
}

/// Why one was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Wrong,
    /// Nothing was looked at: there were too many wrong ones. Seconds to wait.
    Wait(u64),
}

impl Proof {
    /// What a session says that begins with it and a password.
    pub(crate) fn amr(self) -> Amr {
        match self {
            Self::Code => Amr::password_and_code(),
            Self::Recovery(_) => Amr::password_and_recovery_code(),
        }
    }
}

/// What is said to somebody who has to wait.
pub(crate) fn waiting(seconds: u64) -> String {
    let minutes = seconds.div_ceil(60);
    format!(
        "There were too many wrong codes. Wait {minutes} min and try again, or take a recovery code."
    )
}

/// Whether a person has a second factor that counts.
pub(crate) async fn counts(unit: &mut impl Unit, user: UserId) -> Result<bool, StoreError> {
    let found = unit.second_factors().get(user).await?;
    Ok(found.is_some_and(|factor| factor.confirmed_at.is_some()))
}

/// Whether a session began without the second factor that its person has.
pub(crate) async fn is_missing(
    unit: &mut impl Unit,
    session: &Session,
) -> Result<bool, StoreError> {
    Ok(!session.amr.has_second_factor() && counts(unit, session.user).await?)
}

/// Takes a code or a recovery code, which is spent by it. The caller commits, also after a refusal: wrong
/// tries are counted, of each source.
pub(crate) async fn prove(
    app: &App,
    write: &mut Write,
    (user, source): (UserId, &str),
    typed: &Secret<String>,
) -> Result<Result<Proof, Refused>, ApiError> {
    let now = app.clock.now();
    let factor = write.second_factors().lock(user).await?;
    let Some(factor) = factor.filter(|factor| factor.confirmed_at.is_some()) else {
        return Ok(Err(Refused::Wrong));
    };
    let secret = app.master.open_totp(user, &factor.sealed);
    let secret = secret.map_err(ApiError::internal)?;
    let typed = normal(typed);
    if typed.expose().len() == RECOVERY_LETTERS {
        // Also during a wait: nobody guesses one, and so nobody keeps its owner out.
        if let Some(seconds) = tries::recovery_wait(write, (user, source), now).await? {
            return Ok(Err(Refused::Wait(seconds)));
        }
        let digest = digest_of(&secret, typed.expose());
        let mut factors = write.second_factors();
        if !factors.use_code(user, &digest).await? {
            return Ok(Err(Refused::Wrong));
        }
        factors.proved(user, source, now).await?;
        let left = factors.codes_left(user).await?;
        return Ok(Ok(Proof::Recovery(left)));
    }
    let trier = match Trier::admit(write, &factor, source, now).await? {
        Ok(trier) => trier,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(step) = secret.step_of(typed.expose(), now) else {
        trier.missed(write, now).await?;
        return Ok(Err(Refused::Wrong));
    };
    // One that was used is no guess: whoever sends a form twice has to wait for nothing.
    let mut factors = write.second_factors();
    if !factors.use_step(user, step).await? {
        return Ok(Err(Refused::Wrong));
    }
    factors.proved(user, source, now).await?;
    Ok(Ok(Proof::Code))
}

/// Notes in the audit log that a recovery code was used, and tells its owner; that there was a code is in the line of what it
/// was for.
pub(crate) async fn note(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (user, proof): (UserId, Proof),
) -> Result<(), StoreError> {
    if let Proof::Recovery(left) = proof {
        let event = info.event(app, Actor::User(user), Action::RecoveryCodeUse);
        write.audit(AuditEvent {
            target: user.to_string(),
            reason: format!("{left} left"),
            ..event
        });
        email::tell(app, write, user, News::CodeUsed).await?;
    }
    Ok(())
}

/// An audit line about somebody's own second factor.
fn line(app: &App, info: &RequestInfo, user: UserId, action: Action) -> AuditEvent {
    AuditEvent {
        target: user.to_string(),
        ..info.event(app, Actor::User(user), action)
    }
}

/// The same of something that was refused.
fn denied(
    app: &App,
    info: &RequestInfo,
    (user, action): (UserId, Action),
    why: &str,
) -> AuditEvent {
    AuditEvent {
        outcome: Outcome::Denied,
        reason: why.to_owned(),
        ..line(app, info, user, action)
    }
}

/// As people write codes: with spaces or lines between groups, in small letters.
fn normal(typed: &Secret<String>) -> Secret<String> {
    let letters = typed.expose().chars();
    let letters = letters.filter(|c| !c.is_whitespace() && *c != '-');
    Secret::new(letters.map(|c| c.to_ascii_uppercase()).take(64).collect())
}

/// How a recovery code is kept: under the app's secret, which is sealed, so that the database alone doesn't
/// tell which code it is.
fn digest_of(secret: &TotpSecret, code: &str) -> Digest {
    digest::hmac(secret.expose(), &[LABEL, code.as_bytes()])
}

/// Gives somebody new recovery codes, and says which.
async fn set_codes(app: &App, write: &mut Write, user: UserId) -> Result<Vec<String>, ApiError> {
    let factor = write.second_factors().get(user).await?;
    let factor = factor.ok_or(ApiError::NotFound("second factor"))?;
    let secret = app.master.open_totp(user, &factor.sealed);
    let secret = secret.map_err(ApiError::internal)?;
    let codes: Vec<String> = (0..CODES).map(|_| random_code(&*app.rng)).collect();
    let digests: Vec<Digest> = codes.iter().map(|code| digest_of(&secret, code)).collect();
    write.second_factors().set_codes(user, &digests).await?;
    Ok(codes.iter().map(|code| grouped(code)).collect())
}

fn random_code(rng: &dyn Rng) -> String {
    let mut bytes = [0; CODE_BYTES];
    rng.fill(&mut bytes);
    totp::base32(&bytes)
}

/// In groups of four, to be read and typed.
fn grouped(code: &str) -> String {
    let mut text = String::with_capacity(code.len() + code.len() / 4);
    for (at, letter) in code.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push(' ');
        }
        text.push(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_write_them() {
        let read = |text: &str| normal(&Secret::new(text.to_owned())).expose().clone();
        assert_eq!(read(" 123 456\n"), "123456");
        assert_eq!(read("abcd-efgh ijkl mnop"), "ABCDEFGHIJKLMNOP");
        assert_eq!(read(&"x".repeat(9999)).len(), 64);
        assert_eq!(grouped("ABCDEFGHIJKLMNOP"), "ABCD EFGH IJKL MNOP");
    }

    #[test]
    fn a_recovery_code_is_kept_under_its_persons_secret() {
        struct Fixed(u8);
        impl Rng for Fixed {
            fn fill(&self, buffer: &mut [u8]) {
                buffer.fill(self.0);
            }
        }
        assert_eq!(random_code(&Fixed(7)).len(), RECOVERY_LETTERS);
        let secret = |n| TotpSecret::generate(&Fixed(n));
        assert_eq!(digest_of(&secret(1), "X"), digest_of(&secret(1), "X"));
        assert_ne!(digest_of(&secret(1), "X"), digest_of(&secret(2), "X"));
        assert_ne!(digest_of(&secret(1), "X"), digest_of(&secret(1), "Y"));
    }
}
