//! Control's signing keys.

use aeolus_model::{KeyId, Time};

use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

/// The columns of a key.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, kind, kid, public_jwk, sealed, created_at, stage, activated_at, retired_at
            FROM signing_keys ",
            $rest
        )
    };
}

statements! {
    GET = select!("WHERE id = $1");
    ACTIVE = select!("WHERE kind = $1 AND stage = 'active'");
    LIST = select!("ORDER BY kind, id");
    INSERT = "INSERT INTO signing_keys (id, kind, kid, public_jwk, sealed, created_at, stage,
        activated_at, retired_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    ACTIVATE = "UPDATE signing_keys SET stage = 'active', activated_at = $2
        WHERE id = $1 AND stage = 'announced'";
    RETIRE = "UPDATE signing_keys SET stage = 'retired', retired_at = $2
        WHERE id = $1 AND stage <> 'retired'";
    DELETE = "DELETE FROM signing_keys WHERE id = $1 AND stage = 'retired'";
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStage {
    /// Verifiers learn of it; it doesn't sign yet.
    Announced,
    /// It signs. There is at most one of a kind.
    Active {
        /// Since when.
        since: Time,
    },
    /// It no longer signs; what it signed is still accepted while the record is there.
    Retired {
        /// Since when.
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
    /// The envelope of the private part.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Time,
    /// Where it stands.
    pub stage: KeyStage,
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
}

impl Keys<'_, Write> {
    /// Adds one, at any stage. [`crate::Taken::ActiveKey`] if it is active beside another: two
    /// replicas of control that start at once make one key of a kind, and the other reads it.
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
        let (stage, activated_at, retired_at) = match *stage {
            KeyStage::Announced => ("announced", None, None),
            KeyStage::Active { since } => ("active", Some(since), None),
            KeyStage::Retired { since } => ("retired", None, Some(since)),
        };
        let mut values = bind![id, kind, kid, public_jwk, sealed, created_at];
        values.extend(bind![stage, activated_at, retired_at]);
        taken!(self.0.change(INSERT, values).await, ActiveKey).map(|_| ())
    }

    /// Lets an announced key sign, in the place of the active one of its kind if there is one.
    /// [`StoreError::Conflict`] if it isn't announced: another replica rotated.
    pub async fn activate(&mut self, key: &SigningKey, now: Time) -> Result<(), StoreError> {
        if let Some(active) = self.active(&key.kind).await? {
            self.0.change_one(RETIRE, bind![active.id, now]).await?;
        }
        let activated = self.0.change_one(ACTIVATE, bind![key.id, now]).await;
        taken!(activated, ActiveKey)
    }

    /// Ends signing; says whether it hadn't ended already.
    pub async fn retire(&mut self, id: KeyId, now: Time) -> Result<bool, StoreError> {
        Ok(self.0.change(RETIRE, bind![id, now]).await? > 0)
    }

    /// Removes a retired key: what it signed is refused from then on.
    pub async fn delete(&mut self, id: KeyId) -> Result<bool, StoreError> {
        Ok(self.0.change(DELETE, bind![id]).await? > 0)
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
        stage: {
            let stage: String = fields.take()?;
            match (stage.as_str(), fields.maybe()?, fields.maybe()?) {
                ("announced", None, None) => KeyStage::Announced,
                ("active", Some(since), None) => KeyStage::Active { since },
                ("retired", _, Some(since)) => KeyStage::Retired { since },
                _ => return Err(StoreError::Corrupt("a signing key's stage".to_owned())),
            }
        },
    })
}
