//! The stored sign-in, and keeping it fresh.
//!
//! A refresh token is good once, and commands run beside one another: a lock file lets one of them refresh
//! while the others wait and then read what it stored.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use aeolus_api::client::{Client, ClientError};
use aeolus_api::oauth::{CLI_CLIENT_ID, GRANT_REFRESH_TOKEN, TokenAnswer};
use aeolus_model::{Clock, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::time::Instant;

use crate::bearer::since;
use crate::config::Environment;
use crate::control_client::{connect, refused};
use crate::files;
use crate::report::{Failure, Report};

mod keychain;
mod place;

pub(crate) use self::keychain::{Keychain, KeychainError};
pub(crate) use self::place::Place;

/// The end of the year 9999, for what says no end.
const NEVER: i64 = 253_402_300_799;
/// Seconds before its end at which an access token is replaced.
const SOON: i64 = 60;
/// How long another command may take to refresh: longer than its call does.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A stored sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// Control's URL.
    pub(crate) url: String,
    /// The access token.
    pub(crate) access_token: String,
    /// Its `exp`, in seconds since the epoch.
    pub(crate) expires_at: i64,
    /// Good once, for the next access token.
    pub(crate) refresh_token: Option<String>,
    /// When the session ends whatever happens, in seconds since the epoch.
    pub(crate) session_ends_at: Option<i64>,
    /// Whether the token was made elsewhere: signing out forgets it, and leaves it as good as it is.
    pub(crate) given: bool,
}

impl Credentials {
    /// What the token endpoint at `url` answered.
    pub(crate) fn of(url: &str, answer: TokenAnswer, clock: &dyn Clock) -> Self {
        let life = i64::try_from(answer.expires_in).unwrap_or(i64::MAX);
        Self {
            url: url.to_owned(),
            access_token: answer.access_token,
            expires_at: clock.now().secs().saturating_add(life),
            refresh_token: answer.refresh_token,
            session_ends_at: answer.aeolus.map(|hint| hint.absolute_end),
            given: false,
        }
    }

    /// A token that was made elsewhere. When it ends is read out of it where it says so; control knows better.
    pub(crate) fn given(url: &str, token: &Secret<String>) -> Self {
        Self {
            url: url.to_owned(),
            access_token: token.expose().clone(),
            expires_at: end_of(token.expose()).unwrap_or(NEVER),
            refresh_token: None,
            session_ends_at: None,
            given: true,
        }
    }

    /// Stores a new sign-in. A command that refreshes the one before it at this moment doesn't get to
    /// write over it.
    pub(crate) async fn store(&self, place: &Place) -> Result<(), Failure> {
        let parent = place.path().parent();
        if let Some(parent) = parent.filter(|p| !p.as_os_str().is_empty()) {
            files::folder(parent)?;
        }
        let _lock = lock(place.path()).await?;
        place.write(self).await
    }

    /// Removes what is stored and returns it.
    pub(crate) async fn take(place: &Place) -> Result<Option<Self>, Failure> {
        if place.read().await?.is_none() {
            return Ok(None);
        }
        let _lock = lock(place.path()).await?;
        let stored = place.read().await?;
        place.remove().await?;
        Ok(stored)
    }

    /// The same sign-in with an access token that is good for a while, stored anew if it had to be
    /// refreshed. What can't be refreshed is left as it was.
    pub(crate) async fn fresh(
        self,
        place: &Place,
        (clock, environment): (&dyn Clock, &Environment),
    ) -> Result<Self, Failure> {
        if !self.is_due(clock) {
            return Ok(self);
        }
        if self.refresh_token.is_none() {
            return self.while_good(clock).map_err(|stored| stored.ended(clock));
        }
        // Also proof that the folder can be written to: a refresh token is not spent before.
        let _lock = lock(place.path()).await?;
        // Meanwhile another command may have refreshed, or somebody signed in or out.
        let stored = place.read().await?;
        let Some(stored) = stored.filter(|stored| stored.url == self.url) else {
            return Err(self.ended(clock));
        };
        if !stored.is_due(clock) {
            return Ok(stored);
        }
        let client = connect(&stored.url, environment)?;
        match stored.refreshed(&client, clock).await {
            Ok(fresh) => {
                place.rewrite(&fresh).await?;
                Ok(fresh)
            }
            Err(error) => match stored.while_good(clock) {
                Ok(stored) => Ok(stored),
                Err(stored) if is_over(&error) => Err(stored.ended(clock)),
                Err(_) => Err(refused(error)),
            },
        }
    }

    fn is_due(&self, clock: &dyn Clock) -> bool {
        self.expires_at.saturating_sub(SOON) <= clock.now().secs()
    }

    fn while_good(self, clock: &dyn Clock) -> Result<Self, Self> {
        if clock.now().secs() < self.expires_at {
            Ok(self)
        } else {
            Err(self)
        }
    }

    async fn refreshed(&self, client: &Client, clock: &dyn Clock) -> Result<Self, ClientError> {
        let token = self.refresh_token.as_deref().unwrap_or_default();
        let form = [
            ("grant_type", GRANT_REFRESH_TOKEN),
            ("refresh_token", token),
            ("client_id", CLI_CLIENT_ID),
        ];
        let answer = client.exchange(&form).await?;
        Ok(Self::of(&self.url, answer, clock))
    }

    /// Why this sign-in is no longer good, and since when.
    fn ended(&self, clock: &dyn Clock) -> Failure {
        let (url, now) = (&self.url, clock.now());
        let ended = |what: &str, end| {
            let what = format!("the {what} at {url} expired {}", since(end, now));
            Report::new("CLI-0004", what)
        };
        let report = match self.session_ends_at {
            Some(end) if end <= now.secs() => {
                ended("session", end).why("That is as long after the sign-in as sessions last.")
            }
            Some(end) => Report::new("CLI-0004", format!("the session at {url} has ended")).why(format!(
                "It would have lasted until {}: it was signed out, or its refresh token was used \
                 elsewhere, or the account is disabled.",
                aeolus_model::moment(end)
            )),
            None => ended("sign-in", self.expires_at),
        };
        report
            .help(format!("run `aeolus login --url {url}`"))
            .failed()
    }
}

/// `exp` of a token that is a JWT, unverified.
fn end_of(token: &str) -> Option<i64> {
    let claims = token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    claims.get("exp")?.as_i64()
}

fn is_over(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused(problem) if problem.code == "invalid_grant")
}

/// Locks what belongs to a file of credentials, until the value is dropped. The lock file stays: removing
/// it would let two commands each hold another one.
async fn lock(path: &Path) -> Result<File, Failure> {
    let path = path.with_extension("lock");
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path);
    let file = opened.map_err(|error| files::unwritable(&path, &error))?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Err(TryLockError::WouldBlock) => {
                let what = format!("another command holds {}", path.display());
                return Err(Report::new("CLI-0012", what)
                    .help("end the `aeolus` command that hangs, and try again")
                    .failed());
            }
            // A file system without locks: what control forgives for a few seconds has to do.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
}

#[cfg(test)]
mod tests;
