//! People's second factors, and sign-ins that wait for one.

use std::time::Duration;

use aeolus_model::{Time, UserId};

use super::Digest;
use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

statements! {
    GET = "SELECT user_id, secret, created_at, confirmed_at, last_step, failures, tried_at
        FROM second_factors WHERE user_id = $1";
    PAGE = "SELECT user_id, secret, created_at, confirmed_at, last_step, failures, tried_at
        FROM second_factors WHERE user_id > $1 ORDER BY user_id LIMIT $2";
    LEFT = "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1";
    BEGIN = "INSERT INTO second_factors
        (user_id, secret, created_at, last_step, failures, tried_at) VALUES ($1, $2, $3, 0, 0, $3)
        ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at
        WHERE second_factors.confirmed_at IS NULL";
    LOCK = "UPDATE second_factors SET failures = failures WHERE user_id = $1
        RETURNING user_id, secret, created_at, confirmed_at, last_step, failures, tried_at";
    TRIES = "SELECT failures, tried_at, proved_at FROM second_factor_tries
        WHERE user_id = $1 AND source = $2";
    MISSED = "INSERT INTO second_factor_tries (user_id, source, failures, tried_at)
        VALUES ($1, $2, 1, $3) ON CONFLICT (user_id, source) DO UPDATE SET
        failures = second_factor_tries.failures + 1, tried_at = excluded.tried_at";
    MISSED_BY_STRANGERS = "UPDATE second_factors SET
        failures = CASE WHEN tried_at > $3 THEN failures + 1 ELSE 1 END,
        tried_at = CASE WHEN tried_at > $3 THEN tried_at ELSE $2 END WHERE user_id = $1";
    PROVED = "INSERT INTO second_factor_tries (user_id, source, failures, tried_at, proved_at)
        VALUES ($1, $2, 0, $3, $3) ON CONFLICT (user_id, source) DO UPDATE SET
        failures = 0, tried_at = excluded.tried_at, proved_at = excluded.proved_at";
    FORGET_TRIES = "DELETE FROM second_factor_tries WHERE tried_at < $1";
    CONFIRM = "UPDATE second_factors SET confirmed_at = $3, last_step = $2, failures = 0
        WHERE user_id = $1 AND confirmed_at IS NULL AND last_step < $2";
    USE = "UPDATE second_factors SET last_step = $2
        WHERE user_id = $1 AND confirmed_at IS NOT NULL AND last_step < $2";
    RESEAL = "UPDATE second_factors SET secret = $2 WHERE user_id = $1 AND secret = $3";
    REMOVE = "DELETE FROM second_factors WHERE user_id = $1";
    DROP_CODES = "DELETE FROM recovery_codes WHERE user_id = $1";
    ADD_CODE = "INSERT INTO recovery_codes (user_id, digest) VALUES ($1, $2)";
    USE_CODE = "DELETE FROM recovery_codes WHERE user_id = $1 AND digest = $2";
    STEP = "SELECT user_id, begun_at FROM sign_in_steps WHERE digest = $1 AND begun_at > $2";
    BEGIN_STEP = "INSERT INTO sign_in_steps (digest, user_id, begun_at) VALUES ($1, $2, $3)";
    TAKE_STEP = "DELETE FROM sign_in_steps WHERE digest = $1";
    DROP_STEPS = "DELETE FROM sign_in_steps WHERE user_id = $1";
    FORGET_STEPS = "DELETE FROM sign_in_steps WHERE begun_at < $1";
}

/// More than fits is asked for again.
const AT_ONCE: u64 = 1_000;

/// What a person has beside their password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    /// Whose.
    pub user: UserId,
    /// The shared secret, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Time,
    /// Since when it counts.
    pub confirmed_at: Option<Time>,
    /// The step of the last code that was used: only a later one is good.
    pub last_step: i64,
    /// Wrong tries from sources that nobody has proved it from.
    pub failures: u64,
    /// Since when these are counted.
    pub counted_from: Time,
}

/// What was tried from one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    /// Wrong tries since the last right one.
    pub failures: u64,
    /// When the last one was.
    pub tried_at: Time,
    /// When the last right one was.
    pub proved_at: Option<Time>,
}

/// People's second factors.
#[derive(Debug)]
pub struct SecondFactors<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> SecondFactors<'_, U> {
    /// A person's, proved or not.
    pub async fn get(&mut self, user: UserId) -> Result<Option<SecondFactor>, StoreError> {
        let row = self.0.tx().first(GET, bind![user]).await?;
        row.as_ref().map(record).transpose()
    }

    /// How many recovery codes a person has left.
    pub async fn codes_left(&mut self, user: UserId) -> Result<u64, StoreError> {
        let row = self.0.tx().first(LEFT, bind![user]).await?;
        row.as_ref().map_or(Ok(0), Row::only)
    }

    /// What was tried for a person from a source.
    pub async fn tries(&mut self, user: UserId, source: &str) -> Result<Tries, StoreError> {
        let row = self.0.tx().first(TRIES, bind![user, source]).await?;
        let Some(row) = row else {
            return Ok(Tries {
                failures: 0,
                tried_at: Time::EPOCH,
                proved_at: None,
            });
        };
        let mut fields = row.fields();
        Ok(Tries {
            failures: fields.take()?,
            tried_at: fields.take()?,
            proved_at: fields.maybe()?,
        })
    }

    /// Who has signed in up to the code, within a time.
    pub async fn step(
        &mut self,
        digest: &Digest,
        (life, now): (Duration, Time),
    ) -> Result<Option<UserId>, StoreError> {
        let values = bind![digest, now.minus(life)];
        let row = self.0.tx().first(STEP, values).await?;
        row.map(|row| row.fields().take()).transpose()
    }
}

impl SecondFactors<'_, Write> {
    /// All, to be sealed anew.
    pub async fn list(&mut self) -> Result<Vec<SecondFactor>, StoreError> {
        let mut all: Vec<SecondFactor> = Vec::new();
        loop {
            let after = all.last().map_or(UserId::from_bytes([0; 16]), |f| f.user);
            let rows = self.0.tx().fetch(PAGE, bind![after, AT_ONCE]).await?;
            if rows.is_empty() {
                return Ok(all);
            }
            let page: Result<Vec<_>, _> = rows.iter().map(record).collect();
            all.extend(page?);
        }
    }

    /// Keeps a secret that nothing has proved yet, in place of another such; says whether there is none
    /// that counts already.
    pub async fn begin(
        &mut self,
        user: UserId,
        sealed: &[u8],
        at: Time,
    ) -> Result<bool, StoreError> {
        Ok(self.0.note(BEGIN, bind![user, sealed, at]).await? > 0)
    }

    /// A person's, which nobody else tries until this transaction ends.
    pub async fn lock(&mut self, user: UserId) -> Result<Option<SecondFactor>, StoreError> {
        let row = self.0.tx().first(LOCK, bind![user]).await?;
        row.as_ref().map(record).transpose()
    }

    /// Counts a wrong try from a source.
    pub async fn missed(&mut self, user: UserId, source: &str, at: Time) -> Result<(), StoreError> {
        let values = bind![user, source, at];
        self.0.note(MISSED, values).await.map(|_| ())
    }

    /// Counts a wrong try from a source that nobody has proved it from, with all such in a window.
    pub async fn missed_by_strangers(
        &mut self,
        user: UserId,
        (window, at): (Duration, Time),
    ) -> Result<(), StoreError> {
        let values = bind![user, at, at.minus(window)];
        self.0.note(MISSED_BY_STRANGERS, values).await.map(|_| ())
    }

    /// Notes that somebody proved it from a source.
    pub async fn proved(&mut self, user: UserId, source: &str, at: Time) -> Result<(), StoreError> {
        let values = bind![user, source, at];
        self.0.note(PROVED, values).await.map(|_| ())
    }

    /// Forgets sources from which nothing was tried since.
    pub async fn forget_tries(&mut self, tried_before: Time) -> Result<u64, StoreError> {
        self.0.note(FORGET_TRIES, bind![tried_before]).await
    }

    /// Lets a secret count whose code of a step was right; says whether it didn't before.
    pub async fn confirm(&mut self, user: UserId, step: i64, at: Time) -> Result<bool, StoreError> {
        Ok(self.0.note(CONFIRM, bind![user, step, at]).await? > 0)
    }

    /// Uses the code of a step. Of any number of uses at once one counts; says whether it was this one.
    pub async fn use_step(&mut self, user: UserId, step: i64) -> Result<bool, StoreError> {
        Ok(self.0.note(USE, bind![user, step]).await? > 0)
    }

    /// Uses up a recovery code. Of any number of uses at once one counts; says whether it was this one.
    pub async fn use_code(&mut self, user: UserId, digest: &Digest) -> Result<bool, StoreError> {
        Ok(self.0.note(USE_CODE, bind![user, digest]).await? > 0)
    }

    /// Gives a person other recovery codes.
    pub async fn set_codes(&mut self, user: UserId, digests: &[Digest]) -> Result<(), StoreError> {
        self.0.note(DROP_CODES, bind![user]).await?;
        for digest in digests {
            self.0.note(ADD_CODE, bind![user, digest]).await?;
        }
        Ok(())
    }

    /// Keeps the same secret sealed under another master key.
    pub async fn reseal(&mut self, factor: &SecondFactor, sealed: &[u8]) -> Result<(), StoreError> {
        let values = bind![factor.user, sealed, factor.sealed];
        match self.0.note(RESEAL, values).await? {
            0 => Err(StoreError::Conflict),
            _ => Ok(()),
        }
    }

    /// Forgets what a person has signed in to up to the code: their password has changed.
    pub async fn end_steps(&mut self, user: UserId) -> Result<(), StoreError> {
        self.0.note(DROP_STEPS, bind![user]).await.map(|_| ())
    }

    /// Takes a person's away with its recovery codes and what waits for it; says whether there was one.
    pub async fn remove(&mut self, user: UserId) -> Result<bool, StoreError> {
        self.end_steps(user).await?;
        Ok(self.0.note(REMOVE, bind![user]).await? > 0)
    }

    /// Keeps that somebody has signed in up to the code.
    pub async fn begin_step(
        &mut self,
        digest: &Digest,
        user: UserId,
        at: Time,
    ) -> Result<(), StoreError> {
        let values = bind![digest, user, at];
        self.0.note(BEGIN_STEP, values).await.map(|_| ())
    }

    /// Uses that up. Of any number of uses at once one counts; says whether it was this one.
    pub async fn take_step(&mut self, digest: &Digest) -> Result<bool, StoreError> {
        Ok(self.0.note(TAKE_STEP, bind![digest]).await? > 0)
    }

    /// Forgets those that were begun before.
    pub async fn forget_steps(&mut self, begun_before: Time) -> Result<u64, StoreError> {
        self.0.note(FORGET_STEPS, bind![begun_before]).await
    }
}

fn record(row: &Row) -> Result<SecondFactor, StoreError> {
    let mut fields = row.fields();
    Ok(SecondFactor {
        user: fields.take()?,
        sealed: fields.take()?,
        created_at: fields.take()?,
        confirmed_at: fields.maybe()?,
        last_step: fields.take()?,
        failures: fields.take()?,
        counted_from: fields.take()?,
    })
}
