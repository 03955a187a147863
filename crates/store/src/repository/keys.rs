//! Control's signing keys, and who still needs one.

use std::time::Duration;

use aeolus_model::{KeyId, OrganizationId, Time};

use crate::StoreError;
use crate::engine::{Fields, Row, bind};
use crate::unit::{Unit, Write};

/// The columns of a key.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, kind, kid, public_jwk, sealed, created_at, stage, activated_at, retired_at,
            activates_at, certain_at FROM signing_keys ",
            $rest
        )
    };
}

statements! {
    GET = select!("WHERE id = $1");
    ACTIVE = select!("WHERE kind = $1 AND stage = 'active'");
    LIST = select!("ORDER BY kind, id");
    INSERT = "INSERT INTO signing_keys (id, kind, kid, public_jwk, sealed, created_at, stage,
        activated_at, retired_at, activates_at, certain_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    RESCHEDULE = "UPDATE signing_keys SET activates_at = $2, certain_at = $3
        WHERE id = $1 AND stage = 'announced'";
    ACTIVATE = "UPDATE signing_keys SET stage = 'active', activated_at = $2
        WHERE id = $1 AND stage = 'announced'";
    RETIRE = "UPDATE signing_keys SET stage = 'retired', retired_at = $2, sealed = $3
        WHERE id = $1 AND stage = 'active'";
    DELETE = "DELETE FROM signing_keys WHERE id = $1 AND stage <> 'active'";
    DROP_ACTIVE = "DELETE FROM signing_keys WHERE id = $1 AND stage = 'active'";
    DROP_ANNOUNCED = "DELETE FROM signing_keys WHERE kind = $1 AND stage = 'announced'";
    DROP_ALL = "DELETE FROM signing_keys WHERE kind = $1";
    CERTIFY = "UPDATE signing_keys SET public_jwk = $3 WHERE id = $1 AND public_jwk = $2";
    RESEAL = "UPDATE signing_keys SET sealed = $3 WHERE id = $1 AND sealed = $2";
    NEEDED_BY = "SELECT status_indexes.organization, COUNT(*),
        MAX(CASE WHEN status_indexes.ends_at < status_indexes.expires_at
            THEN status_indexes.ends_at ELSE status_indexes.expires_at END)
        FROM status_indexes JOIN tokens ON tokens.id = status_indexes.token
        WHERE tokens.kind = $1 AND tokens.deleted_at IS NULL
        AND status_indexes.issued_at >= $2 AND status_indexes.issued_at <= $3
        AND status_indexes.revoked_at IS NULL AND status_indexes.expires_at > $4
        AND (status_indexes.ends_at IS NULL OR status_indexes.ends_at > $4)
        GROUP BY status_indexes.organization ORDER BY status_indexes.organization";
    LIVE_SESSIONS = "SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL AND absolute_end > $1";
    LONGEST_HARD_STALE = "SELECT MAX(hard_stale) FROM deployments";
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStage {
    /// Verifiers learn of it; it doesn't sign yet. There is at most one of a kind.
    Announced {
        /// It signs from then on, if by then every plane knows it...
        from: Time,
        /// ...and from then on whatever planes say.
        certain: Time,
    },
    /// It signs. There is at most one of a kind.
    Active {
        /// Since when.
        since: Time,
    },
    /// It no longer signs; what it signed is still accepted while the record is there. Its private
    /// part is gone.
    Retired {
        /// Since when it had signed.
        signed_since: Time,
        /// Since when it doesn't.
        since: Time,
    },
}

/// A signing key, its private part sealed under the master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Its id.
    pub id: KeyId,
    /// The kind of token it signs: `access`, `api`, `manifest`, and so on.
    pub kind: String,
    /// Its thumbprint (RFC 7638); unique.
    pub kid: String,
    /// The public part as a JSON Web Key.
    pub public_jwk: String,
    /// The envelope of the private part; empty once it is retired.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Time,
    /// Where it stands.
    pub stage: KeyStage,
}

/// Values of an organization's API tokens that are good and were issued while some key signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyNeed {
    /// Whose.
    pub organization: OrganizationId,
    /// How many.
    pub values: u64,
    /// When the last of them ends.
    pub until: Time,
}

/// Control's signing keys.
#[derive(Debug)]
pub struct Keys<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Keys<'_, U> {
    /// By id.
    pub async fn get(&mut self, id: KeyId) -> Result<Option<SigningKey>, StoreError> {
        let row = self.0.tx().first(GET, bind![id]).await?;
        row.as_ref().map(record).transpose()
    }

    /// The one that signs tokens of a kind.
    pub async fn active(&mut self, kind: &str) -> Result<Option<SigningKey>, StoreError> {
        let row = self.0.tx().first(ACTIVE, bind![kind]).await?;
        row.as_ref().map(record).transpose()
    }

    /// All, by kind and age.
    pub async fn list(&mut self) -> Result<Vec<SigningKey>, StoreError> {
        let rows = self.0.tx().fetch(LIST, bind![]).await?;
        rows.iter().map(record).collect()
    }

    /// By organization, the good values of tokens of a kind (`standard`, `direct`) that were issued
    /// within a time, both ends included: those for which a key is needed that signed then.
    pub async fn needed_by(
        &mut self,
        token_kind: &str,
        (first, last): (Time, Time),
        now: Time,
    ) -> Result<Vec<KeyNeed>, StoreError> {
        let values = bind![token_kind, first, last, now];
        let rows = self.0.tx().fetch(NEEDED_BY, values).await?;
        rows.iter()
            .map(|row| {
                let mut fields = row.fields();
                Ok(KeyNeed {
                    organization: fields.take()?,
                    values: fields.take()?,
                    until: fields.take()?,
                })
            })
            .collect()
    }

    /// How many sessions are alive: each may have an access token.
    pub async fn live_sessions(&mut self, now: Time) -> Result<u64, StoreError> {
        let row = self.0.tx().first(LIVE_SESSIONS, bind![now]).await?;
        row.map_or(Ok(0), |row| row.only())
    }

    /// For how long a cut-off gate of any plane may go on serving; none without deployments.
    pub async fn longest_hard_stale(&mut self) -> Result<Option<Duration>, StoreError> {
        let row = self.0.tx().first(LONGEST_HARD_STALE, bind![]).await?;
        let secs: Option<u64> = row.map_or(Ok(None), |row| row.fields().maybe())?;
        Ok(secs.map(Duration::from_secs))
    }
}

impl Keys<'_, Write> {
    /// Adds one, announced or active. [`crate::Taken::ActiveKey`] if it is active beside another: two
    /// replicas of control that start at once make one key of a kind, and the other reads it.
    /// [`crate::Taken::AnnouncedKey`] if it is announced beside another.
    pub async fn insert(&mut self, new: &SigningKey) -> Result<(), StoreError> {
        let SigningKey {
            id,
            kind,
            kid,
            public_jwk,
            sealed,
            created_at,
            stage,
        } = new;
        let mut values = bind![id, kind, kid, public_jwk, sealed, created_at];
        let none: Option<Time> = None;
        values.extend(match *stage {
            KeyStage::Announced { from, certain } => {
                bind!["announced", none, none, from, certain]
            }
            KeyStage::Active { since } => bind!["active", since, none, none, none],
            KeyStage::Retired {
                signed_since,
                since,
            } => bind!["retired", signed_since, since, none, none],
        });
        let inserted = self.0.change(INSERT, values).await.map(|_| ());
        match stage {
            KeyStage::Announced { .. } => taken!(inserted, AnnouncedKey),
            _ => taken!(inserted, ActiveKey),
        }
    }

    /// Gives an announced key other dates. [`StoreError::Conflict`] if it isn't announced any more.
    pub async fn reschedule(
        &mut self,
        id: KeyId,
        (from, certain): (Time, Time),
    ) -> Result<(), StoreError> {
        let values = bind![id, from, certain];
        self.0.change_one(RESCHEDULE, values).await
    }

    /// Lets an announced key sign, in the place of the active one of its kind if there is one, whose
    /// private part is forgotten. [`StoreError::Conflict`] if it isn't announced: another replica
    /// rotated.
    pub async fn activate(&mut self, key: &SigningKey, now: Time) -> Result<(), StoreError> {
        if let Some(active) = self.active(&key.kind).await? {
            let values = bind![active.id, now, Vec::<u8>::new()];
            self.0.change_one(RETIRE, values).await?;
        }
        let activated = self.0.change_one(ACTIVATE, bind![key.id, now]).await;
        taken!(activated, ActiveKey)
    }

    /// Removes the active key and any announced one of its kind, and lets a new one sign in their
    /// place. [`StoreError::Conflict`] if it isn't active any more: another replica rotated.
    pub async fn replace(
        &mut self,
        compromised: KeyId,
        new: &SigningKey,
    ) -> Result<(), StoreError> {
        self.0.change_one(DROP_ACTIVE, bind![compromised]).await?;
        self.0.change(DROP_ANNOUNCED, bind![new.kind]).await?;
        self.insert(new).await
    }

    /// Removes all keys of a kind, retired ones too, and lets a new one sign in their place.
    pub async fn regenerate(&mut self, new: &SigningKey) -> Result<(), StoreError> {
        self.0.change(DROP_ALL, bind![new.kind]).await?;
        self.insert(new).await
    }

    /// Removes a key that doesn't sign: what it has signed is refused from then on.
    pub async fn delete(&mut self, id: KeyId) -> Result<bool, StoreError> {
        Ok(self.0.change(DELETE, bind![id]).await? > 0)
    }

    /// Puts another JSON Web Key of the same key, such as one with a certificate, in the place of the one that was
    /// read. False if it is another by now.
    pub async fn certify(&mut self, key: &SigningKey, jwk: &str) -> Result<bool, StoreError> {
        let values = bind![key.id, key.public_jwk, jwk];
        Ok(self.0.change(CERTIFY, values).await? > 0)
    }

    /// Puts a private part into another envelope. [`StoreError::Conflict`] if the envelope is not the
    /// one that was read.
    pub async fn reseal(&mut self, key: &SigningKey, sealed: &[u8]) -> Result<(), StoreError> {
        let values = bind![key.id, key.sealed, sealed];
        match self.0.note(RESEAL, values).await? {
            0 => Err(StoreError::Conflict),
            _ => Ok(()),
        }
    }
}

fn record(row: &Row) -> Result<SigningKey, StoreError> {
    let mut fields = row.fields();
    Ok(SigningKey {
        id: fields.take()?,
        kind: fields.take()?,
        kid: fields.take()?,
        public_jwk: fields.take()?,
        sealed: fields.take()?,
        created_at: fields.take()?,
        stage: stage(&mut fields)?,
    })
}

fn stage(fields: &mut Fields<'_>) -> Result<KeyStage, StoreError> {
    let stage: String = fields.take()?;
    let (activated, retired) = (fields.maybe()?, fields.maybe()?);
    match (stage.as_str(), activated, retired) {
        ("announced", None, None) => Ok(KeyStage::Announced {
            from: fields.take()?,
            certain: fields.take()?,
        }),
        ("active", Some(since), None) => Ok(KeyStage::Active { since }),
        ("retired", Some(signed_since), Some(since)) => Ok(KeyStage::Retired {
            signed_since,
            since,
        }),
        _ => Err(StoreError::Corrupt("a signing key's stage".to_owned())),
    }
}
