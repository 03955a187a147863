//! Invitations into organizations, kept by the digest of the value that is in their link.

use aeolus_model::{Email, InvitationId, OrganizationId, Resource, RoleName, Time, UserId};
use serde::{Deserialize, Serialize};

use super::{Digest, from_json, json};
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};
use crate::{Listing, Page, StoreError};

/// The columns of an invitation.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, organization, email, any_address, roles, note, invited_by, created_at,
            expires_at, used_at, used_by FROM invitations ",
            $rest
        )
    };
}

statements! {
    GET = select!("WHERE id = $1");
    BY_DIGEST = select!("WHERE digest = $1");
    LIST = select!("WHERE organization = $1 AND id > $2 ORDER BY id LIMIT $3");
    OPEN = "SELECT COUNT(*) FROM invitations
        WHERE organization = $1 AND used_at IS NULL AND expires_at > $2";
    INSERT = "INSERT INTO invitations (id, organization, digest, email, any_address, roles, note,
        invited_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    TAKE = "UPDATE invitations SET used_at = $2, used_by = $3
        WHERE id = $1 AND used_at IS NULL AND expires_at > $2";
    DELETE = "DELETE FROM invitations WHERE id = $1 AND used_at IS NULL";
    FORGET = "DELETE FROM invitations WHERE expires_at < $1";
    SENT_IN = "SELECT COUNT(*) FROM invitation_emails WHERE organization = $1 AND sent_at > $2";
    SENT_TO = "SELECT COUNT(*) FROM invitation_emails WHERE address = $1 AND sent_at > $2";
    SENT_FROM_TO = "SELECT COUNT(*) FROM invitation_emails
        WHERE address = $1 AND sent_at > $2 AND organization = $3";
    NOTE_SENT = "INSERT INTO invitation_emails (invitation, organization, address, sent_at)
        VALUES ($1, $2, $3, $4) ON CONFLICT (invitation) DO UPDATE SET sent_at = $4
        WHERE invitation_emails.sent_at <= $5";
    FORGET_SENT = "DELETE FROM invitation_emails WHERE sent_at < $1";
}

/// A role that somebody gets who takes an invitation up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitedRole {
    /// Which: of the organization's own, by its id.
    pub role: RoleName,
    /// Where.
    pub resource: Resource,
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationRecord {
    /// Its id.
    pub id: InvitationId,
    /// Into which organization.
    pub organization: OrganizationId,
    /// Who is meant.
    pub email: Email,
    /// Whether whoever has the link is meant as well, at whatever address.
    pub any_address: bool,
    /// What they get.
    pub roles: Vec<InvitedRole>,
    /// What they are told.
    pub note: String,
    /// Whose word it is.
    pub invited_by: UserId,
    /// Since when.
    pub created_at: Time,
    /// Until when.
    pub expires_at: Time,
    /// When somebody took it up, and who.
    pub used: Option<(Time, UserId)>,
}

impl InvitationRecord {
    /// Whether it can be taken up.
    pub fn is_open(&self, now: Time) -> bool {
        self.used.is_none() && self.expires_at > now
    }
}

/// How many invitations were sent by e-mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvitationsSent {
    /// Of an organization, to whomever.
    pub of_organization: u64,
    /// To an address, from wherever.
    pub to_address: u64,
    /// Of the organization to the address.
    pub of_it_to_address: u64,
}

/// Invitations.
#[derive(Debug)]
pub struct Invitations<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Invitations<'_, U> {
    /// By id.
    pub async fn get(&mut self, id: InvitationId) -> Result<Option<InvitationRecord>, StoreError> {
        let row = self.0.tx().first(GET, bind![id]).await?;
        row.as_ref().map(record).transpose()
    }

    /// By the digest of the value that is in the link.
    pub async fn by_digest(
        &mut self,
        digest: &Digest,
    ) -> Result<Option<InvitationRecord>, StoreError> {
        let row = self.0.tx().first(BY_DIGEST, bind![digest]).await?;
        row.as_ref().map(record).transpose()
    }

    /// Those of an organization, by age, whatever became of them.
    pub async fn list(
        &mut self,
        organization: OrganizationId,
        page: Page<InvitationId>,
    ) -> Result<Listing<InvitationRecord, InvitationId>, StoreError> {
        let after = page.after.unwrap_or(InvitationId::from_bytes([0; 16]));
        let values = bind![organization, after, page.fetch()];
        let rows = self.0.tx().fetch(LIST, values).await?;
        let items = rows.iter().map(record).collect::<Result<_, _>>()?;
        Ok(Listing::cut(items, &page, |record: &InvitationRecord| {
            record.id
        }))
    }

    /// How many of an organization can be taken up.
    pub async fn open(
        &mut self,
        organization: OrganizationId,
        now: Time,
    ) -> Result<u64, StoreError> {
        let row = self.0.tx().first(OPEN, bind![organization, now]).await?;
        row.map_or(Ok(0), |row| row.only())
    }
}

impl Invitations<'_, Write> {
    /// How many were sent by e-mail since a moment, whatever became of them; the address is its digest.
    pub async fn sent(
        &mut self,
        (organization, address): (OrganizationId, &Digest),
        since: Time,
    ) -> Result<InvitationsSent, StoreError> {
        let tx = self.0.tx();
        let of = tx.first(SENT_IN, bind![organization, since]).await?;
        let to = tx.first(SENT_TO, bind![address, since]).await?;
        let both = bind![address, since, organization];
        let both = tx.first(SENT_FROM_TO, both).await?;
        let count = |row: Option<Row>| row.map_or(Ok(0), |row| row.only());
        Ok(InvitationsSent {
            of_organization: count(of)?,
            to_address: count(to)?,
            of_it_to_address: count(both)?,
        })
    }

    /// Notes that one is sent, unless it was after `since` already; says whether it is.
    pub async fn note_sent(
        &mut self,
        (invitation, organization): (InvitationId, OrganizationId),
        address: &Digest,
        (at, since): (Time, Time),
    ) -> Result<bool, StoreError> {
        let values = bind![invitation, organization, address, at, since];
        Ok(self.0.note(NOTE_SENT, values).await? > 0)
    }

    /// Forgets what was sent before a moment.
    pub async fn forget_sent(&mut self, before: Time) -> Result<u64, StoreError> {
        self.0.note(FORGET_SENT, bind![before]).await
    }

    /// Keeps one.
    pub async fn insert(
        &mut self,
        new: &InvitationRecord,
        digest: &Digest,
    ) -> Result<(), StoreError> {
        let roles = json(&new.roles)?;
        let mut values = bind![
            new.id,
            new.organization,
            digest,
            new.email,
            i64::from(new.any_address)
        ];
        values.extend(bind![
            roles,
            new.note,
            new.invited_by,
            new.created_at,
            new.expires_at
        ]);
        taken!(self.0.note(INSERT, values).await, Record).map(|_| ())
    }

    /// Takes one up for somebody. Of any number who do so at once one counts; says whether it was this one.
    pub async fn take(
        &mut self,
        id: InvitationId,
        (now, user): (Time, UserId),
    ) -> Result<bool, StoreError> {
        Ok(self.0.note(TAKE, bind![id, now, user]).await? > 0)
    }

    /// Takes one back that nobody has taken up; says whether there was one.
    pub async fn delete(&mut self, id: InvitationId) -> Result<bool, StoreError> {
        Ok(self.0.note(DELETE, bind![id]).await? > 0)
    }

    /// Forgets those that ended before a moment.
    pub async fn forget(&mut self, ended_before: Time) -> Result<u64, StoreError> {
        self.0.note(FORGET, bind![ended_before]).await
    }
}

fn record(row: &Row) -> Result<InvitationRecord, StoreError> {
    let mut fields = row.fields();
    let (id, organization) = (fields.take()?, fields.take()?);
    let (email, any_address) = (fields.take()?, fields.take::<i64>()? != 0);
    let (roles, note): (String, String) = (fields.take()?, fields.take()?);
    let invited_by = fields.take()?;
    let (created_at, expires_at) = (fields.take()?, fields.take()?);
    let used_at: Option<Time> = fields.maybe()?;
    let used_by: Option<UserId> = fields.maybe()?;
    Ok(InvitationRecord {
        id,
        organization,
        email,
        any_address,
        roles: from_json(&roles)?,
        note,
        invited_by,
        created_at,
        expires_at,
        used: used_at.zip(used_by),
    })
}
