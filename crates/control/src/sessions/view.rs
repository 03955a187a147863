//! A session as the API shows it.

use std::collections::BTreeMap;

use aeolus_api::session::{Session, SessionPlace};
use aeolus_model::{ConnectionId, Email, OrganizationId, Time, UserId};
use aeolus_store::{SessionRecord, StoreError, Unit};

use crate::ctx::Ctx;

/// Shows sessions, and asks for each name once.
pub(super) struct Viewer<'a> {
    ctx: &'a Ctx,
    /// The organization to whose people the answer goes: nothing of any other is in it.
    within: Option<OrganizationId>,
    people: BTreeMap<UserId, Email>,
    connections: BTreeMap<ConnectionId, String>,
    organizations: BTreeMap<OrganizationId, SessionPlace>,
}

impl<'a> Viewer<'a> {
    pub(super) const fn new(ctx: &'a Ctx, within: Option<OrganizationId>) -> Self {
        Self {
            ctx,
            within,
            people: BTreeMap::new(),
            connections: BTreeMap::new(),
            organizations: BTreeMap::new(),
        }
    }

    /// None if its person was removed meanwhile.
    pub(super) async fn view(
        &mut self,
        unit: &mut impl Unit,
        record: SessionRecord,
    ) -> Result<Option<Session>, StoreError> {
        let session = record.session;
        let Some(email) = self.email(unit, session.user).await? else {
            return Ok(None);
        };
        let (entered, seen) = if let Some(organization) = self.within {
            (vec![organization], record.last_seen_at)
        } else {
            let here = self.ctx.app.seen.of(session.id);
            let entered = unit.sessions().entered(session.id).await?;
            (entered, record.last_seen_at.max(here))
        };
        let mut organizations = Vec::new();
        for id in entered {
            organizations.extend(self.place(unit, id).await?);
        }
        Ok(Some(Session {
            id: session.id,
            user_id: session.user,
            email,
            connection: self.connection(unit, session.connection).await?,
            auth_time: session.auth_time.secs(),
            amr: session.amr.words().to_vec(),
            last_seen_at: seen.map(Time::secs),
            absolute_end: session.absolute_end.secs(),
            source: record.source.address,
            user_agent: record.source.user_agent,
            organizations,
            current: self.ctx.session_id() == Some(session.id),
        }))
    }

    async fn email(
        &mut self,
        unit: &mut impl Unit,
        id: UserId,
    ) -> Result<Option<Email>, StoreError> {
        if let Some(email) = self.people.get(&id) {
            return Ok(Some(email.clone()));
        }
        let user = unit.users().get(id).await?;
        Ok(user.map(|user| {
            self.people.insert(id, user.email.clone());
            user.email
        }))
    }

    /// Its name; the id of one that is gone.
    async fn connection(
        &mut self,
        unit: &mut impl Unit,
        id: ConnectionId,
    ) -> Result<String, StoreError> {
        if let Some(name) = self.connections.get(&id) {
            return Ok(name.clone());
        }
        let found = unit.connections().get(id).await?;
        let name = found.map_or_else(|| id.to_string(), |found| found.name.to_string());
        self.connections.insert(id, name.clone());
        Ok(name)
    }

    async fn place(
        &mut self,
        unit: &mut impl Unit,
        id: OrganizationId,
    ) -> Result<Option<SessionPlace>, StoreError> {
        if let Some(place) = self.organizations.get(&id) {
            return Ok(Some(place.clone()));
        }
        let found = unit.organizations().get(id).await?;
        Ok(found.map(|organization| {
            let place = SessionPlace {
                id,
                name: organization.name,
            };
            self.organizations.insert(id, place.clone());
            place
        }))
    }
}
