//! Who people are at identity providers.

use aeolus_model::{ConnectionId, IdentitySubject, PlaneId, Subject, Time, UserId};

use super::ManagedBy;
use crate::StoreError;
use crate::engine::{Fields, Row, bind};
use crate::unit::{Unit, Write};

/// The columns of an identity.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT connection, issuer, subject, user_id, linked_at, managed_by FROM identities ",
            $rest
        )
    };
}

statements! {
    FIND = select!("WHERE connection = $1 AND issuer = $2 AND subject = $3");
    OF_CONNECTION = "SELECT subject, user_id FROM identities
        WHERE connection = $1 AND issuer = $2 AND subject > $3 ORDER BY subject LIMIT $4";
    OF_USER = select!("WHERE user_id = $1 ORDER BY connection, issuer, subject");
    REACHING = concat!(
        "SELECT people.subject, connection, issuer, identities.subject, user_id, linked_at,
        managed_by FROM ",
        people!(),
        " LEFT JOIN identities ON user_id = people.subject
        ORDER BY people.subject, connection, issuer, identities.subject"
    );
    INSERT = "INSERT INTO identities (connection, issuer, subject, user_id, linked_at, managed_by)
        VALUES ($1, $2, $3, $4, $5, $6)";
    OUT = "UPDATE identities SET signed_out_at = $4
        WHERE connection = $1 AND issuer = $2 AND subject = $3";
    OUT_AT = "SELECT signed_out_at FROM identities WHERE connection = $1 AND user_id = $2
        AND signed_out_at IS NOT NULL ORDER BY signed_out_at DESC LIMIT 1";
    DELETE = "DELETE FROM identities WHERE connection = $1 AND issuer = $2 AND subject = $3
        RETURNING user_id";
}

/// That a person is a subject of an identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The connection.
    pub connection: ConnectionId,
    /// The issuer it was discovered under: a connection that is pointed elsewhere knows nobody yet.
    pub issuer: String,
    /// What names the person there for good.
    pub subject: IdentitySubject,
    /// Who that is here.
    pub user: UserId,
    /// Since when.
    pub linked_at: Time,
    /// Who looks after the link.
    pub managed_by: ManagedBy,
}

/// Who people are at identity providers.
#[derive(Debug)]
pub struct Identities<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Identities<'_, U> {
    /// Who a subject is.
    pub async fn find(
        &mut self,
        connection: ConnectionId,
        issuer: &str,
        subject: &IdentitySubject,
    ) -> Result<Option<Identity>, StoreError> {
        let values = bind![connection, issuer, subject];
        let row = self.0.tx().first(FIND, values).await?;
        row.as_ref().map(record).transpose()
    }

    /// Everybody whom a connection knows under an issuer.
    pub async fn of_connection(
        &mut self,
        connection: ConnectionId,
        issuer: &str,
    ) -> Result<Vec<(IdentitySubject, UserId)>, StoreError> {
        let key = |known: &(IdentitySubject, UserId)| bind![known.0];
        let known = |row: &Row| {
            let mut fields = row.fields();
            Ok((fields.take()?, fields.take()?))
        };
        let tx = self.0.tx();
        let values = bind![connection, issuer];
        tx.fetch_all(OF_CONNECTION, values, bind![""], (known, key))
            .await
    }

    /// Everywhere that a person is known.
    pub async fn of_user(&mut self, user: UserId) -> Result<Vec<Identity>, StoreError> {
        let rows = self.0.tx().fetch(OF_USER, bind![user]).await?;
        rows.iter().map(record).collect()
    }

    /// When a person was last said to have signed out at a connection's provider.
    pub async fn signed_out_at(
        &mut self,
        connection: ConnectionId,
        user: UserId,
    ) -> Result<Option<Time>, StoreError> {
        let row = self.0.tx().first(OUT_AT, bind![connection, user]).await?;
        row.map(|row| row.fields().take()).transpose()
    }

    /// The identities of everybody with a grant that reaches a deployment of the plane.
    pub async fn reaching(&mut self, plane: PlaneId) -> Result<Vec<Identity>, StoreError> {
        let key = |link: &(UserId, Option<Identity>)| bind![link.0];
        let first = bind![UserId::from_bytes([0; 16])];
        let tx = self.0.tx();
        let links = tx.fetch_all(REACHING, bind![plane], first, (link, key));
        Ok(links
            .await?
            .into_iter()
            .filter_map(|(_, one)| one)
            .collect())
    }
}

impl Identities<'_, Write> {
    /// Links a person. A subject is one person's: [`crate::Taken::Identity`] if it is linked already.
    pub async fn insert(&mut self, new: &Identity) -> Result<(), StoreError> {
        let Identity {
            connection,
            issuer,
            subject,
            user,
            linked_at,
            managed_by,
        } = new;
        let values = bind![connection, issuer, subject, user, linked_at, managed_by];
        let changed = self.0.change_of(Subject::User(*user), INSERT, values).await;
        taken!(changed, Identity).map(|_| ())
    }

    /// Notes that a person signed out at the provider. No snapshot says it.
    pub async fn signed_out(&mut self, who: &Identity, now: Time) -> Result<(), StoreError> {
        let Identity {
            connection,
            issuer,
            subject,
            ..
        } = who;
        let values = bind![connection, issuer, subject, now];
        self.0.note(OUT, values).await.map(|_| ())
    }

    /// Takes a link away. Gates refuse the person's tokens of that provider from then on.
    pub async fn delete(
        &mut self,
        connection: ConnectionId,
        issuer: &str,
        subject: &IdentitySubject,
    ) -> Result<bool, StoreError> {
        let values = bind![connection, issuer, subject];
        let Some(row) = self.0.tx().first(DELETE, values).await? else {
            return Ok(false);
        };
        self.0.has_changed(Subject::User(row.only()?));
        Ok(true)
    }
}

fn record(row: &Row) -> Result<Identity, StoreError> {
    let mut fields = row.fields();
    let connection = fields.take()?;
    rest(connection, &mut fields)
}

/// Whom a grant reaches, and one of their identities if they have any.
fn link(row: &Row) -> Result<(UserId, Option<Identity>), StoreError> {
    let mut fields = row.fields();
    let subject = fields.take()?;
    let connection = fields.maybe()?;
    let identity = connection.map(|id| rest(id, &mut fields)).transpose()?;
    Ok((subject, identity))
}

fn rest(connection: ConnectionId, fields: &mut Fields<'_>) -> Result<Identity, StoreError> {
    Ok(Identity {
        connection,
        issuer: fields.take()?,
        subject: fields.take()?,
        user: fields.take()?,
        linked_at: fields.take()?,
        managed_by: fields.take()?,
    })
}
