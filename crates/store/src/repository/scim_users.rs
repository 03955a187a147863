//! People as identity providers wrote them by SCIM (note 032). Every statement has the connection in it: what one
//! provider wrote is nobody else's.

use aeolus_model::{ConnectionId, Time, UserId};

use super::fits;
use crate::engine::{Fields, Row, bind};
use crate::unit::{Unit, Write};
use crate::{Step, StoreError};

macro_rules! columns {
    () => {
        "SELECT connection, id, user_name, name_key, external_id, tree, made, off, version,
        created_at, changed_at FROM scim_users "
    };
}

macro_rules! select {
    ($rest:literal) => {
        concat!(columns!(), "WHERE connection = $1 ", $rest)
    };
}

statements! {
    GET = select!("AND id = $2");
    BY_NAME = "SELECT id FROM scim_users WHERE connection = $1 AND name_key = $2 LIMIT $3";
    BY_EXTERNAL_ID = "SELECT id FROM scim_users WHERE connection = $1 AND external_id = $2 LIMIT $3";
    BY_EMAIL = "SELECT id FROM scim_emails WHERE connection = $1 AND email_key = $2 LIMIT $3";
    SOME = ids!(concat!(columns!(), "WHERE connection = $2 AND id IN (SELECT id FROM ids)"));
    WALK = select!("AND name_key > $2 ORDER BY name_key LIMIT $3");
    WALK_SIZES = "SELECT CAST(octet_length(tree) AS BIGINT) FROM scim_users
        WHERE connection = $1 AND name_key > $2 ORDER BY name_key LIMIT $3";
    SKIP = select!("ORDER BY name_key LIMIT $2 OFFSET $3");
    SKIP_SIZES = "SELECT CAST(octet_length(tree) AS BIGINT) FROM scim_users
        WHERE connection = $1 ORDER BY name_key LIMIT $2 OFFSET $3";
    COUNT = "SELECT COUNT(*) FROM scim_users WHERE connection = $1";
    OF_ACCOUNT = concat!(columns!(), "WHERE id = $1");
    TAKE_OVER = "UPDATE scim_users SET off = 0 WHERE id = $1";
    INSERT = "INSERT INTO scim_users (connection, id, user_name, name_key, external_id, tree, made,
        off, version, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9)";
    UPDATE = "UPDATE scim_users SET user_name = $3, name_key = $4, external_id = $5, tree = $6,
        off = $7, version = version + 1, changed_at = $8
        WHERE connection = $1 AND id = $2 AND version = $9";
    DELETE = "DELETE FROM scim_users WHERE connection = $1 AND id = $2 AND version = $3";
    ADD_EMAIL = "INSERT INTO scim_emails (connection, email_key, id) VALUES ($1, $2, $3)
        ON CONFLICT (connection, email_key, id) DO NOTHING";
    FORGET_EMAILS = "DELETE FROM scim_emails WHERE connection = $1 AND id = $2";
}

/// A person as a provider wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimUser {
    /// Whose word it is.
    pub connection: ConnectionId,
    /// The account, and what the provider knows them by.
    pub id: UserId,
    /// `userName`, as it was sent.
    pub user_name: String,
    /// The same as it is compared; unique in the connection.
    pub name_key: String,
    /// `externalId`. Not unique.
    pub external_id: Option<String>,
    /// The resource as JSON; the store doesn't look inside.
    pub tree: String,
    /// Whether the account was made for them: else it was there before.
    pub made: bool,
    /// Whether the provider has said that they may not sign in, and nothing else since.
    pub off: bool,
    /// Rises with every update; an update must name the one it saw. Ignored by `insert`.
    pub version: u64,
    /// Since when they are there.
    pub created_at: Time,
    /// When they last became others. Ignored by `insert`.
    pub changed_at: Time,
}

/// By what people are found without looking at all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimUserKey<'a> {
    /// The name as it is compared.
    Name(&'a str),
    /// `externalId`.
    ExternalId(&'a str),
    /// An e-mail address as it is compared.
    Email(&'a str),
}

/// People as providers wrote them.
#[derive(Debug)]
pub struct ScimUsers<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> ScimUsers<'_, U> {
    /// By id.
    pub async fn get(
        &mut self,
        connection: ConnectionId,
        id: UserId,
    ) -> Result<Option<ScimUser>, StoreError> {
        let row = self.0.tx().first(GET, bind![connection, id]).await?;
        row.as_ref().map(record).transpose()
    }

    /// Who has a key, at most so many: by their ids, because what a provider wrote of them may be large.
    pub async fn find(
        &mut self,
        connection: ConnectionId,
        key: ScimUserKey<'_>,
        limit: u32,
    ) -> Result<Vec<UserId>, StoreError> {
        let (sql, key) = match key {
            ScimUserKey::Name(name) => (BY_NAME, name),
            ScimUserKey::ExternalId(id) => (BY_EXTERNAL_ID, id),
            ScimUserKey::Email(email) => (BY_EMAIL, email),
        };
        let rows = self
            .0
            .tx()
            .fetch(sql, bind![connection, key, limit])
            .await?;
        rows.iter().map(Row::only).collect()
    }

    /// Those of these people, up to 500, whom the connection has, in the order of their names. They are ordered here, because
    /// SQLite would go through everybody in that order instead.
    pub async fn some(
        &mut self,
        connection: ConnectionId,
        ids: &[UserId],
    ) -> Result<Vec<ScimUser>, StoreError> {
        let ids: Vec<u8> = ids.iter().flat_map(|id| *id.as_bytes()).collect();
        let rows = self.0.tx().fetch(SOME, bind![ids, connection]).await?;
        let found: Result<Vec<_>, _> = rows.iter().map(record).collect();
        let mut found = found?;
        found.sort_by(|one, other| one.name_key.cmp(&other.name_key));
        Ok(found)
    }

    /// The next ones after a name, in the order of their names; none after the last.
    pub async fn walk(
        &mut self,
        connection: ConnectionId,
        after: &str,
        step: Step,
    ) -> Result<Vec<ScimUser>, StoreError> {
        let values = bind![connection, after, step.rows];
        let sizes = self.0.tx().fetch(WALK_SIZES, values).await?;
        let values = bind![connection, after, fits(step, &sizes)?];
        let rows = self.0.tx().fetch(WALK, values).await?;
        rows.iter().map(record).collect()
    }

    /// The next ones from a place on, in the order of their names; none behind the last.
    pub async fn skip(
        &mut self,
        connection: ConnectionId,
        offset: u64,
        step: Step,
    ) -> Result<Vec<ScimUser>, StoreError> {
        let values = bind![connection, step.rows, offset];
        let sizes = self.0.tx().fetch(SKIP_SIZES, values).await?;
        let values = bind![connection, fits(step, &sizes)?, offset];
        let rows = self.0.tx().fetch(SKIP, values).await?;
        rows.iter().map(record).collect()
    }

    /// How many a connection has.
    pub async fn count(&mut self, connection: ConnectionId) -> Result<u64, StoreError> {
        let row = self.0.tx().first(COUNT, bind![connection]).await?;
        row.map_or(Ok(0), |row| row.only())
    }

    /// What a provider wrote of an account, whichever it is: for our own side alone, never to answer a provider.
    pub async fn of_account(&mut self, user: UserId) -> Result<Option<ScimUser>, StoreError> {
        let row = self.0.tx().first(OF_ACCOUNT, bind![user]).await?;
        row.as_ref().map(record).transpose()
    }
}

impl ScimUsers<'_, Write> {
    /// Adds one: [`crate::Taken::ScimName`] if somebody else of the connection has the name, or the account is a
    /// provider's already.
    pub async fn insert(&mut self, new: &ScimUser, emails: &[String]) -> Result<(), StoreError> {
        let values = bind![
            new.connection,
            new.id,
            new.user_name,
            new.name_key,
            new.external_id,
            new.tree,
            i64::from(new.made),
            i64::from(new.off),
            new.created_at
        ];
        taken!(self.0.note(INSERT, values).await, ScimName)?;
        self.add_emails(new, emails).await
    }

    /// Stores a change; [`StoreError::Conflict`] if it isn't the version that was read.
    pub async fn update(
        &mut self,
        changed: &ScimUser,
        emails: &[String],
    ) -> Result<(), StoreError> {
        let values = bind![
            changed.connection,
            changed.id,
            changed.user_name,
            changed.name_key,
            changed.external_id,
            changed.tree,
            i64::from(changed.off),
            changed.changed_at,
            changed.version
        ];
        if taken!(self.0.note(UPDATE, values).await, ScimName)? == 0 {
            return Err(StoreError::Conflict);
        }
        let whose = bind![changed.connection, changed.id];
        self.0.note(FORGET_EMAILS, whose).await?;
        self.add_emails(changed, emails).await
    }

    async fn add_emails(&mut self, of: &ScimUser, emails: &[String]) -> Result<(), StoreError> {
        for email in emails {
            let values = bind![of.connection, email, of.id];
            self.0.note(ADD_EMAIL, values).await?;
        }
        Ok(())
    }

    /// An administrator has disabled the account: it is no more the provider who did, and who undoes it.
    pub async fn take_over(&mut self, user: UserId) -> Result<(), StoreError> {
        self.0.note(TAKE_OVER, bind![user]).await.map(|_| ())
    }

    /// Removes one; the account stays. [`StoreError::Conflict`] if it isn't the version that was read.
    pub async fn delete(&mut self, gone: &ScimUser) -> Result<(), StoreError> {
        let values = bind![gone.connection, gone.id, gone.version];
        match self.0.note(DELETE, values).await? {
            0 => Err(StoreError::Conflict),
            _ => Ok(()),
        }
    }
}

fn record(row: &Row) -> Result<ScimUser, StoreError> {
    let mut fields = row.fields();
    let flag = |fields: &mut Fields<'_>| fields.take::<i64>().map(|flag| flag != 0);
    Ok(ScimUser {
        connection: fields.take()?,
        id: fields.take()?,
        user_name: fields.take()?,
        name_key: fields.take()?,
        external_id: fields.maybe()?,
        tree: fields.take()?,
        made: flag(&mut fields)?,
        off: flag(&mut fields)?,
        version: fields.take()?,
        created_at: fields.take()?,
        changed_at: fields.take()?,
    })
}
