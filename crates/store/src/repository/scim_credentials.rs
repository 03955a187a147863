//! With what identity providers provision: credentials of connections, each with the digests of its secrets.

use aeolus_model::{ConnectionId, ScimCredentialId, Time, UserId};

use super::Digest;
use crate::StoreError;
use crate::engine::{Row, bind, words};
use crate::unit::{Unit, Write};

statements! {
    BY_DIGEST = "SELECT c.id, c.connection, c.kind, c.name, c.created_by, c.created_at, c.rotated_at,
        c.last_used_at FROM scim_secrets s JOIN scim_credentials c ON c.id = s.credential
        WHERE s.digest = $1 AND (s.ends_at IS NULL OR s.ends_at > $2)";
    GET = "SELECT id, connection, kind, name, created_by, created_at, rotated_at, last_used_at
        FROM scim_credentials WHERE id = $1";
    BY_NAME = "SELECT id, connection, kind, name, created_by, created_at, rotated_at, last_used_at
        FROM scim_credentials WHERE connection = $1 AND name = $2";
    LIST = "SELECT id, connection, kind, name, created_by, created_at, rotated_at, last_used_at
        FROM scim_credentials WHERE connection = $1 ORDER BY id";
    SECRETS = "SELECT digest, credential, created_at, ends_at FROM scim_secrets
        WHERE credential = $1 ORDER BY created_at, digest";
    INSERT = "INSERT INTO scim_credentials (id, connection, kind, name, created_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    ADD = "INSERT INTO scim_secrets (digest, credential, created_at, ends_at)
        VALUES ($1, $2, $3, $4)";
    ROTATED = "UPDATE scim_credentials SET rotated_at = $2 WHERE id = $1";
    END_EARLIER = "UPDATE scim_secrets SET ends_at = $3, noticed_at = COALESCE(noticed_at, $4)
        WHERE credential = $1 AND digest <> $2 AND (ends_at IS NULL OR ends_at > $3)";
    DROP_ENDED = "DELETE FROM scim_secrets WHERE credential = $1 AND digest <> $2 AND ends_at <= $3";
    DELETE = "DELETE FROM scim_credentials WHERE id = $1";
    USED = "UPDATE scim_credentials SET last_used_at = $2
        WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    DUE = "SELECT s.digest, s.credential, s.created_at, s.ends_at, c.connection, c.name
        FROM scim_secrets s JOIN scim_credentials c ON c.id = s.credential
        WHERE s.noticed_at IS NULL AND s.ends_at > $1 AND s.ends_at <= $2 ORDER BY s.ends_at LIMIT 100";
    NOTICE = "UPDATE scim_secrets SET noticed_at = $2 WHERE digest = $1 AND noticed_at IS NULL";
}

/// How a credential is shown by who provisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimCredentialKind {
    /// As a bearer token.
    Bearer,
    /// As user and password (HTTP Basic).
    Basic,
    /// At the token endpoint, as `client_id` and `client_secret`.
    Client,
}

words!(ScimCredentialKind { Bearer = "bearer", Basic = "basic", Client = "client" });

/// A credential with which a provider provisions through one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimCredential {
    /// Its id.
    pub id: ScimCredentialId,
    /// The connection that it is for.
    pub connection: ConnectionId,
    /// How it is shown.
    pub kind: ScimCredentialKind,
    /// What people call it, unique in the connection.
    pub name: String,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: Time,
    /// When it last was given another secret.
    pub rotated_at: Option<Time>,
    /// When it was last seen used, to within a quarter of an hour.
    pub last_used_at: Option<Time>,
}

/// A secret of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimSecret {
    /// Its digest.
    pub digest: Digest,
    /// Whose it is.
    pub credential: ScimCredentialId,
    /// Since when it is good.
    pub created_at: Time,
    /// Until when; none: until it is ended.
    pub ends_at: Option<Time>,
}

/// A secret that ends soon, of which nobody was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimSecretDue {
    /// The secret.
    pub secret: ScimSecret,
    /// The connection.
    pub connection: ConnectionId,
    /// The credential's name.
    pub name: String,
}

/// Credentials of provisioning clients.
#[derive(Debug)]
pub struct ScimCredentials<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> ScimCredentials<'_, U> {
    /// The credential of which a secret with this digest is good at a moment.
    pub async fn by_digest(
        &mut self,
        digest: &Digest,
        now: Time,
    ) -> Result<Option<ScimCredential>, StoreError> {
        let row = self.0.tx().first(BY_DIGEST, bind![digest, now]).await?;
        row.as_ref().map(credential).transpose()
    }

    /// By id.
    pub async fn get(
        &mut self,
        id: ScimCredentialId,
    ) -> Result<Option<ScimCredential>, StoreError> {
        let row = self.0.tx().first(GET, bind![id]).await?;
        row.as_ref().map(credential).transpose()
    }

    /// By the name that it has in a connection.
    pub async fn by_name(
        &mut self,
        connection: ConnectionId,
        name: &str,
    ) -> Result<Option<ScimCredential>, StoreError> {
        let row = self.0.tx().first(BY_NAME, bind![connection, name]).await?;
        row.as_ref().map(credential).transpose()
    }

    /// All of a connection, the oldest first: there are few.
    pub async fn list(
        &mut self,
        connection: ConnectionId,
    ) -> Result<Vec<ScimCredential>, StoreError> {
        let rows = self.0.tx().fetch(LIST, bind![connection]).await?;
        rows.iter().map(credential).collect()
    }

    /// The secrets of a credential, also those that have ended, the oldest first.
    pub async fn secrets(&mut self, of: ScimCredentialId) -> Result<Vec<ScimSecret>, StoreError> {
        let rows = self.0.tx().fetch(SECRETS, bind![of]).await?;
        rows.iter().map(|row| secret(&mut row.fields())).collect()
    }

    /// Up to a hundred secrets that end between two moments, and of which nobody was told, the next first.
    pub async fn due(&mut self, now: Time, until: Time) -> Result<Vec<ScimSecretDue>, StoreError> {
        let rows = self.0.tx().fetch(DUE, bind![now, until]).await?;
        let due = |row: &Row| {
            let mut fields = row.fields();
            Ok(ScimSecretDue {
                secret: secret(&mut fields)?,
                connection: fields.take()?,
                name: fields.take()?,
            })
        };
        rows.iter().map(due).collect()
    }
}

impl ScimCredentials<'_, Write> {
    /// Keeps a credential with its first secret. A name that is taken in the connection is refused.
    pub async fn insert(
        &mut self,
        new: &ScimCredential,
        first: &ScimSecret,
    ) -> Result<(), StoreError> {
        let values = bind![
            new.id,
            new.connection,
            new.kind,
            new.name,
            new.created_by,
            new.created_at
        ];
        taken!(self.0.note(INSERT, values).await, Record)?;
        self.add(first).await
    }

    /// Begins a rotation: of two at once one comes after the other. Returns the secrets, the oldest first.
    pub async fn hold(
        &mut self,
        id: ScimCredentialId,
        now: Time,
    ) -> Result<Vec<ScimSecret>, StoreError> {
        match self.0.note(ROTATED, bind![id, now]).await? {
            0 => Err(StoreError::Conflict),
            _ => self.secrets(id).await,
        }
    }

    /// Gives a credential that is held another secret. Those from before end at a moment at the latest; what had
    /// ended is forgotten.
    pub async fn replace(
        &mut self,
        new: &ScimSecret,
        (now, earlier_end): (Time, Time),
    ) -> Result<(), StoreError> {
        let id = new.credential;
        self.0.note(DROP_ENDED, bind![id, new.digest, now]).await?;
        let values = bind![id, new.digest, earlier_end, now];
        self.0.note(END_EARLIER, values).await?;
        self.add(new).await
    }

    async fn add(&mut self, new: &ScimSecret) -> Result<(), StoreError> {
        let values = bind![new.digest, new.credential, new.created_at, new.ends_at];
        taken!(self.0.note(ADD, values).await, Record).map(|_| ())
    }

    /// Removes one with its secrets, which are good for nothing from then on.
    pub async fn delete(&mut self, id: ScimCredentialId) -> Result<bool, StoreError> {
        Ok(self.0.note(DELETE, bind![id]).await? > 0)
    }

    /// Notes that it was used.
    pub async fn used(&mut self, id: ScimCredentialId, at: Time) -> Result<(), StoreError> {
        self.0.note(USED, bind![id, at]).await.map(|_| ())
    }

    /// Takes it on to tell somebody that a secret ends. Says whether nobody else did.
    pub async fn notice(&mut self, digest: &Digest, now: Time) -> Result<bool, StoreError> {
        Ok(self.0.note(NOTICE, bind![digest, now]).await? > 0)
    }
}

fn credential(row: &Row) -> Result<ScimCredential, StoreError> {
    let mut fields = row.fields();
    Ok(ScimCredential {
        id: fields.take()?,
        connection: fields.take()?,
        kind: fields.take()?,
        name: fields.take()?,
        created_by: fields.take()?,
        created_at: fields.take()?,
        rotated_at: fields.maybe()?,
        last_used_at: fields.maybe()?,
    })
}

fn secret(fields: &mut crate::engine::Fields<'_>) -> Result<ScimSecret, StoreError> {
    Ok(ScimSecret {
        digest: fields.take()?,
        credential: fields.take()?,
        created_at: fields.take()?,
        ends_at: fields.maybe()?,
    })
}
