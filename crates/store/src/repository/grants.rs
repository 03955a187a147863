//! Who has which role where.

use aeolus_model::{
    CustomRole, Grant, GrantId, GrantedRole, OrganizationId, PlaneId, Resource, Role, RoleId,
    Subject, UserId,
};

use super::ManagedBy;
use crate::engine::{Fields, Row, bind};
use crate::unit::{Unit, Write};
use crate::{Listing, Page, StoreError};

/// The columns of a grant.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, subject_kind, subject, role, resource_kind, resource, organization,
            managed_by,
            (SELECT roles.name FROM roles WHERE roles.id = grants.custom_role),
            (SELECT roles.permissions FROM roles WHERE roles.id = grants.custom_role)
            FROM grants ",
            $rest
        )
    };
}

statements! {
    GET = select!("WHERE id = $1");
    OF_SUBJECT = select!("WHERE subject_kind = $1 AND subject = $2 ORDER BY id");
    OF_USER = select!("WHERE (subject_kind = 'user' AND subject = $1) OR (subject_kind = 'team'
        AND subject IN (SELECT team FROM team_members WHERE member = $1)) ORDER BY id");
    ON_RESOURCE = select!("WHERE resource_kind = $1 AND resource = $2 ORDER BY id");
    OF_ROLE = select!("WHERE custom_role = $1 ORDER BY id");
    LIST = select!("WHERE organization = $1 AND id > $2 ORDER BY id LIMIT $3");
    HAS = "SELECT 1 FROM grants WHERE subject_kind = $1 AND subject = $2 AND role = $3
        AND resource_kind = $4 AND resource = $5";
    HOLDERS = "SELECT subject_kind, subject FROM grants
        WHERE resource_kind = $1 AND resource = $2 AND role = $3";
    PEOPLE = "SELECT DISTINCT subject FROM grants
        WHERE organization = $1 AND subject_kind = 'user' AND subject > $2 ORDER BY subject LIMIT $3";
    COUNT_OF_ROLE = "SELECT COUNT(*) FROM grants WHERE custom_role = $1";
    REACHING = concat!(
        select!("WHERE id > $2 AND "),
        reaches!(),
        " ORDER BY id LIMIT $3"
    );
    REACHING_OF = concat!(
        select!("WHERE subject_kind = $2 AND subject = $3 AND "),
        reaches!(),
        " ORDER BY id"
    );
    INSERT = "INSERT INTO grants (id, organization, subject_kind, subject, role, resource_kind,
        resource, managed_by, custom_role) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    DELETE = "DELETE FROM grants WHERE id = $1 RETURNING subject_kind, subject";
    MOVE = "UPDATE grants SET subject = $2, managed_by = $3
        WHERE subject_kind = 'user' AND subject = $1 AND NOT EXISTS (SELECT 1 FROM grants held
            WHERE held.subject_kind = 'user' AND held.subject = $2 AND held.role = grants.role
            AND held.resource_kind = grants.resource_kind AND held.resource = grants.resource)
        RETURNING id";
    LOCK_SYSTEM = "INSERT INTO settings (name, value) VALUES ('administrators', 'locked')
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    DELETE_OF = "DELETE FROM grants WHERE subject_kind = $1 AND subject = $2";
    DELETE_ON = "DELETE FROM grants WHERE resource_kind = $1 AND resource = $2";
}

/// A grant with what the store knows beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRecord {
    /// The grant.
    pub grant: Grant,
    /// The organization its resource is in; none for the system.
    pub organization: Option<OrganizationId>,
    /// Who looks after it.
    pub managed_by: ManagedBy,
}

/// Grants.
#[derive(Debug)]
pub struct GrantRepository<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> GrantRepository<'_, U> {
    /// By id.
    pub async fn get(&mut self, id: GrantId) -> Result<Option<GrantRecord>, StoreError> {
        let row = self.0.tx().first(GET, bind![id]).await?;
        row.as_ref().map(record).transpose()
    }

    /// What a subject was given itself.
    pub async fn of(&mut self, subject: Subject) -> Result<Vec<GrantRecord>, StoreError> {
        let (kind, id) = subject_columns(subject);
        let rows = self.0.tx().fetch(OF_SUBJECT, bind![kind, id]).await?;
        rows.iter().map(record).collect()
    }

    /// What a person holds, also through teams.
    pub async fn effective(&mut self, user: UserId) -> Result<Vec<GrantRecord>, StoreError> {
        let rows = self.0.tx().fetch(OF_USER, bind![user]).await?;
        rows.iter().map(record).collect()
    }

    /// What is given exactly on a resource.
    pub async fn on(&mut self, resource: Resource) -> Result<Vec<GrantRecord>, StoreError> {
        let (kind, id) = resource_columns(resource);
        let rows = self.0.tx().fetch(ON_RESOURCE, bind![kind, id]).await?;
        rows.iter().map(record).collect()
    }

    /// Who has a role that an organization made for itself, and where.
    pub async fn of_role(&mut self, role: RoleId) -> Result<Vec<GrantRecord>, StoreError> {
        let rows = self.0.tx().fetch(OF_ROLE, bind![role]).await?;
        rows.iter().map(record).collect()
    }

    /// Whether a subject was given a role itself, exactly on a resource.
    pub async fn has(
        &mut self,
        whose: Subject,
        role: &GrantedRole,
        resource: Resource,
    ) -> Result<bool, StoreError> {
        let ((kind, id), (at, place)) = (subject_columns(whose), resource_columns(resource));
        let values = bind![kind, id, role_column(role), at, place];
        Ok(self.0.tx().first(HAS, values).await?.is_some())
    }

    /// How often a role that an organization made for itself is given.
    pub async fn count_of_role(&mut self, role: RoleId) -> Result<u64, StoreError> {
        let row = self.0.tx().first(COUNT_OF_ROLE, bind![role]).await?;
        row.map_or(Ok(0), |row| row.fields().take())
    }

    /// Who was given a built-in role exactly on a resource.
    pub async fn holders(
        &mut self,
        resource: Resource,
        role: Role,
    ) -> Result<Vec<Subject>, StoreError> {
        let (kind, id) = resource_columns(resource);
        let values = bind![kind, id, role.name()];
        let rows = self.0.tx().fetch(HOLDERS, values).await?;
        rows.iter().map(|row| subject(&mut row.fields())).collect()
    }

    /// What is given anywhere in an organization, by age.
    pub async fn list(
        &mut self,
        organization: OrganizationId,
        page: Page<GrantId>,
    ) -> Result<Listing<GrantRecord, GrantId>, StoreError> {
        let after = page.after.unwrap_or(GrantId::from_bytes([0; 16]));
        let values = bind![organization, after, page.fetch()];
        let rows = self.0.tx().fetch(LIST, values).await?;
        let items = rows.iter().map(record).collect::<Result<_, _>>()?;
        Ok(Listing::cut(items, &page, |record: &GrantRecord| {
            record.grant.id
        }))
    }

    /// The people who were given something themselves anywhere in an organization.
    pub async fn people(
        &mut self,
        organization: OrganizationId,
        page: Page<UserId>,
    ) -> Result<Listing<UserId, UserId>, StoreError> {
        let after = page.after.unwrap_or(UserId::from_bytes([0; 16]));
        let values = bind![organization, after, page.fetch()];
        let rows = self.0.tx().fetch(PEOPLE, values).await?;
        let items = rows.iter().map(|row| row.fields().take());
        let items = items.collect::<Result<_, _>>()?;
        Ok(Listing::cut(items, &page, |id: &UserId| *id))
    }

    /// What of a subject's own reaches a deployment of the plane.
    pub async fn reaching_of(
        &mut self,
        plane: PlaneId,
        whose: Subject,
    ) -> Result<Vec<GrantRecord>, StoreError> {
        let (kind, id) = subject_columns(whose);
        let rows = self
            .0
            .tx()
            .fetch(REACHING_OF, bind![plane, kind, id])
            .await?;
        rows.iter().map(record).collect()
    }

    /// What reaches a deployment of the plane, from the deployment up to the system.
    pub async fn reaching(&mut self, plane: PlaneId) -> Result<Vec<GrantRecord>, StoreError> {
        let key = |record: &GrantRecord| bind![record.grant.id];
        let first = bind![GrantId::from_bytes([0; 16])];
        self.0
            .tx()
            .fetch_all(REACHING, bind![plane], first, (record, key))
            .await
    }
}

impl GrantRepository<'_, Write> {
    /// Waits for everybody else who may take an administrator away from the installation, until this
    /// transaction ends: two who are the last could each rely on the other.
    pub async fn lock_system(&mut self) -> Result<(), StoreError> {
        self.0.note(LOCK_SYSTEM, bind![]).await.map(|_| ())
    }

    /// Gives a grant.
    pub async fn insert(&mut self, new: &GrantRecord) -> Result<(), StoreError> {
        let GrantRecord {
            grant,
            organization,
            managed_by,
        } = new;
        let (subject_kind, subject) = subject_columns(grant.subject);
        let (resource_kind, resource) = resource_columns(grant.resource);
        let custom = grant.role.id();
        let role = role_column(&grant.role);
        let mut values = bind![grant.id, organization, subject_kind, subject, role];
        values.extend(bind![resource_kind, resource, managed_by, custom]);
        let changed = self.0.change_of(grant.subject, INSERT, values).await;
        taken!(changed, Grant).map(|_| ())
    }

    /// Gives what a person was given themselves to another one, but for what that one has; says what it was. The
    /// grants keep their ids: whoever takes one back at the same time takes it from whoever has it.
    pub async fn move_all(
        &mut self,
        (from, to): (UserId, UserId),
        managed_by: ManagedBy,
    ) -> Result<Vec<GrantRecord>, StoreError> {
        let rows = self.0.tx().fetch(MOVE, bind![from, to, managed_by]).await;
        let rows = taken!(rows, Grant)?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids = rows.iter().map(Row::only);
        let ids: Vec<GrantId> = ids.collect::<Result<_, _>>()?;
        self.0.has_changed(Subject::User(from));
        self.0.has_changed(Subject::User(to));
        let mut held = self.of(Subject::User(to)).await?;
        held.retain(|record| ids.contains(&record.grant.id));
        Ok(held)
    }

    /// Takes a grant back.
    pub async fn delete(&mut self, id: GrantId) -> Result<bool, StoreError> {
        let row = self.0.tx().first(DELETE, bind![id]).await?;
        let Some(row) = row else {
            return Ok(false);
        };
        let whose = subject(&mut row.fields())?;
        self.0.has_changed(whose);
        Ok(true)
    }
}

/// Takes back everything a subject holds.
pub(super) async fn delete_of(unit: &mut Write, whose: Subject) -> Result<(), StoreError> {
    let (kind, id) = subject_columns(whose);
    let deleted = unit.change_of(whose, DELETE_OF, bind![kind, id]).await;
    deleted.map(|_| ())
}

/// Takes back everything that is given on a resource.
pub(super) async fn delete_on(unit: &mut Write, kind: &str, id: &[u8]) -> Result<(), StoreError> {
    unit.change(DELETE_ON, bind![kind, id]).await.map(|_| ())
}

/// How the column `role` names one.
fn role_column(role: &GrantedRole) -> String {
    match role {
        GrantedRole::BuiltIn(role) => role.name().to_owned(),
        GrantedRole::Custom(role) => role.id.to_string(),
    }
}

pub(super) fn subject_columns(subject: Subject) -> (&'static str, Vec<u8>) {
    match subject {
        Subject::User(id) => ("user", id.as_bytes().to_vec()),
        Subject::Team(id) => ("team", id.as_bytes().to_vec()),
        Subject::Token(id) => ("token", id.as_bytes().to_vec()),
    }
}

pub(super) fn subject(fields: &mut Fields<'_>) -> Result<Subject, StoreError> {
    match fields.take::<String>()?.as_str() {
        "user" => fields.take().map(Subject::User),
        "team" => fields.take().map(Subject::Team),
        "token" => fields.take().map(Subject::Token),
        other => Err(StoreError::Corrupt(format!(
            "{other:?} is no kind of subject"
        ))),
    }
}

pub(super) fn resource_columns(resource: Resource) -> (&'static str, Vec<u8>) {
    match resource {
        Resource::System => ("system", Vec::new()),
        Resource::Organization(id) => ("organization", id.as_bytes().to_vec()),
        Resource::Workspace(id) => ("workspace", id.as_bytes().to_vec()),
        Resource::Deployment(id) => ("deployment", id.as_bytes().to_vec()),
    }
}

pub(super) fn resource(fields: &mut Fields<'_>) -> Result<Resource, StoreError> {
    match fields.take::<String>()?.as_str() {
        "system" => fields.take::<Vec<u8>>().map(|_| Resource::System),
        "organization" => fields.take().map(Resource::Organization),
        "workspace" => fields.take().map(Resource::Workspace),
        "deployment" => fields.take().map(Resource::Deployment),
        other => Err(StoreError::Corrupt(format!(
            "{other:?} is no kind of resource"
        ))),
    }
}

fn record(row: &Row) -> Result<GrantRecord, StoreError> {
    let mut fields = row.fields();
    let (id, subject) = (fields.take()?, subject(&mut fields)?);
    let named: String = fields.take()?;
    let resource = resource(&mut fields)?;
    let (organization, managed_by) = (fields.maybe()?, fields.take()?);
    let custom = fields.maybe()?.zip(fields.maybe()?);
    let role = match custom {
        None => named.parse().ok().map(GrantedRole::BuiltIn),
        Some((name, permissions)) => named.parse().ok().map(|id| {
            GrantedRole::Custom(CustomRole {
                id,
                name,
                permissions,
            })
        }),
    };
    let role = role.ok_or_else(|| StoreError::Corrupt(format!("{named:?} is no role")))?;
    Ok(GrantRecord {
        grant: Grant {
            id,
            subject,
            role,
            resource,
        },
        organization,
        managed_by,
    })
}
