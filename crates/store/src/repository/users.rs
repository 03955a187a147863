//! People.

use aeolus_model::{Email, PlaneId, Secret, Subject, Time, UserId};

use super::{ManagedBy, grants};
use crate::engine::{Fields, Row, bind};
use crate::unit::{Unit, Write};
use crate::{Listing, Page, StoreError};

/// The columns of a user. Who waits for an address is shown with it.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, COALESCE((SELECT waiting.email FROM waiting_addresses waiting
            WHERE waiting.user_id = users.id), email), name, password_hash, disabled_at, created_at,
            managed_by, revision FROM users ",
            $rest
        )
    };
}

statements! {
    GET = select!("WHERE id = $1");
    BY_EMAIL = select!("WHERE email = $1");
    LIST = select!("WHERE id > $1 ORDER BY id LIMIT $2");
    REACHING = concat!(
        "SELECT people.subject, id, COALESCE((SELECT waiting.email FROM waiting_addresses waiting
        WHERE waiting.user_id = users.id), email), name, password_hash, disabled_at, created_at,
        managed_by, revision FROM ",
        people!(),
        " LEFT JOIN users ON users.id = people.subject AND disabled_at IS NULL
        ORDER BY people.subject"
    );
    INSERT = "INSERT INTO users
        (id, email, name, password_hash, disabled_at, created_at, managed_by, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 1)";
    UPDATE = "UPDATE users SET email = CASE WHEN EXISTS (SELECT 1 FROM waiting_addresses waiting
        WHERE waiting.user_id = $6 AND waiting.email = $1) THEN email ELSE $1 END, name = $2, password_hash = $3, disabled_at = $4,
        managed_by = $5, revision = revision + 1 WHERE id = $6 AND revision = $7";
    IS_UNPROVED = "SELECT 1 FROM unproved_addresses WHERE user_id = $1";
    UNPROVED = "INSERT INTO unproved_addresses (user_id) VALUES ($1)
        ON CONFLICT (user_id) DO NOTHING";
    PROVED = "DELETE FROM unproved_addresses WHERE user_id = $1";
    HOLD = "UPDATE users SET revision = revision WHERE id = $1";
    DELETE = "DELETE FROM users WHERE id = $1";
}

/// A person.
#[derive(Clone, Debug)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// How to reach them; unique but for one who waits for it (`WaitingAddresses`).
    pub email: Email,
    /// How to call them.
    pub name: String,
    /// The password's hash in PHC form, for those who sign in with one here.
    pub password_hash: Option<Secret<String>>,
    /// Since when they may not sign in.
    pub disabled_at: Option<Time>,
    /// Since when they are known.
    pub created_at: Time,
    /// Who looks after the record.
    pub managed_by: ManagedBy,
    /// Rises with every update; an update must name the one it saw. Ignored by `insert`.
    pub revision: u64,
}

/// People.
#[derive(Debug)]
pub struct Users<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Users<'_, U> {
    /// By id.
    pub async fn get(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        let row = self.0.tx().first(GET, bind![id]).await?;
        row.as_ref().map(record).transpose()
    }

    /// Who has an e-mail address, not who waits for it.
    pub async fn by_email(&mut self, email: &Email) -> Result<Option<User>, StoreError> {
        let row = self.0.tx().first(BY_EMAIL, bind![email]).await?;
        row.as_ref().map(record).transpose()
    }

    /// All, by age.
    pub async fn list(&mut self, page: Page<UserId>) -> Result<Listing<User, UserId>, StoreError> {
        let after = page.after.unwrap_or(UserId::from_bytes([0; 16]));
        let rows = self.0.tx().fetch(LIST, bind![after, page.fetch()]).await?;
        let items = rows.iter().map(record).collect::<Result<_, _>>()?;
        Ok(Listing::cut(items, &page, |record| record.id))
    }

    /// Whether nobody has proved that the address is the person's.
    pub async fn has_unproved_address(&mut self, id: UserId) -> Result<bool, StoreError> {
        Ok(self.0.tx().first(IS_UNPROVED, bind![id]).await?.is_some())
    }

    /// Everybody (but the disabled) with a grant that reaches a deployment of the plane, of their
    /// own or through a team.
    pub async fn reaching(&mut self, plane: PlaneId) -> Result<Vec<User>, StoreError> {
        let key = |person: &(UserId, Option<User>)| bind![person.0];
        let first = bind![UserId::from_bytes([0; 16])];
        let tx = self.0.tx();
        let people = tx.fetch_all(REACHING, bind![plane], first, (person, key));
        Ok(people
            .await?
            .into_iter()
            .filter_map(|(_, user)| user)
            .collect())
    }
}

impl Users<'_, Write> {
    /// Adds one.
    pub async fn insert(&mut self, new: &User) -> Result<(), StoreError> {
        let password_hash = new.password_hash.as_ref().map(|hash| hash.expose().clone());
        let User {
            id,
            email,
            name,
            disabled_at,
            created_at,
            managed_by,
            ..
        } = new;
        let values = bind![
            id,
            email,
            name,
            password_hash,
            disabled_at,
            created_at,
            managed_by
        ];
        let changed = self.0.change_of(Subject::User(*id), INSERT, values).await;
        taken!(changed, User).map(|_| ())
    }

    /// Stores a change; [`StoreError::Conflict`] if it isn't the revision that was read.
    pub async fn update(&mut self, changed: &User) -> Result<(), StoreError> {
        let password_hash = changed
            .password_hash
            .as_ref()
            .map(|hash| hash.expose().clone());
        let User {
            id,
            email,
            name,
            disabled_at,
            managed_by,
            revision,
            ..
        } = changed;
        let values = bind![
            email,
            name,
            password_hash,
            disabled_at,
            managed_by,
            id,
            revision
        ];
        let whose = Subject::User(*id);
        taken!(self.0.change_one_of(whose, UPDATE, values).await, User)
    }

    /// Notes whether somebody has proved that the address is the person's. Of others it is taken as proved.
    pub async fn set_proved(&mut self, id: UserId, proved: bool) -> Result<(), StoreError> {
        let statement = if proved { PROVED } else { UNPROVED };
        self.0.note(statement, bind![id]).await.map(|_| ())
    }

    /// Waits for others who change a person, until this transaction ends.
    pub async fn hold(&mut self, id: UserId) -> Result<(), StoreError> {
        self.0.note(HOLD, bind![id]).await.map(|_| ())
    }

    /// Removes a person with their grants, memberships and sessions. Gates refuse a subject that
    /// they no longer know.
    pub async fn delete(&mut self, id: UserId) -> Result<bool, StoreError> {
        let whose = Subject::User(id);
        grants::delete_of(self.0, whose).await?;
        Ok(self.0.change_of(whose, DELETE, bind![id]).await? > 0)
    }
}

fn record(row: &Row) -> Result<User, StoreError> {
    let mut fields = row.fields();
    let id = fields.take()?;
    rest(id, &mut fields)
}

/// Whom a grant reaches, and the record if they may sign in.
fn person(row: &Row) -> Result<(UserId, Option<User>), StoreError> {
    let mut fields = row.fields();
    let subject = fields.take()?;
    let id = fields.maybe()?;
    let user = id.map(|id| rest(id, &mut fields)).transpose()?;
    Ok((subject, user))
}

fn rest(id: UserId, fields: &mut Fields<'_>) -> Result<User, StoreError> {
    Ok(User {
        id,
        email: fields.take()?,
        name: fields.take()?,
        password_hash: fields.maybe::<String>()?.map(Secret::new),
        disabled_at: fields.maybe()?,
        created_at: fields.take()?,
        managed_by: fields.take()?,
        revision: fields.take()?,
    })
}
