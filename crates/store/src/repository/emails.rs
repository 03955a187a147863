//! E-mails on their way out: what somebody is to be told, the messages made of it, and who sends each.

use aeolus_model::{Email, EmailId, Time, UserId};

use crate::StoreError;
use crate::engine::{Fields, Row, bind};
use crate::unit::{Unit, Write};

/// The columns of a message.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, recipient, subject, body, created_at, next_at, attempts FROM emails ",
            $rest
        )
    };
}

statements! {
    NOTE = "INSERT INTO email_notices (id, recipient, at, content) VALUES ($1, $2, $3, $4)";
    NOTES = "SELECT COUNT(*) FROM email_notices";
    RIPE = "SELECT recipient FROM email_notices GROUP BY recipient HAVING MIN(at) <= $1
        ORDER BY MIN(at) LIMIT $2";
    COLLECT = "DELETE FROM email_notices WHERE recipient = $1 RETURNING id, content";
    INSERT = "INSERT INTO emails (id, recipient, subject, body, created_at, next_at, attempts)
        VALUES ($1, $2, $3, $4, $5, $6, 0)";
    COUNT = "SELECT COUNT(*) FROM emails";
    DUE = select!("WHERE next_at <= $1 ORDER BY next_at, id LIMIT $2");
    CLAIM = "UPDATE emails SET next_at = $3, attempts = attempts + 1
        WHERE id = $1 AND attempts = $2 AND next_at <= $4";
    DELETE = "DELETE FROM emails WHERE id = $1";
    FORGET = "DELETE FROM emails WHERE created_at < $1";
    FORGET_NOTES = "DELETE FROM email_notices WHERE at < $1";
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingEmail {
    /// Its id; its `Message-ID` follows from it.
    pub id: EmailId,
    /// To whom.
    pub recipient: Email,
    /// What it is about.
    pub subject: String,
    /// What it says. No secret is ever in it.
    pub body: String,
    /// Since when it waits.
    pub created_at: Time,
    /// When it is to be sent, or sent again.
    pub next_at: Time,
    /// How often that was begun.
    pub attempts: u32,
}

/// E-mails on their way out.
#[derive(Debug)]
pub struct Emails<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Emails<'_, U> {
    /// Those to be sent by a moment, the most urgent first.
    pub async fn due(&mut self, now: Time, most: u32) -> Result<Vec<OutgoingEmail>, StoreError> {
        let rows = self.0.tx().fetch(DUE, bind![now, most]).await?;
        rows.iter().map(|row| record(&mut row.fields())).collect()
    }

    /// How many wait.
    pub async fn waiting(&mut self) -> Result<u64, StoreError> {
        count(self.0.tx().first(COUNT, Vec::new()).await?.as_ref())
    }

    /// Those who are to be told something that was noted by a moment, the oldest first.
    pub async fn ripe(&mut self, by: Time, most: u32) -> Result<Vec<UserId>, StoreError> {
        let rows = self.0.tx().fetch(RIPE, bind![by, most]).await?;
        rows.iter().map(Row::only).collect()
    }

    /// How many things people are to be told.
    pub async fn noted(&mut self) -> Result<u64, StoreError> {
        count(self.0.tx().first(NOTES, Vec::new()).await?.as_ref())
    }
}

impl Emails<'_, Write> {
    /// Notes something that a person is to be told.
    pub async fn note(
        &mut self,
        (id, recipient): (EmailId, UserId),
        content: &str,
        at: Time,
    ) -> Result<(), StoreError> {
        let values = bind![id, recipient, at, content];
        self.0.note(NOTE, values).await.map(|_| ())
    }

    /// Takes all that a person is to be told, in the order in which it was noted. Of any number of takers
    /// at once one gets it.
    pub async fn collect(&mut self, recipient: UserId) -> Result<Vec<String>, StoreError> {
        let rows = self.0.tx().fetch(COLLECT, bind![recipient]).await?;
        let read = |row: &Row| -> Result<(EmailId, String), StoreError> {
            let mut fields = row.fields();
            Ok((fields.take()?, fields.take()?))
        };
        let mut all: Vec<_> = rows.iter().map(read).collect::<Result<_, _>>()?;
        all.sort_unstable();
        Ok(all.into_iter().map(|(_, content)| content).collect())
    }

    /// Keeps a message until it is sent.
    pub async fn insert(&mut self, new: &OutgoingEmail) -> Result<(), StoreError> {
        let mut values = bind![new.id, new.recipient, new.subject, new.body];
        values.extend(bind![new.created_at, new.next_at]);
        self.0.note(INSERT, values).await.map(|_| ())
    }

    /// Takes a message as it was read, until a moment by which it has been sent. Of any number of takers at
    /// once one gets it.
    pub async fn claim(
        &mut self,
        email: &OutgoingEmail,
        now: Time,
        until: Time,
    ) -> Result<bool, StoreError> {
        let values = bind![email.id, email.attempts, until, now];
        Ok(self.0.note(CLAIM, values).await? > 0)
    }

    /// Forgets what has waited since before a moment.
    pub async fn forget(&mut self, before: Time) -> Result<(), StoreError> {
        self.0.note(FORGET, bind![before]).await?;
        self.0.note(FORGET_NOTES, bind![before]).await.map(|_| ())
    }

    /// Forgets a message that was sent or given up.
    pub async fn delete(&mut self, id: EmailId) -> Result<bool, StoreError> {
        Ok(self.0.note(DELETE, bind![id]).await? > 0)
    }
}

fn count(row: Option<&Row>) -> Result<u64, StoreError> {
    row.map_or(Ok(0), Row::only)
}

fn record(fields: &mut Fields<'_>) -> Result<OutgoingEmail, StoreError> {
    Ok(OutgoingEmail {
        id: fields.take()?,
        recipient: fields.take()?,
        subject: fields.take()?,
        body: fields.take()?,
        created_at: fields.take()?,
        next_at: fields.take()?,
        attempts: fields.take()?,
    })
}
